"""Calls to the outside over kept-alive connections, each with a deadline.

One pool per process, made on first use: sockets must not cross gunicorn's fork. urllib3 costs a third of
`requests` a call, and its connections are shared among threads (docs/performance.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import orjson
import urllib3
from urllib3.exceptions import HTTPError

__all__ = ["CONNECT_TIMEOUT", "HTTPError", "NoAnswer", "pool", "post_json"]

CONNECT_TIMEOUT = 5.0  # seconds
_JSON = {"Content-Type": "application/json"}


class NoAnswer(Exception):
    """The other side could not be reached or did not answer in time. The message holds no address."""


@lru_cache(maxsize=1)
def pool() -> urllib3.PoolManager:
    """Return the pool of this process."""
    return urllib3.PoolManager(num_pools=20, maxsize=100, block=False, retries=False)


@lru_cache(maxsize=64)
def _host(scheme: str, host: str, port: int | None) -> urllib3.HTTPConnectionPool:
    return pool().connection_from_host(host, port, scheme)


def post_json(
    url: str,
    body: Any,
    *,
    timeout: float,
    headers: Mapping[str, str] = _JSON,
    stream: bool = False,
) -> urllib3.BaseHTTPResponse:
    """POST `body` as JSON and return the answer, whatever its status; with `stream`, before its body.

    Args:
        timeout: seconds for each wait on the other side (connecting is allowed `CONNECT_TIMEOUT` at most).

    Raises:
        NoAnswer: no answer came. Addresses can carry tokens, so the message leaves them out.
    """
    limits = urllib3.Timeout(connect=min(timeout, CONNECT_TIMEOUT), read=max(timeout, 0.001))
    try:
        # Straight to the host's pool: PoolManager.request spends as much again on what we never use.
        parts = urlsplit(url)
        return _host(parts.scheme, parts.hostname or "", parts.port).urlopen(
            "POST",
            f"{parts.path}?{parts.query}" if parts.query else parts.path,
            body=orjson.dumps(body),
            headers=headers,
            timeout=limits,
            preload_content=not stream,
            retries=False,
            redirect=False,
        )
    except HTTPError as error:
        raise NoAnswer(type(error).__name__) from None
