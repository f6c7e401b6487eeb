"""A lesson is open to learners of its tier, from the moment at which it is released."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.supabase.courses.school import School, Sql
from tests.supabase.quiz.players import Time


def opens_at(school: School, user_id: int, slug: str) -> Any:
    course = school.call("read_course", p_user_id=user_id, p_slug="sales")
    (lesson,) = [one for one in course["all_lessons"] if one["slug"] == slug]
    return lesson["opens_at"]


def is_open(school: School, user_id: int, slug: str) -> bool:
    return school.states(user_id)[slug] == "open"


def test_a_tier_opens_its_lessons_and_those_below(school: School) -> None:
    anna, ben, visitor = school.learner(), school.learner(), None
    school.lesson("intro", is_preview=True)
    closed = ["no_access"] * 3
    for user in (visitor, anna):
        assert list(school.states(user).values()) == [*closed, "open"]
    school.buy(anna, "accelerator")
    assert list(school.states(anna).values()) == ["open", "open", "upgrade", "open"]
    assert list(school.states(ben).values()) == [*closed, "open"]


@pytest.mark.parametrize(
    ("columns", "plan_tier", "expected"),
    [
        ({"is_paid": True}, "vip", ["open", "open", "open"]),
        ({"is_paid": True}, "basic", ["open", "upgrade", "upgrade"]),
        ({"is_paid": True}, None, ["no_access"] * 3),
        ({"is_admin": True}, None, ["open", "open", "open"]),
    ],
)
def test_plans_and_admins(
    school: School, sql: Sql, columns: dict[str, bool], plan_tier: str | None, expected: list[str]
) -> None:
    sql("update courses set plan_tier = %s", plan_tier)
    anna = school.learner()
    (name,) = columns
    sql(f"update users set {name} = true where id = %s", anna)
    assert list(school.states(anna).values()) == expected


def test_closed_lessons_show_no_content(school: School) -> None:
    school.video("film")
    anna = school.learner()
    seen = school.read(anna, "film")
    assert (seen["lesson"]["state"], seen["content"], seen["progress"]) == ("no_access", None, None)
    school.buy(anna)
    seen = school.read(anna, "film")
    assert seen["content"]["video"] == {"adapter": "youtube", "reference": "abc"}
    assert seen["lesson"]["completion"] == "watched"
    assert seen["previous"] == "vip-lesson"


def test_expired_access_closes_and_new_access_finds_the_progress(school: School) -> None:
    school.offer("month", "basic", 300, access_days=30)
    anna = school.learner()
    school.buy(anna, "month")
    school.read(anna, "basic-lesson")
    assert school.complete(anna, school.lessons["basic"])["outcome"] == "completed"
    school.time.move(days=30)
    assert school.states(anna)["basic-lesson"] == "no_access"
    assert school.complete(anna, school.lessons["basic"])["outcome"] == "no_access"
    school.buy(anna, "month")
    assert school.read(anna, "basic-lesson")["lesson"]["completed_at"]


def test_a_refund_closes_the_lesson_that_is_playing(school: School) -> None:
    film = school.video("film")
    anna = school.learner()
    number = school.buy(anna)
    school.read(anna, "film")
    school.time.move(seconds=15)
    assert school.watch(anna, film, 0, 15)["outcome"] == "saved"
    school.refund(number)
    school.time.move(seconds=15)
    assert school.watch(anna, film, 15, 30) == {"outcome": "no_access"}
    assert school.progress(anna, film)["watched_seconds"] == 15


@pytest.mark.parametrize(
    ("zone", "bought_at", "days", "expected"),
    [
        ("Europe/Moscow", "2026-11-30 12:00+03:00", 1, "2026-12-01 00:00+03:00"),
        ("Europe/Moscow", "2026-11-30 23:59+03:00", 1, "2026-12-01 00:00+03:00"),
        ("America/New_York", "2026-11-30 02:00+03:00", 1, "2026-11-30 00:00-05:00"),
        ("Pacific/Kiritimati", "2026-11-30 15:00+03:00", 2, "2026-12-03 00:00+14:00"),
        # The night in which the clocks go forward, and the one in which they go back.
        ("Europe/Berlin", "2027-03-27 12:00+01:00", 2, "2027-03-29 00:00+02:00"),
        ("Europe/Berlin", "2026-10-24 12:00+02:00", 2, "2026-10-26 00:00+01:00"),
        # There is no midnight on this day: clocks go from 23:59 to 01:00.
        ("Africa/Cairo", "2026-04-23 12:00+02:00", 1, "2026-04-24 01:00+03:00"),
        ("Asia/Kolkata", "2026-11-30 12:00+03:00", 0, "2026-11-30 12:00+03:00"),
    ],
)
def test_a_lesson_opens_at_midnight_of_the_learner(
    school: School, sql: Sql, time: Time, zone: str, bought_at: str, days: int, expected: str
) -> None:
    school.lesson("later", release="days", release_days=days)
    time.set(bought_at)
    anna = school.learner()
    sql("insert into streaks (user_id, time_zone) values (%s, %s)", anna, zone)
    school.buy(anna)
    (row,) = sql(
        "select %s::timestamptz = %s::timestamptz as same", opens_at(school, anna, "later"), expected
    )
    assert row["same"]
    if days:
        time.set(expected)
        time.move(seconds=-1)
        assert not is_open(school, anna, "later")
    time.set(expected)
    assert is_open(school, anna, "later")


def test_what_was_open_stays_open_in_another_time_zone(school: School, sql: Sql, time: Time) -> None:
    school.lesson("later", release="days", release_days=1)
    anna = school.learner()
    sql("insert into streaks (user_id, time_zone) values (%s, 'Asia/Tokyo')", anna)
    school.buy(anna)
    time.set("2026-12-01 00:00+09:00")
    assert school.read(anna, "later")["content"]
    sql("update streaks set time_zone = 'America/Los_Angeles'")
    assert is_open(school, anna, "later")


def test_a_date_opens_for_all_at_once_and_never_before_the_cohort(school: School, time: Time) -> None:
    starts = time.now + timedelta(days=7)
    school.lesson("dated", release="date", release_at=(time.now + timedelta(days=3)).isoformat())
    school.lesson("second-day", release="days", release_days=1)
    school.offer("may", "basic", 500, cohort_id=school.cohort(starts.isoformat()))
    anna, ben = school.learner(), school.learner()
    school.buy(anna)
    school.buy(ben, "may")
    assert school.states(ben)["basic-lesson"] == "scheduled"
    time.move(days=3)
    assert is_open(school, anna, "dated")
    assert not is_open(school, ben, "dated")
    time.set(starts)
    assert is_open(school, ben, "basic-lesson")
    assert is_open(school, ben, "dated")
    assert not is_open(school, ben, "second-day")
    time.set("2026-12-08 00:00+03:00")
    assert is_open(school, ben, "second-day")


def test_what_was_completed_is_never_locked_by_later_changes(school: School, sql: Sql) -> None:
    anna = school.learner()
    school.buy(anna)
    school.complete(anna, school.lessons["basic"])
    sql(
        "update lessons set tier = 'vip', release = 'date', release_at = '2030-01-01'"
        " where slug = 'basic-lesson'"
    )
    assert is_open(school, anna, "basic-lesson")


def test_what_was_not_completed_follows_its_tier(school: School, sql: Sql) -> None:
    anna = school.learner()
    school.buy(anna)
    school.read(anna, "basic-lesson")
    sql("update lessons set tier = 'vip' where slug = 'basic-lesson'")
    assert school.states(anna)["basic-lesson"] == "upgrade"


def test_unpublished_courses_and_lessons_are_for_admins_and_the_author(school: School, sql: Sql) -> None:
    anna, ben = school.learner(), school.learner()
    school.lesson("draft", is_published=False)
    school.buy(ben)
    sql("update courses set author_id = %s", anna)
    assert "draft" in school.states(anna)
    assert "draft" not in school.states(ben)
    assert school.read(ben, "draft") is None
    sql("update courses set is_published = false")
    assert school.call("read_course", p_user_id=ben, p_slug="sales") is None
    assert school.call("course_overview", p_user_id=ben) == []
    assert school.card(anna)["is_staff"]


def test_a_hidden_course_takes_no_progress(school: School, sql: Sql) -> None:
    anna = school.learner()
    school.buy(anna, "vip")
    video = school.video("film")
    sql("update courses set is_published = false")
    assert school.complete(anna, school.lessons["basic"]) == {"outcome": "no_access"}
    assert school.watch(anna, video, 0, 20) == {"outcome": "no_access"}
    sql("update users set is_admin = true where id = %s", anna)
    assert school.complete(anna, school.lessons["basic"])["outcome"] == "completed"


def test_a_lesson_or_course_that_does_not_exist(school: School) -> None:
    anna = school.learner()
    assert school.read(anna, "nothing") is None
    assert school.call("read_course", p_user_id=anna, p_slug="nothing") is None
    assert school.call("read_lesson", p_user_id=anna, p_course_slug="x", p_lesson_slug="y") is None
    assert school.complete(anna, 0) == {"outcome": "no_access"}


def test_offers_say_prices_and_why_there_are_none(school: School) -> None:
    anna = school.learner()
    offers = {one["tier"]: one for one in school.call("list_course_offers", p_user_id=anna, p_slug="sales")}
    assert offers["vip"]["prices"] == offers["vip"]["full_prices"] == {"RUB": "6000.00", "XTR": "3000.00"}
    school.buy(anna)
    offers = {one["tier"]: one for one in school.call("list_course_offers", p_user_id=anna, p_slug="sales")}
    assert (offers["basic"]["prices"], offers["basic"]["reason"]) == ({}, "covered")
    assert offers["vip"]["prices"] == {"RUB": "5000.00", "XTR": "3000.00"}
    assert offers["vip"]["full_prices"]["RUB"] == "6000.00"
    assert school.call("list_course_offers", p_user_id=None, p_slug="sales")[0]["reason"] is None
