"""Idle learners and those whose access ends are reminded, seldom and by day."""

from __future__ import annotations

import pytest

from tests.supabase.courses.school import School, Sql
from tests.supabase.payments.conftest import message_keys
from tests.support import in_parallel


@pytest.fixture
def anna(school: School) -> int:
    """Return a learner who has opened a lesson at noon in Moscow and has written to the assistant."""
    anna = school.bot_user()
    school.buy(anna)
    school.read(anna, "basic-lesson")
    return anna


def remind(school: School) -> list[str]:
    return message_keys(school.call("enqueue_course_reminders")["outgoing"])


def test_reminders_after_three_and_seven_days(school: School, anna: int) -> None:
    sent = []
    for _ in range(20):
        school.time.move(days=1)
        sent.append(len(remind(school)))
    assert [day for day, count in enumerate(sent, 1) if count] == [3, 7]


def test_a_return_begins_anew(school: School, anna: int) -> None:
    school.time.move(days=3)
    assert remind(school) == ["course_idle"]
    assert remind(school) == []
    school.read(anna, "basic-lesson")
    school.time.move(days=2)
    assert remind(school) == []
    school.time.move(days=1)
    assert remind(school) == ["course_idle"]


def test_runs_at_once_remind_once(school: School, anna: int) -> None:
    school.time.move(days=3)
    assert sorted(in_parallel(5, lambda n: remind(school)), key=len) == [[], [], [], [], ["course_idle"]]


def test_no_reminder_at_night_of_the_learner(school: School, anna: int, sql: Sql) -> None:
    sql("insert into streaks (user_id, time_zone) values (%s, 'America/New_York')", anna)
    school.time.move(days=3)
    assert remind(school) == []  # 04:00 there
    school.time.move(hours=8)
    assert remind(school) == ["course_idle"]


@pytest.mark.parametrize("reason", ["off", "completed", "refunded", "banned", "blocked", "unpublished"])
def test_learners_who_get_no_reminder(school: School, anna: int, sql: Sql, reason: str) -> None:
    if reason == "off":
        off = {"p_user_id": anna, "p_course_id": school.course_id, "p_wants": False}
        assert school.call("set_course_reminders", **off) == {"is_known": True}
        assert not school.card(anna)["wants_reminders"]
    elif reason == "completed":
        assert school.complete(anna, school.lessons["basic"])["course_completed"]
    elif reason == "refunded":
        sql("update enrollments set withdrawn_at = now()")
    elif reason == "banned":
        sql("update users set banned_at = now() where id = %s", anna)
    elif reason == "blocked":
        sql("update bot_sessions set is_blocked = true where user_id = %s", anna)
    else:
        sql("update courses set is_published = false")
    school.time.move(days=3)
    assert remind(school) == []


def test_reminders_of_no_user_or_course(school: School, anna: int) -> None:
    for user, course in ((0, school.course_id), (anna, 0)):
        done = school.call("set_course_reminders", p_user_id=user, p_course_id=course, p_wants=True)
        assert done == {"is_known": False}


def test_the_end_of_access_is_announced_once(school: School) -> None:
    school.offer("month", "basic", 300, access_days=30)
    ends = lambda: message_keys(school.call("enqueue_course_endings")["outgoing"])  # noqa: E731
    ben = school.bot_user()
    school.buy(ben, "month")
    school.time.move(days=26)
    assert ends() == []
    school.time.move(days=1)
    assert sorted(in_parallel(3, lambda n: ends()), key=len) == [[], [], ["course_ends"]]
    school.buy(ben, "month")
    school.time.move(days=10)
    assert ends() == []
    school.time.move(days=20)
    assert ends() == ["course_ends"]


def test_no_end_is_announced_to_learners_with_a_longer_tier(school: School) -> None:
    school.offer("month", "basic", 300, access_days=30)
    ben = school.bot_user()
    school.buy(ben, "month")
    school.buy(ben, "vip")
    school.time.move(days=28)
    assert school.call("enqueue_course_endings") == {"checked": 1, "outgoing": []}


def test_learners_who_left_long_ago_are_left_alone(school: School, anna: int) -> None:
    school.time.move(days=15)
    assert school.call("enqueue_course_reminders") == {"checked": 0, "outgoing": []}


def releases(school: School) -> list[str]:
    return message_keys(school.call("enqueue_lesson_releases")["outgoing"])


@pytest.fixture
def dripped(school: School, sql: Sql) -> int:
    """Return a learner whose second and third lesson open after one day and three days."""
    for days in (1, 3):
        school.lesson(f"day-{days}", release="days", release_days=days)
    anna = school.bot_user()
    school.buy(anna)
    assert releases(school) == [], "what is open from the start is no news"
    return anna


def test_a_lesson_that_opened_is_announced_once_by_day(school: School, dripped: int) -> None:
    school.time.move(hours=13)  # 01:00 in Moscow
    assert releases(school) == []
    school.time.move(hours=9)
    found = in_parallel(3, lambda n: releases(school))
    assert sorted(found, key=len) == [[], [], ["lesson_released"]]
    school.time.move(days=5)
    assert releases(school) == ["lesson_released"]
    school.time.move(days=1)
    assert releases(school) == []


