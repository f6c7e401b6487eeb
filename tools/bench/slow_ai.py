"""Many users who wait for a slow AI at the same time, served by one instance."""

from __future__ import annotations

from statistics import median

from tools.bench import load, updates
from tools.bench.fake_servers import Control, FakeServers
from tools.bench.load import Load
from tools.bench.peer import THREADS, Peer
from tools.bench.report import Aim, Row, Section
from tools.bench.saturation import CHAT, check

AT_ONCE = 100
DELAY = 0.5  # seconds
_CHATS = 153  # a second: 0.9 of the AsyncTeleBot prototype (known_peers.py)
_LATEST = 900  # milliseconds within which 99 of 100 answers are there
_WAYS = {
    "the answer after 500 ms": Control(delay=DELAY),
    "the answer word by word through 500 ms": Control(delay=DELAY, drip=True),
}


def measure(product: Peer, fake_servers: FakeServers, rounds: int, seconds: float) -> Section:
    """Let `AT_ONCE` users write at once, and each again as soon as its answer arrives."""
    results: dict[str, list[tuple[Load, float]]] = {way: [] for way in _WAYS}
    try:
        for _ in range(rounds):
            for way, control in _WAYS.items():
                fake_servers.control(control)
                before = product.cpu()
                done = load.during(product.port, updates.requests("chat"), seconds, AT_ONCE)
                check(CHAT, done)
                results[way].append((done, (product.cpu() - before) * 1000 / done.count))
    finally:
        fake_servers.control(Control())
    first, *others = results
    rows = [*_rows(first, results[first], Aim(_CHATS, at_least=True), Aim(_LATEST))]
    for way in others:
        rows += _rows(way, results[way], None, None)
    title = f"{AT_ONCE} at once, {THREADS} threads, median of {rounds}"
    return Section(
        title,
        rows,
        note=f"({THREADS} threads and 500 ms an answer: {THREADS / DELAY:.0f} chats a second at most)",
    )


def _rows(way: str, results: list[tuple[Load, float]], aim: Aim | None, latest: Aim | None) -> list[Row]:
    loads = [done for done, _ in results]
    return [
        Row(f"{way}: chats a second", median(done.per_second for done in loads), aim=aim, digits=0),
        Row("  half of them within, ms", median(done.percentile(50) * 1000 for done in loads), digits=0),
        Row(
            "  99 of 100 within, ms",
            median(done.percentile(99) * 1000 for done in loads),
            aim=latest,
            digits=0,
        ),
        Row("  CPU of a chat, ms", median(cpu for _, cpu in results), digits=3),
    ]
