"""Draws a table with characters, with columns aligned in a monospace font."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import zip_longest

TABLE_WIDTH = 40  # monospace columns that a phone shows without wrapping

# Not Latin, Greek or Cyrillic: such a character may take two columns, or none.
_UNUSUAL = re.compile("[^ -\u02ff\u0370-\u0482\u048a-\u058f]")


def draw_grid(rows: Sequence[Sequence[str]], alignments: Sequence[str]) -> str:
    """Return the table as lines of text, or an empty string if it is wider than `TABLE_WIDTH`."""
    widths = [[_width(cell) for cell in row] for row in rows]
    columns = [max(column) for column in zip_longest(*widths, fillvalue=0)]
    if sum(columns) + 3 * (len(columns) - 1) > TABLE_WIDTH:
        return ""
    return "\n".join(_lines(rows, widths, columns, alignments))


def _width(text: str) -> int:
    """Return the columns that `text` takes; East Asian letters and emoji take two."""
    return len(text) if text.isascii() else len(text) + sum(map(_extra_columns, _UNUSUAL.findall(text)))


@lru_cache(maxsize=1024)
def _extra_columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return -1
    return int(unicodedata.east_asian_width(character) in ("W", "F"))


def _lines(
    rows: Sequence[Sequence[str]],
    widths: Sequence[Sequence[int]],
    columns: Sequence[int],
    alignments: Sequence[str],
) -> Iterator[str]:
    for index, (row, taken) in enumerate(zip(rows, widths, strict=True)):
        rooms = [column - width for column, width in zip(columns, taken, strict=False)]
        yield " | ".join(map(_aligned, row, rooms, alignments)).rstrip()
        if index == 0:
            yield "-+-".join("-" * column for column in columns)


def _aligned(text: str, room: int, alignment: str) -> str:
    """Return `text` padded with `room` columns according to its alignment."""
    left = room if alignment == "Right" else room // 2 if alignment == "Center" else 0
    return " " * left + text + " " * (room - left)
