"""The stand-ins' time, which a test can move."""

from __future__ import annotations

import threading
import time


class Clock:
    """Unix time plus an offset. Only deadlines and dates read it; waits use the machine's monotonic clock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._offset = 0.0

    def now(self) -> float:
        """Seconds since the epoch, as the stand-ins see them."""
        with self._lock:
            return time.time() + self._offset

    def advance(self, seconds: float) -> None:
        """Move the stand-ins' time forward, e.g. past the expiry of an update."""
        with self._lock:
            self._offset += seconds
