"""Reading Markdown: the events of pulldown-cmark as one flat row of steps, with all that it leaves out.

Steps of their own are: the numbers of a list as they were written, cells that a row has beyond its header,
definitions that no link uses, and markers that mark no style.

`pyromark` is imported where it is used, and only then: a function that renders nothing does without it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from shared.telegram.markdown.styles import Style

if TYPE_CHECKING:
    from pyromark import Options

Step = tuple[str, Any]  # ("Text", "words"), ("List", 1) where one begins, ("/List", True) where it ends

_MARKERS = {"Emphasis": 1, "Strong": 2, "Strikethrough": 2}  # bytes
_STYLES = frozenset(_MARKERS) | {f"/{name}" for name in _MARKERS}
_LINKS = frozenset({"Link", "Image"})
_NUMBER = re.compile(rb"[ \t]{0,99}([0-9]{1,9}[.)])")
_PLUS = re.compile(rb"[ \t]{0,99}\+")
_DEFINITION = re.compile(r"\[(?!\^)((?:[^\[\]\\]|\\.){1,999}+)\]:(.*?)(?=\n[ \t>]*\[|\Z)", re.DOTALL)
_PREFIX = re.compile(r"\n[ \t>]*")
_AROUND = 8  # bytes that hold two characters


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
    """Yield what the document consists of, in order. `is_address`: whether Telegram takes a link to it.

    An event is a word, `{kind: value}`, or `{"Start": …}` and `{"End": …}` with a word or `{name: data}`
    inside (pyromark's event.py), and comes with its range of bytes in the source.
    """
    from pyromark import events_with_range

    used = _used_labels(markdown, is_address) if "]:" in markdown else None
    return _Reader(markdown, used).steps(events_with_range(markdown, options=_options()))


class _Reader:
    """Turns events into steps. `used`: the labels of definitions that links use; None: there are none."""

    def __init__(self, markdown: str, used: set[str] | None) -> None:
        self._source = markdown.encode()
        self._used = used
        self._position = 0  # bytes that have been read
        self._literal: list[str] = []  # markers to be written where their style ends, or "" for a style
        self._last_cell = 0

    def steps(self, events: Any) -> Iterator[Step]:
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

    def _style(self, name: str, place: dict[str, int]) -> Step:
        if name[0] == "/":
            marker = self._literal.pop()
            return ("Text", marker) if marker else (name, None)
        style = self._found_style(place["start"], place["end"], _MARKERS[name])
        self._literal.append("" if style.is_meant() else style.marker)
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
        """Return what to write before an item: its number as in the source, or a bullet."""
        if number := _NUMBER.match(self._source, start):
            return _decoded(number[1]) + " "
        return "+ " if _PLUS.match(self._source, start) else "• "

    def _rest_of_row(self, end: int) -> str:
        """Return the cells of a row that have no header: GitHub's tables leave them out."""
        return _decoded(self._source[self._last_cell : end]).strip(" |\t\r\n")

    def _definitions(self, name: str, place: dict[str, int]) -> Iterator[Step]:
        """Yield what was defined between the last step and this one and is used by no link."""
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
                self._used.discard(label)  # a second definition of the label defines nothing
            else:
                yield "Definition", _PREFIX.sub(" ", definition[0]).rstrip()


# What has other steps inside. A code block has only its text, and its fence may look like a definition.
_CONTAINERS = frozenset(
    {"Paragraph", "Heading", "BlockQuote", "List", "Item", "FootnoteDefinition", "HtmlBlock"}
    | {"Table", "TableHead", "TableRow", "TableCell"}
)


def _step(event: Any) -> Step:
    # Nobody else holds these dictionaries, so they are emptied: that is faster.
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
    """Return a label as CommonMark compares it."""
    return " ".join(label.split()).casefold()


def _decoded(part: bytes) -> str:
    return part.decode(errors="ignore")  # cut within a character


def _ends(content: bytes) -> str:
    """Return a style's content; of a long one its two ends are enough."""
    if len(content) <= 4 * _AROUND:
        return _decoded(content)
    return _decoded(content[:_AROUND]) + " " + _decoded(content[-_AROUND:])
