"""The page an answer is written on: its text so far, and the entities in it."""

from __future__ import annotations

from typing import NamedTuple

from shared.core.texts import Text
from shared.telegram.split import Utf16

_BLANK = " \n"  # what Telegram trims
_ORDER = {"blockquote": 0, "pre": 1, "code": 2, "text_link": 3, "bold": 4, "italic": 5, "strikethrough": 6}


class _Span(NamedTuple):
    start: int  # characters
    end: int
    type: str
    extra: dict[str, str]


class Page:
    """The text written so far and its entities.

    Line breaks, list markers and the beginnings of entities wait for the next text, so nothing is ever left
    hanging in the air: no blank line at the end, no bullet without a word, no empty entity.
    """

    def __init__(self) -> None:
        self.length = 0
        self.indent = ""
        self.pieces: list[str] = []
        self._gap = 0
        self._marker: str | None = None
        self._spans: list[_Span] = []
        self._waiting: list[str] = []
        self._started: dict[str, int] = {}
        self._depth = dict.fromkeys(_ORDER, 0)
        self._address = ""

    def write(self, text: str) -> None:
        """Add text."""
        if not text:
            return
        if self._gap or self._marker is not None:
            self._start_line()
        if self._waiting:
            for style in self._waiting:
                self._started[style] = self.length
            self._waiting.clear()
        self.pieces.append(text)
        self.length += len(text)

    def _start_line(self) -> None:
        start = self.indent if self._marker is None else self._marker
        if self.length:
            start = "\n" * self._gap + start
        self.pieces.append(start)
        self.length += len(start)
        self._gap, self._marker = 0, None

    def break_line(self, count: int = 1) -> None:
        """Have the next text begin at least `count` lines further down."""
        self._gap = max(self._gap, count)

    def begin_block(self, *, is_inner_list: bool = False) -> None:
        """Have the next text begin on a line of its own, unless it is the first after a list marker."""
        if self._marker is None:
            self._gap = 1 if is_inner_list else self._gap or 1

    def mark(self, marker: str) -> None:
        """Have the next line begin with a list marker, behind the one that waits: `- 1961. …` is one line."""
        self.break_line()
        self._marker = marker if self._marker is None else self._marker + marker.lstrip(" ")

    def change_marker(self, marker: str) -> None:
        """Put another marker in place of the bullet that waits."""
        self._marker = (self._marker or "").removesuffix("• ") + marker

    def flush_marker(self) -> None:
        """Write the marker that waits, on a line of its own."""
        if self._marker is not None:
            self._start_line()
            self.break_line()

    def is_in(self, style: str) -> bool:
        """Whether text written now gets this entity."""
        return self._depth[style] > 0

    def open(self, style: str, address: str = "") -> None:
        """Begin an entity; inside one of its own type it changes nothing."""
        self._depth[style] += 1
        if self._depth[style] == 1:
            self._waiting.append(style)
            self._address = address or self._address

    def close(self, style: str) -> None:
        """End an entity."""
        self._depth[style] -= 1
        if self._depth[style]:
            return
        if style in self._waiting:
            self._waiting.remove(style)
        else:
            self._add_span(style)

    def _add_span(self, style: str) -> None:
        extra = {"url": self._address} if style == "text_link" else {}
        self._spans.append(_Span(self._started.pop(style), self.length, style, extra))

    def code(self, text: str) -> None:
        """Add text in the monospace font. Styles pause meanwhile; in a link the link is worth more."""
        if self.is_in("text_link"):
            return self.write(text)
        paused = self._pause_styles()
        self._verbatim("code", text, {})
        self._waiting += paused
        return None

    def _pause_styles(self) -> list[str]:
        paused = [style for style in self._waiting if style != "blockquote"]
        self._waiting = [style for style in self._waiting if style == "blockquote"]
        for style in [style for style in self._started if style != "blockquote"]:
            self._add_span(style)
            paused.append(style)
        return paused

    def pre(self, text: str, language: str = "") -> None:
        """Add a block of code, outside of every style."""
        self.flush_marker()
        self.begin_block()
        indent, self.indent = self.indent, ""
        self._verbatim("pre", text, {"language": language} if language else {})
        self.indent = indent
        self.break_line()

    def _verbatim(self, kind: str, text: str, extra: dict[str, str]) -> None:
        self.write(text)
        self._spans.append(_Span(self.length - len(text), self.length, kind, extra))

    def text(self) -> Text:
        """Return the page as Telegram takes it."""
        text = "".join(self.pieces)
        spans = [span for span in (_trimmed(text, span) for span in self._spans) if span.start < span.end]
        spans.sort(key=lambda span: (span.start, -span.end, _ORDER[span.type]))
        # Telegram trims what stands before the first entity only: the indentation of code is safe.
        start = min(len(text) - len(text.lstrip(_BLANK)), spans[0].start if spans else len(text))
        text = text[start:].rstrip(_BLANK)
        units = Utf16(text).units
        entities = []
        for span in spans:
            offset = units(span.start - start)
            length = units(min(span.end - start, len(text))) - offset
            if length > 0:
                entities.append({"type": span.type, "offset": offset, "length": length, **span.extra})
        return Text(text, entities)


def _trimmed(text: str, span: _Span) -> _Span:
    """Return the span without blanks at its ends, empty if Telegram would make the same link by itself."""
    start, end, kind, extra = span
    if kind in ("pre", "blockquote"):  # a quote may begin with the indentation of code
        return span
    while start < end and text[start] in _BLANK:
        start += 1
    while start < end and text[end - 1] in _BLANK:
        end -= 1
    if kind == "text_link" and text[start:end] == extra["url"]:
        end = start
    return _Span(start, end, kind, extra)
