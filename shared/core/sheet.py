"""Sheets (CSV) that spreadsheets open in every country and take no cell of for a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

# What a spreadsheet would take for a formula: at the beginning of a cell, or after what separates cells in
# other countries.
_FORMULA = re.compile(r"(^|[;\t\r\n|,])(?=\s{0,64}[=+\-@\uff1d\uff0b\uff0d\uff20])|^(?=[\t\r\n])")


def write(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a sheet with a byte order mark, by which spreadsheets know UTF-8."""
    sheet = io.StringIO()
    writer = csv.writer(sheet)
    writer.writerow(head)
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    return "\ufeff" + sheet.getvalue()


def _cell(value: object) -> object:
    """Return a value that no spreadsheet takes for a formula."""
    if isinstance(value, str):
        return _FORMULA.sub(lambda found: f"{found[0]}'", value)
    return "" if value is None else value
