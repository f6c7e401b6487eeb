"""The words and forms of moments, in Russian and English. Each form is read from the beginning of a text."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import time

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_MONTHS = (
    ("january", "jan", "января", "янв"),
    ("february", "feb", "февраля", "фев"),
    ("march", "mar", "марта", "мар"),
    ("april", "apr", "апреля", "апр"),
    ("may", "мая"),
    ("june", "jun", "июня", "июн"),
    ("july", "jul", "июля", "июл"),
    ("august", "aug", "августа", "авг"),
    ("september", "sept", "sep", "сентября", "сен"),
    ("october", "oct", "октября", "окт"),
    ("november", "nov", "ноября", "ноя"),
    ("december", "dec", "декабря", "дек"),
)
_WEEKDAYS = (
    ("monday", "понедельник"),
    ("tuesday", "вторник"),
    ("wednesday", "среду", "среда"),
    ("thursday", "четверг"),
    ("friday", "пятницу", "пятница"),
    ("saturday", "субботу", "суббота"),
    ("sunday", "воскресенье"),
)
# They are words of other meanings too, so they need a preposition or a time.
_SHORT_WEEKDAYS = (
    ("mon", "пн"),
    ("tue", "tues", "вт"),
    ("wed", "ср"),
    ("thu", "thur", "thurs", "чт"),
    ("fri", "пт"),
    ("sat", "сб"),
    ("sun", "вс"),
)
_DAYS = {
    "today": 0, "сегодня": 0, "tomorrow": 1, "завтра": 1, "the day after tomorrow": 2,
    "day after tomorrow": 2, "послезавтра": 2, "next week": 7, "на следующей неделе": 7,
}  # fmt: skip
_PARTS = {
    "in the morning": 9, "morning": 9, "утром": 9, "noon": 12, "midday": 12, "полдень": 12, "днем": 14,
    "in the afternoon": 14, "afternoon": 14, "in the evening": 19, "evening": 19, "вечером": 19,
    "at night": 22, "night": 22, "ночью": 22, "midnight": 0, "полночь": 0,
}  # fmt: skip
_TODAY_PARTS = {"tonight": 19, "this morning": 9, "this afternoon": 14, "this evening": 19}
_UNITS = {
    _MINUTE: ("minutes", "minute", "mins", "min", "m", "минуты", "минуту", "минут", "мин"),
    _HOUR: ("hours", "hour", "hrs", "hr", "h", "часов", "часа", "час", "ч"),
    _DAY: ("days", "day", "дней", "дня", "день", "сутки", "суток"),
    7 * _DAY: ("weeks", "week", "недель", "недели", "неделю"),
    0: ("months", "month", "месяцев", "месяца", "месяц"),
}
_NUMBERS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "a couple of": 2, "один": 1, "одну": 1, "два": 2,
    "две": 2, "три": 3, "пару": 2,
}  # fmt: skip
_HALVES = {
    "half an hour": 1_800, "полчаса": 1_800, "an hour and a half": 5_400, "полтора часа": 5_400,
}  # fmt: skip


def _any(words: object) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))  # type: ignore[call-overload]


def _numbered(names: tuple[tuple[str, ...], ...]) -> dict[str, int]:
    return {word: number for number, words in enumerate(names) for word in words}


_MONTH_NUMBERS = _numbered(_MONTHS)
_WEEKDAY_NUMBERS, _SHORT_NUMBERS = _numbered(_WEEKDAYS), _numbered(_SHORT_WEEKDAYS)
_UNIT_SECONDS = {word: seconds for seconds, words in _UNITS.items() for word in words}
_END = r"(?![^\W_])"  # no letter or digit follows
_HALF_DAY = r"a\.?m\.?|p\.?m\.?|утра|дня|вечера|ночи"
_IN = re.compile(r"(?:in|через)\s+")
_AND = re.compile(r"\s*(?:and|и|,)?\s*")
_HALF = re.compile(rf"({_any(_HALVES)}){_END}")
_SPAN = re.compile(rf"(?:([0-9]{{1,4}})\s?|({_any(_NUMBERS)})\s+|)({_any(_UNIT_SECONDS)}){_END}\.?")
_CLOCK = re.compile(
    rf"(?:(?:at|в|к)\s+)?([0-9]{{1,2}})[:.]([0-9]{{2}})(?!\.?[0-9])(?:\s?({_HALF_DAY}))?{_END}"
)
_FULL_HOUR = re.compile(
    rf"(?:at|в|к)\s+([0-9]{{1,2}})(?![:.,/]?[0-9])(?:\s?({_HALF_DAY})|\s+час(?:а|ов)?)?{_END}"
)
_BARE_HOUR = re.compile(rf"([0-9]{{1,2}})\s?({_HALF_DAY}){_END}")
_PART = re.compile(rf"(?:(?:at|в)\s+)?({_any(_PARTS)}){_END}")
_TODAY_PART = re.compile(rf"({_any(_TODAY_PARTS)}){_END}")
_DAY_WORD = re.compile(rf"({_any(_DAYS)}){_END}")
_WEEKDAY = re.compile(rf"(?:(?:on|во?)\s+)?(next\s+|следующ(?:ий|ую|ее)\s+)?({_any(_WEEKDAY_NUMBERS)}){_END}")
_SHORT_WEEKDAY = re.compile(rf"((?:on|во?)\s+)?({_any(_SHORT_NUMBERS)}){_END}\.?")
_DATE = re.compile(r"(?:on\s+)?([0-9]{1,2})\.([0-9]{1,2})(?:\.([0-9]{4}|[0-9]{2}))?(?![.:]?[0-9])")
_ISO = re.compile(r"(?:on\s+)?([0-9]{4})-([0-9]{2})-([0-9]{2})(?![0-9])")
_YEAR = r"(?:,?\s+([0-9]{4})(?![0-9:.])(?:\s?г(?:ода|\.)?)?)?"
_DAY_MONTH = re.compile(
    rf"(?:on\s+)?(?:the\s+)?([0-9]{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?({_any(_MONTH_NUMBERS)}){_END}\.?{_YEAR}"
)
_MONTH_DAY = re.compile(
    rf"(?:on\s+)?({_any(_MONTH_NUMBERS)})\s+([0-9]{{1,2}})(?:st|nd|rd|th)?{_END}(?![:.][0-9]){_YEAR}"
)
_BETWEEN = re.compile(r"(?:\s*,\s*|\s+)")


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read: a span in `seconds`, or a day and perhaps a time, or a time alone.

    Attributes:
        length: how many characters it takes.
        days: from today; after a span of days (`keeps_time`) the time stays that of now.
        is_next: the weekday of the next calendar week.
    """

    length: int
    seconds: int | None = None
    days: int | None = None
    months: int = 0
    keeps_time: bool = False
    weekday: int | None = None
    is_next: bool = False
    month_day: tuple[int, int] | None = None
    year: int | None = None
    at: time | None = None
    needs_time: bool = False


