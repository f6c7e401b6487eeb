"""The day's challenge: one attempt at the same questions, a board; reminders at the user's hour."""

from __future__ import annotations

from typing import Any

import pytest

from tests.supabase.quiz.players import QUESTIONS, Call, Player, Sql, Time
from tests.support import in_parallel

DAY = "2026-11-30"


def take(player: Player, right: list[bool], seconds: float = 10, day: str = DAY) -> Any:
    """Take the challenge of a day; return its state at the end."""
    run = player.start("daily", QUESTIONS[: len(right)], p_day=day)["run"]
    for n, is_right in enumerate(right, 1):
        player.time.move(seconds=seconds)
        done = player.answer(run["id"], n, is_right, p_next=True)
        assert done["outcome"] == "counted"
    return done["run"]


def board(player: Player, **more: Any) -> Any:
    return player.call("get_quiz_board", p_user_id=player.id, p_bot="quiz", **more)


def test_the_first_of_the_day_decides_the_questions(anna: Player, sql: Sql, call: Call, time: Time) -> None:
    ben = Player(sql, call, time)
    anna.start("daily", QUESTIONS[:5], p_day=DAY)
    assert ben.start("daily", QUESTIONS[5:], p_day=DAY)["run"]["questions"] == QUESTIONS[:5]


def test_there_is_one_attempt(anna: Player) -> None:
    first = take(anna, [True] * 5)
    again = anna.start("daily", QUESTIONS[:5], p_day=DAY)
    assert (again["outcome"], again["run"]["id"], again["run"]["status"]) == (
        "taken",
        first["id"],
        "finished",
    )


def test_of_ten_starts_at_once_one_counts(anna: Player, sql: Sql) -> None:
    results = in_parallel(10, lambda _: anna.start("daily", QUESTIONS[:5], p_day=DAY))
    assert [one["outcome"] for one in results].count("started") == 1
    assert len({one["run"]["id"] for one in results}) == 1


def test_the_score_is_right_answers_and_a_limited_bonus_for_speed(anna: Player) -> None:
    done = take(anna, [True, True, False, True, True], seconds=6.5)
    assert done["score"] == 4 * (100 + 14)
    assert done["result"]["xp"] == 4 * 5 + 30
    assert done["result"]["seconds"] == 32.5, "the next question is shown at once"


@pytest.mark.parametrize(("seconds", "score"), [(2, 118), (19.9, 101), (20, 100), (4000, 100)])
def test_the_bonus_ends_after_twenty_seconds(anna: Player, seconds: float, score: int) -> None:
    assert take(anna, [True], seconds)["score"] == score


def test_a_challenge_that_was_tapped_through_is_not_on_the_board(anna: Player) -> None:
    done = take(anna, [True] * 5, seconds=1)
    assert (done["score"], done["result"]["xp"]) == (None, 0)
    assert board(anna) == {"day": DAY, "total": 0, "entries": [], "rank": None, "score": None}


def pace(player: Player, seconds: list[float], kind: str = "daily") -> Any:
    """Take a challenge, or a quiz, with right answers; return its state at the end."""
    run = player.start(kind, QUESTIONS[: len(seconds)], p_day=DAY if kind == "daily" else None)["run"]
    for n, time in enumerate(seconds, 1):
        player.see(run["id"], n)
        player.time.move(seconds=time)
        done = player.answer(run["id"], n, p_next=kind == "daily")
    return done["run"]


def test_one_slow_answer_does_not_save_a_challenge_that_was_tapped_through(anna: Player) -> None:
    done = pace(anna, [0.5, 0.5, 0.5, 60, 0.5])
    assert (done["result"]["is_fast"], done["score"], done["result"]["xp"]) == (True, None, 0)
    assert board(anna)["total"] == 0


def test_a_tapped_answer_gives_no_points_and_no_xp(anna: Player) -> None:
    done = pace(anna, [10, 1.9, 10, 2, 10])
    assert (done["result"]["is_fast"], done["result"]["right"]) == (False, 5)
    assert (done["score"], done["result"]["xp"]) == (3 * 110 + 118, 4 * 5 + 30)


def test_a_quiz_half_of_which_was_tapped_gives_nothing(anna: Player) -> None:
    assert pace(anna, [30, 0.1, 30, 0.1, 30, 0.1], "topic")["result"]["is_fast"]
    done = pace(anna, [0.1, 0.1, 3, 3, 3], "topic")["result"]
    assert (done["is_fast"], done["xp"]) == (False, 3 * 5 + 20)


def test_a_challenge_without_a_right_answer_has_no_place(anna: Player) -> None:
    done = take(anna, [False] * 5)
    assert (done["score"], done["result"]["xp"]) == (0, 30)
    assert (board(anna)["total"], board(anna)["rank"]) == (0, None)


