"""A client's connection while its request arrives, which is whole before a thread works on it.

gunicorn reads a request in the thread that answers it, so a client that sends slowly, or nothing, holds a
thread for as long as it likes. Here llhttp (httptools) follows what arrives and says when the request is
whole; gunicorn then parses it from memory.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from gunicorn import http, util
from gunicorn.workers.gthread import TConn
from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

if TYPE_CHECKING:
    from flask import Request

BLOCK = 65_536  # bytes read at once
MAX_HEAD = 65_536  # bytes of request line and headers
MAX_REQUEST = 1_200_000  # bytes kept of one request: more than any function reads of a body
SEND_SECONDS = 10.0  # how long sending an answer may stall
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection(TConn):  # type: ignore[misc]
    """One connection; `is_whole` says that a request has arrived to its last byte.

    `is_over` says that nothing of use will follow: the client hung up, sent no HTTP, or sent too much.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)  # makes the socket non-blocking
        self._discarded = 0
        self.start_over()

    def start_over(self) -> None:
        """Wait for a new request."""
        self.received = bytearray()
        self.path = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self.has_head = self.is_whole = self.is_over = False
        self._parser = HttpRequestParser(self)

    def receive(self) -> None:
        """Read what has arrived, without waiting."""
        try:
            data = self.sock.recv(BLOCK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self.received += data
        self.is_over = not data or len(self.received) > MAX_REQUEST
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            self.is_over = True  # gunicorn answers it with the reason

    @property
    def headers(self) -> dict[str, str]:
        """The headers by their names in lower case; of one sent twice the first."""
        latest_first = reversed(self._headers)  # decoded here, as most requests are whole before it is asked
        return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in latest_first}

    @property
    def has_long_head(self) -> bool:
        """Whether the headers are longer than any caller's of ours."""
        return not self.has_head and len(self.received) > MAX_HEAD

    def expect_body(self) -> None:
        """Tell a client that waits for it to send the body (Expect: 100-continue)."""
        if self.headers.get("expect", "").lower() == "100-continue":
            self.send(_CONTINUE)

    def send(self, data: bytes) -> None:
        """Send a few bytes without waiting; they are lost when the client does not read."""
        with suppress(OSError):
            self.sock.send(data)

    def discard(self) -> bool:
        """Read what has arrived for nothing; return whether it is worth going on."""
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
        """Close at once. gunicorn's graceful way waits for the client, and it does so in the main loop."""
        util.close(self.sock)

    # What llhttp calls -----------------------------------------------------------------------------------

    def on_url(self, url: bytes) -> None:
        """Take a part of the request's target."""
        if not self.has_head:
            self.path += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        if not self.has_head:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Note that only the body is missing."""
        self.has_head = True

    def on_message_complete(self) -> None:
        """Note that nothing is missing."""
        self.is_whole = True


def read_body(request: Request, most: int) -> bytes | None:
    """Return the body, cut after `most` + 1 bytes; None when it is malformed or the client hung up."""
    length = request.content_length
    try:
        # Werkzeug's stream, made anew for each request, only counts to the announced length.
        if length is None:
            body = request.stream.read(most + 1)
        else:
            body = request.input_stream.read(min(length, most + 1))
    except Exception:  # gunicorn and Werkzeug have classes of their own; none of them is our failure
        return None
    # A read may return less than was announced without an error.
    is_cut = len(body) <= most and len(body) < (length or 0)
    return None if is_cut else body
