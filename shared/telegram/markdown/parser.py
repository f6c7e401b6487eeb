"""Parses Markdown into a flat sequence of steps, from the events of pulldown-cmark.

Adds what pulldown-cmark leaves out: list numbers as written, table cells beyond the header, definitions
that no link uses, and markers that are not intended as styles.

`pyromark` is imported on first use, to keep the cold start short.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from shared.core.json_types import JsonValue
from shared.telegram.markdown.styles import Style

if TYPE_CHECKING:
    from pyromark import Options
    from pyromark.event import Range

Step = tuple[str, Any]  # ("Text", "words"), ("List", 1) where one begins, ("/List", True) where it ends

_MARKERS = {"Emphasis": 1, "Strong": 2, "Strikethrough": 2}  # bytes
_STYLES = frozenset(_MARKERS) | {f"/{name}" for name in _MARKERS}
_LINKS = frozenset({"Link", "Image"})
_NUMBER = re.compile(rb"[ \t]{0,99}([0-9]{1,9}[.)])")
_PLUS = re.compile(rb"[ \t]{0,99}\+")
_DEFINITION = re.compile(r"\[(?!\^)((?:[^\[\]\\]|\\.){1,999}+)\]:(.*?)(?=\n[ \t>]*\[|\Z)", re.DOTALL)
_PREFIX = re.compile(r"\n[ \t>]*")
_AROUND = 8  # bytes, enough for two characters


@lru_cache(maxsize=1)
def _options() -> Options:
    from pyromark import Options

    return (
        Options.ENABLE_TABLES
        | Options.ENABLE_STRIKETHROUGH
        | Options.ENABLE_TASKLISTS
        | Options.ENABLE_FOOTNOTES
    )


def read(markdown: str, is_address: Callable[[str], bool]) -> Iterator[Step]:
    """Yield the steps of the document in order. `is_address`: whether Telegram accepts a URL in a link.

    An event is a string, `{kind: value}`, or `{"Start": …}` and `{"End": …}` with a string or `{name: data}`
    inside (pyromark's event.py), and comes with its byte range in the source.
    """
    from pyromark import events_with_range

    used = _used_labels(markdown, is_address) if "]:" in markdown else None
    return _EventReader(markdown, used).steps(events_with_range(markdown, options=_options()))


class _EventReader:
    """Turns events into steps. `used`: labels of definitions in use; None: no definitions."""

    def __init__(self, markdown: str, used: set[str] | None) -> None:
        self._source = markdown.encode()
        self._used = used
        self._position = 0  # bytes that were processed
        self._literal: list[str] = []  # per open style: the marker to write as text, or "" if intended
        self._last_cell = 0

    def steps(self, events: Iterable[tuple[JsonValue, Range]]) -> Iterator[Step]:
        for event, place in events:
            name, data = _step(event)
            if self._used is not None:
                yield from self._definitions(name, place)
            if name in _STYLES:
                yield self._style(name, place)
            elif name == "Item":
                yield name, self._marker(place["start"])
            else:
                if name == "/TableCell":
                    self._last_cell = place["end"]
                elif name == "/TableRow" and (rest := self._rest_of_row(place["end"])):
                    yield "Text", f" | {rest}"
                yield name, data
        if self._used is not None:
            yield from self._unused(len(self._source))

    def _style(self, name: str, place: Range) -> Step:
        if name[0] == "/":
            marker = self._literal.pop()
            return ("Text", marker) if marker else (name, None)
        style = self._found_style(place["start"], place["end"], _MARKERS[name])
        self._literal.append("" if style.is_intended() else style.marker)
        return ("Text", self._literal[-1]) if self._literal[-1] else (name, None)

    def _found_style(self, start: int, end: int, length: int) -> Style:
        source = self._source
        if length == 2 and source[start : start + 2] != b"~~" and source[start : start + 1] == b"~":
            length = 1
        return Style(
            _decoded(source[start : start + length]),
            _decoded(source[max(start - _AROUND, 0) : start])[-2:],
            _ends(source[start + length : end - length]),
            _decoded(source[end : end + _AROUND])[:2],
        )

    def _marker(self, start: int) -> str:
        """Return the marker of a list item: its number as written, or a bullet."""
        if number := _NUMBER.match(self._source, start):
            return _decoded(number[1]) + " "
        return "+ " if _PLUS.match(self._source, start) else "• "

    def _rest_of_row(self, end: int) -> str:
        """Return the cells of a row beyond the header, which GitHub's tables drop."""
        return _decoded(self._source[self._last_cell : end]).strip(" |\t\r\n")

    def _definitions(self, name: str, place: Range) -> Iterator[Step]:
        """Yield the unused definitions between the last step and this one."""
        if place["start"] > self._position:
            yield from self._unused(place["start"])
        if name[1:] in _CONTAINERS and place["end"] > self._position:
            yield from self._unused(place["end"])
        is_start = name in _CONTAINERS or name in _LINKS or name in _MARKERS
        self._position = max(self._position, place["start" if is_start else "end"])

    def _unused(self, end: int) -> Iterator[Step]:
        gap = self._source[self._position : end]
        if b"]:" not in gap or self._used is None:
            return
        for definition in _DEFINITION.finditer(_decoded(gap)):
            label = label_key(definition[1])
            if label in self._used:
                self._used.discard(label)  # a second definition of a label has no effect
            else:
                yield "Definition", _PREFIX.sub(" ", definition[0]).rstrip()


# Elements that contain other steps. Not the code block: its fence may look like a definition.
_CONTAINERS = frozenset(
    {"Paragraph", "Heading", "BlockQuote", "List", "Item", "FootnoteDefinition", "HtmlBlock"}
    | {"Table", "TableHead", "TableRow", "TableCell"}
)


def _step(event: JsonValue) -> Step:
    # popitem is faster, and these dictionaries are not used elsewhere.
    if isinstance(event, str):
        return event, None
    kind, value = event.popitem()
    if kind == "Start":
        return (value, None) if isinstance(value, str) else value.popitem()
    if kind == "End":
        return ("/" + value, None) if isinstance(value, str) else ("/" + next(iter(value)), None)
    return kind, value


def _used_labels(markdown: str, is_address: Callable[[str], bool]) -> set[str]:
    from pyromark import events

    steps = map(_step, events(markdown, options=_options()))
    return {
        label_key(data["id"])
        for name, data in steps
        if name in _LINKS and data["id"] and is_address(data["dest_url"])
    }


def label_key(label: str) -> str:
    """Return a label normalized as in CommonMark."""
    return " ".join(label.split()).casefold()


def _decoded(part: bytes) -> str:
    return part.decode(errors="ignore")  # the slice may cut a character


def _ends(content: bytes) -> str:
    """Return the content of a style, shortened to its two ends if it is long."""
    if len(content) <= 4 * _AROUND:
        return _decoded(content)
    return _decoded(content[:_AROUND]) + " " + _decoded(content[-_AROUND:])
