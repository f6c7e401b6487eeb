"""`shared.core.http` against servers that speak in bytes: framing, deadlines, kept connections, errors."""

from __future__ import annotations

import datetime
import errno
import gzip
import ipaddress
import random
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from shared.core import http, tcp

Script = Callable[[socket.socket], None]
LATE = 30.0  # seconds; a test that gets there has failed


class Server:
    """Answers the n-th request with the n-th of its scripts, and records the connection it came by.

    With `reads_body=False` it answers after the headers.
    """

    def __init__(
        self, *answers: bytes | Script, tls: ssl.SSLContext | None = None, reads_body: bool = True
    ) -> None:
        self.answers = list(answers)
        self._reads_body = reads_body
        self.requests: list[tuple[int, bytes]] = []
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        for number in range(1, 10_000):
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        with suppress(OSError), connection:
            served = self._tls.wrap_socket(connection, server_side=True) if self._tls else connection
            with served:
                while request := _read(served, self._reads_body):
                    self.requests.append((number, request))
                    answer = self.answers.pop(0)
                    if callable(answer):
                        answer(served)
                    else:
                        served.sendall(answer)


def _read(connection: socket.socket, reads_body: bool = True) -> bytes:
    received = bytearray()
    while b"\r\n\r\n" not in received:
        piece = connection.recv(65_536)
        if not piece:
            return b""
        received += piece
    head = bytes(received).partition(b"\r\n\r\n")[0]
    length = next(
        int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
    )
    while reads_body and len(received) < len(head) + 4 + length:
        piece = connection.recv(1_000_000)
        if not piece:
            return b""
        received += piece
    return bytes(received)


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def serve(*answers: bytes | Script, **options: Any) -> Server:
        servers.append(Server(*answers, **options))
        return servers[-1]

    yield serve
    http.close_idle()
    for server in servers:
        server.stop()


def plain(body: bytes = b"ok", *headers: bytes, status: bytes = b"200 OK") -> bytes:
    lines = (b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *headers)
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def pieces(*parts: bytes, gap: float = 0.0) -> Script:
    def send(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)
            time.sleep(gap)

    return send


def silent(connection: socket.socket) -> None:
    connection.settimeout(LATE)
    connection.recv(1)


def closing(answer: bytes) -> Script:
    def send(connection: socket.socket) -> None:
        connection.sendall(answer)
        raise OSError

    return send


def until_close(body: bytes, *headers: bytes) -> Script:
    return closing(b"\r\n".join((b"HTTP/1.1 200 OK", *headers)) + b"\r\n\r\n" + body)


def test_a_request_has_the_expected_bytes(serve: Callable[..., Server]) -> None:
    server = serve(plain(b'{"ok": true}', b"X-Request-Id: 7"), plain())

    answer = http.post_json(f"{server.url}/v1/chat?a=b", {"text": "да"}, timeout=LATE, headers={"X-Key": "k"})

    assert (answer.status, answer.data, answer.headers["x-request-id"]) == (200, b'{"ok": true}', "7")
    head, _, body = server.requests[0][1].partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"POST /v1/chat?a=b HTTP/1.1",
        b"Host: 127.0.0.1:%d" % server.port,
        b"User-Agent: switchboard",
        b"Accept-Encoding: identity",
        b"Content-Type: application/json",
        b"X-Key: k",
        b"Content-Length: %d" % len(body),
    ]
    assert body == '{"text":"да"}'.encode()
    http.request("GET", server.url, timeout=LATE)
    assert server.requests[1][1].startswith(b"GET / HTTP/1.1\r\n")


@pytest.mark.parametrize("value", ["key\r\nX-Other: 1", "key\nX-Other: 1", "key\r", "ключ", "a\0b", "a\x7f"])
def test_header_injection_is_refused(serve: Callable[..., Server], value: str) -> None:
    server = serve()
    with pytest.raises(ValueError):
        http.request("GET", server.url, timeout=LATE, headers={"Authorization": value})
    assert server.requests == []


