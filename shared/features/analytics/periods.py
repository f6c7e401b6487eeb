"""The period that a visitor chose: days, both included, and how they are written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from shared.core.texts import figures

if TYPE_CHECKING:
    from collections.abc import Mapping

LENGTHS = (7, 30, 90, 365)  # days that end today, to choose from
_USUAL = 30
LONGEST = 732


@dataclass(frozen=True)
class Period:
    """Days from `start` to `end`. `length`: one of LENGTHS; 0: chosen by dates."""

    start: date
    end: date
    length: int

    def query(self) -> dict[str, str]:
        """Return what an address says about it."""
        if self.length:
            return {"days": str(self.length)}
        return {"from": self.start.isoformat(), "until": self.end.isoformat()}


def chosen(asked: Mapping[str, str], today: date) -> Period:
    """Return the period of an address; the last 30 days where it names none, or one that cannot be."""
    days = asked.get("days", "")
    if days in {str(one) for one in LENGTHS}:
        return last(int(days), today)
    start, end = _day(asked.get("from", "")), _day(asked.get("until", ""))
    if start is None or end is None or not 0 <= (end - start).days < LONGEST:
        return last(_USUAL, today)
    return Period(start, end, 0)


def last(days: int, today: date) -> Period:
    """Return the days that end today."""
    return Period(today - timedelta(days=days - 1), today, days)


def _day(written: str) -> date | None:
    try:
        day = date.fromisoformat(written) if len(written) == 10 else None
    except ValueError:
        return None
    return day if day is not None and 2000 <= day.year < 2200 else None


def label(language: str, start: str, step: str) -> str:
    """Write where a day, week or month begins, for a chart and a table."""
    day = date.fromisoformat(start)
    return f"{day:%m.%Y}" if step == "month" else figures.day(language, day, short=True)
