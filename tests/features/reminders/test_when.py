"""Reading when to remind: common forms in both languages, and that no words break it."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.features.reminders.when import Moment, find
from tests.support import examples

NOW = datetime.fromisoformat("2026-11-30 15:00:30")  # a Monday
TODAY = NOW.date()


def day(days: int, hour: int = 9, minute: int = 0) -> Moment:
    """Return a moment of the clock, some days from now."""
    return Moment(TODAY + timedelta(days=days), time(hour, minute))


FORMS = {
    "завтра в 9": day(1),
    "завтра в 9:30": day(1, 9, 30),
    "Завтра, в 21:05": day(1, 21, 5),
    "завтра": day(1),
    "завтра утром": day(1),
    "завтра в 7 вечера": day(1, 19),
    "сегодня в 18 часов": day(0, 18),
    "сегодня": day(0, 19),
    "сегодня вечером": day(0, 19),
    "послезавтра в 18:00": day(2, 18),
    "через 2 часа": Moment(seconds=7_200),
    "через час": Moment(seconds=3_600),
    "через полчаса": Moment(seconds=1_800),
    "через полтора часа": Moment(seconds=5_400),
    "через 15 минут": Moment(seconds=900),
    "через 1 час 30 минут": Moment(seconds=5_400),
    "через час и 10 минут": Moment(seconds=4_200),
    "через 3 дня": day(3, 15),
    "через 3 дня в 9": day(3),
    "через неделю": day(7, 15),
    "через месяц": day(30, 15),
    "в понедельник в 10": day(7, 10),
    "понедельник 16:00": day(0, 16),
    "во вторник": day(1),
    "в пт в 10": day(4, 10),
    "в следующую пятницу в 12:00": day(11, 12),
    "на следующей неделе": day(7),
    "25 декабря": day(25),
    "25 декабря 2026 года в 10:00": day(25, 10),
    "25.12 в 10:00": day(25, 10),
    "1.11": Moment(date(2027, 11, 1), time(9)),
    "в 5 вечера": day(0, 17),
    "в 9 утра": day(1),
    "в полдень": day(1, 12),
    "12 ночи": day(1, 0),
    "ещё": None,
    "31.02": None,
    "в 25:00": None,
    "через": None,
    "tomorrow at 9": day(1),
    "tomorrow at 9pm": day(1, 21),
    "tomorrow 9:15 p.m.": day(1, 21, 15),
    "Tomorrow morning": day(1),
    "the day after tomorrow": day(2),
    "tonight": day(0, 19),
    "in 2 hours": Moment(seconds=7_200),
    "in an hour": Moment(seconds=3_600),
    "in half an hour": Moment(seconds=1_800),
    "in 1h 30m": Moment(seconds=5_400),
    "in a couple of days": day(2, 15),
    "in 3 days": day(3, 15),
    "in 2 weeks at 10:00": day(14, 10),
    "Monday 10:00": day(7, 10),
    "monday at 4 pm": day(0, 16),
    "on Friday": day(4),
    "next friday": day(11),
    "Dec 25 at 10:00": day(25, 10),
    "25th of December": day(25),
    "2027-01-05": day(36),
    "at 9 tomorrow": day(1),
    "at noon": day(1, 12),
    "12 am": day(1, 0),
    "may the force": None,
    "sun cream": None,
    "at 13 pm": None,
    "February 29": None,
}


@pytest.mark.parametrize("words", FORMS)
def test_a_moment_stands_before_or_after_the_words(words: str) -> None:
    moment = FORMS[words]
    assert (find(words, NOW) or (None, ""))[0] == moment
    for what in ("позвонить маме", "call mom"):
        expected = None if moment is None else (moment, what)
        assert find(f"{words} {what}", NOW) == expected
        assert find(f"{what} {words}", NOW) == expected


@pytest.mark.parametrize("words", ["me tomorrow at 9 to call mom", "remind me to call mom tomorrow at 9"])
def test_words_around_it_are_left_out(words: str) -> None:
    assert find(words, NOW) == (day(1), "call mom")
    assert find("мне завтра в 9, что пора", NOW) == (day(1), "пора")


def test_a_month_later_is_its_last_day_where_it_is_shorter() -> None:
    found = find("через 3 месяца", NOW)
    assert found is not None
    assert found[0].day == date(2027, 2, 28)


@given(st.integers(1, 9_999), st.integers(0, 23), st.integers(0, 59))
@settings(max_examples=examples(100), deadline=None)
def test_spans_and_times_are_what_they_say(count: int, hour: int, minute: int) -> None:
    assert find(f"через {count} минут x", NOW) == (Moment(seconds=count * 60), "x")
    assert find(f"in {count} hours x", NOW) == (Moment(seconds=count * 3_600), "x")
    assert find(f"tomorrow at {hour}:{minute:02} x", NOW) == (day(1, hour, minute), "x")
    found = find(f"в {hour}:{minute:02} x", NOW)
    assert found is not None
    assert found[0].day is not None
    assert found[0].time_of_day is not None
    moment = datetime.combine(found[0].day, found[0].time_of_day)
    assert timedelta() < moment - NOW <= timedelta(days=1), "the next time that the clock shows it"


_PARTS = st.sampled_from([*" ".join(FORMS).split(), "\n", "İ", "ß", "9999", "99.99", ":", "в", "at", "😀"])


@given(st.lists(_PARTS, max_size=30).map(" ".join) | st.text(max_size=600))
@settings(max_examples=examples(400), deadline=None)
def test_any_words_are_read_or_not(words: str) -> None:
    found = find(words, NOW)
    if found is not None:
        moment, what = found
        assert (moment.seconds is None) == (moment.day is not None) == (moment.time_of_day is not None)
        assert what in words
