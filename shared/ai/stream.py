"""Asking over HTTP and reading the answer as it comes, never past a deadline.

A socket's own timeout starts anew with every byte, so a server that drips would be waited for without end.
Here each wait gets what is left until the deadline, the reading of the headers included. For that the
connections of these pools read through `_Reader`; the pools are `shared.http`'s, kept apart by their block
size from those of plain requests to the same host.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from collections.abc import Mapping
from contextvars import ContextVar
from functools import lru_cache
from typing import Any
from urllib.parse import SplitResult, urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from shared.http import CONNECT_TIMEOUT, NoAnswer, pool

_BLOCK = 65_536  # bytes; one read takes whatever the kernel holds, up to this
_MAX_LINE = 4_096  # bytes of a chunk's head
_END_WAIT = 0.05  # seconds; the end of the body follows the last event at once, or never


class NotReached(NoAnswer):
    """No answer began: not connected, or the connection broke before the first line of it."""


class Broken(NoAnswer):
    """The answer broke off."""


class OutOfTime(NoAnswer):
    """The deadline came."""


class _Limit:
    """Until when reads may wait (`time.monotonic()`). It can be moved while an answer is being read."""

    __slots__ = ("deadline",)

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline

    def left(self) -> float:
        """Return the seconds left; 0 or less when the time is over."""
        return self.deadline - time.monotonic()


# How a limit gets to the response that http.client makes inside urllib3's call.
_opening: ContextVar[_Limit] = ContextVar("opening")


class _Reader(io.RawIOBase):
    """A socket's bytes, where each wait ends at the limit."""

    def __init__(self, sock: socket.socket, held: io.RawIOBase, limit: _Limit) -> None:
        self._sock = sock
        self._held = held  # keeps the socket open until the response is closed, as http.client expects
        self._limit = limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._limit.left()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(left)
        return self._sock.recv_into(buffer)

    def close(self) -> None:
        self._held.close()
        super().close()


class _Chunks:
    """Takes a chunked body out of its frame (RFC 9112, 7.1), however the bytes were cut on their way.

    http.client needs a read for each chunk; with a provider's chunk for every word that is 20 times the work.
    """

    def __init__(self) -> None:
        self.ended = False
        self.is_broken = False  # what came before still counts
        self._head = b""  # a line that has not ended
        self._left = 0  # bytes of the chunk still to come, with the line end after it
        self._is_last = False

    def feed(self, received: bytes) -> bytes:
        """Take the next bytes and return the body's bytes among them."""
        if self._head:
            received, self._head = self._head + received, b""
        parts, at, size, left = [], 0, len(received), self._left
        while at < size and not (self.ended or self.is_broken):
            if left:
                if left > 2:
                    parts.append(received[at : at + left - 2])
                at += left
                left = max(at - size, 0)
            elif (end := received.find(b"\n", at)) >= 0:
                left = self._line(received[at:end])
                at = end + 1
            else:
                self._head = received[at:]
                break
        self._left = left
        self.is_broken = self.is_broken or len(self._head) > _MAX_LINE
        return b"".join(parts)

    def _line(self, line: bytes) -> int:
        """Read a chunk's head and return its length; or a line of what follows the last chunk."""
        if self._is_last:
            self.ended = not line.strip()
            return 0
        try:
            length = int(line.partition(b";")[0], 16)
        except ValueError:
            length = -1
        self.is_broken = length < 0
        self._is_last = length == 0
        return length + 2 if length > 0 else 0


class _Response(http.client.HTTPResponse):
    """An HTTP response read within a limit, as many chunks at once as there are."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        held = self.fp.detach()
        self.fp = io.BufferedReader(_Reader(sock, held, _opening.get()), _BLOCK)
        self._chunks = _Chunks()

    def read1(self, n: int = -1) -> bytes:
        if self.fp is None or not self.chunked:
            return super().read1(n)
        data = b""
        while not data and not self._chunks.ended:
            received = b"" if self._chunks.is_broken else self.fp.read1(_BLOCK)
            if not received:
                raise http.client.IncompleteRead(b"")
            data = self._chunks.feed(received)
        if self._chunks.ended:
            self.close()  # tells urllib3 that the connection is free for the next request
        return data


class _Connection(HTTPConnection):
    response_class = _Response


class _SecureConnection(HTTPSConnection):
    response_class = _Response


class Stream:
    """An answer being read. `status` and `headers` are there at once; `received` counts the body's bytes."""

    def __init__(self, response: urllib3.BaseHTTPResponse, limit: _Limit) -> None:
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers
        self.received = 0
        self._response = response
        self._limit = limit

    def read(self) -> bytes:
        """Return the next bytes as soon as there are any; nothing at the end.

        Raises:
            OutOfTime: the deadline came first.
            Broken: the connection did not last until the end.
        """
        try:
            data = self._response.read1()
        except urllib3.exceptions.ReadTimeoutError:
            raise OutOfTime from None
        except urllib3.exceptions.HTTPError as error:
            raise Broken(type(error).__name__) from None
        self.received += len(data)
        return data

    def close(self) -> None:
        """Give the connection back when the answer was read to its end, else close it."""
        if not self._response.closed:
            self._response.close()

    def finish(self) -> None:
        """Read what little may follow the last event, so that the connection can serve again."""
        self._limit.deadline = min(self._limit.deadline, time.monotonic() + _END_WAIT)
        try:
            while not self._response.closed and self.read():
                pass
        except NoAnswer:
            pass
        self.close()


@lru_cache(maxsize=64)
def _parts(url: str) -> SplitResult:
    return urlsplit(url)


def _connections(url: str) -> urllib3.HTTPConnectionPool:
    parts = _parts(url)
    found = pool().connection_from_host(parts.hostname, parts.port, parts.scheme, {"blocksize": _BLOCK})
    found.ConnectionCls = _SecureConnection if parts.scheme == "https" else _Connection
    return found


def post(url: str, body: bytes, headers: Mapping[str, str], deadline: float) -> Stream:
    """POST and return the answer, whatever its status, before its body.

    Args:
        deadline: `time.monotonic()` after which nothing is waited for, here and in `Stream.read`.

    Raises:
        NotReached: no answer began. The message holds no address, for addresses can carry secrets.
        OutOfTime: the deadline came first.
    """
    limit = _Limit(deadline)
    left = limit.left()
    if left <= 0:
        raise OutOfTime
    # A name may have several addresses, and each of them is waited for in turn.
    timeout = urllib3.Timeout(total=left, connect=min(CONNECT_TIMEOUT, left / 4))
    token = _opening.set(limit)
    try:
        response = _connections(url).urlopen(
            "POST",
            _parts(url).path,
            body=body,
            headers=headers,
            retries=False,
            redirect=False,
            timeout=timeout,
            preload_content=False,
        )
    except urllib3.exceptions.ReadTimeoutError:
        raise OutOfTime from None
    except urllib3.exceptions.HTTPError as error:
        raise NotReached(type(error).__name__) from None
    finally:
        _opening.reset(token)
    return Stream(response, limit)
