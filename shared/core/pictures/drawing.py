"""Draws one picture at a time in a process: each takes 25 MB while it is drawn, and one CPU."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from io import BytesIO

WAIT_SECONDS = 6.0  # for a picture; 40 users at once take about 4 s, and Telegram delivers again after 60


def draw_in_turn(draw: Callable[[], BytesIO], wait_seconds: float = WAIT_SECONDS) -> BytesIO | None:
    """Return what `draw` returns once it has had its turn, or None when that does not come in time."""
    drawn = _artist().submit(_draw, draw)
    try:
        return drawn.result(max(min(wait_seconds, WAIT_SECONDS), 0))
    except TimeoutError:
        drawn.cancel()
        return None


@lru_cache(maxsize=1)
def _artist() -> ThreadPoolExecutor:
    # A single thread, because glibc keeps freed memory for each thread that drew.
    return ThreadPoolExecutor(1, "pictures")


def _draw(draw: Callable[[], BytesIO]) -> BytesIO:
    try:
        return draw()
    finally:
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc alone
        if trim is not None:
            trim(0)
