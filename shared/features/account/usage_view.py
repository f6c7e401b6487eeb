"""What a user's usage shows, as a picture in a chat and as a page: the words are ready to be written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Mark = Literal["limit", "bonus", "own"]  # what a chart shows beside the plan's requests


@dataclass(frozen=True)
class Day:
    """What was asked on one day, by what it was taken from; `label` names the day under the bars."""

    label: str
    plan: int
    bonus: int = 0
    own: int = 0

    @property
    def total(self) -> int:
        """All requests of the day."""
        return self.plan + self.bonus + self.own


@dataclass(frozen=True)
class Meter:
    """How much of a limit is used; `limit` None is no limit. The words are ready to be written."""

    used: int
    limit: int | None
    title: str  # "Today"
    figure: str  # "22"
    about: str  # "left of 25"

    @property
    def share(self) -> float:
        """The used part of the limit, 0 to 1."""
        return min(self.used / self.limit, 1.0) if self.limit else float(self.limit == 0)

    @property
    def is_out(self) -> bool:
        """Whether nothing of the limit is left."""
        return self.limit is not None and self.used >= self.limit


@dataclass(frozen=True)
class UsageView:
    """All that is shown."""

    title: str
    plan: str
    today: Meter
    month: Meter
    days: Sequence[Day]  # today last
    average: str  # "14 a day on average", shown where a month has no limit
    bonus: str  # "+5 bonus requests", or empty
    chart: str  # over the bars
    chart_about: str  # at their right
    legend: Sequence[tuple[Mark, str]]  # what is in the chart beside the plan's requests
    nothing: str  # instead of bars, before the first request


def shows_limit(days: Sequence[Day], limit: int | None) -> bool:
    """Whether the day's limit is a line among the bars: not where it would be far above them."""
    return bool(limit) and (limit or 0) <= 1.6 * max(day.total for day in days)
