"""Which CPU is whose: one for the function, like an instance with one vCPU, another for everything else."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from tools.bench.errors import BenchError

_AVAILABLE = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
FUNCTION = frozenset(_AVAILABLE[:1])
OTHERS = frozenset(_AVAILABLE[1:2] or _AVAILABLE)
ALL = frozenset(_AVAILABLE)


def check() -> None:
    """Raise BenchError where nothing can be pinned to a CPU, or there is only one."""
    if len(_AVAILABLE) < 2:
        raise BenchError("This needs Linux and two CPUs: one for the function, one for the rest.")


@contextmanager
def pinned(cpus: frozenset[int]) -> Iterator[None]:
    """Run on these CPUs for a while; processes started meanwhile stay on them."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
