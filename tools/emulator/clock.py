"""The time of the fake servers and of the functions, which moves forward on request."""

from __future__ import annotations

import contextlib
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

CLOCK_VARIABLE = "EMULATOR_CLOCK"  # names the file for a function's process
TRACE_HEADER = "X-Emulator-Trace"  # trace id of the update or callback that a function's outgoing call serves


class Clock:
    """Unix time plus an offset. Deadlines and dates read it; waits use the machine's monotonic clock.

    `file` holds the offset for the functions' processes (tools/emulator/function_process.py).
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._offset = 0.0
        self._file: Path | None = None

    @property
    def offset(self) -> float:
        """Return the seconds by which this clock is ahead of the machine's."""
        with self._lock:
            return self._offset

    @property
    def file(self) -> Path:
        """Return the file with the offset; made on first use, gone after `close`."""
        with self._lock:
            if self._file is None:
                with tempfile.NamedTemporaryFile("w", prefix="switchboard-clock-", delete=False) as file:
                    file.write(repr(self._offset))
                self._file = Path(file.name)
            return self._file

    def now(self) -> float:
        """Return the seconds since the epoch, as the fake servers see them."""
        with self._lock:
            return time.time() + self._offset

    def moment(self) -> datetime:
        """Return the same as a datetime in UTC."""
        return datetime.fromtimestamp(self.now(), UTC)

    def advance(self, seconds: float) -> None:
        """Move the time forward.

        Raises:
            ValueError: it would go backwards.
        """
        if seconds < 0:
            raise ValueError("time moves forward only")
        with self._lock:
            self._offset += seconds
            if self._file is not None:
                # Replace the file, so that a process reads either the old or the new number.
                fresh = self._file.with_suffix(".new")
                fresh.write_text(repr(self._offset), encoding="ascii")
                fresh.replace(self._file)

    def close(self) -> None:
        """Remove the file."""
        with self._lock, contextlib.suppress(OSError):
            if self._file is not None:
                self._file.unlink()
