"""Quizzes, rounds and their answers are deleted after retention_quizzes_days; what they counted stays."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.supabase.quiz.players import Call, Player, Sql, Time
from tests.supabase.quiz.test_rounds import Member, begin, post

TABLES = ("quiz_runs", "quiz_answers", "quiz_rounds", "quiz_polls", "quiz_poll_answers")


def rows(sql: Sql) -> list[int]:
    """Return how many rows each table has."""
    return [sql(f"select count(*)::int as n from {table}")[0]["n"] for table in TABLES]


@pytest.fixture
def played(anna: Player, call: Call, time: Time) -> dict[str, Any]:
    """Play a quiz and a round; return the statistics afterwards."""
    anna.play([True] * 5)
    round_id = begin(anna)["round_id"]
    post(anna, round_id, 1, "one")
    Member(call).answer("one", 0)
    time.move(seconds=605)
    call("enqueue_quiz_summary", p_round_id=round_id, p_parameters=None)
    shown: dict[str, Any] = call("quiz_statistics", p_user_id=anna.id, p_bot="quiz", p_days=1)
    return shown


def test_the_sweep_deletes_what_is_old(
    anna: Player, call: Call, time: Time, sql: Sql, played: dict[str, Any]
) -> None:
    before = anna.xp()
    time.move(days=179)
    assert [call("sweep")[kind] for kind in ("quizzes", "rounds")] == [0, 0]
    assert rows(sql) == [1, 5, 1, 1, 1]
    time.move(days=2)
    swept = call("sweep")
    assert (swept["quizzes"], swept["rounds"]) == (1, 1)
    assert rows(sql) == [0] * 5
    after = call("quiz_statistics", p_user_id=anna.id, p_bot="quiz", p_days=1)
    assert (after["answers"], after["topics"]) == (played["answers"], played["topics"])
    assert anna.xp() == before


def test_an_owner_sets_how_long(call: Call, time: Time, sql: Sql, played: dict[str, Any]) -> None:
    sql("update private.settings set value = '10' where key = 'retention_quizzes_days'")
    time.move(days=11)
    call("sweep")
    assert rows(sql) == [0] * 5
    assert call("retention_periods")["quizzes_days"] == 10


def test_a_running_round_is_never_swept(anna: Player, call: Call, time: Time, sql: Sql) -> None:
    begin(anna)
    time.move(days=400)
    assert call("sweep")["rounds"] == 0


def test_the_sweep_skips_a_quiz_that_is_being_answered(
    anna: Player, call: Call, time: Time, backend_url: str
) -> None:
    run = anna.start()["run"]
    time.move(days=181)
    with psycopg.connect(backend_url, prepare_threshold=None) as other:
        other.execute(
            "select public.answer_quiz_question(%s, 'quiz', %s, 1, 'late', '0a', 'closing', '[0]', true)",
            (anna.id, run["id"]),
        )
        assert call("sweep")["quizzes"] == 0
    assert call("sweep")["quizzes"] == 1


def test_the_sweep_is_limited(anna: Player, call: Call, time: Time, sql: Sql) -> None:
    for _ in range(3):
        anna.play([True])
    time.move(days=181)
    assert [call("sweep", p_limit=2)["quizzes"] for _ in range(3)] == [2, 1, 0]