@pytest.mark.parametrize(
    "first",
    [
        plain(),
        plain(b""),
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + plain(),
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: CHUNKED\r\n\r\n2\r\nok\r\n0\r\nX-Trailer: 1\r\n\r\n",
        pieces(*[plain()[at : at + 1] for at in range(len(plain()))], gap=0.001),
    ],
)
def test_the_connection_of_a_complete_response_is_reused(serve: Callable[..., Server], first: object) -> None:
    server = serve(first, plain())
    http.request("GET", server.url, timeout=LATE)
    assert http.request("GET", server.url, timeout=LATE).data == b"ok"
    assert [number for number, _ in server.requests] == [1, 1]


@pytest.mark.parametrize(
    "first",
    [
        plain(b"ok", b"Connection: close"),
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        plain() + b"beyond its length",
        plain() + plain(b"an unrequested response"),
        closing(plain()),
        closing(b"HTTP/1.1 200 OK\r\n\r\nok"),
    ],
)
def test_a_connection_in_an_unknown_state_is_not_reused(serve: Callable[..., Server], first: object) -> None:
    server = serve(first, plain(b"second"))
    assert http.request("GET", server.url, timeout=LATE).data == b"ok"
    time.sleep(0.05)  # what was sent too much may come a little later
    assert http.request("GET", server.url, timeout=LATE).data == b"second"
    assert [number for number, _ in server.requests] == [1, 2]


def test_a_chunked_body_is_decoded_wherever_it_is_split(serve: Callable[..., Server]) -> None:
    dice = random.Random(7)
    bodies, answers = [], []
    for _ in range(40):
        body = [dice.randbytes(dice.choice([1, 2, 300, 5000])) for _ in range(dice.randrange(5))]
        ends = (b"", b";name=value")
        frame = b"".join(b"%x%s\r\n%s\r\n" % (len(part), dice.choice(ends), part) for part in body)
        whole = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + frame + b"0\r\n\r\n"
        size = dice.choice([7, 50, 10**6])
        bodies.append(b"".join(body))
        answers.append(pieces(*(whole[at : at + size] for at in range(0, len(whole), size))))
    server = serve(*answers)

    assert [http.request("GET", server.url, timeout=LATE).data for _ in bodies] == bodies
    assert {number for number, _ in server.requests} == {1}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (closing(b""), http.ConnectionLost),
        (closing(b"HTTP/1.1 200 OK\r\nContent-"), http.ConnectionLost),
        (closing(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok"), http.ConnectionLost),
        (closing(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"), http.ConnectionLost),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n", http.ProtocolError),
        (b"SSH-2.0-OpenSSH\r\n\r\n", http.ProtocolError),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50_000, http.ProtocolError),
    ],
)
def test_an_incomplete_or_invalid_response_is_an_error(
    serve: Callable[..., Server], answer: object, error: type[http.RequestError]
) -> None:
    server = serve(answer, plain())
    with pytest.raises(error) as caught:
        http.request("GET", f"{server.url}/secret-token", timeout=LATE)
    assert "secret" not in str(caught.value)
    assert caught.value.maybe_processed
    assert http.request("GET", server.url, timeout=LATE).data == b"ok"
    assert [number for number, _ in server.requests] == [1, 2]


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("h11 133: spaces behind a size", b"Transfer-Encoding: chunked\r\n\r\n2  \r\nok\r\n0\r\n\r\n"),
        ("aiohttp 5269: a control character", b"Set-Cookie: a\x01b\r\nContent-Length: 2\r\n\r\nok"),
        ("aiohttp 7494: line feeds alone", b"Server: x\nContent-Length: 2\n\nok"),
        ("a folded line", b"X: a\r\n b\r\nContent-Length: 2\r\n\r\nok"),
        ("httrack 855: a trailer", b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n"),
    ],
)
def test_a_response_whose_content_is_beyond_doubt_is_read(
    serve: Callable[..., Server], name: str, answer: bytes
) -> None:
    server = serve(b"HTTP/1.1 200 OK\r\n" + answer, plain())
    for _ in range(2):
        assert http.request("GET", server.url, timeout=LATE).data == b"ok", name
    assert {number for number, _ in server.requests} == {1}


def test_a_length_beside_chunks_is_an_error(serve: Callable[..., Server]) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
    with pytest.raises(http.ProtocolError):
        http.request("GET", serve(head + b"2\r\nok\r\n0\r\n\r\n").url, timeout=LATE)


