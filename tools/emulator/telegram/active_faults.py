"""Faults set on request: lost, doubled and forged deliveries, and methods that fail."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Literal

from tools.emulator.telegram.faults import Fault

DeliveryFault = Literal["lose_response", "deliver_twice", "forge"]


class ActiveFaults:
    """The faults that are not used up."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._listeners: list[Callable[[], None]] = []
        self._deliveries: dict[str, int] = {"lose_response": 0, "deliver_twice": 0, "forge": 0}

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever the counts or the faults change."""
        self._listeners.append(listener)

    def fail(self, fault: Fault) -> None:
        """Add a fault of the Bot API."""
        with self._lock:
            self._faults.append(fault)
        self._tell()

    def all(self) -> list[Fault]:
        """Return the faults that are not used up, the oldest first."""
        with self._lock:
            return list(self._faults)

    def remove(self, fault_id: int | None = None) -> int:
        """Take one fault away, or all of them; returns how many there were."""
        with self._lock:
            kept = [fault for fault in self._faults if fault_id is not None and fault.id != fault_id]
            removed = len(self._faults) - len(kept)
            self._faults = kept
        self._tell()
        return removed

    def fault_of(self, bot: str, method: str, parameters: dict[str, Any]) -> Fault | None:
        """Return the oldest fault that matches this call, used once."""
        with self._lock:
            found = next((fault for fault in self._faults if fault.matches(bot, method, parameters)), None)
            if found is not None:
                self._use(found)
        if found is not None:
            self._tell()
        return found

    def arm(self, what: DeliveryFault, times: int) -> None:
        """Set how many of the next deliveries have this fault."""
        with self._lock:
            self._deliveries[what] = max(0, times)
        self._tell()

    def consume(self, what: DeliveryFault) -> bool:
        """Return whether this delivery has this fault, and use the fault up."""
        with self._lock:
            armed = self._deliveries[what] > 0
            self._deliveries[what] -= armed
        if armed:
            self._tell()
        return armed

    def counts(self) -> dict[str, int]:
        """Return how many of the next deliveries have each fault."""
        with self._lock:
            return dict(self._deliveries)

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._faults.clear()
            self._deliveries = dict.fromkeys(self._deliveries, 0)
        self._tell()

    def _use(self, fault: Fault) -> None:
        fault.used += 1
        if fault.count is None:
            return
        fault.count -= 1
        if fault.count <= 0:
            self._faults.remove(fault)

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()
