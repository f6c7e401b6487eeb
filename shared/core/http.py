"""Calls to the outside: HTTP/1.1 over kept-alive connections, never past a deadline.

A socket's own timeout starts anew with every byte, so a server that drips would be waited for without end.
Here each wait gets what is left until the deadline. Answers are parsed by llhttp (httptools): urllib3 and
http.client read headers through the standard library's e-mail parser and cost four times as much
(docs/performance.md).

Connections belong to the process and are made on first use: sockets must not cross gunicorn's fork.
"""

from __future__ import annotations

import re
import select
import socket
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import orjson
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

if TYPE_CHECKING:
    from ssl import SSLContext

CONNECT_TIMEOUT = 5.0  # seconds
_BLOCK = 16_384  # bytes; one read takes whatever the kernel holds, up to this
_MAX_HEAD = 65_536  # bytes of status line and headers
_MAX_DATA = 50_000_000  # bytes of an answer that is read whole
_MAX_IDLE = 100  # connections kept to one host
_END_WAIT = 0.05  # seconds; the end of the body follows the last event at once, or never
_JSON = {"Content-Type": "application/json"}
_AS_IT_IS = "Accept-Encoding: identity"
_TARGET = re.compile(r"[!-~]+")  # what may stand in a request line: no space, no control character
_HEADER_LINES = re.compile(r"\A(?:[!-9;-~]++: [^\x00-\x08\x0a-\x1f\x7f]*+\r\n)*+")


class RequestError(Exception):
    """The other side could not be reached or did not answer. Its message holds no address and no secret."""


class ConnectionLost(RequestError):
    """No answer began: not connected, or the connection broke before the first line of it."""


class ProtocolError(RequestError):
    """The answer broke off, or is none."""


class Timeout(RequestError):
    """The deadline came."""


class Host(NamedTuple):
    """Where connections go."""

    is_secure: bool
    name: str
    port: int


