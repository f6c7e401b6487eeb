"""Splits a long text with entities into messages that Telegram accepts.

The limits and their sources:

- 4096 UTF-16 code units of text (Bot API, sendMessage);
- 100 entities; more are dropped silently: `MAX_USER_ENTITY_COUNT` in tdlib's MessageEntity.cpp, there called
  the server's limit, and user reports (TelegramBots issue 854). tdlib splits a style that starts inside
  another one, so such a style counts twice;
- about 9,500 bytes of entities, beyond which the whole message is refused (telegram-bot-api issue 165): in
  practice, long URLs;
- a text of only invisible characters is refused (tdlib's `strip_empty_characters`).
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

from shared.core.json_types import JsonObject
from shared.core.texts import Text, utf16_length

MESSAGE_LENGTH = 4096  # UTF-16 code units
MIN_LENGTH = 16  # code units; one family emoji would not fit into less
MAX_PARTS = 10
MAX_ENTITIES = 100
MAX_ENTITY_BYTES = 8000

_STYLES = frozenset({"bold", "italic", "underline", "strikethrough", "spoiler"})
_BLANK = " \n"  # characters that Telegram trims, after replacing tabs and control characters by spaces
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")
_VISIBLE = re.compile(
    "[^\x00-\x20\xa0\u030a\u0333\u033f\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f\u2800\u3000\ufeff\ufffc"
    "\U000e0000-\U000e007f]"
)
_SENTENCE_END = re.compile(r"[.!?…][\"'»”’)\]]*(?=\s|\Z)|[。！？]")
_SPACE = re.compile(r"\s")
_ENTITY_BYTES = 12  # type, offset and length, four bytes each
_MARK = "…"
_MARK_ROOM = 2  # code units: the mark, and a line break before it when it follows a code block


def is_visible(text: str) -> bool:
    """Whether `text` has a visible character; Telegram refuses a message without one."""
    return _VISIBLE.search(text) is not None


def split(text: Text, limit: int = MESSAGE_LENGTH, *, max_parts: int = MAX_PARTS) -> list[Text]:
    """Return `text` as messages of at most `limit` UTF-16 code units, none of them empty.

    It is cut between paragraphs, else lines, sentences or words; only a word longer than a message is cut
    inside. A code block that fits into one message is not cut; a longer one continues as a code block of
    the same language. Text beyond `max_parts` messages is dropped, and the last message then ends with `…`.

    Raises:
        ValueError: `limit` is below `MIN_LENGTH` or `max_parts` below 1.
    """
    if limit < MIN_LENGTH or max_parts < 1:
        raise ValueError(f"cannot split into {max_parts} parts of {limit}")
    if _fits(text, limit):
        return [text] if is_visible(text.text) else []
    source = _Source(text, limit)
    parts: list[Text] = []
    start = last_start = source.next_start(0)
    while start < source.end:
        end = source.reach(start, limit)
        if end < source.end:
            end = source.best_cut(start, end)
        part = source.part(start, end)
        if is_visible(part.text):
            if len(parts) == max_parts:
                return [*parts[:-1], source.abridged(last_start)]
            parts.append(part)
            last_start = start
        start = source.next_start(end)
    return parts


def _fits(text: Text, limit: int) -> bool:
    """Whether the text fits into one message even if each entity counts twice."""
    return (
        utf16_length(text.text) <= limit
        and 2 * len(text.entities) <= MAX_ENTITIES
        and sum(map(_size, text.entities)) <= MAX_ENTITY_BYTES
    )


def _size(entity: JsonObject) -> int:
    """Return the approximate size in bytes of an entity in Telegram's protocol."""
    return _ENTITY_BYTES + len(f"{entity.get('url', '')}{entity.get('language', '')}".encode())


class Utf16:
    """Converts positions in a text between characters (Python) and UTF-16 code units (Telegram)."""

    def __init__(self, text: str) -> None:
        self._characters = [] if text.isascii() else [match.start() for match in _ASTRAL.finditer(text)]
        self._units = [position + index for index, position in enumerate(self._characters)]

    def units(self, character: int) -> int:
        """Return the number of code units before a character."""
        return character + bisect_left(self._characters, character)

    def characters(self, unit: int) -> int:
        """Return the number of characters before a code unit; a low surrogate belongs to its character."""
        return unit - bisect_left(self._units, unit)


class _Entity(NamedTuple):
    start: int  # characters
    end: int
    data: JsonObject

    @property
    def is_style(self) -> bool:
        return self.data["type"] in _STYLES


