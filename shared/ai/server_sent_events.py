"""Server-sent events out of a stream of bytes (https://html.spec.whatwg.org/multipage/server-sent-events.html).

Only the data of an event matters here. Comments, by which a provider keeps the connection open, ids and names
are skipped; the data of an event named `error` becomes an error object.

Servers that call themselves OpenAI-compatible also separate events by a single line break, end lines with
CR alone, begin with a byte order mark, send events without data and put JSON on an indented line behind an
empty `data:`. All of these are read.
"""

from __future__ import annotations

import orjson

from shared.ai.provider import MAX_BYTES
from shared.core.http import ProtocolError

_BOM = b"\xef\xbb\xbf"
_DONE = b"[DONE]"


class EventParser:
    """Splits a stream into the data of its events, wherever the bytes were split in transit."""

    def __init__(self) -> None:
        self._line: list[bytes] = []  # pieces of a line that has not ended
        self._data: list[bytes] = []  # lines of an event that has not ended
        self._size = 0
        self._is_first = True
        self._is_error = False
        self._ended_with_cr = False

    def feed(self, received: bytes) -> list[bytes]:
        """Parse the next bytes and return the data of every event that is now complete.

        Raises:
            ProtocolError: an event does not end.
        """
        if self._ended_with_cr and received:
            received = received.removeprefix(b"\n")  # the second half of a CRLF
            self._ended_with_cr = False
        # Splitting only after a line keeps multi-byte characters whole.
        cut = max(received.rfind(b"\n"), received.rfind(b"\r")) + 1
        if not cut:
            self._keep(received)
            return []
        self._ended_with_cr = received.endswith(b"\r")
        lines = b"".join((*self._line, received[:cut])).splitlines()
        self._line.clear()
        if self._is_first:
            self._is_first = False
            lines[0] = lines[0].removeprefix(_BOM)
        complete = self._events(lines)
        self._size = sum(map(len, self._data))
        self._keep(received[cut:])
        return complete

    def rest(self) -> list[bytes]:
        """Return the last event if only the empty line after it is missing."""
        complete: list[bytes] = []
        self._dispatch(complete)
        return complete

    def end(self) -> list[bytes]:
        """Return the events that the end of the stream completes: some servers omit the last empty line."""
        return self.feed(b"\n\n")

    def _keep(self, piece: bytes) -> None:
        self._line.append(piece)
        self._size += len(piece)
        if self._size > MAX_BYTES:
            raise ProtocolError(f"more than {MAX_BYTES} bytes")

    def _events(self, lines: list[bytes]) -> list[bytes]:
        complete: list[bytes] = []
        waiting = self._data
        for line in lines:
            if not line:
                if len(waiting) == 1 and not self._is_error:  # nearly always
                    complete.append(waiting.pop())
                else:
                    self._dispatch(complete)
            elif line.startswith(b"data:"):
                self._add(line[5:].strip(), complete)
            elif line.startswith(b"event:"):
                self._is_error = line[6:].strip() == b"error"
            elif (indented := line.lstrip()) != line and indented.startswith((b"data:", b"{")):
                self._add(indented.removeprefix(b"data:").strip(), complete)
        return complete

    def _add(self, data: bytes, complete: list[bytes]) -> None:
        """Add a line of data, which may begin another event."""
        if self._data and self._begins_event(data):
            self._dispatch(complete)
        if data:
            self._data.append(data)

    def _begins_event(self, data: bytes) -> bool:
        """Whether a data line begins a new event although no empty line came before it.

        Within one JSON document, a line that ends with `}` is followed by a comma or a closing bracket.
        """
        if self._data[-1].startswith(_DONE):
            return True
        if not self._is_json():
            return data.startswith((b"{", _DONE))
        return self._data[-1].endswith(b"}") and not data.startswith((b",", b"}", b"]"))

    def _is_json(self) -> bool:
        return self._data[0].startswith((b"{", b"["))

    def _dispatch(self, complete: list[bytes]) -> None:
        is_error, self._is_error = self._is_error, False
        if not self._data:
            return
        data = b"\n".join(self._data)
        is_json = self._is_json()
        self._data.clear()
        if is_error and data:
            data = b'{"error":%b}' % (data if is_json else orjson.dumps(data.decode("utf-8", "replace")))
        complete.append(data)
