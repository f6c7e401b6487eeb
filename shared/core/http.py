"""Send HTTP/1.1 requests over kept connections and read the responses, never past a deadline.

    response = http.post_json(url, {"text": "…"}, timeout=10)

A socket's own timeout starts anew with every byte, so a server that drips could hold a caller for ever; here
each wait gets what is left until the deadline. Responses are parsed by llhttp (httptools): urllib3 and
http.client read headers through the standard library's e-mail parser and cost four times as much
(docs/performance.md, docs/decisions/0001-own-http-client.md). Deviations of servers that leave no doubt about
the content are accepted, as by other clients: line feeds without carriage returns, control characters and
folded lines in headers, spaces behind the size of a chunk, and gzip although no compression was asked for.

Connections belong to the process and are made on first use: sockets must not cross gunicorn's fork. Nothing
is sent twice here: before a retry, a caller asks the error whether the server may have processed the request.

RequestError                no whole response; `maybe_processed`
├── ConnectFailed           no connection: name lookup, TCP or TLS failed
├── ConnectionLost          the connection ended before the response did
├── ProtocolError           what came is not HTTP, or too long
└── Timeout                 the deadline came first
"""

from __future__ import annotations

import re
import select
import socket
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import orjson
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from shared.core import tcp

if TYPE_CHECKING:
    from ssl import SSLContext
    from zlib import _Decompress

CONNECT_TIMEOUT = 5.0  # seconds for name lookup, TCP and TLS; at most half of the time left
MAX_IDLE_SECONDS = 50.0  # age of an unused connection: load balancers close theirs after 60 s and more
_BLOCK = 16_384  # bytes; one read takes whatever the kernel holds, up to this
_FIRST_PART = 65_536  # bytes of a request that are sent without a look at what the server answers
_MAX_HEAD = 65_536  # bytes of status line and headers
_MAX_EARLY = 1_000_000  # bytes of a response that are read before the request is sent
_MAX_DATA = 50_000_000  # bytes of a response that is read whole
_MAX_DECOMPRESSED = 1_000_000  # bytes that one read may become; only a decompression bomb becomes more
_MAX_IDLE = 100  # connections kept to one host
_END_WAIT = 0.05  # seconds; the end of the body follows the last event at once, or never
_JSON = {"Content-Type": "application/json"}
_NO_COMPRESSION = "Accept-Encoding: identity"
_COMPRESSIONS = ("gzip", "x-gzip", "deflate")
_COMPRESSED_STARTS = (b"\x1f", b"x")  # first bytes of gzip (RFC 1952) and of zlib with a window of 32 KB
_TARGET = re.compile(r"[!-~]+")  # what a request line may hold: no space, no control character
_HEADER_LINES = re.compile(r"\A(?:[!-9;-~]++: [^\x00-\x08\x0a-\x1f\x7f]*+\r\n)*+")


class RequestError(Exception):
    """No whole response. The message holds no address and no secret.

    `maybe_processed` says whether the server may have processed the request. False means that it cannot have:
    the request was not sent completely and no response began, so that a retry does nothing twice.
    """

    def __init__(self, message: str, *, maybe_processed: bool) -> None:
        super().__init__(message)
        self.maybe_processed = maybe_processed


class ConnectFailed(RequestError):
    """No connection: the name lookup, TCP or TLS failed, or took longer than CONNECT_TIMEOUT."""

    def __init__(self, message: str) -> None:
        super().__init__(message, maybe_processed=False)


class ConnectionLost(RequestError):
    """The connection ended, or the peer vanished, before the response was complete."""


class ProtocolError(RequestError):
    """What came is not HTTP, or too long."""

    def __init__(self, message: str) -> None:
        super().__init__(message, maybe_processed=True)


class Timeout(RequestError):
    """The deadline came first."""


class Host(NamedTuple):
    """Where connections go."""

    is_secure: bool
    name: str
    port: int


