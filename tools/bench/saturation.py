"""What one update costs, and how many a second one instance serves when more are always waiting."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median

from tools.bench import known_peers, load, updates
from tools.bench.errors import BenchError
from tools.bench.fake_servers import FakeServers
from tools.bench.load import Load
from tools.bench.one_row import OneRow
from tools.bench.peer import Peer, cpu_of
from tools.bench.report import Aim, Row, Section

CONCURRENCY = 8
COUNTED = 100  # updates whose round trips and calls are counted
WARM_SECONDS = 1.0


@dataclass(frozen=True)
class Kind:
    """A kind of update and what it may cost.

    Attributes:
        times: CPU of the function, x of the bare function.
        rows: CPU of Postgres, in one-row UPDATEs.
        in_response: its answer travels in the HTTP response.
    """

    name: str
    times: float | None
    rows: float | None
    round_trips: int
    calls: int
    in_response: bool = True


KINDS = (
    Kind("command", times=2.3, rows=5, round_trips=2, calls=0),
    Kind("button", times=None, rows=None, round_trips=2, calls=1),
    Kind("chat", times=3.5, rows=9, round_trips=3, calls=1, in_response=False),
)
CHAT = KINDS[-1]


@dataclass
class Rounds:
    """A figure of each round; CPU in milliseconds a request."""

    per_second: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    postgres: list[float] = field(default_factory=list)

    def add(self, done: Load, cpu: float, postgres: float) -> None:
        """Keep a round, whose CPU is in seconds of all its requests."""
        self.cpu.append(cpu * 1000 / done.count)
        self.postgres.append(postgres * 1000 / done.count)
        self.per_second.append(done.per_second)


def measure(
    bare: Peer, product: Peer, one_row: OneRow, postmaster: int, rounds: int, seconds: float
) -> Section:
    """Load both in turn with every kind of update."""
    results: dict[Kind | None, Rounds] = {None: Rounds(), **{kind: Rounds() for kind in KINDS}}
    one_rows: list[float] = []
    for number in range(rounds + 1):
        for kind, result in results.items():
            # The first round opens connections and fills caches.
            one = Rounds() if number == 0 else result
            run(bare if kind is None else product, kind, postmaster, seconds if number else WARM_SECONDS, one)
        one_rows.append(one_row.measure(1))
    baseline = results.pop(None)
    rows = [
        row
        for kind, result in results.items()
        if kind
        for row in _rows(kind, result, baseline, median(one_rows))
    ]
    title = f"Saturation, {CONCURRENCY} at once, median of {rounds}"
    note = f"(a row: {median(one_rows):.3f} ms of Postgres CPU, a one-row UPDATE)\n{known_peers.note()}"
    return Section(title, rows, note=note)


def run(
    peer: Peer,
    kind: Kind | None,
    postmaster: int,
    seconds: float,
    result: Rounds,
    concurrency: int = CONCURRENCY,
) -> None:
    """Load a function for one round and keep the figures; `kind` is None for the bare function."""
    cpu, postgres = peer.cpu(), cpu_of(postmaster)
    done = load.during(peer.port, updates.requests(kind.name if kind else "command"), seconds, concurrency)
    result.add(done, peer.cpu() - cpu, cpu_of(postmaster) - postgres)
    if kind:
        check(kind, done)


def check(kind: Kind, done: Load) -> None:
    """Raise BenchError unless every update was answered in the way its kind is."""
    if set(done.answers) != {(200, kind.in_response)}:
        raise BenchError(f"{kind.name}: not every update was answered as it should be: {dict(done.answers)}")


def _rows(kind: Kind, result: Rounds, bare: Rounds, one_row: float) -> list[Row]:
    aim = Aim(kind.times, of_ratio=True) if kind.times else None
    postgres = median(result.postgres)
    return [
        Row(f"{kind.name}: CPU of an update, ms", median(result.cpu), median(bare.cpu), aim, digits=3),
        Row("  updates a second", median(result.per_second), median(bare.per_second), digits=0),
        Row("  CPU of Postgres, ms", postgres, digits=3),
        Row("  the same in rows", postgres / one_row, aim=Aim(kind.rows) if kind.rows else None),
    ]


def count(product: Peer, fake_servers: FakeServers) -> Section:
    """Count what updates ask of others; `product` must reach Postgres through the counter."""
    rows = []
    for kind in KINDS:
        requests = updates.requests(kind.name)
        load.some(product.port, requests, 5)
        fake_servers.take_counts()
        check(kind, load.some(product.port, requests, COUNTED))
        rows += _counted(kind, fake_servers.take_counts())
    return Section(f"What an update asks of others, counted over {COUNTED}", rows)


def _counted(kind: Kind, counts: dict[str, int]) -> list[Row]:
    asked = counts.pop("ai", 0)
    if asked != (COUNTED if kind.name == "chat" else 0):
        raise BenchError(f"{kind.name}: the AI was asked {asked} times for {COUNTED} updates")
    round_trips = counts.pop("sql", 0)
    counts.pop("sendChatAction", 0)  # "typing…" only while a user waits long
    calls = ", ".join(sorted(counts))
    return [
        Row(
            f"{kind.name}: round trips to Postgres",
            round_trips / COUNTED,
            aim=Aim(kind.round_trips),
            digits=2,
        ),
        Row(
            f"  calls to Telegram{f' ({calls})' if calls else ''}",
            sum(counts.values()) / COUNTED,
            aim=Aim(kind.calls),
            digits=2,
        ),
    ]
