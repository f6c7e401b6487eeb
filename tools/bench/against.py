"""Two checkouts side by side: this one and an older or a changed one, each with its own Postgres.

Both functions run at the same time on one CPU, and are loaded in turns of `SECONDS`. A figure is the median
of its rounds, a ratio the median of the ratios of neighbouring rounds. Of the other checkout only
functions/telegram/main.py, what it imports, and the folder supabase are used, so it may be of any age.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from tools.bench import updates
from tools.bench.fake_servers import FakeServers
from tools.bench.one_row import OneRow
from tools.bench.peer import Peer
from tools.bench.report import Row, Section
from tools.bench.saturation import CHAT, KINDS, WARM_SECONDS, Kind, Rounds, run
from tools.bench.streamed import streamed_round

SECONDS = 1.5  # of a turn
_STREAMED = "streamed chat"
_STREAMED_SECONDS = 2.5


@dataclass
class Side:
    """A checkout: its function, the first process of its Postgres, and its figures."""

    peer: Peer
    postmaster: int
    rounds: dict[str, Rounds] = field(default_factory=dict)

    def run(self, kind: Kind | None, seconds: float) -> None:
        """Load the function for one turn; `kind` is None for the bare function."""
        result = self.rounds.setdefault(kind.name if kind else "", Rounds())
        run(self.peer, kind, self.postmaster, seconds, result)


def starts(ours: Peer, theirs: Peer, rounds: int) -> Section:
    """Start both in turn. The first round compiles what was never imported, and is not counted."""
    commands = updates.requests("command")
    cpu: dict[Peer, list[float]] = {ours: [], theirs: []}
    memory: dict[Peer, list[float]] = {ours: [], theirs: []}
    for number in range(rounds + 1):
        for peer in (ours, theirs) if number % 2 else (theirs, ours):
            with peer.running(next(commands)):
                if number:
                    cpu[peer].append(peer.cpu() * 1000)
                    memory[peer].append(peer.pss())
    rows = [
        compared("CPU until the first answer, ms", cpu[ours], cpu[theirs], digits=0),
        compared("memory after it (PSS), MB", memory[ours], memory[theirs]),
    ]
    return Section(f"Start, median of {rounds}", rows, baseline="other")


def measure(
    bare: Side, ours: Side, theirs: Side, fake_servers: FakeServers, one_row: OneRow, rounds: int
) -> Section:
    """Load all in turns with every kind of update."""
    one_rows = []
    for number in range(rounds + 1):
        sides = [ours, theirs] if number % 2 else [theirs, ours]
        seconds = SECONDS if number else WARM_SECONDS
        bare.run(None, seconds)
        for kind in KINDS:
            for side in sides:
                side.run(kind, seconds)
        for side in sides:
            result = side.rounds.setdefault(_STREAMED, Rounds())
            streamed_round(side.peer, fake_servers, side.postmaster, _STREAMED_SECONDS, result)
        one_rows.append(one_row.measure(1))
        if number == 0:  # it opened connections and filled caches
            for side in (bare, ours, theirs):
                side.rounds.clear()
    by_row = [median(one_rows)] * rounds
    rows = [
        *(_times(f"{name}: CPU of an update, x of bare", name, ours, theirs, bare) for name in ours.rounds),
        compared(
            "streamed chat, x of a chat",
            _divided(ours.rounds[_STREAMED].cpu, ours.rounds[CHAT.name].cpu),
            _divided(theirs.rounds[_STREAMED].cpu, theirs.rounds[CHAT.name].cpu),
            digits=2,
        ),
        *(
            compared(
                f"{name}: CPU of Postgres, rows",
                _divided(ours.rounds[name].postgres, by_row),
                _divided(theirs.rounds[name].postgres, by_row),
            )
            for name in ours.rounds
        ),
    ]
    title = f"Two checkouts in turns of {SECONDS:g} s, median of {rounds}"
    note = f"(bare: {median(bare.rounds[''].cpu):.3f} ms; a row: {median(one_rows):.3f} ms of Postgres CPU)"
    return Section(title, rows, baseline="other", note=note)


def _times(title: str, name: str, ours: Side, theirs: Side, bare: Side) -> Row:
    by = bare.rounds[""].cpu
    return compared(
        title, _divided(ours.rounds[name].cpu, by), _divided(theirs.rounds[name].cpu, by), digits=2
    )


def _divided(values: Sequence[float], by: Sequence[float]) -> list[float]:
    return [a / b for a, b in zip(values, by, strict=True)]


def compared(name: str, ours: Sequence[float], theirs: Sequence[float], digits: int = 1) -> Row:
    """Return a row whose ratio is the median of the ratios of neighbouring rounds."""
    return Row(name, median(ours), median(theirs), digits=digits, paired=median(_divided(ours, theirs)))
