"""Trainings of other services in the history, and the statistics that are computed from it."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.supabase.trainings.test_trainings import SEED, Call, Player, Sql
from tests.supabase.xp.users import create_user

TRAINING = {"scenario": "cold_call", "score": 120, "clarity_level": 60, "question_count": 8}


def save(call: Call, telegram_id: int, reference: str = "course:1", **changes: Any) -> Any:
    training = {key: value for key, value in (TRAINING | changes).items() if value is not None}
    return call(
        "save_training_history",
        p_telegram_id=telegram_id,
        p_bot="course",
        p_reference=reference,
        p_training=Jsonb(training),
    )


def stats(call: Call, telegram_id: int, bot: str = "course") -> Any:
    return call("update_user_stats_after_training", p_telegram_id=telegram_id, p_bot=bot)


def test_a_training_is_stored_once(sql: Sql, call: Call) -> None:
    user = create_user(sql)
    assert save(call, user)
    assert not save(call, user)
    assert save(call, user, "course:2", training_date="2026-01-02T03:04:05+00:00")
    history = call("get_training_history", p_telegram_id=user)
    assert [row["reference"] for row in history["trainings"]] == ["course:1", "course:2"]
    assert history["trainings"][1]["training_date"].startswith("2026-01-02")
    assert call("get_training_history", p_telegram_id=user, p_limit=1, p_offset=1)["total"] == 2


@pytest.mark.parametrize("training", [[], "text", None])
def test_a_training_that_is_no_object_is_refused(sql: Sql, call: Call, training: Any) -> None:
    given = {"p_telegram_id": create_user(sql), "p_bot": "course", "p_reference": "course:1"}
    with pytest.raises(psycopg.Error) as caught:
        call("save_training_history", **given, p_training=Jsonb(training))
    assert caught.value.sqlstate == "Z0002"


@pytest.mark.parametrize(
    ("changes", "reference", "state"),
    [
        ({"score": 121}, "course:1", "Z0003"),
        ({"score": None}, "course:2", "Z0002"),
        ({"score": "many"}, "course:2", "Z0002"),
        ({"score": -1}, "course:2", "Z0002"),
        ({"clarity_level": 101}, "course:2", "Z0002"),
        ({"training_date": "yesterday-ish"}, "course:2", "Z0002"),
        ({"training_date": "infinity"}, "course:2", "Z0002"),
        ({"training_date": "9999-01-01"}, "course:2", "Z0002"),
        ({"training_date": "0001-01-01"}, "course:2", "Z0002"),
        ({"scenario": "x" * 65}, "course:2", "Z0002"),
        ({"per_type_counts": {"situation": "2"}}, "course:2", "Z0002"),
        ({"per_type_counts": {"situation": -1}}, "course:2", "Z0002"),
        ({"per_type_counts": {"situation": {"a": 1}}}, "course:2", "Z0002"),
        ({"per_type_counts": {"situation": 1e300}}, "course:2", "Z0002"),
        ({"per_type_counts": {"x" * 65: 1}}, "course:2", "Z0002"),
        ({"case_data": {"text": "x" * 262_144}}, "course:2", "Z0002"),
        ({"case_data": []}, "course:2", "Z0002"),
        ({}, "nothing", "Z0002"),
    ],
)
def test_an_invalid_training_is_refused(
    sql: Sql, call: Call, changes: dict[str, Any], reference: str, state: str
) -> None:
    user = create_user(sql)
    save(call, user)
    with pytest.raises(psycopg.Error) as caught:
        save(call, user, reference, **changes)
    assert caught.value.sqlstate == state
    assert len(sql("select from training_history")) == 1


def test_an_unknown_user_is_refused(call: Call) -> None:
    for run in (save, stats):
        with pytest.raises(psycopg.Error) as caught:
            run(call, 5)
        assert caught.value.sqlstate == "Z0004"


def test_statistics_are_those_of_the_history_and_keep_other_keys(sql: Sql, call: Call) -> None:
    user = create_user(sql)
    call("save_user_session", p_telegram_id=user, p_bot="course", p_stats=Jsonb({"own": 1}))
    assert stats(call, user)["total_trainings"] == 0
    save(call, user)
    save(call, user, "course:2", score=80)
    for _ in range(2):
        found = stats(call, user)
        assert (found["total_trainings"], found["total_questions"]) == (2, 16)
        assert (found["total_score"], found["best_score"]) == (200, 120)
    session = call("get_user_session", p_telegram_id=user, p_bot="course")
    assert session["stats"]["own"] == 1
    assert session["stats"]["best_score"] == 120


def test_the_trainer_keeps_its_statistics_itself(sql: Sql, call: Call) -> None:
    player = Player(sql, call)
    player.play(SEED, contextual=3)
    session = call("get_user_session", p_telegram_id=player.telegram_id, p_bot="spin")
    assert session["stats"]["best_score"] == 185
    assert session["stats"]["total_questions"] == 8
