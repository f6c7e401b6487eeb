"""The wall clock of a function's process. Deadlines and durations use time.monotonic() instead.

No setting, header or table changes it. The emulator replaces these two functions in the processes that it
starts (tools/emulator/function_process.py), so callers write `clock.now()`
and never import the name.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def timestamp() -> float:
    """Return the current time in seconds since 1970."""
    return time.time()
