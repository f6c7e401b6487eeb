"""How long a user waits for an answer when the database is in another building, at low load."""

from __future__ import annotations

from tools.bench import load, updates
from tools.bench.peer import Peer
from tools.bench.report import Aim, Row, Section
from tools.bench.saturation import KINDS, Kind, check

ROUND_TRIP = 5.0  # milliseconds there and back
_AIMS = {"chat": Aim(25)}  # milliseconds within which half of the answers are there
_WARM = 20  # updates before those that are measured
_MEASURED = 200


def measure(near: Peer, far: Peer, round_trip: float) -> Section:
    """Post updates one after another; `far` reaches Postgres through the distance, `near` directly."""
    rows = []
    for kind in (kind for kind in KINDS if kind.name != "button"):
        close, away = _latencies(near, kind), _latencies(far, kind)
        rows += [
            Row(
                f"{kind.name}: half of the answers within, ms",
                away.percentile(50) * 1000,
                close.percentile(50) * 1000,
                _AIMS.get(kind.name),
            ),
            Row("  99 of 100 within, ms", away.percentile(99) * 1000, close.percentile(99) * 1000),
        ]
    return Section(
        f"Database {ROUND_TRIP:.0f} ms away (there and back), one at a time",
        rows,
        baseline="beside it",
        note=f"(the smallest statement took {round_trip:.1f} ms;"
        " a command has two round trips, a chat three)",
    )


def _latencies(peer: Peer, kind: Kind) -> load.Load:
    requests = updates.requests(kind.name)
    load.some(peer.port, requests, _WARM)
    done = load.some(peer.port, requests, _MEASURED)
    check(kind, done)
    return done
