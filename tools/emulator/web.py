"""A small threaded HTTP/1.1 server: kept-alive connections, streams, and connections dropped on purpose.

The fake servers must be able to do what a good server never does (vanish in the middle of an answer), so this
sits directly on the socket instead of behind WSGI.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote

logger = logging.getLogger(__name__)

MAX_BODY = 64 * 1024 * 1024
KEEP_ALIVE_SECONDS = 75.0


class Drop(Exception):
    """Raised by a handler or inside a streamed body: the connection closes with nothing further sent."""


class Reset(Exception):
    """Raised by a handler: the peer sees its connection reset."""


@dataclass(frozen=True)
class Request:
    """One HTTP request, its body read whole. Header names are lower case, the path is decoded."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON; raises ValueError when it is not."""
        return json.loads(self.body or b"null")

    def arguments(self) -> dict[str, str]:
        """Return the fields of the query string; the last of equal names wins."""
        return dict(parse_qsl(self.query, keep_blank_values=True))


@dataclass
class Response:
    """One HTTP response. A body that is not bytes is streamed in chunks.

    `cookies` are the values of Set-Cookie, the only header that may come several times.
    """

    status: int = 200
    body: bytes | Iterable[bytes] = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    cookies: tuple[str, ...] = ()


Handler = Callable[[Request], Response]


def json_response(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return a response with a JSON body."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(status, body, "application/json", headers or {})


METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


class HttpServer:
    """Serves `handler` on 127.0.0.1, a thread for each connection."""

    def __init__(self, handler: Handler, port: int = 0) -> None:
        self.handler = handler
        self._server = _Server(("127.0.0.1", port), handler)
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin answering."""
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the port and every connection that is still open."""
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join(5)
        self._server.server_close()
        self._server.close_connections()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 512
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], handler: Handler) -> None:
        self.handler = handler
        self._connections: set[socket.socket] = set()
        self._connections_lock = threading.Lock()
        super().__init__(address, _Connection)

    def server_bind(self) -> None:
        # The parent class looks the host's name up here, which takes seconds where DNS is absent.
        socket_address = self.server_address
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(socket_address)
        self.server_address = self.socket.getsockname()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._connections_lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._connections_lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        with self._connections_lock:
            connections = list(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        logger.debug("connection of %s ended", client_address, exc_info=True)


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = KEEP_ALIVE_SECONDS
    disable_nagle_algorithm = True
    server: _Server

    def _serve(self) -> None:
        request = self._request()
        if request is None:
            return
        try:
            self._send(self.server.handler(request))
        except (Drop, ConnectionError, TimeoutError):
            self._abandon()
        except Reset:
            self._reset()
        except Exception:
            logger.exception("%s %s failed", request.method, request.path)
            self._send(json_response({"error": "The emulator itself failed; see its terminal."}, 500))

    def _request(self) -> Request | None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self._body(headers)
        if body is None:
            self._send(json_response({"error": "The body is too large."}, 413, {"Connection": "close"}))
            return None
        path, _, query = self.path.partition("?")
        return Request(self.command, unquote(path), query, headers, body)

    def _body(self, headers: Mapping[str, str]) -> bytes | None:
        if "chunked" in headers.get("transfer-encoding", "").lower():
            return self._chunked_body()
        length = int(headers.get("content-length") or 0)
        return self.rfile.read(length) if length <= MAX_BODY else None

    def _chunked_body(self) -> bytes | None:
        body = bytearray()
        while size := int(self.rfile.readline().split(b";")[0] or b"0", 16):
            if len(body) + size > MAX_BODY:
                return None
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return bytes(body)

    def _send(self, response: Response) -> None:
        streamed = not isinstance(response.body, bytes)
        head = self._head(response, streamed)
        if isinstance(response.body, bytes):
            # One write for both: a second small packet would wait for the peer's delayed acknowledgement.
            self.wfile.write(head + (b"" if self.command == "HEAD" else response.body))
            return
        self.wfile.write(head)
        chunked = "Content-Length" not in response.headers
        for piece in response.body:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
        if chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _head(self, response: Response, streamed: bool) -> bytes:
        try:
            phrase = HTTPStatus(response.status).phrase
        except ValueError:
            phrase = ""
        lines = [f"HTTP/1.1 {response.status} {phrase}", f"Content-Type: {response.content_type}"]
        if "Content-Length" not in response.headers:
            length = len(response.body) if isinstance(response.body, bytes) else 0
            lines.append("Transfer-Encoding: chunked" if streamed else f"Content-Length: {length}")
        lines += [f"{name}: {value}" for name, value in response.headers.items()]
        lines += [f"Set-Cookie: {cookie}" for cookie in response.cookies]
        if response.headers.get("Connection", "").lower() == "close":
            self.close_connection = True
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")

    def _abandon(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _reset(self) -> None:
        self.close_connection = True
        # Without lingering, closing sends RST. A shutdown before it would send FIN: an end, not a reset.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())

    def log_message(self, format: str, *args: Any) -> None:
        logger.debug(format, *args)


for _method in METHODS:
    setattr(_Connection, f"do_{_method}", _Connection._serve)