def lowered(text: str) -> str:
    """Return a text in lower case, with е for ё, of the same length."""
    pairs = ((one, one.lower()) for one in text)
    return "".join(low if len(low) == 1 else one for one, low in pairs).replace("ё", "е")


def read(text: str) -> Reading | None:
    """Return the moment that a text, as `lowered` returns it, begins with."""
    if (span := _span(text)) is not None:
        return span if span.seconds is not None else _with_time(text, span)
    if (day := _read_day(text)) is not None:
        whole = _with_time(text, day)
        return whole if whole.at is not None or not day.needs_time else None
    if (first := _read_time(text)) is None:
        return None
    gap = _BETWEEN.match(text, first.length)
    if gap is not None and (day := _read_day(text[gap.end() :])) is not None:
        return replace(day, length=gap.end() + day.length, at=first.at)
    return first


def _with_time(text: str, day: Reading) -> Reading:
    gap = _BETWEEN.match(text, day.length)
    if day.at is not None or gap is None:
        return day
    found = _read_time(text[gap.end() :])
    return day if found is None else replace(day, length=gap.end() + found.length, at=found.at)


def _span(text: str) -> Reading | None:
    """Read "in 2 hours" or "через 1 час 30 минут". Days, weeks and months alone are days of the clock."""
    start = _IN.match(text)
    if start is None:
        return None
    if half := _HALF.match(text, start.end()):
        return Reading(half.end(), seconds=_HALVES[half[1]])
    place, seconds, days, months, position = start.end(), 0, 0, 0, start.end()
    while match := _SPAN.match(text, position):
        if not (match[1] or match[2]) and place != start.end():
            break  # only the first one may go without a number: "через час"
        count = int(match[1]) if match[1] else _NUMBERS.get(match[2] or "a", 1)
        unit = _UNIT_SECONDS[match[3]]
        if unit >= _DAY:
            days += count * unit // _DAY
        elif unit:
            seconds += count * unit
        else:
            months += count
        place = match.end()
        gap = _AND.match(text, place)
        position = gap.end() if gap else place
    if place == start.end():
        return None
    if seconds and not months:
        return Reading(place, seconds=seconds + days * _DAY)
    if seconds:
        return None
    return Reading(place, days=days, months=months, keeps_time=True) if days or months else None