class Response(NamedTuple):
    """A whole response, whatever its status. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    data: bytes


# Unused connections with the time since when they are, the latest last.
_idle: defaultdict[Host, list[tuple[socket.socket, float]]] = defaultdict(list)


class Stream:
    """A request being sent and its response being read.

    `status` and `headers` are known once `read_head` returned; `received` counts the bytes of the body that
    were read. `deadline` (`time.monotonic()`) can be moved meanwhile.
    """

    def __init__(self, host: Host, connection: socket.socket, deadline: float) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.received = 0
        self.deadline = deadline
        self._host = host
        self._connection: socket.socket | None = connection
        self._connection_lock = threading.Lock()  # `interrupt` comes from another thread
        self._parser = HttpResponseParser(self)
        self._parser.set_dangerous_leniencies(
            lenient_headers=True, lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True
        )
        self._may_be_compressed = False
        self._decompressor: _Decompress | None = None
        self._parts: list[bytes] = []
        self._is_sent = False  # the whole request
        self._has_begun = False  # a byte of the response came
        self._has_head = False
        self._lasts_until_close = False
        self._is_complete = False
        self._is_reusable = False
        self._fault = ""

    def send(self, request: bytes) -> None:
        """Send the request, or as much of it as the server takes before it answers or hangs up.

        Raises:
            Timeout: the deadline came first.
        """
        connection = self._open_connection()
        rest = memoryview(request)
        try:
            connection.settimeout(self._time_left())
            rest = rest[connection.send(rest[:_FIRST_PART]) :]
        except TimeoutError as error:
            raise self._failed(error) from None
        except OSError:  # the server hung up; `read_head` finds what it said before
            return
        if rest:
            self._upload(connection, rest)
        else:
            self._is_sent = True

    def read_head(self) -> None:
        """Wait for the status and the headers.

        Raises:
            ConnectionLost: the connection ended first.
            ProtocolError: what came is not HTTP.
            Timeout: the deadline came first.
        """
        size = 0
        while not self._has_head:
            self._check(size)
            size += self._receive()

    def read(self) -> bytes:
        """Return the next bytes of the body as soon as there are any; nothing at the end.

        Raises:
            ConnectionLost: the connection ended first.
            ProtocolError: what came is not HTTP.
            Timeout: the deadline came first.
        """
        framing = 0  # bytes received since the last piece of the body: chunk extensions and trailers
        while not (self._parts or self._is_complete):
            self._check(framing)
            framing += self._receive()
        data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts.clear()
        self.received += len(data)
        if self._is_complete:
            self.close()
        return data

    def wait_for_silence(self, silence: float, timeout: float) -> bool:
        """Let the next pieces of the body gather until none has come for `silence` seconds.

        Returns whether that happened within `timeout` seconds; see shared/core/silence.py.
        """
        from shared.core.silence import wait_for_silence  # only slow streams need it

        return wait_for_silence(self._open_connection(), silence, timeout)

    def close(self) -> None:
        """Keep the connection for the next request if this one left it in a known state, else close it."""
        with self._connection_lock:
            connection, self._connection = self._connection, None
        if connection is None:
            return
        if self._is_complete and self._is_reusable and self._is_sent:
            _keep(self._host, connection)
        else:
            connection.close()

    def interrupt(self) -> None:
        """End the response from another thread: who reads it gets ConnectionLost, or what came before.

        The server learns of it when the reader closes the connection.
        """
        with self._connection_lock:
            if self._connection is not None:
                with suppress(OSError):
                    # Not SSLSocket's own method, which takes the TLS state away from the thread that reads.
                    socket.socket.shutdown(self._connection, socket.SHUT_RD)

    def finish(self) -> None:
        """Drain the rest of the body (at most 50 ms) so that the connection can be reused."""
        self.deadline = min(self.deadline, monotonic() + _END_WAIT)
        try:
            while not self._is_complete and self.read():
                pass
        except RequestError:
            pass
        self.close()

    def _upload(self, connection: socket.socket, rest: memoryview) -> None:
        """Send what the kernel did not take at once, and stop when the server answers with an error.

        A server that refuses a long body (413) answers and closes without reading the rest: only a client
        that reads while it sends gets to see the answer.
        """
        would_block = _would_block(self._host)
        early = 0
        connection.setblocking(False)
        poller = select.poll()
        poller.register(connection, select.POLLIN | select.POLLOUT)
        while rest:
            events = poller.poll(max(self.deadline - monotonic(), 0) * 1000)
            if not events:
                raise self._failed(TimeoutError())
            try:
                if events[0][1] != select.POLLOUT:
                    received = self._take_early(connection)
                    early += received
                    if not received or self._fault or self.status >= 300 or early > _MAX_EARLY:
                        return  # sending more makes no sense
                rest = rest[connection.send(rest) :]
            except would_block:
                continue
            except OSError:  # the server hung up; `read_head` finds what it said before
                return
        self._is_sent = True

    def _take_early(self, connection: socket.socket) -> int:
        """Read what came before the request was sent; return its size, 0 at the end of the connection."""
        received = connection.recv(_BLOCK)
        if received:
            self._has_begun = True
            self._parse(received)
        return len(received)

    def _check(self, size: int) -> None:
        """Raise ProtocolError after a fault, or when `size` bytes came and nothing of use is among them."""
        if self._fault or size > _MAX_HEAD:
            self.close()
            raise ProtocolError(self._fault or "endless headers or framing")

    def _receive(self) -> int:
        connection = self._open_connection()
        try:
            connection.settimeout(self._time_left())
            received = connection.recv(_BLOCK)
            if self._host.is_secure and received:
                received += _other_records(connection)
        except OSError as error:
            raise self._failed(error) from None
        if received:
            self._has_begun = True
            self._parse(received)
        elif self._lasts_until_close:
            self._complete()
        else:
            raise self._lost("the connection ended")
        return len(received)

    def _open_connection(self) -> socket.socket:
        if self._connection is None:
            raise self._lost("the connection is closed")
        return self._connection

    def _time_left(self) -> float:
        left = self.deadline - monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def _failed(self, error: OSError) -> RequestError:
        """Close the connection and return the error to raise.

        A TimeoutError with an `errno` is the kernel's (ETIMEDOUT): the peer vanished before the deadline.
        """
        if isinstance(error, TimeoutError) and error.errno is None:
            self.close()
            return Timeout("no response in time", maybe_processed=self._maybe_processed())
        return self._lost(type(error).__name__)

    def _lost(self, reason: str) -> ConnectionLost:
        self.close()
        return ConnectionLost(reason, maybe_processed=self._maybe_processed())

    def _maybe_processed(self) -> bool:
        return self._is_sent or self._has_begun

    def _parse(self, received: bytes) -> None:
        try:
            self._parser.feed_data(received)
        except (HttpParserError, HttpParserUpgrade) as error:
            # What came before still counts, and a complete response is not spoilt by what follows it.
            self._fault = self._fault or type(error).__name__
            self._is_reusable = False

    # The parser calls these.

    def on_message_begin(self) -> None:
        """Note that something follows: after a complete response nothing should."""
        self._is_reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header of this response; trailers and the headers of another response are ignored."""
        if not self._has_head:
            self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Note the status and how the end will be recognized."""
        if self._is_complete:
            return
        self.status = self._parser.get_status_code()
        if self.status == 101:  # the parser stops here, and nothing we send asks for another protocol
            self._fault = "the response switches protocols"
            return
        self._has_head = self.status >= 200
        is_chunked = "chunked" in self.headers.get("transfer-encoding", "").lower()
        has_end = is_chunked or "content-length" in self.headers
        self._lasts_until_close = self._has_head and not has_end and self.status not in (204, 304)
        if self._has_head and "content-encoding" in self.headers:
            self._may_be_compressed = self.headers["content-encoding"].strip().lower() in _COMPRESSIONS

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body, decompressed. What is raised here becomes a ProtocolError."""
        if self._is_complete:
            return
        if self._may_be_compressed:
            self._may_be_compressed = False
            # Some proxies decompress a body and leave the header.
            if body.startswith(_COMPRESSED_STARTS):
                import zlib  # few servers compress unasked

                self._decompressor = zlib.decompressobj(wbits=zlib.MAX_WBITS + 32)  # recognizes both formats
        if self._decompressor is not None:
            room = _MAX_DECOMPRESSED - sum(map(len, self._parts))
            body = self._decompressor.decompress(body, room)
            if len(body) == room or self._decompressor.unused_data:
                raise ValueError("a decompression bomb, or more than one compressed file")
        if body:
            self._parts.append(body)

    def on_message_complete(self) -> None:
        """Note the end; that of an interim response (103 and its like) does not count."""
        if not self._has_head:
            self.headers.clear()
        elif not self._is_complete:
            self._complete()
            self._is_reusable = self._parser.should_keep_alive()

    def _complete(self) -> None:
        """Note the end of the response, which must not be inside compressed data."""
        if self._decompressor is not None and not self._decompressor.eof:
            self._fault = self._fault or "the compressed data has no end"
        else:
            self._is_complete = True