@pytest.mark.parametrize("size", [1, 5, 10**6])
@pytest.mark.parametrize(
    ("name", "compress"),
    [("gzip", gzip.compress), ("X-GZip", gzip.compress), ("deflate", zlib.compress)],
)
def test_a_body_that_is_compressed_unasked_is_read(
    serve: Callable[..., Server], name: str, compress: Callable[[bytes], bytes], size: int
) -> None:
    body = b'{"text": "' + b"word " * 2_000 + b'"}'
    whole = plain(compress(body), b"Content-Encoding: " + name.encode())
    server = serve(pieces(*(whole[at : at + size] for at in range(0, len(whole), size))), plain())
    assert http.request("GET", server.url, timeout=LATE).data == body
    assert http.request("GET", server.url, timeout=LATE).data == b"ok"
    assert {number for number, _ in server.requests} == {1}


@pytest.mark.parametrize("encoding", [b"gzip", b"deflate", b"br", b"identity", b""])
def test_a_body_is_read_as_it_is_where_only_its_header_says_compressed(
    serve: Callable[..., Server], encoding: bytes
) -> None:
    server = serve(plain(b'{"ok":true}', b"Content-Encoding: " + encoding))
    assert http.request("GET", server.url, timeout=LATE).data == b'{"ok":true}'


def test_a_damaged_compressed_body_is_an_error(serve: Callable[..., Server]) -> None:
    body = bytearray(gzip.compress(b"word " * 2_000))
    body[12:20] = b"\xff" * 8
    server = serve(plain(bytes(body), b"Content-Encoding: gzip"), plain())
    with pytest.raises(http.ProtocolError):
        http.request("GET", server.url, timeout=LATE)
    assert http.request("GET", server.url, timeout=LATE).data == b"ok"
    assert [number for number, _ in server.requests] == [1, 2]


@pytest.mark.parametrize("frame", [plain, until_close])
@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("half of it", gzip.compress(bytes(range(256)) * 9)[:-60]),
        ("two files", gzip.compress(b"first") + gzip.compress(b"second")),
        ("a bomb", gzip.compress(bytes(10**7))),
    ],
)
def test_a_compressed_body_that_is_incomplete_or_a_bomb_is_an_error(
    serve: Callable[..., Server], frame: Callable[[bytes, bytes], bytes | Script], name: str, body: bytes
) -> None:
    server = serve(frame(body, b"Content-Encoding: gzip"), plain())
    with pytest.raises(http.ProtocolError):
        http.request("GET", server.url, timeout=LATE)
    assert http.request("GET", server.url, timeout=LATE).data == b"ok", name
    assert [number for number, _ in server.requests] == [1, 2]


def test_a_bomb_in_many_chunks_does_not_pile_up(serve: Callable[..., Server]) -> None:
    body = gzip.compress(bytes(10**8))
    chunks = b"".join(b"100\r\n%s\r\n" % body[at : at + 256] for at in range(0, 97 * 1024, 256))
    server = serve(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks
    )
    response = http.stream("GET", server.url, b"", {}, time.monotonic() + LATE)
    with pytest.raises(http.ProtocolError):
        while True:
            assert len(response.read()) <= 1_000_000


def test_the_encoding_of_an_interim_response_does_not_count(serve: Callable[..., Server]) -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nContent-Encoding: gzip\r\n\r\n"
    assert http.request("GET", serve(interim + plain(b"x = 1")).url, timeout=LATE).data == b"x = 1"


