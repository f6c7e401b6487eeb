"""Reminders in the database: the user's clock, limits, and that each is sent once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.supabase.quiz.players import Call, Player, Sql, Time, next_reference
from tests.support import in_parallel


def remind(player: Player, words: str = "tea", **more: Any) -> Any:
    given = {"p_reference": next_reference(), **more}
    if "p_day" not in given:
        given.setdefault("p_seconds", 3_600)
    return player.call("create_reminder", p_user_id=player.id, p_bot="assistant", p_words=words, **given)


def at(player: Player, day: str, time: str = "09:00", **more: Any) -> Any:
    return remind(player, p_day=day, p_time=time, **more)


def due(call: Call) -> list[str]:
    """Return the words that are sent now."""
    done = call("enqueue_due_reminders", p_limit=25)
    return [one["parameters"]["values"]["words"] for one in done["outgoing"]]


def listed(player: Player) -> list[Any]:
    found = player.call("list_reminders", p_user_id=player.id, p_bot="assistant")["reminders"]
    assert isinstance(found, list)
    return found


def delete(player: Player, number: int) -> Any:
    return player.call("delete_reminder", p_user_id=player.id, p_id=number)["is_deleted"]


def zone(player: Player, name: str) -> None:
    player.call("set_time_zone", p_user_id=player.id, p_time_zone=name)


def test_a_reminder_is_sent_once_at_its_time(anna: Player, call: Call, time: Time) -> None:
    assert at(anna, "2026-12-01") == {
        "outcome": "set", "limit": 20, "due_at": "2026-12-01T06:00:00+00:00", "time_zone": "Europe/Moscow",
    }  # fmt: skip
    time.set("2026-12-01 08:59:59+03:00")
    assert due(call) == []
    time.set("2026-12-01 09:00:00+03:00")
    assert due(call) == ["tea"]
    assert due(call) == []
    assert listed(anna) == []


def test_a_redelivered_update_sets_one(anna: Player, time: Time) -> None:
    first = remind(anna, p_reference="same")
    time.move(hours=2)
    assert remind(anna, p_reference="same") == first
    assert len(listed(anna)) == 1


def test_the_clock_changes_in_between(anna: Player, call: Call, time: Time) -> None:
    zone(anna, "Europe/Berlin")
    time.set("2027-03-27 09:00:00+01:00")
    assert at(anna, "2027-03-28", "09:00")["due_at"] == "2027-03-28T07:00:00+00:00"
    assert at(anna, "2027-03-28", "02:30")["due_at"] == "2027-03-28T01:30:00+00:00", "3:30 by the clock"
    assert at(anna, "2027-10-31", "02:30")["due_at"] == "2027-10-31T01:30:00+00:00", "the second one"
    assert remind(anna, p_seconds=86_400)["due_at"] == "2027-03-28T08:00:00+00:00"


def test_a_reminder_travels_with_its_user(anna: Player, call: Call, time: Time) -> None:
    zone(anna, "Europe/Berlin")
    at(anna, "2026-12-02", words="by the clock")
    remind(anna, "in 36 hours", p_seconds=36 * 3_600)
    zone(anna, "Asia/Tokyo")
    time.set("2026-12-02 08:59:59+09:00")
    assert due(call) == ["in 36 hours"], "a span does not depend on the clock"
    time.set("2026-12-02 09:00:00+09:00")
    assert due(call) == ["by the clock"]


def test_a_time_that_is_over_in_the_new_zone_is_due(anna: Player, call: Call, time: Time) -> None:
    zone(anna, "Europe/Berlin")
    at(anna, "2026-11-30", "15:00")
    zone(anna, "Asia/Tokyo")
    assert due(call) == ["tea"]


def test_what_is_refused(anna: Player, time: Time, sql: Sql) -> None:
    assert at(anna, "2026-11-30", "11:59")["outcome"] == "past"
    assert at(anna, "2027-12-02")["outcome"] == "too_far"
    sql("update subscription_limits set reminders = 2 where plan = 'FREE'")
    assert [remind(anna)["outcome"] for _ in range(3)] == ["set", "set", "limit"]
    sql("update subscription_limits set reminders = 0 where plan = 'FREE'")
    assert remind(anna)["outcome"] == "limit"
    sql("update subscription_limits set reminders = null where plan = 'FREE'")
    assert remind(anna)["outcome"] == "set"
    assert len(listed(anna)) == 3


def test_ten_at_once_do_not_exceed_the_limit(anna: Player, sql: Sql) -> None:
    sql("update subscription_limits set reminders = 3 where plan = 'FREE'")
    results = in_parallel(10, lambda _: remind(anna)["outcome"])
    assert sorted(results) == ["limit"] * 7 + ["set"] * 3


def test_of_eight_jobs_at_once_one_sends(anna: Player, call: Call, time: Time) -> None:
    remind(anna)
    time.move(hours=1)
    results = in_parallel(8, lambda _: due(call))
    assert sorted(results, key=len) == [[]] * 7 + [["tea"]]


def test_a_deletion_and_the_job_at_once(anna: Player, call: Call, time: Time, sql: Sql) -> None:
    for _ in range(5):
        remind(anna)
        (one,) = listed(anna)
        time.move(hours=1)
        number = one["id"]
        sent, is_deleted = in_parallel(2, lambda n, number=number: delete(anna, number) if n else due(call))
        assert is_deleted, "a sent one can be deleted too"
        assert sent in ([], ["tea"])
        assert due(call) == []


@pytest.mark.parametrize("reason", ["banned", "blocked", "blocked this bot"])
def test_who_gets_none(anna: Player, call: Call, time: Time, sql: Sql, reason: str) -> None:
    remind(anna)
    if reason == "banned":
        sql("update users set banned_at = now() where id = %s", anna.id)
    elif reason == "blocked":
        sql("update users set is_active = false where id = %s", anna.id)
    else:
        sql(
            "insert into bot_sessions (user_id, bot, chat_id, is_blocked)"
            " select id, 'assistant', telegram_id, true from users where id = %s",
            anna.id,
        )
    time.move(hours=1)
    assert due(call) == []
    assert sql("select from reminders") == []


def test_a_sent_one_comes_again_later(anna: Player, call: Call, time: Time, sql: Sql) -> None:
    remind(anna)
    (one,) = listed(anna)

    def snooze(seconds: int | None) -> Any:
        done = anna.call("snooze_reminder", p_user_id=anna.id, p_id=one["id"], p_seconds=seconds)
        return done["due_at"]

    assert snooze(60) == one["due_at"], "it is still to come"
    time.move(hours=1)
    assert due(call) == ["tea"]
    assert in_parallel(4, lambda _: snooze(3_600)) == ["2026-11-30T11:00:00+00:00"] * 4
    time.move(hours=1)
    assert due(call) == ["tea"]
    assert snooze(None) == "2026-12-01T11:00:00+00:00"
    zone(anna, "Europe/Berlin")
    assert listed(anna)[0]["due_at"] == "2026-12-01T13:00:00+00:00", "tomorrow is a time of the clock"
    assert anna.call("snooze_reminder", p_user_id=anna.id, p_id=one["id"] + 1)["due_at"] is None


def test_a_double_tap_asks_once(anna: Player, time: Time) -> None:
    remind(anna)
    (one,) = listed(anna)

    def ask(reference: str) -> str:
        done = anna.call("claim_reminder_question", p_user_id=anna.id, p_id=one["id"], p_reference=reference)
        return str(done["outcome"])

    assert sorted(in_parallel(5, lambda n: ask(f"tap {n}"))) == ["ask"] + ["asked"] * 4
    time.move(minutes=2)
    assert [ask("later"), ask("later"), ask("other")] == ["ask", "ask", "asked"]


def test_of_another_user_nothing_is_found(anna: Player, call: Call, time: Time, sql: Sql) -> None:
    remind(anna)
    (one,) = listed(anna)
    ben = Player(sql, call, time)
    assert not delete(ben, one["id"])
    assert ben.call("snooze_reminder", p_user_id=ben.id, p_id=one["id"])["due_at"] is None
    claim = ben.call("claim_reminder_question", p_user_id=ben.id, p_id=one["id"], p_reference="x")
    assert claim["outcome"] == "gone"
    assert len(listed(anna)) == 1


def test_a_sent_one_is_deleted_after_30_days(anna: Player, call: Call, time: Time, sql: Sql) -> None:
    remind(anna)
    time.move(hours=1)
    due(call)
    time.move(days=30)
    due(call)
    assert len(sql("select from reminders")) == 1
    time.move(seconds=1)
    due(call)
    assert sql("select from reminders") == []
