"""What a section shows: figures with a definition, a chart, and a table that is also a CSV file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from markupsafe import Markup

from shared.core.texts import figures

if TYPE_CHECKING:
    from shared.core.texts.reader import Reader


@dataclass(frozen=True)
class Money:
    """An amount with its currency."""

    amount: Decimal
    currency: str


@dataclass(frozen=True)
class Share:
    """A part of a whole; of nothing there is none."""

    part: Decimal | int
    whole: Decimal | int

    @property
    def ratio(self) -> Decimal | None:
        """The part, from 0 to 1."""
        return Decimal(self.part) / Decimal(self.whole) if self.whole else None


_NONE = Markup("")

Cell = str | int | Decimal | date | Money | Share | None


@dataclass(frozen=True)
class Block:
    """Figures with their definition.

    Attributes:
        key: of its CSV file, and of its texts: analytics_<key> is its title, analytics_<key>_about its
            definition; what follows a dot is a currency.
        head: keys of the texts of the columns.
        rows: of the table; the first column names the row.
        chart: above the table; empty: none.
        note: what limits the figures now.
        is_long: whether the table is folded below the chart.
    """

    key: str
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    chart: Markup = _NONE
    note: str = ""
    is_long: bool = False


@dataclass(frozen=True)
class Tile:
    """One figure at a glance. `about`: a line below it."""

    title: str
    figure: str
    about: str = ""


def written(reader: Reader, cell: Cell) -> str:
    """Write a cell for people."""
    if cell is None:
        return "—"
    if isinstance(cell, Money):
        return figures.money(reader.language, cell.amount, cell.currency)
    if isinstance(cell, Share):
        return "—" if cell.ratio is None else percent(reader, cell.ratio)
    if isinstance(cell, date):
        return figures.day(reader.language, cell)
    return cell if isinstance(cell, str) else figures.number(reader.language, cell)


def percent(reader: Reader, ratio: Decimal) -> str:
    """Write a ratio in percent with one decimal."""
    return figures.percent(reader.language, (100 * ratio).quantize(Decimal("0.1")))


def plain(cell: Cell) -> str | int | Decimal | None:
    """Return a cell for a spreadsheet: numbers as numbers, a share from 0 to 1."""
    if isinstance(cell, Money):
        return cell.amount
    if isinstance(cell, Share):
        return cell.ratio and round(cell.ratio, 4)
    return cell.isoformat() if isinstance(cell, date) else cell


def is_number(cell: Cell) -> bool:
    """Return whether a cell stands at the right of its column."""
    return not isinstance(cell, (str, date))


def drawn(amount: Decimal) -> float:
    """Return an amount as charts draw it: large ones without cents."""
    return float(round(amount) if abs(amount) >= 1000 else round(amount, 2))
