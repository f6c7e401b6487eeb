"""Repairs code fences of AI models: attached to text on the same line, or nested in another code block.

CommonMark recognizes a fence only on its own line and ends a block at the first fence of its length. The
intended structure is found by matching the fences of the whole document.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_LINE = re.compile(r"([ \t>]{0,99}(?:(?:[-*+]|[0-9]{1,9}[.)])[ \t]{1,99})?)(`{3,}|~{3,})(.*)")
_OPENING = re.compile(r"(`{3,})([\w+#.-]{0,32})[ \t]{0,99}", re.ASCII)
_LANGUAGE = re.compile(r"[\w+#.:/-]{1,64}", re.ASCII)
_ATTRIBUTE = re.compile(r"[\w-]{1,64}=", re.ASCII)
_INDENT = re.compile(r"[ \t>]*")
_NO_INDENT = re.compile(r"[^ \t>]")


@dataclass(slots=True)
class _Fence:
    line: int
    marks: str
    is_glued: bool = False
    inner: list[tuple[int, int]] = field(default_factory=list)  # the line ranges of nested blocks


def repair(source: str) -> str:
    """Return the source with each fence on its own line, and a longer fence around nested blocks.

    Only fences change; other text stays.
    """
    if "```" not in source:
        return source
    lines = source.split("\n")
    reading = _read(lines, may_end_glued=False)
    if reading.is_open and (other := _read(lines, may_end_glued=True)).has_glued_end and not other.is_open:
        reading = other
    return "\n".join(reading.lines())


def _read(lines: list[str], *, may_end_glued: bool) -> _Repair:
    nested = _Repair(lines, is_nested=True, may_end_glued=may_end_glued)
    return nested if nested.is_sound else _Repair(lines, is_nested=False, may_end_glued=may_end_glued)


class _Repair:
    """One interpretation of a document.

    `is_nested`: a fence with a language inside a block opens a nested block. `may_end_glued`: a fence at
        the end of a line of code closes its block.
    """

    def __init__(self, lines: list[str], *, is_nested: bool, may_end_glued: bool) -> None:
        self._lines = lines
        self._is_nested = is_nested
        self._may_end_glued = may_end_glued
        self._open: list[_Fence] = []
        self._edits: dict[int, str] = {}
        self._glued: dict[int, str] = {}  # applied when the block ends; otherwise it is not a fence
        self.has_glued_end = False
        for number, line in enumerate(lines):
            if "```" in line or "~~~" in line:
                self._take(number, line)

    @property
    def is_open(self) -> bool:
        """Whether a block is not closed."""
        return bool(self._open)

    @property
    def is_sound(self) -> bool:
        """Whether no block with nested blocks is left open."""
        return not self._is_nested or len(self._open) < 2

    def lines(self) -> list[str]:
        """Return the lines with each fence on its own line."""
        return [self._edits.get(number, line) for number, line in enumerate(self._lines)]

    def _take(self, number: int, line: str) -> None:
        match = _LINE.fullmatch(line)
        if match and not (match[2][0] == "`" and "`" in match[3]):
            self._take_fence(number, line, match[1], match[2], match[3])
        elif not self._open:
            self._take_glued(number, line)
        elif self._may_end_glued:
            self._end_glued(number, line)

    def _end_glued(self, number: int, line: str) -> None:
        """Close a block whose fence follows code on the same line."""
        fence = self._open[-1]
        code = line.rstrip(" \t").removesuffix(fence.marks)
        if code.strip(" \t>") and code != line.rstrip(" \t") and "`" not in code:
            self.has_glued_end = True
            self._close(number, f"{code}\n{self._indent_of(fence)}{fence.marks}")

    def _take_glued(self, number: int, line: str) -> None:
        """Open a block whose fence follows text on the same line."""
        start = max(line.find("`"), 0)
        words, opening = line[:start].rstrip(" \t"), _OPENING.fullmatch(line, start)
        if words and opening:
            self._open.append(_Fence(number, opening[1], is_glued=True))
            self._glued[number] = f"{words}\n{self._indent_after(number)}{opening[1]}{opening[2]}"

    def _take_fence(self, number: int, line: str, prefix: str, marks: str, info: str) -> None:
        if not self._open:
            self._open.append(_Fence(number, marks))
            return
        top = self._open[-1]
        if not marks.startswith(top.marks):
            return
        if not info.strip():
            self._close(number, line)
        elif marks[0] == "`" and (info[0].isspace() or not _is_language(info.strip())):
            indent = _INDENT.match(prefix)
            self._close(number, f"{prefix}{marks}\n{indent[0] if indent else ''}{info.strip()}")
        elif self._is_nested:
            self._open.append(_Fence(number, marks))

    def _close(self, number: int, line: str) -> None:
        fence = self._open.pop()
        if line != self._lines[number]:
            self._edits[number] = line
        if fence.is_glued:
            self._edits[fence.line] = self._glued[fence.line]
        if self._open:
            self._open[-1].inner += [*fence.inner, (fence.line, number)]
        elif fence.inner:
            self._lengthen(fence, number)

    def _lengthen(self, fence: _Fence, end: int) -> None:
        """Make the fence of a block longer than all fences inside."""
        inside = self._lines[fence.line + 1 : end]
        longest = max((len(match[2]) for match in map(_LINE.fullmatch, inside) if match), default=3)
        marks = fence.marks[0] * (longest + 1)
        for number in (fence.line, end):
            text = self._edits.get(number, self._lines[number])
            head, found, tail = (
                text.rpartition(fence.marks) if number == fence.line else text.partition(fence.marks)
            )
            self._edits[number] = (
                head.rstrip(fence.marks[0]) + marks + tail.lstrip(fence.marks[0]) if found else text
            )

    def _indent_of(self, fence: _Fence) -> str:
        """Return the prefix of a line of the block: quote markers and the indentation of a list item."""
        if fence.is_glued:
            return self._indent_after(fence.line)
        match = _LINE.fullmatch(self._lines[fence.line])
        return _NO_INDENT.sub(" ", match[1]) if match else ""

    def _indent_after(self, number: int) -> str:
        following = self._lines[number + 1] if number + 1 < len(self._lines) else ""
        match = _INDENT.match(following)
        return match[0] if match and len(match[0]) < 4 else ""


def _is_language(info: str) -> bool:
    """Whether this is the info string of an opening fence: a language and optional attributes."""
    word = _LANGUAGE.match(info)
    rest = info[word.end() :].lstrip(" \t") if word else info
    return word is not None and (
        not rest or (rest[0] == "{" and rest[-1] == "}") or _ATTRIBUTE.match(rest) is not None
    )
