"""Receive requests completely before a thread handles them.

gunicorn reads a request in the thread that handles it, so a client that sends slowly, or nothing, occupies a
thread for as long as it likes. Here llhttp (httptools) parses what arrives and detects the end of the
request; gunicorn then parses the request from memory.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from gunicorn import http, util
from gunicorn.workers.gthread import TConn
from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

if TYPE_CHECKING:
    from flask import Request

BLOCK = 65_536  # bytes read at once
MAX_HEAD = 65_536  # bytes of request line and headers
MAX_REQUEST = 1_200_000  # bytes of one request: more than any function reads of a body, unless it admits more
SEND_SECONDS = 10.0  # how long sending a response may stall
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection(TConn):  # type: ignore[misc]
    """One connection. `is_whole`: a request arrived to its last byte.

    `is_over`: nothing useful can follow, because the client hung up, sent something else than HTTP or too
    much.
    """

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # makes the socket non-blocking
        self._discarded = 0
        self.start_over()

    def start_over(self) -> None:
        """Wait for a new request."""
        self.received = bytearray()
        self.path = b""
        self.limit = MAX_REQUEST
        self._headers: list[tuple[bytes, bytes]] = []
        self.has_head = self.is_whole = self.is_over = False
        self._parser = HttpRequestParser(self)

    def receive(self) -> None:
        """Read what has arrived, without blocking."""
        try:
            data = self.sock.recv(BLOCK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self.received += data
        self.is_over = not data or len(self.received) > self.limit
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            self.is_over = True  # gunicorn responds with the reason

    @property
    def headers(self) -> dict[str, str]:
        """The headers by their names in lower case; of a repeated header, the first value."""
        latest_first = reversed(self._headers)  # decoded on demand: most requests arrive at once
        return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in latest_first}

    def admit(self, seconds_per_byte: float) -> None:
        """Let a body arrive that is longer than MAX_REQUEST, as its headers announce, and give it time."""
        length = int(self.headers.get("content-length", "0"))
        if length + MAX_HEAD > self.limit:
            self.timeout += (length + MAX_HEAD - self.limit) * seconds_per_byte
            self.limit = length + MAX_HEAD

    @property
    def has_long_head(self) -> bool:
        """Whether the headers are longer than MAX_HEAD."""
        return not self.has_head and len(self.received) > MAX_HEAD

    def expect_body(self) -> None:
        """Send `100 Continue` to a client that waits for it (Expect: 100-continue)."""
        if self.headers.get("expect", "").lower() == "100-continue":
            self.send(_CONTINUE)

    def send(self, data: bytes) -> None:
        """Send a few bytes without blocking; they are lost when the client does not read."""
        with suppress(OSError):
            self.sock.send(data)

    def discard(self) -> bool:
        """Read and drop what has arrived; return whether to continue."""
        try:
            count = len(self.sock.recv(BLOCK))
        except BlockingIOError:
            return True
        except OSError:
            return False
        self._discarded += count
        return count > 0 and self._discarded < MAX_REQUEST

    def init(self) -> None:
        """Let gunicorn parse what has arrived. Called in a thread, before each request."""
        self.initialized = True
        self.sock.settimeout(SEND_SECONDS)
        if self.received:
            self.parser = http.get_parser(self.cfg, [bytes(self.received)], self.client)
            self.received = bytearray()

    def close(self, graceful: bool = False) -> None:
        """Close at once: gunicorn's graceful close waits for the client in the main loop."""
        util.close(self.sock)

    # What llhttp calls -----------------------------------------------------------------------------------

    def on_url(self, url: bytes) -> None:
        """Append a part of the request's target."""
        if not self.has_head:
            self.path += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Store a header."""
        if not self.has_head:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Mark the headers as complete."""
        self.has_head = True

    def on_message_complete(self) -> None:
        """Mark the request as complete."""
        self.is_whole = True


def read_body(request: Request, most: int) -> bytes | None:
    """Return at most `most` + 1 bytes of the body; None when it is malformed or the client hung up."""
    length = request.content_length
    try:
        # Werkzeug's stream would only count to the announced length.
        if length is None:
            body = request.stream.read(most + 1)
        else:
            body = request.input_stream.read(min(length, most + 1))
    except Exception:  # classes of gunicorn and Werkzeug; all of them mean a bad request
        return None
    # A read may return less than was announced without an error.
    is_cut = len(body) <= most and len(body) < (length or 0)
    return None if is_cut else body