def test_a_protocol_switch_is_an_error(serve: Callable[..., Server]) -> None:
    server = serve(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nxxxx", plain())
    with pytest.raises(http.ProtocolError, match="switches protocols"):
        http.request("GET", server.url, timeout=LATE)
    assert http.request("GET", server.url, timeout=LATE).data == b"ok"
    assert [number for number, _ in server.requests] == [1, 2]


@pytest.mark.parametrize(
    "first",
    [
        plain(b"ok", b"X-Kept: 1") + plain(b"poison", b"X-Kept: 2", b"X-Evil: 1"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Kept: 1\r\n\r\n"
        b"2\r\nok\r\n0\r\nX-Kept: 2\r\nX-Evil: 1\r\n\r\n",
    ],
)
def test_headers_of_trailers_and_later_responses_are_ignored(
    serve: Callable[..., Server], first: bytes
) -> None:
    answer = http.request("GET", serve(first).url, timeout=LATE)
    assert (answer.data, answer.headers["x-kept"]) == (b"ok", "1")
    assert "x-evil" not in answer.headers


@pytest.mark.parametrize("piece", [b"X: y\r\n", b"a"])
@pytest.mark.parametrize("head", [b"0\r\n", b"0\r\nX: ", b"1;", b"2\r\nok\r\n1;"])
def test_endless_framing_is_cut_off(serve: Callable[..., Server], head: bytes, piece: bytes) -> None:
    begin = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + head
    server = serve(pieces(begin, *[piece * 10_000] * 100))
    started = time.monotonic()
    with pytest.raises(http.ProtocolError):
        http.request("GET", server.url, timeout=LATE)
    assert time.monotonic() - started < LATE / 3


@pytest.mark.parametrize(
    "url",
    [
        "gopher://127.0.0.1:{port}/", "file:///etc/passwd", "ftp://127.0.0.1:{port}/", "//127.0.0.1:{port}/",
        "127.0.0.1:{port}", "http:///x", "http://127.0.0.1:0/", "http://127.0.0.1:{port}/a b HTTP/1.1",
        "http://127.0.0.1:{port}/a\r\nEvil: 1", "http://127.0.0.1:{port}/\tx", "http://127.0.0.1:{port}/é",
        "http://127.0.0.1:{port}/?a=\x00", "http://127.0.0.1:{port}/\n",
    ],
)  # fmt: skip
def test_invalid_urls_are_refused(serve: Callable[..., Server], url: str) -> None:
    server = serve(plain())
    with pytest.raises(ValueError):
        http.request("GET", url.format(port=server.port), timeout=LATE)
    assert server.requests == []


@pytest.mark.parametrize("answer", [silent, pieces(*[b"H"] * 1000, gap=0.01), pieces(plain()[:-1], gap=LATE)])
def test_the_deadline_holds(serve: Callable[..., Server], answer: object) -> None:
    server = serve(answer)
    started = time.monotonic()
    with pytest.raises(http.RequestError) as caught:
        http.request("GET", server.url, timeout=0.2)
    assert caught.value.maybe_processed
    assert time.monotonic() - started < LATE / 3


def test_without_a_connection_nothing_was_processed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}", "http://no..name/"):
        with pytest.raises(http.ConnectFailed) as caught:
            http.request("GET", url, timeout=LATE)
        assert not caught.value.maybe_processed
    with pytest.raises(http.Timeout) as late:
        http.request("GET", f"http://127.0.0.1:{port}", timeout=0)
    assert not late.value.maybe_processed


# A peer that vanished ----------------------------------------------------------------------------------


def test_a_connection_that_was_unused_for_too_long_is_replaced(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(*[plain()] * 4)
    for _ in range(2):
        http.request("GET", server.url, timeout=LATE)
    monkeypatch.setattr(http, "MAX_IDLE_SECONDS", -1.0)
    for _ in range(2):
        http.request("GET", server.url, timeout=LATE)
    assert [number for number, _ in server.requests] == [1, 1, 2, 3]


def test_unused_connections_beneath_a_busy_one_are_closed_too(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(plain(), plain())
    http.request("GET", server.url, timeout=LATE)
    kept = http._idle[http.Host(False, "127.0.0.1", server.port)]
    (unused, since) = kept[0]
    kept[:] = [(unused, since - http.MAX_IDLE_SECONDS - 1)]
    monkeypatch.setattr(http, "_pop_idle", lambda _host: None)
    http.request("GET", server.url, timeout=LATE)
    assert len(kept) == 1
    assert unused.fileno() == -1


def test_the_kernel_is_asked_to_detect_a_peer_that_vanished(serve: Callable[..., Server]) -> None:
    server = serve(plain())
    http.request("GET", server.url, timeout=LATE)
    ((connection, _),) = http._idle[http.Host(False, "127.0.0.1", server.port)]
    assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        assert 0 < connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) <= 10_000
    if hasattr(socket, "TCP_KEEPIDLE"):
        assert 0 < connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) <= 10


@pytest.mark.parametrize(("number", "error"), [(errno.ETIMEDOUT, http.ConnectionLost), (None, http.Timeout)])
def test_the_kernels_timeout_is_not_the_deadline(number: int | None, error: type[http.RequestError]) -> None:
    class Vanished(socket.socket):
        def recv(self, *_arguments: Any) -> bytes:
            raise TimeoutError(number, "timed out") if number else TimeoutError("timed out")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        connection = Vanished()
        connection.connect(listener.getsockname())
        response = http.Stream(http.Host(False, "127.0.0.1", 80), connection, time.monotonic() + LATE)
        response.send(b"GET / HTTP/1.1\r\n\r\n")
        with pytest.raises(error) as caught:
            response.read_head()
        assert caught.value.maybe_processed
        assert connection.fileno() == -1


# Connecting --------------------------------------------------------------------------------------------


@pytest.fixture
def silent_address() -> Iterator[tuple[str, int]]:
    """An address that answers no attempt to connect: its queue is full, so the kernel drops what comes."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, ExitStack() as stack:
        address = listener.getsockname()
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            with suppress(BlockingIOError):
                filler.connect(address)
        yield address


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[str, int]) -> None:
    """Let every name have these addresses."""

    def getaddrinfo(_name: str, _port: int, *, type: int, flags: int = 0) -> list[Any]:
        if flags & socket.AI_NUMERICHOST:
            raise socket.gaierror
        return [(socket.AF_INET, type, 0, "", address) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def test_many_silent_addresses_cost_no_more_than_the_connect_timeout(
    monkeypatch: pytest.MonkeyPatch, silent_address: tuple[str, int]
) -> None:
    resolve_to(monkeypatch, *[silent_address] * 12)
    started = time.monotonic()
    with pytest.raises(http.ConnectFailed):
        http.request("GET", "http://many.example/", timeout=2)
    assert time.monotonic() - started < 2


def test_a_silent_address_does_not_hold_up_the_next(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, silent_address: tuple[str, int]
) -> None:
    server = serve(plain())
    with socket.create_server(("127.0.0.1", 0)) as closed:
        refusing = closed.getsockname()
    resolve_to(monkeypatch, silent_address, refusing, ("127.0.0.1", server.port))
    started = time.monotonic()
    assert http.request("GET", "http://several.example/", timeout=LATE).data == b"ok"
    assert time.monotonic() - started < 4


def test_addresses_of_both_families_alternate() -> None:
    six, four = socket.AF_INET6, socket.AF_INET
    resolved = [(six, "a"), (six, "b"), (six, "c"), (four, "d"), (four, "e")]
    assert "".join(address for _, address in tcp._alternate(resolved)) == "adbec"


def test_a_resolver_that_does_not_answer_is_waited_for_until_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lookups, release = [], threading.Event()

    def getaddrinfo(name: str, _port: int, *, type: int, flags: int = 0) -> list[Any]:
        if not flags & socket.AI_NUMERICHOST:
            lookups.append(name)
            release.wait(LATE)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    started = time.monotonic()
    try:
        for _ in range(3):
            with pytest.raises(http.ConnectFailed):
                http.request("GET", "http://unknown.example/", timeout=0.2)
        assert time.monotonic() - started < LATE / 3
        assert lookups == ["unknown.example"]  # one thread per host, however many requests wait
    finally:
        release.set()


# A response before the request was sent ----------------------------------------------------------------

LONG = b"x" * 20_000_000
TOO_LARGE = plain(b"too large", b"Connection: close", status=b"413 Content Too Large")


def then_silent(answer: bytes) -> Script:
    def send(connection: socket.socket) -> None:
        connection.sendall(answer)
        silent(connection)

    return send


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 10_000),
        (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 2_000),
        (b"HTTP/1.1 200 OK\r\n\r\n", bytes(60_000)),
    ],
)
def test_an_endless_response_during_an_upload_is_an_error(
    serve: Callable[..., Server], head: bytes, piece: bytes
) -> None:
    sent = 0

    def flood(connection: socket.socket) -> None:
        nonlocal sent
        connection.sendall(head)
        while True:
            connection.sendall(piece)
            sent += len(piece)

    server = serve(flood, reads_body=False)
    with pytest.raises(http.ProtocolError):
        http.request("POST", server.url, body=LONG, timeout=LATE)
    assert sent < 100_000_000


@pytest.mark.parametrize("answer", [closing(TOO_LARGE), then_silent(TOO_LARGE)])
@pytest.mark.parametrize("is_secure", [False, True])
def test_a_refusal_during_an_upload_is_read(
    serve: Callable[..., Server], trusted: ssl.SSLContext, answer: Script, is_secure: bool
) -> None:
    server = serve(answer, plain(), reads_body=False, tls=trusted if is_secure else None)
    refused = http.request("POST", server.url, body=LONG, timeout=LATE)
    assert (refused.status, refused.data) == (413, b"too large")
    assert http.request("GET", server.url, timeout=LATE).data == b"ok"
    assert [number for number, _ in server.requests] == [1, 2]


@pytest.mark.parametrize("is_secure", [False, True])
def test_a_long_body_arrives_whole(
    serve: Callable[..., Server], trusted: ssl.SSLContext, is_secure: bool
) -> None:
    server = serve(plain(), plain(), tls=trusted if is_secure else None)
    for _ in range(2):
        assert http.request("POST", server.url, body=LONG, timeout=LATE).data == b"ok"
    assert [request.partition(b"\r\n\r\n")[2] == LONG for _, request in server.requests] == [True, True]
    assert {number for number, _ in server.requests} == {1}


@pytest.mark.parametrize(("answer", "error"), [(closing(b""), http.ConnectionLost), (silent, http.Timeout)])
def test_a_request_that_was_not_sent_completely_cannot_have_been_processed(
    serve: Callable[..., Server], answer: Script, error: type[http.RequestError]
) -> None:
    server = serve(answer, reads_body=False)
    with pytest.raises(error) as caught:
        # More than Linux buffers for a connection: up to 4 MB of the sender and 32 MB of the receiver.
        http.request("POST", server.url, body=LONG * 4, timeout=1 if error is http.Timeout else LATE)
    assert not caught.value.maybe_processed


def test_threads_never_share_a_connection(serve: Callable[..., Server]) -> None:
    meeting = threading.Barrier(8)

    def meet(connection: socket.socket) -> None:
        meeting.wait(LATE)
        connection.sendall(plain())

    server = serve(*[meet] * 16)
    for _ in range(2):
        threads = [
            threading.Thread(target=http.request, args=("GET", server.url), kwargs={"timeout": LATE})
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LATE)
    assert len(server.requests) == 16
    assert len({number for number, _ in server.requests}) == 8


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
    """Return an untrusted certificate for 127.0.0.1, and a server's context with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "certificate.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (tmp_path / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, tmp_path / "key.pem")
    return path, context


@pytest.fixture
def trusted(
    certificate: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> Iterator[ssl.SSLContext]:
    """The context of a TLS server whose certificate the client trusts."""
    path, context = certificate
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    http._tls.cache_clear()
    yield context
    http._tls.cache_clear()


def test_over_tls_only_a_trusted_certificate_will_do(
    serve: Callable[..., Server], certificate: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, context = certificate
    server = serve(plain(), plain(), tls=context)
    http._tls.cache_clear()
    try:
        with pytest.raises(http.ConnectFailed, match="SSL"):
            http.request("GET", server.url, timeout=LATE)
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        http._tls.cache_clear()
        assert [http.request("GET", server.url, timeout=LATE).data for _ in range(2)] == [b"ok", b"ok"]
        assert len(server.requests) == 2
    finally:
        http._tls.cache_clear()


def test_all_tls_records_that_have_arrived_are_read_at_once(
    serve: Callable[..., Server], trusted: ssl.SSLContext
) -> None:
    has_sent = threading.Event()

    def send(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(50):
            connection.sendall(b"5\r\nword \r\n")
        connection.sendall(b"0\r\n\r\n")
        has_sent.set()

    server = serve(send, plain(), tls=trusted)
    response = http.stream("GET", server.url, b"", {}, time.monotonic() + LATE)
    assert has_sent.wait(LATE)
    first = response.read()
    second = response.read()

    assert first + second == b"word " * 50
    assert http.request("GET", server.url, timeout=LATE).data == b"ok"
    assert [number for number, _ in server.requests] == [1, 1]
