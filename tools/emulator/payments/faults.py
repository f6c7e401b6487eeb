"""Faults of a provider's API: errors, timeouts, resets and wrong answers, before or after the work."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tools.emulator.web import Drop, Reset, Response

HANG_SECONDS = 60.0  # longer than any caller waits
# Label, and what the caller sees.
KINDS = {
    "error": ("Errors", "The provider’s API answers with an error status."),
    "timeout": ("No answer", "The connection is taken and nothing comes back until the caller gives up."),
    "reset": ("Connection reset", "The connection breaks before an answer."),
    "wrong_answer": ("Wrong answers", "A page of HTML comes with status 200, as from a proxy in between."),
}
PAGE = b"<html><body><h1>Maintenance</h1></body></html>"
_numbers = itertools.count(1)


@dataclass
class PaymentFault:
    """A fault for the next `times` calls; None is for every call until the fault is removed."""

    path: str
    status: int
    is_executed: bool
    times: int | None
    kind: str = "error"
    id: int = field(default_factory=lambda: next(_numbers))

    def json(self, provider: str) -> dict[str, Any]:
        """Return it as the API shows it."""
        return {
            "id": self.id,
            "provider": provider,
            "kind": self.kind,
            "status": self.status,
            "path": self.path,
            "count": self.times,
            "executed": self.is_executed,
        }


class PaymentFaults:
    """The faults of one provider's API that are not used up."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[PaymentFault] = []
        self._stopping = threading.Event()
        self._listeners: list[Callable[[], None]] = []

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever a fault was used."""
        self._listeners.append(listener)

    def fail(self, path: str, status: int = 503, *, executed: bool = False, times: int = 1) -> None:
        """Answer the next calls whose path contains `path` with `status`; `executed`: after doing them."""
        self.add(PaymentFault(path, status, executed, times))

    def add(self, fault: PaymentFault) -> None:
        """Add a fault."""
        with self._lock:
            self._waiting.append(fault)

    def all(self) -> list[PaymentFault]:
        """Return the faults that are not used up."""
        with self._lock:
            return list(self._waiting)

    def remove(self, number: int | None) -> None:
        """Remove one fault, or all of them."""
        with self._lock:
            self._waiting = [one for one in self._waiting if number is not None and one.id != number]

    def clear(self) -> None:
        """Remove all faults."""
        self.remove(None)

    def stop(self) -> None:
        """Release every call that is kept waiting."""
        self._stopping.set()

    def answer(self, path: str, work: Callable[[], Response], lost: Callable[[], None]) -> Response:
        """Answer a call: as it should be, or not; `lost` is called first when there will be no answer.

        Raises:
            Drop, Reset: the caller gets no answer.
        """
        fault = self._next(path)
        if fault is None:
            return work()
        for listener in self._listeners:
            listener()
        if fault.is_executed:
            work()
        if fault.kind in ("timeout", "reset"):
            lost()
        if fault.kind == "timeout":
            self._stopping.wait(HANG_SECONDS)
            raise Drop
        if fault.kind == "reset":
            raise Reset
        if fault.kind == "wrong_answer":
            return Response(200, PAGE, "text/html")
        return Response(fault.status, b"fault", "text/plain")

    def _next(self, path: str) -> PaymentFault | None:
        with self._lock:
            for fault in self._waiting:
                if fault.path not in path:
                    continue
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self._waiting.remove(fault)
                return fault
        return None
