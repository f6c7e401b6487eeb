"""Renders tables: a narrow one as a character grid, a wide one as a record per row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shared.telegram.markdown.blocks import end_block
from shared.telegram.markdown.grid import draw_grid
from shared.telegram.markdown.limits import MAX_REPEATED
from shared.telegram.markdown.parser import Step
from shared.telegram.markdown.state import Action, Cell, RenderState, Table
from shared.telegram.markdown.text import BREAK

_PLAIN = frozenset({"Text", "Code", "InlineHtml", "FootnoteReference"})


def _start_table(state: RenderState, alignments: Sequence[str]) -> None:
    state.table = Table(alignments)


def _end_table(state: RenderState, _: None) -> None:
    table, state.table = state.table, None
    if table is None or not table.rows:
        return
    rows = [[_plain(state, cell) for cell in row] for row in table.rows]
    grid = "" if table.has_links else draw_grid(rows, table.alignments)
    if grid:
        state.page.pre(grid)
    else:
        _write_records(state, table.rows, rows)
    end_block(state)


def _plain(state: RenderState, cell: Cell) -> str:
    """Return the text of a cell without styles."""
    words = [BREAK.sub(" ", data) if name == "InlineHtml" else data for name, data in cell if name in _PLAIN]
    return " ".join(state.restore("".join(words)).split())


def _write_records(state: RenderState, rows: list[list[Cell]], plain: list[list[str]]) -> None:
    """Write each row as lines of `header: value`."""
    headers = plain[0]
    if len(rows) * sum(map(len, headers)) > MAX_REPEATED:
        headers = []  # repeated in every row, they would exceed the limit
    _write_header(state, rows[0])
    for row, values in zip(rows[1:], plain[1:], strict=True):
        state.page.begin_block()
        for index, cell in enumerate(row):
            if values[index]:
                _write_field(state, headers[index] if index < len(headers) else "", cell)
        state.page.break_line(2)


def _write_header(state: RenderState, header: list[Cell]) -> None:
    """Write the column names in order, including those of empty columns."""
    state.page.begin_block()
    for index, cell in enumerate(header):
        if index:
            state.page.write(" | ")
        state.page.open("bold")
        for name, data in cell:
            state.take(name, data)
        state.page.close("bold")
    state.page.break_line(2)


def _write_field(state: RenderState, header: str, cell: Iterable[Step]) -> None:
    page = state.page
    if header:
        page.open("bold")
        page.write(header)
        page.close("bold")
        page.write(": ")
    for name, data in cell:
        state.take(name, data)
    page.break_line()


ACTIONS: dict[str, Action] = {"Table": _start_table, "/Table": _end_table}
