"""Faults of the fake Storage: refusals, timeouts and resets, before or after the work."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from tools.emulator.supabase_storage.refusals import Refused
from tools.emulator.web import Drop, Reset, Response

HANG_SECONDS = 120.0  # longer than any caller waits
NO_ANSWER = ("timeout", "reset", "page")


@dataclass
class StorageFault:
    """A fault for the next `times` calls of an operation; "" is every operation, None every call."""

    operation: str
    code: str
    is_executed: bool
    times: int | None


class StorageFaults:
    """The faults that are not used up."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[StorageFault] = []
        self._stopping = threading.Event()

    def add(self, fault: StorageFault) -> None:
        """Add a fault."""
        with self._lock:
            self._waiting.append(fault)

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._waiting.clear()

    def stop(self) -> None:
        """Release the calls that are kept waiting."""
        self._stopping.set()

    def answer(self, operation: str, work: Callable[[], Response]) -> Response:
        """Do the work and return its response, or what the next fault says.

        Raises:
            Drop, Reset: the caller gets no answer.
            Refused: with the fault's code.
        """
        fault = self._next(operation)
        if fault is None:
            return work()
        if fault.is_executed:
            work()
        if fault.code == "timeout":
            self._stopping.wait(HANG_SECONDS)
            raise Drop
        if fault.code == "reset":
            raise Reset
        if fault.code == "page":
            return Response(502, b"<html><body>Bad gateway</body></html>", "text/html")
        raise Refused(fault.code)

    def _next(self, operation: str) -> StorageFault | None:
        with self._lock:
            for fault in self._waiting:
                if fault.operation in ("", operation):
                    if fault.times is not None:
                        fault.times -= 1
                        if fault.times <= 0:
                            self._waiting.remove(fault)
                    return fault
        return None
