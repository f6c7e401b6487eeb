"""Who else used the CPUs while something was measured: the first thing to know of a figure."""

from __future__ import annotations

import os

import psutil  # type: ignore[import-untyped]

from tools.bench.peer import cpu_of


class Watch:
    """Compares what all programs use with what ours do, from its making on."""

    def __init__(self, postmaster: int) -> None:
        self._postmaster = postmaster
        self._busy, self._capacity = _machine()
        self._own = self._ours()

    def others(self) -> float:
        """Return the share of all CPU time since then that went to others, 0 to 1."""
        busy, capacity = _machine()
        others = (busy - self._busy) - (self._ours() - self._own)
        return max(others / (capacity - self._capacity), 0.0)

    def _ours(self) -> float:
        return cpu_of(os.getpid()) + cpu_of(self._postmaster)


def _machine() -> tuple[float, float]:
    """Return the CPU seconds that were used and that there were, time stolen by other machines included."""
    times = psutil.cpu_times()
    idle = times.idle + times.iowait
    total = sum(times[:8])  # guest time is contained in user time
    return total - idle, total
