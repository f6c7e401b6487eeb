"""The page that a document is rendered on: the text so far and its entities."""

from __future__ import annotations

from typing import NamedTuple

from shared.core.texts import Text
from shared.telegram.split import Utf16

_BLANK = " \n"  # characters that Telegram trims
_ORDER = {"blockquote": 0, "pre": 1, "code": 2, "text_link": 3, "bold": 4, "italic": 5, "strikethrough": 6}


class _Span(NamedTuple):
    start: int  # characters
    end: int
    type: str
    extra: dict[str, str]


class Page:
    """The text written so far and its entities.

    Line breaks, list markers and starts of entities are deferred until the next text, so the page never ends
    with a blank line and has no bullet without text and no empty entity.
    """

    def __init__(self) -> None:
        self.length = 0
        self.indent = ""
        self.pieces: list[str] = []
        self._gap = 0
        self._marker: str | None = None
        self._spans: list[_Span] = []
        self._pending: list[str] = []
        self._started: dict[str, int] = {}
        self._depth = dict.fromkeys(_ORDER, 0)
        self._address = ""

    def write(self, text: str) -> None:
        """Add text."""
        if not text:
            return
        if self._gap or self._marker is not None:
            self._start_line()
        if self._pending:
            for style in self._pending:
                self._started[style] = self.length
            self._pending.clear()
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
        """Start the next text at least `count` lines further down."""
        self._gap = max(self._gap, count)

    def begin_block(self, *, is_inner_list: bool = False) -> None:
        """Start the next text on a new line, unless it is the first after a list marker."""
        if self._marker is None:
            self._gap = 1 if is_inner_list else self._gap or 1

    def mark(self, marker: str) -> None:
        """Start the next line with a list marker, after a pending marker: `- 1961. …` is one line."""
        self.break_line()
        self._marker = marker if self._marker is None else self._marker + marker.lstrip(" ")

    def change_marker(self, marker: str) -> None:
        """Replace the pending bullet by another marker."""
        self._marker = (self._marker or "").removesuffix("• ") + marker

    def flush_marker(self) -> None:
        """Write the pending marker on its own line."""
        if self._marker is not None:
            self._start_line()
            self.break_line()

    def is_in(self, style: str) -> bool:
        """Whether an entity of this type is open."""
        return self._depth[style] > 0

    def open(self, style: str, address: str = "") -> None:
        """Open an entity; nesting in the same type has no effect."""
        self._depth[style] += 1
        if self._depth[style] == 1:
            self._pending.append(style)
            self._address = address or self._address

    def close(self, style: str) -> None:
        """Close an entity."""
        self._depth[style] -= 1
        if self._depth[style]:
            return
        if style in self._pending:
            self._pending.remove(style)
        else:
            self._add_span(style)

    def _add_span(self, style: str) -> None:
        extra = {"url": self._address} if style == "text_link" else {}
        self._spans.append(_Span(self._started.pop(style), self.length, style, extra))

    def code(self, text: str) -> None:
        """Add inline code. Open styles pause; inside a link it stays plain, because links take precedence."""
        if self.is_in("text_link"):
            return self.write(text)
        paused = self._pause_styles()
        self._verbatim("code", text, {})
        self._pending += paused
        return None

    def _pause_styles(self) -> list[str]:
        paused = [style for style in self._pending if style != "blockquote"]
        self._pending = [style for style in self._pending if style == "blockquote"]
        for style in [style for style in self._started if style != "blockquote"]:
            self._add_span(style)
            paused.append(style)
        return paused

    def pre(self, text: str, language: str = "") -> None:
        """Add a code block, outside of all styles."""
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
        """Return the page as Telegram text."""
        text = "".join(self.pieces)
        spans = [span for span in (_trimmed(text, span) for span in self._spans) if span.start < span.end]
        spans.sort(key=lambda span: (span.start, -span.end, _ORDER[span.type]))
        # Telegram trims only before the first entity, so the indentation of code is kept.
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
    """Return the span without blanks at its ends; empty if Telegram detects the same link by itself."""
    start, end, kind, extra = span
    if kind in ("pre", "blockquote"):  # a quote may start with indented code
        return span
    while start < end and text[start] in _BLANK:
        start += 1
    while start < end and text[end - 1] in _BLANK:
        end -= 1
    if kind == "text_link" and text[start:end] == extra["url"]:
        end = start
    return _Span(start, end, kind, extra)
