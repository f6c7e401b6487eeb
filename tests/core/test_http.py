"""What `shared.core.http` promises, against servers that speak in bytes."""

from __future__ import annotations

import datetime
import ipaddress
import random
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from shared.core import http

Script = Callable[[socket.socket], None]
LATE = 30.0  # seconds; a test that gets there has failed


class Server:
    """Answers the n-th request with the n-th of its scripts, and notes the connection it came by."""

    def __init__(self, *answers: bytes | Script, tls: ssl.SSLContext | None = None) -> None:
        self.answers = list(answers)
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
                while request := _read(served):
                    self.requests.append((number, request))
                    answer = self.answers.pop(0)
                    if callable(answer):
                        answer(served)
                    else:
                        served.sendall(answer)


def _read(connection: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(65_536)
        if not piece:
            return b""
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(
        int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
    )
    while len(body) < length:
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def serve(*answers: bytes | Script, tls: ssl.SSLContext | None = None) -> Server:
        servers.append(Server(*answers, tls=tls))
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


def test_a_request_is_what_the_server_expects(serve: Callable[..., Server]) -> None:
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
def test_a_header_cannot_be_smuggled_in(serve: Callable[..., Server], value: str) -> None:
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
def test_a_whole_answers_connection_serves_again(serve: Callable[..., Server], first: object) -> None:
    server = serve(first, plain())
    http.request("GET", server.url, timeout=LATE)
    assert http.request("GET", server.url, timeout=LATE).data == b"ok"
    assert [number for number, _ in server.requests] == [1, 1]


@pytest.mark.parametrize(
    "first",
    [
        plain(b"ok", b"Connection: close"),
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        plain() + b"more than was said",
        plain() + plain(b"an answer nobody asked for"),
        closing(plain()),
        closing(b"HTTP/1.1 200 OK\r\n\r\nok"),
    ],
)
def test_a_doubtful_connection_does_not(serve: Callable[..., Server], first: object) -> None:
    server = serve(first, plain(b"second"))
    assert http.request("GET", server.url, timeout=LATE).data == b"ok"
    time.sleep(0.05)  # what was sent too much may come a little later
    assert http.request("GET", server.url, timeout=LATE).data == b"second"
    assert [number for number, _ in server.requests] == [1, 2]


def test_a_chunked_body_comes_out_of_its_frame_however_it_is_cut(serve: Callable[..., Server]) -> None:
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
        (closing(b"HTTP/1.1 200 OK\r\nContent-"), http.ProtocolError),
        (closing(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok"), http.ProtocolError),
        (closing(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"), http.ProtocolError),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n", http.ProtocolError),
        (b"SSH-2.0-OpenSSH\r\n\r\n", http.ProtocolError),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50_000, http.ProtocolError),
    ],
)
def test_what_is_no_whole_answer_is_an_error(
    serve: Callable[..., Server], answer: object, error: type[Exception]
) -> None:
    server = serve(answer, plain())
    with pytest.raises(error) as caught:
        http.request("GET", f"{server.url}/secret-token", timeout=LATE)
    assert "secret" not in str(caught.value)
    assert http.request("GET", server.url, timeout=LATE).data == b"ok"
    assert [number for number, _ in server.requests] == [1, 2]


def test_a_protocol_switch_is_broken(serve: Callable[..., Server]) -> None:
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
def test_headers_are_those_of_this_answer_alone(serve: Callable[..., Server], first: bytes) -> None:
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
def test_only_clean_http_addresses_are_asked(serve: Callable[..., Server], url: str) -> None:
    server = serve(plain())
    with pytest.raises(ValueError):
        http.request("GET", url.format(port=server.port), timeout=LATE)
    assert server.requests == []


@pytest.mark.parametrize("answer", [silent, pieces(*[b"H"] * 1000, gap=0.01), pieces(plain()[:-1], gap=LATE)])
def test_the_deadline_holds(serve: Callable[..., Server], answer: object) -> None:
    server = serve(answer)
    started = time.monotonic()
    with pytest.raises(http.RequestError):
        http.request("GET", server.url, timeout=0.2)
    assert time.monotonic() - started < LATE / 3


def test_nobody_there_is_not_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}", "http://no..name/"):
        with pytest.raises(http.ConnectionLost):
            http.request("GET", url, timeout=LATE)


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
    """A certificate for 127.0.0.1 that nobody trusts yet, and a server's context with it."""
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


def test_over_tls_only_a_trusted_certificate_will_do(
    serve: Callable[..., Server], certificate: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, context = certificate
    server = serve(plain(), plain(), tls=context)
    http._tls.cache_clear()
    try:
        with pytest.raises(http.ConnectionLost, match="SSL"):
            http.request("GET", server.url, timeout=LATE)
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        http._tls.cache_clear()
        assert [http.request("GET", server.url, timeout=LATE).data for _ in range(2)] == [b"ok", b"ok"]
        assert len(server.requests) == 2
    finally:
        http._tls.cache_clear()
