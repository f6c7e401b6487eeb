"""What goes wrong with the calls of a provider: it is away, or does what it is asked and nobody hears."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from tools.emulator.web import Response


@dataclass
class _Trouble:
    path: str
    status: int
    is_executed: bool
    times: int


class Troubles:
    """Of one provider: what is still to go wrong."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[_Trouble] = []

    def fail(self, path: str, status: int = 503, *, executed: bool = False, times: int = 1) -> None:
        """Answer the next calls whose path contains `path` with `status`; `executed`: after doing them."""
        with self._lock:
            self._waiting.append(_Trouble(path, status, executed, times))

    def clear(self) -> None:
        """Take everything back."""
        with self._lock:
            self._waiting.clear()

    def answer(self, path: str, work: Callable[[], Response]) -> Response:
        """Answer a call: as it should be, or not."""
        trouble = self._next(path)
        if trouble is None:
            return work()
        if trouble.is_executed:
            work()
        return Response(trouble.status, b"trouble", "text/plain")

    def _next(self, path: str) -> _Trouble | None:
        with self._lock:
            for trouble in self._waiting:
                if trouble.path in path:
                    trouble.times -= 1
                    if trouble.times <= 0:
                        self._waiting.remove(trouble)
                    return trouble
        return None
