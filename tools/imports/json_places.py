"""Finds where the values of a JSON text stand, so that a report can name their lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

_SPACE = re.compile(r"[ \t\n\r]*")
# Only the ends of values matter: numbers stay text, so that one with too many digits is no error here.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str)


class Lines:
    """Line numbers of places that are asked for in ascending order."""

    def __init__(self, text: str) -> None:
        self._text, self._place, self._line = text, 0, 1

    def at(self, place: int) -> int:
        """Return the line of a place, from 1."""
        self._line += self._text.count("\n", self._place, place)
        self._place = place
        return self._line


def children(text: str, place: int) -> Iterator[tuple[str | int, int]]:
    """Yield the name or index of each member of a value, and where the value of the member begins.

    Args:
        text: valid JSON.
        place: where the object or list begins; a value of another kind has no members.
    """
    if text[place] not in "{[":
        return
    is_object, number, place = text[place] == "{", 0, _after_space(text, place + 1)
    while text[place] not in "}]":
        name: str | int = number
        if is_object:
            name, end = _DECODER.raw_decode(text, place)
            place = _after_space(text, _after_space(text, end) + 1)
        yield name, place
        place = _after_space(text, _DECODER.raw_decode(text, place)[1])
        if text[place] == ",":
            place = _after_space(text, place + 1)
        number += 1


def first(text: str) -> int:
    """Return where the value of a JSON text begins."""
    return _after_space(text, 0)


def find(text: str, place: int, path: Sequence[str | int]) -> int:
    """Return where the value at `path` begins; of a missing one, the object or list that lacks it."""
    for step in path:
        found = next((start for name, start in children(text, place) if name == step), None)
        if found is None:
            break
        place = found
    return place


def _after_space(text: str, place: int) -> int:
    space = _SPACE.match(text, place)
    assert space is not None
    return space.end()
