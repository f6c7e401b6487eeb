"""The HTTP client that the package `supabase` works with: one deadline for each call, errors as StorageError.

This module imports the library, so import it inside the function that makes a call. httpx itself knows only
the longest pause between two reads, which a slow server can repeat forever.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from time import monotonic

import httpx
from storage3 import SyncStorageClient
from supabase import ClientOptions, create_client

from shared.core.errors import StorageError

_CONNECT_TIMEOUT = 5.0  # seconds
_MAX_CONNECTIONS = 20


@dataclass(frozen=True)
class _Call:
    """A call in progress: its name, when it ends (monotonic seconds), and how long its response may be."""

    operation: str
    deadline: float
    max_bytes: int

    def seconds_left(self) -> float:
        left = self.deadline - monotonic()
        if left <= 0:
            raise self.failed("Timeout")
        return left

    def failed(self, reason: str) -> StorageError:
        return StorageError(self.operation, 0, reason, "no answer")


_call: ContextVar[_Call] = ContextVar("call")


@contextmanager
def deadline(operation: str, seconds: float, max_bytes: int) -> Iterator[None]:
    """End the calls of this context after some seconds.

    Raises:
        StorageError: Storage refused, or no whole answer came in time.
    """
    call = _Call(operation, monotonic() + seconds, max_bytes)
    token = _call.set(call)
    try:
        yield
    except httpx.HTTPError as error:
        reason = "Timeout" if isinstance(error, httpx.TimeoutException) else type(error).__name__
        raise call.failed(reason) from None
    finally:
        _call.reset(token)


@lru_cache(maxsize=4)
def client(url: str, key: str) -> SyncStorageClient:
    """Return the library's client, which sends the key in both headers that Supabase may read.

    Its connections belong to the process: it is made on first use, after gunicorn's fork.
    """
    http_client = httpx.Client(
        transport=_Transport(), event_hooks={"response": [_raise_refusal]}, trust_env=False
    )
    options = ClientOptions(httpx_client=http_client, auto_refresh_token=False, persist_session=False)
    return create_client(url, key, options).storage


class _Transport(httpx.BaseTransport):
    """Gives every wait of a call only what is left until its deadline."""

    def __init__(self) -> None:
        self._inner = httpx.HTTPTransport(limits=httpx.Limits(max_connections=_MAX_CONNECTIONS))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        call = _call.get()
        left = call.seconds_left()
        waits = {"connect": min(left, _CONNECT_TIMEOUT), "read": left, "write": left, "pool": left}
        request.extensions = {**request.extensions, "timeout": waits}
        request.stream = _Pieces(request.stream, call)
        response = self._inner.handle_request(request)
        response.stream = _Pieces(response.stream, call, call.max_bytes)
        return response

    def close(self) -> None:
        self._inner.close()


class _Pieces(httpx.SyncByteStream):
    """A body whose pieces are counted and come before the deadline."""

    def __init__(self, stream: object, call: _Call, max_bytes: int | None = None) -> None:
        assert isinstance(stream, httpx.SyncByteStream)
        self._stream = stream
        self._call = call
        self._max_bytes = max_bytes

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for piece in self._stream:
            self._call.seconds_left()
            size += len(piece)
            if self._max_bytes is not None and size > self._max_bytes:
                raise StorageError(self._call.operation, 200, "EntityTooLarge", "the response is too long")
            yield piece

    def close(self) -> None:
        self._stream.close()


def _raise_refusal(response: httpx.Response) -> None:
    """Raise what the body says: the HTTP status is 400 for nearly every error.

    A gateway's own page (429, 502 …) has no such body; then the HTTP status counts.
    """
    if response.is_success:
        return
    response.read()
    try:
        body = response.json()
    except ValueError:
        body = None
    error = body if isinstance(body, dict) else {}
    status = str(error.get("statusCode") or "")
    raise StorageError(
        _call.get().operation,
        int(status) if status.isdecimal() else response.status_code,
        str(error.get("code") or error.get("error") or ""),
        str(error.get("message") or "not a response of Storage")[:200],
    )
