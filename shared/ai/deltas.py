"""Assemble the text of an answer from streamed pieces, whether they are deltas or repeat earlier text.

OpenAI's deltas contain only new text. Some servers send the whole text so far in every delta
(QwenLM/qwen-code 3896), repeat it in one delta in between (openclaw 136262), or end with a `message` that
contains all of it (hermes-browser-extension 11). The work is linear in the received text: two texts are
compared only where the new piece is at least as long as the text so far.

Another thread may call `text()` while pieces are added: the list of pieces is appended to or replaced, and is
never empty after the first.
"""

from __future__ import annotations

_SURE = 8  # pieces that each begin with the one before: ordinary answers do not
_SHORTEST_STEM = 3  # characters; the two pieces "ha" and "haha" are an ordinary answer
_SHORTEST_REPEAT = 16  # characters; a shorter text may be repeated on purpose


class Deltas:
    """Collects pieces of text and decides whether each is an addition or a repetition."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._count = 0
        self._growths = 0  # pieces that are longer than the piece before and begin with it
        self._is_growing = True  # every piece so far begins with the piece before
        self._has_deltas = False

    @property
    def length(self) -> int:
        """Return the number of characters so far; a cumulative text is as long as its last piece."""
        return len(self._parts[-1]) if self._is_growing and self._growths else self._length

    def add(self, text: str) -> None:
        """Add a delta."""
        if text:
            self._has_deltas = True
            self._take(text)

    def put(self, message: str) -> None:
        """Add the text of a `message`: the whole answer, or a piece where no deltas are sent."""
        if not message:
            return
        if self._has_deltas:
            # A much shorter message is not the whole answer, and comparing it costs more than reading it.
            if 2 * len(message) >= self.length and message.strip() not in self.text():
                self._reset(message)
        elif len(message) >= self.length and message.startswith(self.text()):
            self._reset(message)
        else:
            self._take(message)

    def text(self) -> str:
        """Return the text so far."""
        parts = self._parts
        return parts[-1] if self._is_cumulative(parts) else "".join(parts)

    def _take(self, text: str) -> None:
        self._count += 1
        if self._is_growing and self._parts:
            is_whole = self._is_surely_cumulative(text)
        else:
            is_whole = len(text) >= self._length and self._repeats(text)
        if is_whole:
            self._parts, self._length = [text], len(text)
        else:
            self._parts.append(text)
            self._length += len(text)

    def _is_surely_cumulative(self, text: str) -> bool:
        """Check whether pieces stay cumulative; once that is certain, only the last is kept."""
        last = self._parts[-1]
        if not text.startswith(last):
            self._is_growing = False
        else:
            self._growths += len(text) > len(last)
        return self._growths >= _SURE

    def _repeats(self, text: str) -> bool:
        """Whether a piece of an ordinary stream repeats all that came before it."""
        is_candidate = self._length >= _SHORTEST_REPEAT and self._count > 3
        return is_candidate and text.startswith("".join(self._parts))

    def _is_cumulative(self, parts: list[str]) -> bool:
        if not (self._is_growing and self._growths):
            return False
        stem = parts[0].strip()
        return any(map(str.isalnum, stem)) and (self._growths > 1 or len(stem) >= _SHORTEST_STEM)

    def _reset(self, text: str) -> None:
        self._parts, self._length, self._is_growing = [text], len(text), False
