"""Sheets (CSV) as files to download."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flask import Response

from shared.core import sheet


def response(name: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """Return a sheet as a file to download, see `sheet.write`.

    Args:
        name: of the file, without its extension.
        head: the names of the columns.
        rows: numbers stay numbers; texts are guarded against formulas; None is an empty cell.
    """
    found = Response(sheet.write(head, rows), content_type="text/csv; charset=utf-8")
    found.headers.set("Content-Disposition", "attachment", filename=f"{name}.csv")
    return found
