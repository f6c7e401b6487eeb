"""A request is complete at its last byte, wherever its bytes are split."""

from __future__ import annotations

import socket
from contextlib import closing

import pytest
from gunicorn.config import Config
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.core import request_receiver
from shared.core.request_receiver import Connection
from shared.payments import provider
from shared.telegram import update_parsing

PROOF = b"X-Proof: yes\r\n"
START = b"POST /a?b=c HTTP/1.1\r\nHost: x\r\n" + PROOF


def with_length(body: bytes) -> bytes:
    return START + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def chunked(pieces: list[bytes], trailer: bytes) -> bytes:
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces if piece)
    return START + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n" + trailer + b"\r\n"


BODIES = st.binary(max_size=200)
REQUESTS = st.one_of(
    BODIES.map(lambda body: (with_length(body), body)),
    st.tuples(st.lists(BODIES, max_size=4), st.sampled_from([b"", b"A: b\r\n"])).map(
        lambda drawn: (chunked(*drawn), b"".join(drawn[0]))
    ),
    st.just((b"GET /health HTTP/1.1\r\nHost: x\r\n" + PROOF + b"\r\n", b"")),
)


def connection_pair() -> tuple[socket.socket, Connection]:
    client, served = socket.socketpair()
    return client, Connection(Config(), served, ("127.0.0.1", 1), ("127.0.0.1", 2))


@settings(deadline=None)
@given(REQUESTS, st.sets(st.integers(1, 400), max_size=12))
def test_a_request_is_complete_at_its_last_byte(request: tuple[bytes, bytes], cuts: set[int]) -> None:
    sent, body = request
    marks = sorted({cut for cut in cuts if cut < len(sent)} | {len(sent) - 1, len(sent)})
    client, conn = connection_pair()
    with closing(client), closing(conn):
        for start, end in zip([0, *marks], marks, strict=False):
            assert not conn.is_whole
            assert not conn.is_over
            client.sendall(sent[start:end])
            conn.receive()
            assert conn.has_head == (b"\r\n\r\n" in sent[:end])
        assert conn.is_whole
        assert not conn.is_over
        assert conn.headers["x-proof"] == "yes"
        conn.init()
        assert next(conn.parser).body.read() == body
        assert not conn.parser.unreader.buf.getvalue()


def test_receiving_does_not_block() -> None:
    client, conn = connection_pair()
    with closing(client), closing(conn):
        conn.receive()
        assert not (conn.is_whole or conn.is_over or conn.received)


def test_the_first_of_repeated_headers_counts() -> None:
    client, conn = connection_pair()
    with closing(client), closing(conn):
        client.sendall(START + b"X-Proof: no\r\nContent-Length: 9\r\n\r\n")
        conn.receive()
        assert conn.headers["x-proof"] == "yes"


@pytest.mark.parametrize("sent", [
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"\x16\x03\x01\x02\x00\x01",
])  # fmt: skip
def test_invalid_http_ends_receiving(sent: bytes) -> None:
    client, conn = connection_pair()
    with closing(client), closing(conn):
        client.sendall(sent)
        conn.receive()
        assert conn.is_over
        assert not conn.is_whole


def test_the_limit_is_above_what_functions_read() -> None:
    longest = max(update_parsing.MAX_BODY, provider.MAX_BODY) + 1
    assert longest + request_receiver.MAX_HEAD < request_receiver.MAX_REQUEST


def test_a_longer_body_arrives_once_it_is_admitted() -> None:
    length = request_receiver.MAX_REQUEST + 500_000
    client, conn = connection_pair()
    with closing(client), closing(conn):
        conn.timeout = 5.0
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % length)
        conn.receive()
        for _ in range(2):  # each time something arrives
            conn.admit(1 / 400_000)
        assert conn.limit == length + request_receiver.MAX_HEAD
        assert 5.0 < conn.timeout < 7.0
        conn.start_over()
        assert conn.limit == request_receiver.MAX_REQUEST
