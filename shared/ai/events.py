"""Server-sent events out of a stream of bytes (https://html.spec.whatwg.org/multipage/server-sent-events.html).

Only their data matters here. Comments, by which a provider keeps the line open, names and ids are skipped.
"""

from __future__ import annotations

from shared.ai.provider import MAX_BYTES
from shared.http import Broken


class Events:
    """Cuts a stream into the data of its events, however the bytes were cut on their way."""

    def __init__(self) -> None:
        self._line: list[bytes] = []  # pieces of a line that has not ended
        self._data: list[bytes] = []  # lines of an event that has not ended
        self._size = 0

    def feed(self, received: bytes) -> list[bytes]:
        """Take the next bytes and return the data of every event that is now whole.

        Raises:
            Broken: an event does not end.
        """
        # Cutting only after a line keeps a letter of several bytes together, wherever the network cut it.
        cut = received.rfind(b"\n") + 1
        if not cut:
            self._keep(received)
            return []
        lines = b"".join((*self._line, received[:cut])).splitlines()
        self._line.clear()
        whole = self._events(lines)
        self._size = sum(map(len, self._data))
        self._keep(received[cut:])
        return whole

    def end(self) -> list[bytes]:
        """Return what an end of the stream completes: some servers leave out the last empty line."""
        return self.feed(b"\n\n")

    def _keep(self, piece: bytes) -> None:
        self._line.append(piece)
        self._size += len(piece)
        if self._size > MAX_BYTES:
            raise Broken(f"more than {MAX_BYTES} bytes")

    def _events(self, lines: list[bytes]) -> list[bytes]:
        whole: list[bytes] = []
        for line in lines:
            if line.startswith(b"data:"):
                self._data.append(line[5:])
            elif not line and self._data:
                whole.append(b"\n".join(self._data))
                self._data.clear()
        return whole
