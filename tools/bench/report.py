"""The figures, the aims beside them, and how both are printed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

QUIET = 0.10  # share of all CPUs that others may use before a section counts as disturbed


@dataclass(frozen=True)
class Aim:
    """What a figure should be. `of_ratio`: the aim is for its multiple of the baseline."""

    limit: float
    at_least: bool = False
    of_ratio: bool = False

    def __str__(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.limit:g}{'x' if self.of_ratio else ''}"

    def is_met(self, value: float, ratio: float | None) -> bool:
        """Whether a figure is as good as this, to the digits that are printed."""
        figure = round(ratio, 2) if self.of_ratio and ratio is not None else value
        return figure >= self.limit if self.at_least else figure <= self.limit


@dataclass(frozen=True)
class Row:
    """One figure; `baseline` is the same of the bare function (or of what the section names).

    `paired` is the median of the ratios of neighbouring rounds, which replaces the ratio of the two figures.
    """

    name: str
    value: float
    baseline: float | None = None
    aim: Aim | None = None
    digits: int = 1
    paired: float | None = None

    @property
    def ratio(self) -> float | None:
        """The figure as a multiple of its baseline."""
        if self.paired is not None:
            return self.paired
        return self.value / self.baseline if self.baseline else None

    @property
    def mark(self) -> str:
        """`ok` or `missed`; nothing where there is no aim."""
        if self.aim is None:
            return ""
        return "ok" if self.aim.is_met(self.value, self.ratio) else "missed"

    def cells(self) -> list[str]:
        """Return the row as the table shows it."""
        baseline = "" if self.baseline is None else f"{self.baseline:,.{self.digits}f}"
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}x"
        aim = "" if self.aim is None else str(self.aim)
        return [self.name, f"{self.value:,.{self.digits}f}", baseline, ratio, aim, self.mark]

    def plain(self) -> dict[str, Any]:
        """Return the row for a machine."""
        aim = None if self.aim is None else str(self.aim)
        return {
            "name": self.name,
            "value": self.value,
            "baseline": self.baseline,
            "ratio": self.ratio,
            "aim": aim,
            "met": None if self.aim is None else self.mark == "ok",
        }


@dataclass(frozen=True)
class Section:
    """Figures of one kind; `baseline` names what stands in the third column.

    `others` is the share of the machine that other programs used meanwhile; None where it was not watched.
    """

    title: str
    rows: list[Row]
    baseline: str = "bare"
    note: str = ""
    others: float | None = None

    def text(self) -> str:
        """Return the table."""
        header = [self.title, "measured", self.baseline, "x", "aim", ""]
        widths = (self._first_width(), 11, 11, 8, 9, 8)
        lines = [_line(cells, widths) for cells in [header, *(row.cells() for row in self.rows)]]
        lines.insert(1, "-" * len(lines[0].rstrip()))
        return "\n".join([*lines, *filter(None, (self.note, self._disturbance())), ""])

    def _first_width(self) -> int:
        return max(50, *(len(row.name) for row in self.rows)) + 1

    def _disturbance(self) -> str:
        if self.others is None:
            return ""
        advice = " Disturbed: measure again on a quiet machine." if self.others > QUIET else ""
        return f"(Other programs used {self.others:.0%} of the machine meanwhile.{advice})"

    def plain(self) -> dict[str, Any]:
        """Return the section for a machine."""
        rows = [row.plain() for row in self.rows]
        return {
            "title": self.title,
            "baseline": self.baseline,
            "note": self.note,
            "others": self.others,
            "rows": rows,
        }


def _line(cells: list[str], widths: tuple[int, ...]) -> str:
    first, *others = zip(cells, widths, strict=True)
    return f"{first[0]:<{first[1]}}" + "".join(f"{cell:>{width}}" for cell, width in others)