class Response(NamedTuple):
    """An answer that was read whole, whatever its status. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    data: bytes


_idle: defaultdict[Host, list[socket.socket]] = defaultdict(list)


class Stream:
    """An answer being read. `status` and `headers` are there at once; `received` counts the body's bytes.

    `deadline` (`time.monotonic()`) can be moved while it is being read.
    """

    def __init__(self, host: Host, connection: socket.socket, deadline: float) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.received = 0
        self.deadline = deadline
        self._host = host
        self._connection: socket.socket | None = connection
        self._parser = HttpResponseParser(self)
        self._parts: list[bytes] = []
        self._has_head = False
        self._lasts_until_close = False
        self._is_complete = False
        self._serves_again = False
        self._fault = ""

    def read(self) -> bytes:
        """Return the next bytes as soon as there are any; nothing at the end.

        Raises:
            Timeout: the deadline came first.
            ProtocolError: the connection did not last until the end.
        """
        framing = 0  # bytes received since the last piece of the body: chunk extensions and trailers
        while not (self._parts or self._is_complete):
            if self._fault or framing > _MAX_HEAD:
                self.close()
                raise ProtocolError(self._fault or "endless framing")
            framing += self._receive()
        data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts.clear()
        self.received += len(data)
        if self._is_complete:
            self.close()
        return data

    def close(self) -> None:
        """Keep the connection for the next request when the answer was read to its end, else close it."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self._is_complete and self._serves_again and len(_idle[self._host]) < _MAX_IDLE:
            _idle[self._host].append(connection)
        else:
            connection.close()

    def finish(self) -> None:
        """Read what little may follow the last event, so that the connection can serve again."""
        self.deadline = min(self.deadline, monotonic() + _END_WAIT)
        try:
            while not self._is_complete and self.read():
                pass
        except RequestError:
            pass
        self.close()

    def read_head(self) -> None:
        """Wait for the status and the headers."""
        size = 0
        while not self._has_head:
            if self._fault or size > _MAX_HEAD:
                self.close()
                raise ProtocolError(self._fault or "endless headers")
            try:
                size += self._receive()
            except ProtocolError as error:
                if size:
                    raise
                raise ConnectionLost(str(error)) from None

    def _receive(self) -> int:
        left = self.deadline - monotonic()
        received = b""
        try:
            if self._connection is None:
                raise ProtocolError("the connection is closed")
            if left <= 0:
                raise TimeoutError
            self._connection.settimeout(left)
            received = self._connection.recv(_BLOCK)
        except TimeoutError:
            self.close()
            raise Timeout("no answer in time") from None
        except OSError as error:
            self.close()
            raise ProtocolError(type(error).__name__) from None
        if received:
            self._parse(received)
        elif self._lasts_until_close:
            self._is_complete = True
        else:
            self.close()
            raise ProtocolError("the connection ended")
        return len(received)

    def _parse(self, received: bytes) -> None:
        try:
            self._parser.feed_data(received)
        except (HttpParserError, HttpParserUpgrade) as error:
            # What came before still counts, and an answer that is complete is not spoilt by what follows it.
            self._fault = self._fault or type(error).__name__
            self._serves_again = False

    # The parser calls these.

    def on_message_begin(self) -> None:
        """Note that something follows: after a complete answer nothing should."""
        self._serves_again = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header of this answer; trailers and the headers of another answer are ignored."""
        if not self._has_head:
            self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Note what the answer is and where it will end."""
        if self._is_complete:
            return
        self.status = self._parser.get_status_code()
        if self.status == 101:  # the parser stops here, and nothing we send asks for another protocol
            self._fault = "an answer switches protocols"
            return
        self._has_head = self.status >= 200
        is_chunked = "chunked" in self.headers.get("transfer-encoding", "").lower()
        has_end = is_chunked or "content-length" in self.headers
        self._lasts_until_close = self._has_head and not has_end and self.status not in (204, 304)

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body."""
        if not self._is_complete:
            self._parts.append(body)

    def on_message_complete(self) -> None:
        """Note the end; one of an interim answer (103 and its like) is not it."""
        if not self._has_head:
            self.headers.clear()
        elif not self._is_complete:
            self._is_complete = True
            self._serves_again = self._parser.should_keep_alive()


def stream(method: str, url: str, body: bytes, headers: Mapping[str, str], deadline: float) -> Stream:
    """Send a request and return the answer, whatever its status, before its body.

    Args:
        deadline: `time.monotonic()` after which nothing is waited for, here and in `Stream.read`.

    Raises:
        ConnectionLost: no answer began.
        ProtocolError: what came is no HTTP.
        Timeout: the deadline came first.
        ValueError: the URL is not an http(s) one, or the URL or a header holds a control character or what is
            not Latin-1.
    """
    host, first_lines = _address(method, url)
    head = _head(first_lines, headers, len(body))
    left = deadline - monotonic()
    if left <= 0:
        raise Timeout("no time was left")
    connection = None
    try:
        connection = _kept(host) or _connect(host, min(CONNECT_TIMEOUT, left / 4))
        connection.settimeout(max(deadline - monotonic(), 0.001))
        connection.sendall(head + body)
    except (OSError, UnicodeError) as error:  # UnicodeError: no such name can be
        if connection:
            connection.close()
        raise ConnectionLost(type(error).__name__) from None
    answer = Stream(host, connection, deadline)
    answer.read_head()
    return answer


def request(
    method: str, url: str, *, timeout: float, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> Response:
    """Send a request and return the whole answer, whatever its status. Redirects are not followed.

    Args:
        timeout: seconds for all of it.

    Raises:
        RequestError: no whole answer came, or more than 50 MB.
    """
    answer = stream(method, url, body, headers or {}, monotonic() + timeout)
    parts = []
    while data := answer.read():
        parts.append(data)
        if answer.received > _MAX_DATA:
            answer.close()
            raise ProtocolError("too long")
    return Response(answer.status, answer.headers, parts[0] if len(parts) == 1 else b"".join(parts))


def post_json(url: str, body: Any, *, timeout: float, headers: Mapping[str, str] | None = None) -> Response:
    """POST `body` as JSON and return the whole answer; see `request`."""
    return request(
        "POST", url, timeout=timeout, body=orjson.dumps(body), headers={**_JSON, **(headers or {})}
    )


def close_idle() -> None:
    """Close the connections that wait for a next request."""
    for connections in _idle.values():
        while connections:
            connections.pop().close()


@lru_cache(maxsize=256)
def _address(method: str, url: str) -> tuple[Host, str]:
    """Return where a request goes, and its first lines.

    Raises:
        ValueError: it is no http(s) URL, or holds what must not stand in a request line.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError("not an http(s) address with a host")
    is_secure = parts.scheme == "https"
    host = Host(is_secure, parts.hostname, parts.port or (443 if is_secure else 80))
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    place = parts.netloc.rpartition("@")[2]
    # urlsplit removes line breaks and tabs, so they are looked for in the URL as it was given.
    if re.search(r"[\x00-\x20\x7f]", url) or not all(map(_TARGET.fullmatch, (method, target, place))):
        raise ValueError("an address holds a space, a control character or what is not ASCII")
    lines = (f"{method} {target} HTTP/1.1", f"Host: {place}", "User-Agent: switchboard", _AS_IT_IS, "")
    return host, "\r\n".join(lines)


def _head(first_lines: str, headers: Mapping[str, str], length: int) -> bytes:
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    head = f"{first_lines}{lines}Content-Length: {length}\r\n\r\n"
    # A key that somebody typed in may stand in a header: it must not become a second one.
    if head.count("\n") != len(headers) + 6 or head.count("\r") != len(headers) + 6:
        raise ValueError("a header holds a line break")
    if not _HEADER_LINES.fullmatch(lines):
        raise ValueError("a header holds a control character")
    return head.encode("latin-1")


def _kept(host: Host) -> socket.socket | None:
    """Return a connection that waits for its next request, if one still lives."""
    connections = _idle[host]
    while connections:
        try:
            connection = connections.pop()
        except IndexError:  # another thread was quicker
            return None
        # Nothing is to be read from one that lives: what can be read is its end, or what nobody asked for.
        look = select.poll()
        look.register(connection, select.POLLIN)
        if not look.poll(0):
            return connection
        connection.close()
    return None


def _connect(host: Host, timeout: float) -> socket.socket:
    connection = socket.create_connection((host.name, host.port), timeout)
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if host.is_secure:
            return _tls().wrap_socket(connection, server_hostname=host.name)
    except BaseException:
        connection.close()
        raise
    return connection


@lru_cache(maxsize=1)
def _tls() -> SSLContext:
    import ssl  # 10 ms, and reading the system's certificates as much again

    return ssl.create_default_context()
