"""Tables as CSV, in which no cell is taken for a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from flask import Response

# What a spreadsheet would take for a formula: at the beginning of a cell, or after what separates cells in
# other countries.
_FORMULA = re.compile(r"(^|[;\t\r\n|,])(?=\s{0,64}[=+\-@\uff1d\uff0b\uff0d\uff20])|^(?=[\t\r\n])")


def response(name: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """Return a table as a file to download.

    Args:
        name: of the file, without its extension.
        head: the names of the columns.
        rows: numbers stay numbers; texts are guarded against formulas; None is an empty cell.
    """
    sheet = io.StringIO()
    writer = csv.writer(sheet)
    writer.writerow(head)
    writer.writerows([cell(value) for value in row] for row in rows)
    found = Response("\ufeff" + sheet.getvalue(), content_type="text/csv; charset=utf-8")
    found.headers.set("Content-Disposition", "attachment", filename=f"{name}.csv")
    return found


def cell(value: object) -> object:
    """Return a value that no spreadsheet takes for a formula."""
    if isinstance(value, str):
        return _FORMULA.sub(lambda found: f"{found[0]}'", value)
    return "" if value is None else value