class _Source:
    """The text to split; all positions are in characters."""

    def __init__(self, source: Text, limit: int) -> None:
        self.text = source.text
        self.end = len(source.text.rstrip(_BLANK))
        self.limit = limit
        self.offsets = Utf16(source.text)
        self.entities = sorted(
            (self._located(data) for data in source.entities), key=lambda entity: (entity.start, -entity.end)
        )
        # The running maximum of entity ends is sorted, so entities that end before a position can be skipped.
        self._reached = list(accumulate((entity.end for entity in self.entities), max))

    def _located(self, data: JsonObject) -> _Entity:
        start, stop = data["offset"], data["offset"] + data["length"]
        return _Entity(self.offsets.characters(start), min(self.offsets.characters(stop), self.end), data)

    @cached_property
    def _blocks(self) -> list[_Entity]:
        return [entity for entity in self.entities if entity.data["type"] == "pre"]

    @cached_property
    def _block_starts(self) -> list[int]:
        return [block.start for block in self._blocks]

    def _block_at(self, position: int) -> _Entity | None:
        """Return the code block that the character at `position` belongs to."""
        index = bisect_right(self._block_starts, position) - 1
        return self._blocks[index] if index >= 0 and position < self._blocks[index].end else None

    def _entities_between(self, start: int, end: int) -> Iterator[_Entity]:
        """Yield the entities that overlap a range, in order."""
        for index in range(bisect_right(self._reached, start), len(self.entities)):
            entity = self.entities[index]
            if entity.start >= end:
                return
            if entity.end > start:
                yield entity

    def _length(self, start: int, end: int) -> int:
        return self.offsets.units(end) - self.offsets.units(start)

    def next_start(self, position: int) -> int:
        """Return the start of the part after a cut: after blanks, but before the indentation of code."""
        while position < self.end and self.text[position] in _BLANK:
            if self.text[position] == " " and self._block_at(position):
                break
            position += 1
        return position

    def reach(self, start: int, limit: int) -> int:
        """Return the furthest end of a message from `start`, by length, entities and their bytes."""
        end = min(self.offsets.characters(self.offsets.units(start) + limit), self.end)
        count = size = style_end = 0
        for entity in self._entities_between(start, end):
            count += 2 if entity.is_style and start < entity.start < style_end else 1
            size += _size(entity.data)
            if entity.start > start and (count > MAX_ENTITIES or size > MAX_ENTITY_BYTES):
                return entity.start
            if entity.is_style:
                style_end = max(style_end, entity.end)
        return end

    def best_cut(self, start: int, end: int) -> int:
        """Return the best position to cut at, after `start` and up to `end`."""
        block = self._block_at(end)
        if block and start < block.start < end and self._length(block.start, block.end) <= self.limit:
            return block.start
        middle = start + (end - start) // 2  # no cut that leaves more than half of a message empty
        return (
            self._before_heading(start, self._last_break("\n\n", middle, end))
            or self._last_break("\n", middle, end)
            or self._sentence_end(middle, end)
            or self._last_space(start + 1, end)
            or self._between_graphemes(start, end)
        )

    def _last_break(self, separator: str, start: int, end: int) -> int:
        """Return the last line break outside of code blocks that end before `end`, or 0."""
        stop = end + len(separator)
        while (found := self.text.rfind(separator, start, stop)) > start:
            block = self._block_at(found)
            if block is None or block.end > end:
                return found
            stop = block.start
        return 0

    def _before_heading(self, start: int, cut: int) -> int:
        """Move a cut that would leave a heading at the end of a part to before the heading."""
        last = len(self.text[start:cut].rstrip(_BLANK)) + start
        for entity in self._entities_between(start, last):
            if entity.end == last and entity.start > start and entity.data["type"] == "bold":
                is_line = self.text[entity.start - 1] == "\n" and "\n" not in self.text[entity.start : last]
                return entity.start if is_line else cut
        return cut

    def _sentence_end(self, start: int, end: int) -> int:
        ends = [match.end() for match in _SENTENCE_END.finditer(self.text, start, end + 1)]
        return max((position for position in ends if position <= end), default=0)

    def _last_space(self, start: int, end: int) -> int:
        return max((match.start() for match in _SPACE.finditer(self.text, start, end + 1)), default=0)

    def _between_graphemes(self, start: int, end: int) -> int:
        """Return the last position up to `end` between two graphemes, if within 64 characters."""
        for cut in range(end, max(start, end - 64), -1):
            if not _is_joined(self.text, cut):
                return cut
        return end

    def part(self, start: int, end: int, mark: str = "") -> Text:
        """Return the message of a range, with `mark` at its end."""
        content = self.text[start:end].rstrip(_BLANK)
        end = start + len(content)
        origin = self.offsets.units(start)
        entities = []
        for entity in self._entities_between(start, end):
            first, last = max(entity.start, start), min(entity.end, end)
            if first < last:
                offset = self.offsets.units(first) - origin
                entities.append({**entity.data, "offset": offset, "length": self._length(first, last)})
        return Text(content + mark, entities[:MAX_ENTITIES])

    def abridged(self, start: int) -> Text:
        """Return the last allowed message, ending with the mark of dropped text."""
        cut = self.best_cut(start, self.reach(start, self.limit - _MARK_ROOM))
        # On its own line after a code block, because it would look like code.
        return self.part(start, cut, "\n" + _MARK if self._block_at(cut - 1) else _MARK)


def _is_joined(text: str, cut: int) -> bool:
    """Whether the characters around `cut` form one grapheme (simplified from Unicode annex 29)."""
    before, after = text[cut - 1], text[cut]
    if after in "\u200c\u200d" or before == "\u200d" or unicodedata.category(after) in ("Mn", "Mc", "Me"):
        return True
    if "\U0001f3fb" <= after <= "\U0001f3ff" or "\U000e0020" <= after <= "\U000e007f":
        return True  # skin tones; tags in the flags of England, Scotland and Wales
    return _is_flag_letter(after) and _flag_letters_before(text, cut) % 2 == 1


def _is_flag_letter(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _flag_letters_before(text: str, cut: int) -> int:
    count = 0
    while count < min(cut, 64) and _is_flag_letter(text[cut - 1 - count]):
        count += 1
    return count
