"""Reads when to remind, in Russian and English: "завтра в 9", "через 2 часа", "in 3 days", "Monday 10:00".

What is read is a moment at the beginning or at the end of a text; the rest is what to remind of. A general
parser of dates (dateparser) finds dates in words that are none, and costs far more to import.

    grammar.py  the words and the forms of times of day, days and spans
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from shared.features.reminders import grammar
from shared.features.reminders.grammar import Reading

MORNING = time(9)  # of a day without a time
EVENING = time(19)  # of today without a time
_MOST_WORDS = 14  # of a time at the end of a text
_LONGEST = 400  # characters at the beginning and at the end in which a time is looked for
_LEADING = re.compile(r"(?:(?:to|that|что|о том,? что|чтобы)\s+)")
_ADDRESSED = re.compile(r"(?:(?:remind\s+)?me|(?:напомни(?:те)?\s+)?мне|напомни(?:те)?)\s+")
_LONGEST_SPAN = 10 * 366 * 86_400  # seconds: further ahead than any reminder, and an int of the database
_AROUND = " \t\r\n,.;:—–-"


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment: by the user's clock (`day` and `time_of_day`), or counted from now (`seconds`)."""

    day: date | None = None
    time_of_day: time | None = None
    seconds: int | None = None


def find(words: str, now: datetime) -> tuple[Moment, str] | None:
    """Return the moment that a text begins or ends with, and the rest of the text; None where there is none.

    Args:
        now: the present by the user's clock, without a time zone.
    """
    words = words.strip()
    lower = grammar.lowered(words)
    start = match.end() if (match := _ADDRESSED.match(lower)) else 0
    reading = grammar.read(lower[start : start + _LONGEST])
    if reading is not None and (moment := _moment(reading, now)) is not None:
        return moment, _rest(words[start + reading.length :])
    for begin in _last_words(lower, start):
        reading = grammar.read(lower[begin:])
        if reading is None or lower[begin + reading.length :].strip(_AROUND + "!?"):
            continue
        if (moment := _moment(reading, now)) is not None:
            return moment, _rest(words[start:begin])
    return None


def _last_words(lower: str, start: int) -> list[int]:
    """Return where the last words begin, the earliest first."""
    tail = max(start, len(lower) - _LONGEST)
    begins = [tail + match.start() for match in re.finditer(r"\S+", lower[tail:])]
    return begins[-_MOST_WORDS:]


def _rest(words: str) -> str:
    rest = words.strip(_AROUND)
    match = _LEADING.match(grammar.lowered(rest))
    return rest[match.end() :] if match else rest


def _moment(reading: Reading, now: datetime) -> Moment | None:
    """Return the moment that was read; None for a day that does not exist."""
    if reading.seconds is not None:
        return Moment(seconds=min(reading.seconds, _LONGEST_SPAN))
    try:
        day, at = _day(reading, now), reading.at
        if day is None:
            assert at is not None, "a reading has a day, a time or a span"
            day = now.date() if at > now.time() else now.date() + timedelta(days=1)
        elif at is None:
            at = _usual_time(reading, now)
        if reading.weekday is not None and not reading.is_next and datetime.combine(day, at) <= now:
            day += timedelta(days=7)
        return Moment(day, at)
    except (ValueError, OverflowError):
        return None


def _usual_time(reading: Reading, now: datetime) -> time:
    """Return the time of a day without one: after a span of days the present time, else a usual one."""
    if reading.keeps_time:
        return now.time().replace(second=0, microsecond=0)
    return EVENING if reading.days == 0 else MORNING


def _day(reading: Reading, now: datetime) -> date | None:
    today = now.date()
    if reading.weekday is not None:
        monday = today - timedelta(days=today.weekday())
        if reading.is_next:
            return monday + timedelta(days=7 + reading.weekday)
        return today + timedelta(days=(reading.weekday - today.weekday()) % 7)
    if reading.month_day is not None:
        return _date(reading, today)
    if reading.months:
        return _months_later(today, reading.months) + timedelta(days=reading.days or 0)
    return None if reading.days is None else today + timedelta(days=reading.days)


def _date(reading: Reading, today: date) -> date:
    """Return a date; without a year, the next one of that day and month."""
    assert reading.month_day is not None
    month, number = reading.month_day
    if reading.year is not None:
        return date(reading.year, month, number)
    try:
        this_year = date(today.year, month, number)
    except ValueError:  # 29 February
        return date(today.year + 1, month, number)
    return this_year if this_year >= today else date(today.year + 1, month, number)


def _months_later(today: date, months: int) -> date:
    """Return the same day of a later month, or its last day where it is shorter."""
    year, month = divmod(today.year * 12 + today.month - 1 + months, 12)
    for number in range(today.day, 27, -1):
        try:
            return date(year, month + 1, number)
        except ValueError:
            continue
    return date(year, month + 1, min(today.day, 28))
