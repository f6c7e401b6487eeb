"""Memory while many users ask for a picture at once, and afterwards."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice

from tools.bench import load, updates
from tools.bench.errors import BenchError
from tools.bench.peer import Peer
from tools.bench.report import Aim, Row, Section

USERS = 40
AT_ONCE = 16
_MOST = 100  # MB above what it was before
_LOOK_EVERY = 0.02  # seconds


def measure(product: Peer) -> Section:
    """Let `USERS` users ask for /usage, `AT_ONCE` of them at a time."""
    before = product.pss()
    with _peak(product.pss) as peak:
        done = load.shared(product.port, islice(updates.requests("usage"), USERS), AT_ONCE)
    if done.count != USERS:
        raise BenchError(f"{done.count} of {USERS} requests for a picture were answered")
    rows = [
        Row("memory at its peak above that before (PSS), MB", max(peak) - before, aim=Aim(_MOST)),
        Row("memory after them above that before (PSS), MB", product.pss() - before, aim=Aim(_MOST)),
        Row("the last of them within, ms", max(done.latencies) * 1000, digits=0),
    ]
    return Section(f"/usage of {USERS} users, {AT_ONCE} at once", rows)


@contextmanager
def _peak(look: Callable[[], float]) -> Iterator[list[float]]:
    """Look again and again until the block ends."""
    seen, stop = [look()], threading.Event()

    def watch() -> None:
        while not stop.wait(_LOOK_EVERY):
            seen.append(look())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()
