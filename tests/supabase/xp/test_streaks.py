"""A streak counts local dates: travel, daylight saving and pauses do not break it, only missed days do."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.supabase.xp.users import Call, Sql, create_user, user_id_of
from tests.support import examples, in_parallel

START = datetime(2026, 11, 2, tzinfo=ZoneInfo("Europe/Moscow"))


class Streak:
    """A user whose clock the test moves."""

    def __init__(self, sql: Sql, call: Call, clock: Callable[[str], None]) -> None:
        self.user_id = user_id_of(sql, create_user(sql))
        self._call, self._clock = call, clock

    def at(self, moment: datetime) -> Streak:
        """Move the clock."""
        self._clock(f"(timestamptz '{moment.astimezone(UTC).isoformat()}')")
        return self

    def on(self, day: int, hour: float = 12) -> Streak:
        """Move the clock to a day after the start, in Moscow."""
        return self.at(START + timedelta(days=day, hours=hour))

    def act(self) -> dict[str, Any]:
        """Finish something."""
        result: dict[str, Any] = self._call("record_activity", p_user_id=self.user_id, p_bot="spin")
        return result

    def days(self, *days: int) -> dict[str, Any]:
        """Finish something on each of these days; return the last result."""
        return [self.on(day).act() for day in days][-1]

    @property
    def state(self) -> dict[str, Any]:
        """Return what the user sees."""
        result: dict[str, Any] = self._call("get_streak", p_user_id=self.user_id)
        return result

    def zone(self, name: str) -> str:
        """Set the time zone; return the outcome."""
        return str(self._call("set_time_zone", p_user_id=self.user_id, p_time_zone=name)["outcome"])

    def pause(self, paused: bool) -> dict[str, Any]:
        """Pause the streak or let it go on."""
        result: dict[str, Any] = self._call("pause_streak", p_user_id=self.user_id, p_paused=paused)
        return result


@pytest.fixture
def anna(sql: Sql, call: Call, clock: Callable[[str], None]) -> Streak:
    """Return a user with the zone of the setting, Europe/Moscow."""
    return Streak(sql, call, clock)


def test_a_day_counts_once(anna: Streak) -> None:
    assert anna.state == {
        "current": 0, "longest": 0, "freezes": 0, "missed": 0, "is_today": False, "is_paused": False,
        "time_zone": "Europe/Moscow", "next_time_zone": None,
    }  # fmt: skip
    anna.on(0, 0)
    results = in_parallel(8, lambda _n: anna.act())
    assert [result["is_new_day"] for result in results].count(True) == 1
    assert {result["current"] for result in results} == {1}
    assert anna.on(0, 23.99).act()["current"] == 1
    assert anna.on(1, 0).state["is_today"] is False
    assert anna.act() == {"current": 2, "longest": 2, "freezes": 0, "is_new_day": True, "froze": 0}


def test_a_missed_day_breaks_a_streak_without_freezes(anna: Streak) -> None:
    anna.days(0, 1, 2)
    assert anna.on(4, 2).state["current"] == 3, "grace until 03:00"
    assert anna.on(4, 3).state["current"] == 0
    assert anna.act() == {"current": 1, "longest": 3, "freezes": 0, "is_new_day": True, "froze": 0}


def test_freezes_are_earned_each_seventh_day_and_cover_missed_days(anna: Streak) -> None:
    assert anna.days(*range(7))["freezes"] == 1
    assert anna.days(*range(7, 14))["freezes"] == 2
    assert anna.days(*range(14, 21))["freezes"] == 2, "two at most"
    state = anna.on(23).state
    assert (state["current"], state["missed"], state["freezes"]) == (21, 2, 0)
    assert anna.act() == {"current": 22, "longest": 22, "freezes": 0, "is_new_day": True, "froze": 2}
    assert anna.act()["froze"] == 0
    anna.days(24, 25, 26, 27, 28, 29)  # 28 days: one more
    assert anna.on(32).act() == {"current": 1, "longest": 28, "freezes": 1, "is_new_day": True, "froze": 0}, (
        "two missed days: one freeze is not enough, and is kept"
    )


def test_a_broken_streak_keeps_its_freezes(anna: Streak) -> None:
    anna.days(*range(7))
    assert anna.state["is_today"]
    state = anna.on(9).state
    assert (state["current"], state["longest"], state["freezes"], state["missed"]) == (0, 7, 1, 0)


def test_grace_until_three_counts_for_yesterday_once_a_streak(anna: Streak) -> None:
    anna.days(0, 1)
    assert anna.on(3, 2.9).act()["current"] == 3  # for day 2
    assert anna.on(3, 2.95).act()["current"] == 4  # for day 3
    assert anna.on(5, 1).act()["current"] == 1, "once a streak"
    anna.days(6)
    assert anna.on(8, 3).act()["current"] == 1, "until 03:00"
    anna.days(9)
    assert anna.on(11, 1).act()["current"] == 3, "a new streak has it again"


def test_grace_spares_a_freeze_and_does_not_help_after_two_days(anna: Streak) -> None:
    anna.days(*range(7))
    assert anna.on(8, 1).act() == {"current": 8, "longest": 8, "freezes": 1, "is_new_day": True, "froze": 0}
    anna.days(8, 9, 10, 11)
    assert anna.on(14, 1).act()["current"] == 1


@pytest.mark.parametrize(
    ("streak", "has_grace"),
    [
        ({"last_day": "2026-11-28"}, True),
        ({"last_day": "2026-11-28", "current": 1}, True),
        ({"last_day": "2026-11-27"}, False),
        ({"last_day": "2026-11-27", "excused_on": "2026-11-28"}, True),
        ({"last_day": "2026-11-27", "excused_on": "2026-11-29"}, False),  # the 28th is missing
        ({"last_day": "2026-11-28", "grace_used": True}, False),
        ({"last_day": "2026-11-28", "paused_on": "2026-11-30"}, False),
        ({"last_day": "2026-11-29"}, False),
    ],
)
def test_grace_is_for_yesterday_alone(sql: Sql, streak: dict[str, Any], has_grace: bool) -> None:
    row = {"current": 2, "grace_used": False, "time_zone": "UTC", **streak}
    statement = (
        "select private.has_grace(jsonb_populate_record(null::streaks, %s::jsonb), "
        "timestamptz '2026-11-30 02:59:59+00') as has_grace"
    )
    assert sql(statement, json.dumps(row)) == [{"has_grace": has_grace}]


@pytest.mark.parametrize(
    ("streak", "missed"),
    [
        ({"last_day": "2026-11-10"}, 2),
        ({"last_day": "2026-11-10", "excused_on": "2026-11-10"}, 2),
        ({"last_day": "2026-11-10", "excused_on": "2026-11-11"}, 1),
        ({"last_day": "2026-11-10", "excused_on": "2026-11-12"}, 1),
        ({"last_day": "2026-11-10", "excused_on": "2026-11-13"}, 2),
        ({"last_day": "2026-11-10", "paused_on": "2026-11-12"}, 1),
        ({"last_day": "2026-11-13"}, 0),
        ({"excused_on": "2026-11-12"}, 0),
    ],
)
def test_days_between_the_last_one_and_today_are_missed(
    sql: Sql, streak: dict[str, Any], missed: int
) -> None:
    statement = (
        "select private.missed_days(jsonb_populate_record(null::streaks, %s::jsonb), date '2026-11-13') as n"
    )
    assert sql(statement, json.dumps(streak)) == [{"n": missed}]


@pytest.mark.parametrize(
    ("zone", "first"),
    [
        ("America/New_York", date(2026, 10, 29)),  # 1 November has 25 hours
        ("America/New_York", date(2027, 3, 11)),  # 14 March has 23
        ("Europe/Berlin", date(2026, 10, 22)),
        ("America/Asuncion", date(2024, 10, 3)),  # midnight of 6 October did not exist
        ("Africa/Cairo", date(2026, 4, 21)),  # midnight of 24 April does not exist
        ("Australia/Lord_Howe", date(2026, 10, 1)),  # half an hour
    ],
)
def test_days_of_23_and_25_hours_count_as_days(anna: Streak, zone: str, first: date) -> None:
    assert anna.zone(zone) == "set"
    for number in range(6):
        day = first + timedelta(days=number)
        # The latest and the earliest moment of neighbouring days: up to 48 hours apart, or a minute.
        hour = timedelta(hours=23, minutes=59) if number % 2 else timedelta(hours=3)
        moment = (datetime.combine(day, datetime.min.time()) + hour).replace(tzinfo=ZoneInfo(zone))
        result = anna.at(moment).act()
        assert (result["current"], result["is_new_day"]) == (number + 1, True)
        assert not anna.at(moment + timedelta(seconds=30)).act()["is_new_day"]


def test_kiritimati_to_honolulu_and_back_keeps_the_streak_and_gains_nothing(anna: Streak) -> None:
    kiritimati, honolulu = ZoneInfo("Pacific/Kiritimati"), ZoneInfo("Pacific/Honolulu")
    assert anna.zone("Pacific/Kiritimati") == "set"
    noon = datetime(2026, 11, 10, 12, tzinfo=kiritimati)
    assert anna.at(noon).act()["current"] == 1
    assert anna.zone("Pacific/Honolulu") == "scheduled"
    state = anna.state
    assert (state["time_zone"], state["next_time_zone"]) == ("Pacific/Kiritimati", "Pacific/Honolulu")
    # Midnight there begins the same date, the tenth, in Honolulu.
    assert not anna.at(datetime(2026, 11, 10, 12, tzinfo=honolulu)).act()["is_new_day"]
    assert anna.state["time_zone"] == "Pacific/Honolulu"
    assert anna.zone("Pacific/Kiritimati") == "too_soon"
    anna.at(datetime(2026, 11, 11, 12, tzinfo=honolulu))
    assert anna.act()["current"] == 2
    assert anna.zone("Pacific/Kiritimati") == "scheduled"
    # Midnight in Honolulu begins the thirteenth in Kiritimati: the twelfth never was.
    assert anna.at(datetime(2026, 11, 13, 12, tzinfo=kiritimati)).act() == {
        "current": 3, "longest": 3, "freezes": 0, "is_new_day": True, "froze": 0
    }  # fmt: skip


def test_a_shorter_first_day_in_the_east_breaks_nothing(anna: Streak) -> None:
    anna.zone("America/Los_Angeles")
    los_angeles, tokyo = ZoneInfo("America/Los_Angeles"), ZoneInfo("Asia/Tokyo")
    anna.at(datetime(2026, 11, 10, 12, tzinfo=los_angeles)).act()
    assert anna.zone("Asia/Tokyo") == "scheduled"
    # Midnight in Los Angeles is 17:00 of the eleventh in Tokyo: seven hours are left.
    assert anna.at(datetime(2026, 11, 12, 12, tzinfo=tokyo)).act()["current"] == 2
    assert anna.at(datetime(2026, 11, 14, 12, tzinfo=tokyo)).act()["current"] == 1, "only that day is excused"


def test_a_replaced_choice_applies_from_the_same_midnight(anna: Streak) -> None:
    anna.days(0)
    assert [anna.zone(name) for name in ("Asia/Tokyo", "Europe/Paris", "Europe/Moscow", "Asia/Tokyo")] == [
        "scheduled", "scheduled", "unchanged", "scheduled"
    ]  # fmt: skip
    assert anna.on(0, 23.99).state["time_zone"] == "Europe/Moscow"
    assert anna.on(1, 0).state["time_zone"] == "Asia/Tokyo"
    anna.act()
    assert anna.on(1, 23).zone("Europe/Paris") == "too_soon"
    assert anna.on(2, 0).zone("Europe/Paris") == "scheduled"


@pytest.mark.parametrize(
    "name",
    ["", None, "MSK", "EST5EDT4", "Asia/Nowhere3", "posix/Asia/Tokyo", "Factory", "asia/tokyo",
     "<+03>-3", "Asia/Tokyo'; drop", "A" * 70, "+03"],
)  # fmt: skip
def test_only_iana_names_are_time_zones(sql: Sql, anna: Streak, name: str | None) -> None:
    assert anna.zone(name) == "unknown_zone"  # type: ignore[arg-type]
    assert anna.state["time_zone"] == "Europe/Moscow"
    assert sql("select from private.time_zones") == []


@pytest.mark.parametrize(
    "name", ["UTC", "Asia/Tokyo", "America/Argentina/Buenos_Aires", "America/Port-au-Prince"]
)
def test_iana_names_are_accepted_and_remembered(sql: Sql, anna: Streak, name: str) -> None:
    assert anna.zone(name) == "set"
    assert sql("select name from private.time_zones") == [{"name": name}]
    assert anna.zone(name) == "unchanged"
    assert anna.zone("MSK") == "unknown_zone"


def test_users_choose_a_new_zone_at_once(sql: Sql, call: Call, clock: Callable[[str], None]) -> None:
    users = [Streak(sql, call, clock) for _ in range(8)]
    assert in_parallel(8, lambda n: users[n].zone("Asia/Tokyo")) == ["set"] * 8


ZONES = [
    "Pacific/Kiritimati",
    "Pacific/Honolulu",
    "Asia/Tokyo",
    "America/New_York",
    "Europe/Moscow",
    "Pacific/Apia",
]


@settings(
    max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.sampled_from([*ZONES, None, None, None]), min_size=1, max_size=14))
def test_changes_of_the_time_zone_neither_break_nor_multiply_a_streak(
    sql: Sql, call: Call, clock: Callable[[str], None], changes: list[str | None]
) -> None:
    """Activity every four hours: one day a real day, and as much apart as two zones can be."""
    anna = Streak(sql, call, clock)
    moment = datetime(2026, 11, 10, 9, 30, tzinfo=UTC)
    first = moment
    current = anna.at(moment).act()["current"]
    for zone in changes:
        if zone:
            anna.zone(zone)
        for _ in range(6):
            moment += timedelta(hours=4)
            now = anna.at(moment).act()["current"]
            assert current <= now <= current + 1
            current = now
    days = (moment - first) / timedelta(days=1)
    assert abs(current - (days + 1)) <= 27 / 24 + 1


def test_a_pause_neither_counts_nor_misses_days(anna: Streak) -> None:
    anna.days(0, 1, 2)
    assert anna.on(3).pause(True)["is_paused"]
    assert anna.on(30).pause(True)["current"] == 3, "a repetition changes nothing"
    state = anna.on(40).pause(False)
    assert (state["current"], state["is_today"], state["is_paused"]) == (3, False, False)
    assert anna.act()["current"] == 4


def test_a_pause_that_ends_on_its_day_counts_that_day_once(anna: Streak) -> None:
    anna.days(0, 1)
    anna.pause(True)
    assert anna.pause(False)["is_today"]
    assert not anna.act()["is_new_day"]


@pytest.mark.parametrize("zone", ["Pacific/Honolulu", "Pacific/Kiritimati"])
def test_a_pause_lasts_through_a_change_of_the_time_zone(anna: Streak, zone: str) -> None:
    anna.days(0, 1)
    anna.pause(True)
    assert anna.zone(zone) == "scheduled"
    state = anna.on(20).state
    assert (state["time_zone"], state["is_paused"], state["current"]) == (zone, True, 2)
    assert anna.act()["current"] == 3


def test_an_activity_ends_a_pause(anna: Streak) -> None:
    anna.days(0, 1)
    anna.on(1).pause(True)
    assert anna.on(9).act() == {"current": 3, "longest": 3, "freezes": 0, "is_new_day": True, "froze": 0}
    assert not anna.state["is_paused"]


def test_a_pause_does_not_repair_what_was_missed_before(anna: Streak) -> None:
    anna.days(0, 1)
    anna.on(4).pause(True)
    assert anna.on(9).state["current"] == 0
    assert anna.on(9).pause(False)["current"] == 0
    assert anna.act()["current"] == 1


def test_a_pause_before_the_first_day_changes_nothing(anna: Streak) -> None:
    anna.on(0).pause(True)
    anna.on(5).pause(False)
    assert not anna.state["is_today"]
    assert anna.act()["current"] == 1


def test_a_streak_awards_its_badge(sql: Sql, anna: Streak) -> None:
    anna.days(*range(7))
    (row,) = sql("select private.award_due_badges(%s, 'spin', '{}') as due", anna.user_id)
    assert row["due"] == ["streak_7"]


def test_the_profile_shows_all(sql: Sql, call: Call, clock: Callable[[str], None]) -> None:
    anna = Streak(sql, call, clock).on(0)
    anna.act()
    (row,) = sql("select telegram_id from users where id = %s", anna.user_id)
    for bot, points in (("quiz", 40), ("spin", 280)):
        given = {"p_telegram_id": row["telegram_id"], "p_rule": "service", "p_reference": "test:1" + bot}
        call("award_xp", **given, p_bot=bot, p_points=points)
    call("award_badge", p_telegram_id=row["telegram_id"], p_bot="spin", p_badge="story")
    profile = call("get_profile", p_user_id=anna.user_id)
    assert [profile[key] for key in ("total_xp", "level", "level_name", "level_xp", "next_level_xp")] == [
        320, 3, "novice", 300, 600
    ]  # fmt: skip
    assert (profile["rank"], profile["total"], profile["is_hidden"]) == (1, 1, False)
    assert profile["bots"] == [{"bot": "spin", "xp": 280}, {"bot": "quiz", "xp": 40}]
    assert [badge["badge"] for badge in profile["badges"]] == ["story"]
    assert profile["streak"]["current"] == 1
    assert call("get_profile", p_user_id=0) is None


@pytest.mark.parametrize(
    ("function", "given"),
    [("record_activity", {"p_bot": "spin"}), ("set_time_zone", {"p_time_zone": "UTC"}),
     ("pause_streak", {"p_paused": True}), ("set_board_profile", {"p_name": "x", "p_is_hidden": None})],
)  # fmt: skip
def test_an_unknown_user_is_refused(
    refused: Callable[..., str | None], function: str, given: dict[str, Any]
) -> None:
    assert refused(function, p_user_id=0, **given) == "Z0004"