def test_lessons_that_opened_together_are_one_message(school: School, dripped: int) -> None:
    school.time.move(days=5)
    assert releases(school) == ["lessons_released"]


@pytest.fixture
def subscribed(school: School) -> int:
    """Return a user with a paid plan in the course; lessons open after one day and three days."""
    for days in (1, 3):
        school.lesson(f"day-{days}", release="days", release_days=days)
    anna = school.bot_user(is_paid=True)
    school.read(anna, "basic-lesson")
    assert releases(school) == []
    return anna


def test_a_learner_by_a_plan_gets_the_news_once(school: School, subscribed: int) -> None:
    school.time.move(hours=13)  # 01:00 in Moscow
    assert releases(school) == []
    school.time.move(hours=9)
    found = in_parallel(3, lambda n: releases(school))
    assert sorted(found, key=len) == [[], [], ["lesson_released"]]
    school.time.move(days=2)
    assert releases(school) == ["lesson_released"]
    school.time.move(days=1)
    assert releases(school) == []


@pytest.mark.parametrize("reason", ["off", "opened", "over", "closed", "bought", "blocked"])
def test_a_learner_by_a_plan_who_gets_no_news(school: School, subscribed: int, sql: Sql, reason: str) -> None:
    school.time.move(days=1)
    if reason == "off":
        off = {"p_user_id": subscribed, "p_course_id": school.course_id, "p_wants": False}
        school.call("set_course_reminders", **off)
    elif reason == "opened":
        school.read(subscribed, "day-1")
    elif reason == "over":
        sql("update users set is_paid = false where id = %s", subscribed)
    elif reason == "closed":
        sql("update courses set plan_tier = null")
    elif reason == "bought":  # its own enrollment announces from its own beginning
        school.buy(subscribed)
    else:
        sql("update users set is_active = false where id = %s", subscribed)
    assert releases(school) == []


def test_a_plan_that_is_back_announces_what_opens_after_the_next_visit(
    school: School, subscribed: int, sql: Sql
) -> None:
    school.time.move(hours=6)
    sql("update users set is_paid = false where id = %s", subscribed)
    school.time.move(days=1)
    assert releases(school) == []
    assert sql("select from course_progress where next_release_at is null")
    sql("update users set is_paid = true where id = %s", subscribed)
    assert releases(school) == []
    school.read(subscribed, "basic-lesson")
    school.time.move(days=1)
    assert releases(school) == [], "what opened before the visit is no news"
    school.time.move(days=1)
    assert releases(school) == ["lesson_released"]


@pytest.mark.parametrize("reason", ["off", "opened", "refunded", "banned", "blocked", "unpublished"])
def test_learners_who_get_no_news_of_lessons(school: School, dripped: int, sql: Sql, reason: str) -> None:
    school.time.move(days=1)
    if reason == "off":
        school.call("set_course_reminders", p_user_id=dripped, p_course_id=school.course_id, p_wants=False)
    elif reason == "opened":
        school.read(dripped, "day-1")
    elif reason == "refunded":
        sql("update enrollments set withdrawn_at = now()")
    elif reason == "banned":
        sql("update users set banned_at = now() where id = %s", dripped)
    elif reason == "blocked":
        sql("update bot_sessions set is_blocked = true where user_id = %s", dripped)
    else:
        sql("update courses set is_published = false")
    assert releases(school) == []


def test_a_higher_tier_announces_a_lesson_once(school: School, dripped: int) -> None:
    school.buy(dripped, "vip")
    school.time.move(days=1)
    assert releases(school) == ["lesson_released"]


def test_a_sequence_reminds_instead_of_both(school: School, anna: int, sql: Sql) -> None:
    (rule,) = sql(
        "insert into sequences (name, event, kind, is_active)"
        " values ('Idle', 'learner_idle', 'service', true) returning id"
    )
    sql(
        "insert into broadcasts (name, kind, status, content, sequence_id, position, delay_minutes)"
        " values ('1', 'service', 'running', '{\"texts\": {\"en\": \"Come back\"}}', %s, 1, 0)",
        rule["id"],
    )
    sent = []
    for _ in range(10):
        school.time.move(days=1)
        sent += remind(school)
    assert sent == []
    assert sql("select user_id, status from sequence_runs") == [{"user_id": anna, "status": "active"}]
    school.call("advance_sequences")
    assert len(sql("select from broadcast_recipients")) == 1


def test_a_learner_who_came_back_leaves_the_sequence(school: School, anna: int, sql: Sql) -> None:
    test_a_sequence_reminds_instead_of_both(school, anna, sql)
    sql("update sequence_runs set status = 'active', position = 0")
    school.read(anna, "basic-lesson")
    school.call("advance_sequences")
    assert sql("select status, reason from sequence_runs") == [{"status": "left", "reason": "resolved"}]