def stream(
    method: str,
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    deadline: float,
    *,
    is_allowed: Callable[[str], bool] | None = None,
) -> Stream:
    """Send a request and return its response, whatever the status, before its body.

    Args:
        deadline: `time.monotonic()` after which nothing is waited for, here and in `Stream.read`.
        is_allowed: whether an IP address may be connected to, for URLs that another party names. The
            connection is a new one.

    Raises:
        RequestError: no response began by the deadline, or what came is not HTTP.
        ValueError: the URL is not an http(s) one, or the URL or a header holds a control character or what is
            not Latin-1.
    """
    host, first_lines = _address(method, url)
    head = _head(first_lines, headers, len(body))
    connection = _pop_idle(host) if is_allowed is None else None
    response = Stream(host, connection or _connect(host, deadline, is_allowed), deadline)
    response.send(head + body)
    response.read_head()
    return response


def request(
    method: str, url: str, *, timeout: float, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> Response:
    """Send a request and return the whole response, whatever its status. Redirects are not followed.

    Args:
        timeout: seconds for all of it.

    Raises:
        RequestError: no whole response came, or more than 50 MB.
        ValueError: see `stream`.
    """
    response = stream(method, url, body, headers or {}, monotonic() + timeout)
    parts = []
    while data := response.read():
        parts.append(data)
        if response.received > _MAX_DATA:
            response.close()
            raise ProtocolError("too long")
    return Response(response.status, response.headers, parts[0] if len(parts) == 1 else b"".join(parts))


def post_json(
    url: str, body: object, *, timeout: float, headers: Mapping[str, str] | None = None
) -> Response:
    """POST `body` as JSON and return the whole response; see `request`."""
    return request(
        "POST", url, timeout=timeout, body=orjson.dumps(body), headers={**_JSON, **(headers or {})}
    )


def close_idle() -> None:
    """Close the connections that wait for a next request."""
    for connections in _idle.values():
        while connections:
            connections.pop()[0].close()


@lru_cache(maxsize=256)
def _address(method: str, url: str) -> tuple[Host, str]:
    """Return where a request goes, and its first lines.

    Raises:
        ValueError: not an http(s) URL, or it holds what a request line must not hold.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError("not an http(s) URL with a host")
    is_secure = parts.scheme == "https"
    host = Host(is_secure, parts.hostname, parts.port or (443 if is_secure else 80))
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    place = parts.netloc.rpartition("@")[2]
    # urlsplit removes line breaks and tabs, so the check reads the URL as given.
    if re.search(r"[\x00-\x20\x7f]", url) or not all(map(_TARGET.fullmatch, (method, target, place))):
        raise ValueError("a URL holds a space, a control character or what is not ASCII")
    lines = (f"{method} {target} HTTP/1.1", f"Host: {place}", "User-Agent: switchboard", _NO_COMPRESSION, "")
    return host, "\r\n".join(lines)


def _head(first_lines: str, headers: Mapping[str, str], length: int) -> bytes:
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    head = f"{first_lines}{lines}Content-Length: {length}\r\n\r\n"
    # A header may hold an API key that a user typed: a line break in it must not begin another header.
    if head.count("\n") != len(headers) + 6 or head.count("\r") != len(headers) + 6:
        raise ValueError("a header holds a line break")
    if not _HEADER_LINES.fullmatch(lines):
        raise ValueError("a header holds a control character")
    return head.encode("latin-1")


def _keep(host: Host, connection: socket.socket) -> None:
    """Keep a connection for the next request, and close those that were not used for MAX_IDLE_SECONDS."""
    connections, now = _idle[host], monotonic()
    if len(connections) >= _MAX_IDLE:
        connection.close()
        return
    connections.append((connection, now))
    try:
        while connections[0][1] < now - MAX_IDLE_SECONDS:
            connections.pop(0)[0].close()
    except IndexError:  # another thread took it
        pass


def _pop_idle(host: Host) -> socket.socket | None:
    """Return the connection that was used last, if it is fit for another request."""
    connections = _idle[host]
    while connections:
        try:
            connection, since = connections.pop()
        except IndexError:  # another thread was quicker
            return None
        # A live connection has nothing to read: what can be read is its end, or what no request asked for.
        poller = select.poll()
        poller.register(connection, select.POLLIN)
        if since >= monotonic() - MAX_IDLE_SECONDS and not poller.poll(0):
            return connection
        connection.close()
    return None


def _connect(host: Host, deadline: float, is_allowed: Callable[[str], bool] | None = None) -> socket.socket:
    """Open a connection in half of the time that is left, and in CONNECT_TIMEOUT at most.

    Raises:
        ConnectFailed: it cannot be opened, or not in this time.
        Timeout: no time is left.
    """
    now = monotonic()
    if deadline <= now:
        raise Timeout("no time was left", maybe_processed=False)
    until = now + min(CONNECT_TIMEOUT, (deadline - now) / 2)
    connection = None
    try:
        connection = tcp.connect(host.name, host.port, until, is_allowed)
        if host.is_secure:
            connection.settimeout(max(until - monotonic(), 0.001))
            return _tls().wrap_socket(connection, server_hostname=host.name)
    except (OSError, UnicodeError) as error:  # UnicodeError: no host can have this name
        if connection is not None:
            connection.close()
        raise ConnectFailed(type(error).__name__) from None
    return connection


def _other_records(connection: socket.socket) -> bytes:
    """Return what else has arrived over TLS: one `recv` returns one record, which may hold a single word.

    The next `recv` raises an error again.
    """
    records: list[bytes] = []
    size = 0
    connection.setblocking(False)
    with suppress(OSError):  # SSLWantReadError: that was all
        while size < _BLOCK and (record := connection.recv(_BLOCK)):
            records.append(record)
            size += len(record)
    return b"".join(records)


def _would_block(host: Host) -> tuple[type[OSError], ...]:
    """Return the errors of a non-blocking socket that cannot go on yet."""
    if not host.is_secure:
        return (BlockingIOError,)
    import ssl  # imported already: see `_tls`

    return (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


@lru_cache(maxsize=1)
def _tls() -> SSLContext:
    import ssl  # 10 ms, and reading the system's certificates as much again

    return ssl.create_default_context()