def test_a_challenge_over_midnight_counts_for_its_day(anna: Player, time: Time) -> None:
    time.set("2026-11-30 23:59:50+03:00")
    run = anna.start("daily", QUESTIONS[:2], p_day=DAY)["run"]
    time.move(seconds=5)
    anna.answer(run["id"], 1, p_next=True)
    time.move(seconds=10)
    assert anna.start("daily", QUESTIONS[:2], p_day=DAY) == {"outcome": "new_day", "day": "2026-12-01"}
    overview = anna.call("quiz_overview", p_user_id=anna.id, p_bot="quiz")
    assert (overview["day"], overview["challenge"]) == ("2026-12-01", None)
    assert anna.see()["id"] == run["id"], "it is still open"
    done = anna.answer(run["id"], 2, p_next=True)["run"]
    assert (done["status"], done["day"]) == ("finished", DAY)
    assert board(anna, p_day=DAY)["rank"] == 1
    assert board(anna)["total"] == 0
    tomorrow = anna.start("daily", QUESTIONS[2:4], p_day="2026-12-01")
    assert (tomorrow["outcome"], tomorrow["run"]["questions"]) == ("started", QUESTIONS[2:4])


def test_the_next_challenge_abandons_one_that_was_left(anna: Player, time: Time) -> None:
    old = anna.start("daily", QUESTIONS[:2], p_day=DAY)["run"]
    time.move(days=1)
    anna.start("daily", QUESTIONS[2:4], p_day="2026-12-01")
    assert anna.answer(old["id"], 1)["outcome"] == "closed"


def test_the_board_ranks_ties_equally_and_leaves_out_who_must_not_be_seen(
    anna: Player, sql: Sql, call: Call, time: Time
) -> None:
    ben, cleo, dora, ed = (Player(sql, call, time) for _ in range(4))
    for player, right in ((anna, 2), (ben, 2), (cleo, 1), (dora, 3), (ed, 3)):
        take(player, [number < right for number in range(3)])
    call("set_board_profile", p_user_id=ben.id, p_name="Benny", p_is_hidden=False)
    call("set_board_profile", p_user_id=dora.id, p_name=None, p_is_hidden=True)
    sql("update users set banned_at = now() where id = %s", ed.id)
    shown = board(anna)
    assert (shown["total"], shown["rank"], shown["score"]) == (4, 2, 220)
    assert [(one["rank"], one["name"], one["is_me"]) for one in shown["entries"]] == [
        (2, None, True), (2, "Benny", False), (4, None, False),
    ]  # fmt: skip
    assert board(dora)["rank"] == 1, "hidden users have a rank"
    call("set_board_profile", p_user_id=ben.id, p_name="Benny", p_is_hidden=True)
    call("set_board_profile", p_user_id=dora.id, p_name="Dora", p_is_hidden=False)
    sql("update users set banned_at = null where id = %s", ed.id)
    assert [(one["rank"], one["name"]) for one in board(anna)["entries"]] == [
        (1, "Dora"),
        (1, None),
        (3, None),
        (5, None),
    ]
    call("set_board_profile", p_user_id=ben.id, p_name="Benny", p_is_hidden=False)
    sql("update users set banned_at = now() where id = %s", ed.id)
    assert board(ed)["rank"] is None
    assert len(board(anna, p_limit=1)["entries"]) == 1
    sql("select private.leave_boards(%s)", anna.id)
    assert board(cleo)["total"] == 3


def remind(player: Player, hour: int | None) -> Any:
    return player.call("set_quiz_reminder", p_user_id=player.id, p_bot="quiz", p_hour=hour)


def due(call: Call) -> list[int]:
    """Return the chats that are reminded now."""
    done = call("enqueue_quiz_reminders", p_limit=25)
    return [one["parameters"]["chat_id"] for one in done["outgoing"]]


def chat_of(player: Player) -> int:
    return int(player.sql("select telegram_id from users where id = %s", player.id)[0]["telegram_id"])


def test_a_reminder_comes_once_a_day_at_its_hour(anna: Player, call: Call, time: Time) -> None:
    assert remind(anna, 9) == {
        "hour": 9,
        "next_at": "2026-12-01T06:00:00+00:00",
        "time_zone": "Europe/Moscow",
    }
    assert due(call) == []
    time.set("2026-12-01 09:00:30+03:00")
    assert due(call) == [chat_of(anna)]
    assert due(call) == []
    time.set("2026-12-02 09:00:00+03:00")
    assert due(call) == [chat_of(anna)]


def test_a_reminder_follows_the_users_time_zone(anna: Player, call: Call, time: Time) -> None:
    call("set_time_zone", p_user_id=anna.id, p_time_zone="Europe/Berlin")
    assert remind(anna, 9)["next_at"] == "2026-12-01T08:00:00+00:00"
    call("set_time_zone", p_user_id=anna.id, p_time_zone="Asia/Tokyo")
    time.set("2026-12-01 09:00:00+01:00")
    assert due(call) == [], "it is five in the afternoon there"
    time.set("2026-12-02 09:00:10+09:00")
    assert due(call) == [chat_of(anna)]


