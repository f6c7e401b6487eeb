"""An answer while it is generated, for another thread: its text so far, and a way to stop it."""

from __future__ import annotations

import threading

from shared.ai.provider import PartialCompletion
from shared.core.http import Stream


class Progress:
    """The progress of one `complete`. The thread that reads the answer pays nothing for it."""

    def __init__(self) -> None:
        self._partial: PartialCompletion | None = None
        self._response: Stream | None = None
        self._lock = threading.Lock()
        self._is_stopped = False

    @property
    def is_stopped(self) -> bool:
        """Whether the answer was stopped."""
        return self._is_stopped

    def begin(self, partial: PartialCompletion, response: Stream) -> None:
        """Follow an attempt, which begins to receive its answer."""
        with self._lock:
            self._partial, self._response = partial, response
            if self._is_stopped:
                response.interrupt()

    def text(self) -> str:
        """Return the text so far, without reasoning and control tokens; empty before the first word."""
        return self._partial.text() if self._partial is not None else ""

    def stop(self) -> None:
        """End the answer here: what was written becomes the answer."""
        with self._lock:
            self._is_stopped = True
            if self._response is not None:
                self._response.interrupt()
