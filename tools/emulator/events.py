"""A bounded, numbered buffer of events behind the page's server-sent events."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

BUFFER = 2000
HEARTBEAT_SECONDS = 15.0


class Events:
    """Publishers never wait; a listener that falls more than BUFFER events behind misses the oldest."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._buffer: deque[tuple[int, bytes]] = deque(maxlen=BUFFER)
        self._last = 0
        self._closed = False

    def publish(self, name: str, payload: dict[str, Any]) -> None:
        """Add one event; `payload` is turned into JSON now, so later changes to it do not show."""
        data = json.dumps(payload, ensure_ascii=False, default=str)
        with self._condition:
            self._last += 1
            self._buffer.append((self._last, f"id: {self._last}\nevent: {name}\ndata: {data}\n\n".encode()))
            self._condition.notify_all()

    @property
    def last_id(self) -> int:
        """Return the number of the newest event, 0 before the first."""
        with self._condition:
            return self._last

    def stream(self, after: int | None = None) -> Iterator[bytes]:
        """Yield server-sent events after number `after`, or from now on, until the buffer is closed."""
        with self._condition:
            # A larger number is from before a restart: start with the oldest kept event.
            seen = self._last if after is None else (after if after <= self._last else 0)
        yield b"retry: 1000\n\n"
        while True:
            pieces = self._wait(seen)
            if pieces is None:
                return
            if not pieces:
                yield b": still here\n\n"
            for number, piece in pieces:
                seen = number
                yield piece

    def close(self) -> None:
        """End every stream."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def _wait(self, seen: int) -> list[tuple[int, bytes]] | None:
        deadline = time.monotonic() + HEARTBEAT_SECONDS
        with self._condition:
            while not self._closed and self._last <= seen:
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    return []
                self._condition.wait(remaining)
            if self._closed:
                return None
            return [item for item in self._buffer if item[0] > seen]
