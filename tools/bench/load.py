"""Posts requests over kept-alive connections, each the next one as soon as it has its answer."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import quantiles

from tools.bench.errors import BenchError

PATIENCE = 60.0  # seconds until every answer must be there after the last request


@dataclass
class Load:
    """What came of it. `latencies` in seconds, one for each answer; `answers` counts (status, has a body)."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    answers: Counter[tuple[int, bool]] = field(default_factory=Counter)

    @property
    def count(self) -> int:
        """How many answers there were."""
        return len(self.latencies)

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return self.count / self.seconds

    def percentile(self, percent: int) -> float:
        """The latency in seconds that this share of the answers stayed below."""
        return quantiles(self.latencies, n=100, method="inclusive")[percent - 1]


class _Connection(asyncio.Protocol):
    def __init__(self, requests: Iterator[bytes], until: float, limit: int | None, load: Load) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._until = until
        self._left = limit
        self._load = load
        self._received = b""
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator or len(body) < (length := _length(head)):
            return
        self._received = b""
        self._load.latencies.append(time.perf_counter() - self._sent_at)
        status = int(head[9:12])
        self._load.answers[status, length > 0] += 1
        if status == 200:
            self._send()
        else:
            self._fail(f"answered {status}: {body[:300].decode('utf-8', 'replace')}")

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"the function closed a connection ({exc})")

    def _send(self) -> None:
        now = time.perf_counter()
        if now >= self._until or self._left == 0:
            self.done.set_result(None)
            self._transport.close()
            return
        if self._left is not None:
            self._left -= 1
        request = next(self._requests, None)
        if request is None:
            self.done.set_result(None)
            self._transport.close()
            return
        self._sent_at = now
        self._transport.write(request)

    def _fail(self, reason: str) -> None:
        if not self.done.done():
            self.done.set_exception(BenchError(f"An update was not taken: {reason}"))


def _length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"content-length:")
    return int(rest.split(b"\r\n", 1)[0]) if found else 0


def during(port: int, requests: Iterator[bytes], seconds: float, concurrency: int) -> Load:
    """Post for some seconds over some connections; raises BenchError for an answer that is not 200."""
    return asyncio.run(_run(port, requests, concurrency, seconds, None))


def some(port: int, requests: Iterator[bytes], count: int) -> Load:
    """Post `count` requests one after another."""
    return asyncio.run(_run(port, requests, 1, PATIENCE, count))


def shared(port: int, requests: Iterator[bytes], concurrency: int) -> Load:
    """Post requests until there are no more, over some connections."""
    return asyncio.run(_run(port, requests, concurrency, PATIENCE, None))


async def _run(
    port: int, requests: Iterator[bytes], concurrency: int, seconds: float, limit: int | None
) -> Load:
    loop, load = asyncio.get_running_loop(), Load()
    started = time.perf_counter()
    connections = []
    for _ in range(concurrency):
        _, connection = await loop.create_connection(
            lambda: _Connection(requests, started + seconds, limit, load), "127.0.0.1", port
        )
        connections.append(connection)
    async with asyncio.timeout(seconds + PATIENCE):
        await asyncio.gather(*(connection.done for connection in connections))
    load.seconds = time.perf_counter() - started
    return load
