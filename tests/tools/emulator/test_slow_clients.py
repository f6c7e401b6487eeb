"""Clients that send slowly, half, too much or something else: they never keep a function from others."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from shared.core import server
from tools.emulator.functions import Function

THREADS = 5
HELD = 3 * THREADS
QUICK = 2.0  # seconds, on a busy machine
SECRET = "webhook-secret-of-tests"
PATHS = {
    "telegram": "/assistant",
    "payments": "/stripe",
    "generations": "/kie_ai",
    "scheduled": "/sweep",
    "console": "/",
}
REFUSED = dict.fromkeys(PATHS, 401) | {"console": 405}
ENV = {
    "THREADS": str(THREADS),
    "DATABASE_URL": "postgresql://unused@127.0.0.1:1/none",
    "BOT_TOKENS": json.dumps({"assistant": f"123456:{'A' * 35}"}),
    "TELEGRAM_WEBHOOK_SECRET": SECRET,
    "USER_HASH_KEY": "a-key-of-at-least-32-characters-for-tests",
    "SCHEDULER_SECRET": "the-secret-of-the-jobs",
    "KIE_AI_WEBHOOK_SECRET": "the-secret-of-kie-ai",
    "STRIPE_SECRET_KEY": "sk_test_not_a_real_key",
    "STRIPE_WEBHOOK_SECRET": "whsec_not_a_real_secret",
}
IGNORED = b'{"update_id": 1, "something_new": {}}'  # Telegram's, and answered without a database


@pytest.fixture(scope="module")
def functions() -> Iterator[dict[str, Function]]:
    started = {name: Function(name, f"functions/{name}/main.py", ENV) for name in PATHS}
    for function in started.values():
        function.start()
    yield started
    for function in started.values():
        function.stop()


@pytest.fixture
def telegram(functions: dict[str, Function]) -> Function:
    return functions["telegram"]


@pytest.fixture
def payments(functions: dict[str, Function]) -> Function:
    return functions["payments"]


@pytest.fixture
def connect() -> Iterator[Callable[[Function], socket.socket]]:
    with ExitStack() as stack:
        yield lambda function: stack.enter_context(
            socket.create_connection(("127.0.0.1", function.port), timeout=15)
        )


def post(path: str, *headers: str, body: bytes = b"", length: int | None = None) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", *headers]
    if length != -1:
        lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def authentic(*headers: str, body: bytes = IGNORED, length: int | None = None) -> bytes:
    return post(
        "/assistant", f"X-Telegram-Bot-Api-Secret-Token: {SECRET}", *headers, body=body, length=length
    )


def dump_rows(connection: socket.socket) -> bytes:
    """What the function sends until it closes the connection."""
    received = b""
    try:
        while data := connection.recv(65_536):
            received += data
    except ConnectionResetError:
        pass
    return received


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


def answers_quickly(function: Function) -> None:
    started = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", function.port, timeout=10)
    connection.request("POST", PATHS[function.name], b"{}")
    assert connection.getresponse().status == REFUSED[function.name]
    connection.close()
    assert time.monotonic() - started < QUICK


def beginnings(path: str) -> dict[str, bytes]:
    proof = f"X-Telegram-Bot-Api-Secret-Token: {SECRET}"
    return {
        "nothing": b"",
        "half a request line": b"POST /assis",
        "half headers": f"POST {path} HTTP/1.1\r\nHost: x\r\nX-A: ".encode(),
        "headers alone": post(path, length=1000),
        "half a body": post(path, body=b"{", length=1000),
        "half a body with proof": post(path, proof, body=b"{", length=1000),
        "half a chunk": post(path, proof, "Transfer-Encoding: chunked", body=b"64\r\nabc", length=-1),
        "chunks without an end": post(
            path, proof, "Transfer-Encoding: chunked", body=b"1\r\na\r\n", length=-1
        ),
        "a body that is waited for": post(path, proof, "Expect: 100-continue", length=1000),
        "an upgrade": post(path, proof, "Connection: Upgrade", "Upgrade: h2c", body=b"{", length=1000),
    }


@pytest.mark.parametrize("what", beginnings(""))
@pytest.mark.parametrize("name", PATHS)
def test_half_sent_requests_hold_no_thread(
    name: str, what: str, functions: dict[str, Function], connect: Callable[[Function], socket.socket]
) -> None:
    function = functions[name]
    for _ in range(HELD):
        connect(function).sendall(beginnings(PATHS[name])[what])
    time.sleep(0.1)
    answers_quickly(function)


def test_a_byte_at_a_time_holds_no_thread(
    payments: Function, connect: Callable[[Function], socket.socket]
) -> None:
    held = [connect(payments) for _ in range(HELD)]
    for byte in post("/stripe", length=100):
        for connection in held:
            connection.send(bytes([byte]))
    answers_quickly(payments)


def test_a_request_has_a_deadline(payments: Function, connect: Callable[[Function], socket.socket]) -> None:
    """Each kind of unfinished request, all at once: the deadline is waited for once."""
    unfinished = {post("/stripe", body=b"{", length=1000): 408,
                  b"POST /stripe HTTP/1.1\r\nHost: x\r\nX-A: ": 408, b"": 0}  # fmt: skip
    started = time.monotonic()
    held = []
    for sent, answered in unfinished.items():
        held.append((connect(payments), answered))
        held[-1][0].sendall(sent)
    for connection, answered in held:
        assert status(dump_rows(connection)) == answered
        assert server.RECEIVE_SECONDS - 1 < time.monotonic() - started < server.RECEIVE_SECONDS + 5


@pytest.mark.parametrize(("name", "path", "answered"), [
    ("telegram", "/assistant", 401), ("scheduled", "/sweep", 401), ("payments", "/unknown", 404),
    ("generations", "/unknown", 404), ("console", "/", 405),
])  # fmt: skip
def test_a_caller_without_proof_is_refused_before_its_body_arrives(
    name: str,
    path: str,
    answered: int,
    functions: dict[str, Function],
    connect: Callable[[Function], socket.socket],
) -> None:
    connection = connect(functions[name])
    started = time.monotonic()
    connection.sendall(post(path, body=b"{", length=100_000))
    answer = dump_rows(connection)
    assert status(answer) == answered
    assert b"\r\nConnection: close\r\n" in answer
    assert time.monotonic() - started < QUICK + server.LINGER_SECONDS


def test_the_body_of_a_refused_request_is_not_taken_for_the_next_request(
    telegram: Function, connect: Callable[[Function], socket.socket]
) -> None:
    connection = connect(telegram)
    hidden = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    connection.sendall(post("/assistant", length=len(hidden)))
    time.sleep(0.3)
    connection.sendall(hidden)
    answer = dump_rows(connection)
    assert status(answer) == 401
    assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("request_", [
    authentic(),
    authentic(body=b" " * 200_000 + IGNORED),
    authentic("Transfer-Encoding: chunked", body=b"25\r\n" + IGNORED + b"\r\n0\r\n\r\n", length=-1),
    authentic("Transfer-Encoding: chunked", body=b"25\r\n" + IGNORED + b"\r\n0\r\nA: b\r\n\r\n", length=-1),
])  # fmt: skip
@pytest.mark.parametrize("size", [1, 7, 1000, 1_000_000])
def test_a_request_in_pieces_is_understood(
    request_: bytes, size: int, telegram: Function, connect: Callable[[Function], socket.socket]
) -> None:
    connection = connect(telegram)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    size = max(size, len(request_) // 400)
    for start in range(0, len(request_), size):
        connection.sendall(request_[start : start + size])
        time.sleep(0.001)
    assert status(connection.recv(1000)) == 200


def test_a_connection_serves_one_request_after_the_other(telegram: Function) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", telegram.port, timeout=10)
    for _ in range(5):
        connection.request("POST", "/assistant", IGNORED, {"X-Telegram-Bot-Api-Secret-Token": SECRET})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
        assert not answer.will_close
        used = connection.sock
    assert connection.sock is used
    connection.close()


def test_a_refusal_says_that_the_connection_ends(functions: dict[str, Function]) -> None:
    """http.client sends headers and body apart, and reconnects when a response closes the connection."""
    for name, function in functions.items():
        connection = http.client.HTTPConnection("127.0.0.1", function.port, timeout=10)
        for _ in range(20):
            connection.request("POST", PATHS[name], b"{}")
            answer = connection.getresponse()
            answer.read()
            assert answer.status == REFUSED[name]
        connection.close()


def test_expect_100_continue_is_answered(
    telegram: Function, connect: Callable[[Function], socket.socket]
) -> None:
    connection = connect(telegram)
    connection.sendall(authentic("Expect: 100-continue", "Connection: close", body=b"", length=len(IGNORED)))
    assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
    connection.sendall(IGNORED)
    assert b"HTTP/1.1 200 " in dump_rows(connection)


def test_two_requests_at_once_are_never_mixed_up(
    telegram: Function, connect: Callable[[Function], socket.socket]
) -> None:
    connection = connect(telegram)
    connection.sendall(authentic() + authentic(body=b"{", length=500))
    answer = dump_rows(connection)
    assert status(answer) == 200
    assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("name", ["telegram", "payments", "generations"])
def test_an_incomplete_body_is_refused_without_an_alarm(
    name: str, functions: dict[str, Function], connect: Callable[[Function], socket.socket]
) -> None:
    function = functions[name]
    printed = function.printed
    proof = f"X-Telegram-Bot-Api-Secret-Token: {SECRET}"
    for request in (
        post(PATHS[name], proof, body=IGNORED, length=1000),
        post(PATHS[name], proof, "Transfer-Encoding: chunked", body=b"zz\r\n\r\n", length=-1),
        post(PATHS[name], proof, "Transfer-Encoding: chunked", body=b"25\r\n{", length=-1),
    ):
        connection = connect(function)
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        assert status(dump_rows(connection)) == 400
    text = "\n".join(function.lines_after(printed))
    assert "ALERT" not in text
    assert '"ERROR"' not in text


def test_a_long_body_is_not_read_to_its_end(
    payments: Function, connect: Callable[[Function], socket.socket]
) -> None:
    connection = connect(payments)
    connection.sendall(post("/stripe", length=50_000_000))
    try:
        for _ in range(50):
            connection.sendall(b" " * 1_000_000)
    except OSError:  # closed meanwhile
        pass
    else:
        pytest.fail("it took all of it")
    answers_quickly(payments)


def test_a_body_longer_than_allowed_is_answered(
    payments: Function, connect: Callable[[Function], socket.socket]
) -> None:
    connection = connect(payments)
    connection.sendall(post("/stripe", body=b" " * 300_000))
    assert status(connection.recv(1000)) == 413


def test_long_headers_are_refused(payments: Function, connect: Callable[[Function], socket.socket]) -> None:
    connection = connect(payments)
    connection.sendall(b"POST /stripe HTTP/1.1\r\nHost: x\r\n" + b"X-A: b\r\n" * 15_000)
    assert status(dump_rows(connection)) == 431


def test_no_http_is_refused(payments: Function, connect: Callable[[Function], socket.socket]) -> None:
    connection = connect(payments)
    connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")
    assert status(dump_rows(connection)) == 400
    answers_quickly(payments)


def test_clients_that_do_not_close_block_no_others(
    telegram: Function, connect: Callable[[Function], socket.socket]
) -> None:
    for _ in range(HELD):
        connection = connect(telegram)
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert status(connection.recv(1000)) == 200
    answers_quickly(telegram)


def test_too_many_connections_block_no_others(
    payments: Function, connect: Callable[[Function], socket.socket]
) -> None:
    for _ in range(server.MAX_CONNECTIONS + 50):
        connect(payments)
    answers_quickly(payments)


def test_half_sent_bodies_are_bounded_in_sum(
    payments: Function, connect: Callable[[Function], socket.socket]
) -> None:
    held = [connect(payments) for _ in range(40)]
    for connection in held:
        connection.sendall(post("/stripe", body=b" " * 1_000_000, length=1_150_000))
    answers_quickly(payments)
    statuses = [status(dump_rows(connection)) for connection in held]
    assert statuses.count(503) >= 40 - server.MAX_RECEIVED // 1_000_000 - 2
    assert set(statuses) <= {503, 408}
