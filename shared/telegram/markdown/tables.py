"""Tables: a narrow one is drawn with characters, any other becomes a record for each row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shared.telegram.markdown.blocks import end_block
from shared.telegram.markdown.grid import drawn
from shared.telegram.markdown.limits import MAX_REPEATED
from shared.telegram.markdown.parser import Step
from shared.telegram.markdown.text import BREAK

if TYPE_CHECKING:
    from shared.telegram.markdown.renderer import Renderer

Cell = list[Step]

_ROW = frozenset({"TableHead", "TableRow"})
_ENDS = frozenset({"/TableHead", "/TableRow", "/TableCell"})
_LINKS = frozenset({"Link", "Image"})
_PLAIN = frozenset({"Text", "Code", "InlineHtml", "FootnoteReference"})


@dataclass(slots=True)
class Table:
    """A table that is open: how it is drawn is known only at its end."""

    alignments: Sequence[str]
    rows: list[list[Cell]] = field(default_factory=list)  # the header first
    has_links: bool = False

    def take(self, name: str, data: Any) -> None:
        """Collect one step of the table."""
        if name in _ENDS:
            return
        if name == "TableCell":
            self.rows[-1].append([])
        elif name in _ROW:
            self.rows.append([])
        else:
            self.rows[-1][-1].append((name, data))
            self.has_links = self.has_links or name in _LINKS


def _start_table(renderer: Renderer, alignments: Sequence[str]) -> None:
    renderer.table = Table(alignments)


def _end_table(renderer: Renderer, _: None) -> None:
    table, renderer.table = renderer.table, None
    if table is None or not table.rows:
        return
    rows = [[_plain(renderer, cell) for cell in row] for row in table.rows]
    grid = "" if table.has_links else drawn(rows, table.alignments)
    if grid:
        renderer.page.pre(grid)
    else:
        _write_records(renderer, table.rows, rows)
    end_block(renderer)


def _plain(renderer: Renderer, cell: Cell) -> str:
    """Return the words of a cell without their styles."""
    words = [BREAK.sub(" ", data) if name == "InlineHtml" else data for name, data in cell if name in _PLAIN]
    return " ".join(renderer.restored("".join(words)).split())


def _write_records(renderer: Renderer, rows: list[list[Cell]], plain: list[list[str]]) -> None:
    """Write each row as lines of `header: value`."""
    headers = plain[0]
    if len(rows) * sum(map(len, headers)) > MAX_REPEATED:
        headers = []  # repeated in every row, they would outgrow everything
    _write_header(renderer, rows[0])
    for row, values in zip(rows[1:], plain[1:], strict=True):
        renderer.page.begin_block()
        for index, cell in enumerate(row):
            if values[index]:
                _write_field(renderer, headers[index] if index < len(headers) else "", cell)
        renderer.page.break_line(2)


def _write_header(renderer: Renderer, header: list[Cell]) -> None:
    """Write the names of the columns, also of those that are empty, in their order before the values."""
    renderer.page.begin_block()
    for index, cell in enumerate(header):
        if index:
            renderer.page.write(" | ")
        renderer.page.open("bold")
        for name, data in cell:
            renderer.take(name, data)
        renderer.page.close("bold")
    renderer.page.break_line(2)


def _write_field(renderer: Renderer, header: str, cell: Iterable[Step]) -> None:
    page = renderer.page
    if header:
        page.open("bold")
        page.write(header)
        page.close("bold")
        page.write(": ")
    for name, data in cell:
        renderer.take(name, data)
    page.break_line()


ACTIONS: dict[str, Callable[[Renderer, Any], None]] = {"Table": _start_table, "/Table": _end_table}
