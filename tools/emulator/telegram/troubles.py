"""Things that go wrong on request: lost and doubled deliveries, forged ones, methods that fail."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Delivery = Literal["lose_response", "deliver_twice", "forge"]
DESCRIPTIONS = {
    400: "Bad Request: chat not found",
    401: "Unauthorized",
    403: "Forbidden: bot was blocked by the user",
    429: "Too Many Requests: retry after {retry_after}",
    500: "Internal Server Error",
    502: "Bad Gateway",
}


@dataclass
class Failure:
    """How the next call of a method fails. `method` "*" is any; a timeout hangs until the caller gives up."""

    method: str
    status: int = 500
    description: str | None = None
    retry_after: int | None = None
    times: int = 1
    timeout: bool = False
    executed: bool = False
    chat_id: int | None = None
    page: bytes | None = None  # what a gateway in front of the Bot API answers instead

    def matches(self, method: str, parameters: dict[str, Any]) -> bool:
        """Whether this call is the one to fail."""
        if self.method not in ("*", method.lower()):
            return False
        return self.chat_id is None or str(parameters.get("chat_id")) == str(self.chat_id)

    def text(self) -> str:
        """Telegram's words for this failure."""
        return self.description or DESCRIPTIONS.get(self.status, "Internal Server Error").format(
            retry_after=self.retry_after or 1
        )


class Troubles:
    """The list of what is still to go wrong."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures: list[Failure] = []
        self._listeners: list[Callable[[], None]] = []
        self._deliveries: dict[str, int] = {"lose_response": 0, "deliver_twice": 0, "forge": 0}

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever the counts change."""
        self._listeners.append(listener)

    def fail(self, failure: Failure) -> None:
        """Queue a failure of a method."""
        with self._lock:
            self._failures.append(failure)

    def failure_of(self, method: str, parameters: dict[str, Any]) -> Failure | None:
        """The failure meant for this call, used up once."""
        with self._lock:
            for failure in self._failures:
                if failure.matches(method, parameters):
                    failure.times -= 1
                    if failure.times <= 0:
                        self._failures.remove(failure)
                    return failure
        return None

    def arm(self, what: Delivery, times: int) -> None:
        """Set how many of the next deliveries go wrong in this way."""
        with self._lock:
            self._deliveries[what] = max(0, times)
        self._tell()

    def strike(self, what: Delivery) -> bool:
        """Whether this delivery is to go wrong in this way; uses one up."""
        with self._lock:
            armed = self._deliveries[what] > 0
            self._deliveries[what] -= armed
        if armed:
            self._tell()
        return armed

    def counts(self) -> dict[str, int]:
        """What is armed."""
        with self._lock:
            return dict(self._deliveries)

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        with self._lock:
            self._failures.clear()
            self._deliveries = dict.fromkeys(self._deliveries, 0)
        self._tell()

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()