def _read_day(text: str) -> Reading | None:
    if match := _TODAY_PART.match(text):
        return Reading(match.end(), days=0, at=time(_TODAY_PARTS[match[1]]))
    if match := _DAY_WORD.match(text):
        return Reading(match.end(), days=_DAYS[match[1]])
    if match := _WEEKDAY.match(text):
        return Reading(match.end(), weekday=_WEEKDAY_NUMBERS[match[2]], is_next=bool(match[1]))
    if match := _SHORT_WEEKDAY.match(text):
        return Reading(match.end(), weekday=_SHORT_NUMBERS[match[2]], needs_time=not match[1])
    return _read_date(text)


def _read_date(text: str) -> Reading | None:
    if match := _ISO.match(text):
        return Reading(match.end(), month_day=(int(match[2]), int(match[3])), year=int(match[1]))
    if match := _DATE.match(text):
        year = int(match[3]) + (2_000 if len(match[3]) == 2 else 0) if match[3] else None
        return Reading(match.end(), month_day=(int(match[2]), int(match[1])), year=year)
    if match := _DAY_MONTH.match(text):
        month, number = _MONTH_NUMBERS[match[2]], int(match[1])
    elif match := _MONTH_DAY.match(text):
        month, number = _MONTH_NUMBERS[match[1]], int(match[2])
    else:
        return None
    return Reading(match.end(), month_day=(month + 1, number), year=int(match[3]) if match[3] else None)


def _read_time(text: str) -> Reading | None:
    if match := _CLOCK.match(text):
        at = _time(int(match[1]), int(match[2]), match[3])
    elif match := _FULL_HOUR.match(text) or _BARE_HOUR.match(text):
        at = _time(int(match[1]), 0, match[2])
    elif match := _PART.match(text):
        at = time(_PARTS[match[1]])
    else:
        return None
    return None if at is None else Reading(match.end(), at=at)


def _time(hour: int, minute: int, half: str | None) -> time | None:
    """Return a time of day; `half`: am, pm, утра, дня, вечера, ночи."""
    if half is not None:
        if not 1 <= hour <= 12:
            is_plain = half in ("дня", "вечера") and 12 < hour < 24 and minute < 60
            return time(hour, minute) if is_plain else None
        is_late = half[0] in "pдв" or (half == "ночи" and 6 < hour < 12)
        hour = hour % 12 + (12 if is_late else 0)
        if half == "вечера" and hour == 12:  # twelve in the evening is midnight
            hour = 0
    return time(hour, minute) if hour < 24 and minute < 60 else None
