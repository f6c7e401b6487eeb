"""Reads a backup in a fifth of the time, so that most users of the database do not wait for it."""

from __future__ import annotations

import time
from collections.abc import Iterator

WORKING = 0.02  # seconds between two pauses
RATIO = 7.0  # length of a pause beside the work before it


def paced(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the blocks, with a pause after each while of work, seven times as long.

    Postgres waits meanwhile: it sends no more than the connection's buffers hold.
    """
    began = time.monotonic()
    for block in blocks:
        yield block
        worked = time.monotonic() - began
        if worked >= WORKING:
            time.sleep(worked * RATIO)
            began = time.monotonic()
