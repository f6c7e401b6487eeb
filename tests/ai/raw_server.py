"""A fake provider on raw sockets: it can split, delay, truncate or drop a response anywhere."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

Script = Callable[[socket.socket], None]


def event(text: str = "", finish: str | None = None) -> bytes:
    """Return one event of a stream."""
    choice = {"index": 0, "delta": {"content": text} if text else {}, "finish_reason": finish}
    body = {"object": "chat.completion.chunk", "choices": [choice], "usage": None}
    return b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\n\n"


def stream(*texts: str) -> bytes:
    """Return the body of a whole stream."""
    usage = b'data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":3}}\n\n'
    return b"".join(map(event, texts)) + event(finish="stop") + usage + b"data: [DONE]\n\n"


def chunk(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(body), body)


def head(status: str = "200 OK", kind: str = "text/event-stream", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


CHUNKED = head(Transfer_Encoding="chunked")
END = b"0\r\n\r\n"


def good(*texts: str) -> Script:
    """Send a whole stream in one chunk."""
    return lambda connection: connection.sendall(CHUNKED + chunk(stream(*(texts or ("Hello",)))) + END)


def plain(body: Any, status: str = "200 OK", **headers: str) -> Script:
    """Send a JSON body with Content-Length."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = head(status, "application/json", Content_Length=str(len(raw)), **headers) + raw
    return lambda connection: connection.sendall(answer)


def sends(*pieces: bytes, gap: float = 0.0, then: Callable[[socket.socket], None] | None = None) -> Script:
    """Send these pieces one after the other."""

    def script(connection: socket.socket) -> None:
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(gap)
        if then:
            then(connection)

    return script


def silence(connection: socket.socket) -> None:
    """Send nothing until the client gives up."""
    connection.settimeout(30)
    with suppress(OSError):
        connection.recv(1)
    raise ConnectionError


def hang_up(connection: socket.socket) -> None:
    raise ConnectionError


@dataclass(frozen=True)
class Received:
    connection: int
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


class RawServer:
    """Answers each request with the next script, then with a good answer."""

    def __init__(self) -> None:
        self.requests: list[Received] = []
        self.closed: set[int] = set()  # connections that the client closed
        self._scripts: deque[Script] = deque()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def next(self, *scripts: Script) -> None:
        self._scripts.extend(scripts)

    def forget(self) -> None:
        """Drop the remaining scripts and the recorded requests."""
        self._scripts.clear()
        self.requests.clear()

    def stop(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def wait_closed(self, connection: int) -> bool:
        """Whether the client closes a connection within 20 s."""
        end = time.monotonic() + 20
        while connection not in self.closed and time.monotonic() < end:
            time.sleep(0.005)
        return connection in self.closed

    def _start(self, run: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=run, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        number = 0
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            number += 1
            self._open.append(connection)
            self._start(self._serve, connection, number)

    def _serve(self, connection: socket.socket, number: int) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection:
            try:
                while request := _read(connection, number):
                    self.requests.append(request)
                    script = self._scripts.popleft() if self._scripts else good()
                    script(connection)
            except OSError:
                pass
            self.closed.add(number)


def _read(connection: socket.socket, number: int) -> Received | None:
    connection.settimeout(10)
    raw = b""
    while b"\r\n\r\n" not in raw:
        received = connection.recv(65536)
        if not received:
            return None
        raw += received
    top, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = top.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers["content-length"]):
        body += connection.recv(65536)
    return Received(number, first.split()[1], headers, json.loads(body or b"{}"))