def test_of_two_jobs_at_once_one_reminds(anna: Player, call: Call, time: Time) -> None:
    remind(anna, 13)
    time.move(hours=1)
    results = in_parallel(8, lambda _: due(call))
    assert sorted(results, key=len)[-2:] == [[], [chat_of(anna)]]


@pytest.mark.parametrize("reason", ["off", "taken", "started", "banned", "blocked", "late"])
def test_who_is_not_reminded(anna: Player, call: Call, time: Time, sql: Sql, reason: str) -> None:
    remind(anna, 13)
    if reason == "off":
        assert remind(anna, None)["hour"] is None
    elif reason == "taken":
        take(anna, [True])
    elif reason == "started":
        anna.start("daily", QUESTIONS[:5], p_day=DAY)
    elif reason == "banned":
        sql("update users set banned_at = now() where id = %s", anna.id)
    elif reason == "blocked":
        sql("update users set is_active = false where id = %s", anna.id)
    time.set("2026-11-30 16:00:01+03:00" if reason == "late" else "2026-11-30 13:00:01+03:00")
    assert due(call) == []
    if reason != "off":
        (row,) = sql("select next_at from quiz_reminders where user_id = %s", anna.id)
        assert row["next_at"].isoformat() == "2026-12-01T10:00:00+00:00"


def test_reminders_are_claimed_in_batches(sql: Sql, call: Call, time: Time) -> None:
    players = [Player(sql, call, time) for _ in range(30)]
    for player in players:
        remind(player, 13)
    time.move(hours=1)
    first = call("enqueue_quiz_reminders", p_limit=25)
    second = call("enqueue_quiz_reminders", p_limit=25)
    assert (first["checked"], second["checked"]) == (25, 5)
    chats = {one["parameters"]["chat_id"] for one in first["outgoing"] + second["outgoing"]}
    assert chats == {chat_of(player) for player in players}


@pytest.mark.parametrize(
    ("hour", "zone", "after", "expected"),
    [
        (9, "Europe/Moscow", "2026-11-30 08:59:59+03", "2026-11-30 09:00:00+03"),
        (9, "Europe/Moscow", "2026-11-30 09:00:00+03", "2026-12-01 09:00:00+03"),
        # Berlin, 29 March 2026: the hour from 2 to 3 is skipped.
        (9, "Europe/Berlin", "2026-03-28 09:00:00+01", "2026-03-29 09:00:00+02"),
        (2, "Europe/Berlin", "2026-03-28 12:00:00+01", "2026-03-29 03:00:00+02"),
        (2, "Europe/Berlin", "2026-03-29 03:00:00+02", "2026-03-30 02:00:00+02"),
        # Berlin, 25 October 2026: the hour from 2 to 3 occurs twice.
        (9, "Europe/Berlin", "2026-10-24 09:00:00+02", "2026-10-25 09:00:00+01"),
        (2, "Europe/Berlin", "2026-10-24 12:00:00+02", "2026-10-25 02:00:00+01"),
        (2, "Europe/Berlin", "2026-10-25 02:00:00+01", "2026-10-26 02:00:00+01"),
        # Midnight does not exist on the day of the change.
        (0, "America/Santiago", "2026-09-05 12:00:00-04", "2026-09-06 01:00:00-03"),
        (23, "Pacific/Kiritimati", "2026-11-30 08:59:00+00", "2026-11-30 09:00:00+00"),
        (7, "Asia/Kathmandu", "2026-11-30 01:14:59+00", "2026-11-30 01:15:00+00"),
    ],
)
def test_the_next_hour_of_a_users_day(sql: Sql, hour: int, zone: str, after: str, expected: str) -> None:
    (row,) = sql(
        "select private.next_local_hour(%s, %s, %s::timestamptz) = %s::timestamptz as same, "
        "private.next_local_hour(%s, %s, %s::timestamptz) as next",
        hour, zone, after, expected, hour, zone, after,
    )  # fmt: skip
    assert row["same"], row["next"]


def test_a_daily_reminder_comes_on_every_day_of_a_year(sql: Sql) -> None:
    for zone in ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago"):
        for hour in (0, 2, 3, 9):
            rows = sql(
                "with recursive next (n, at) as ("
                "select 1, private.next_local_hour(%s, %s, '2026-01-01') union all "
                "select n + 1, private.next_local_hour(%s, %s, at) from next where n < 365) "
                "select count(distinct (at at time zone %s)::date) as days, "
                "max(at) < '2027-01-03' as in_time "
                "from next",
                hour, zone, hour, zone, zone,
            )  # fmt: skip
            assert rows == [{"days": 365, "in_time": True}], (zone, hour)
