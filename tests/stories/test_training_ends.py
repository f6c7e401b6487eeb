"""However a training ends, its user gets one last message that says what counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.core import texts
from tests.stories.test_spin import QUESTIONS, Sql, begin, give_trainings, take_time, training_of, turns_of
from tests.stories.test_spin_crashes import END_STEPS, crash
from tests.stories.test_teams import NOON, ask, assign, count, create, exam, join, last, play
from tests.stories.test_trial import tap, user_id
from tests.support import eventually, says
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack

Clock = Callable[[str], None]
LANGUAGES = ("en", "ru")
OVER = "timestamptz '2026-12-01 09:20:00+00'"  # of an exam that begins at NOON
LATER = "timestamptz '2026-12-01 09:21:59+00'"  # leases have expired; the job doesn't take the exam yet


def finals(chat: Any, language: str = "en") -> list[str]:
    """Return the messages that end a training."""
    ends = ("trainer_open_lines", "trainer_unscored", "trainer_score_gone", "trainer_exam_over")
    return [one.text for one in chat.answers() if any(says(one.text, key, language) for key in ends)]


@pytest.mark.parametrize("step", ["after finish_training", "before finish_update", "after finish_update"])
@pytest.mark.parametrize("asked", [2, 5])
def test_killed_when_the_time_is_over_the_exam_still_says_so(
    stack: Stack, sql: Sql, clock: Clock, step: str, asked: int
) -> None:
    clock(NOON)
    chat = exam(stack, sql)
    for question in QUESTIONS["en"][:asked]:
        ask(chat, question)
    clock(OVER)
    crash(stack, clock, chat, QUESTIONS["en"][5], END_STEPS[step], LATER)
    (text,) = eventually(lambda: finals(chat))
    assert says(text, "trainer_time_over")
    assert says(text, "trainer_open_lines" if asked == 5 else "trainer_unscored")
    assert training_of(sql, chat)["question_count"] == asked
    clock("timestamptz '2026-12-01 09:25:00+00'")
    stack.run_job("payments")
    assert len(finals(chat)) == 1


@pytest.mark.parametrize("step", ["after finish_training", "before finish_update"])
@pytest.mark.parametrize(
    ("asked", "key"), [(0, "trainer_unscored"), (2, "trainer_unscored"), (5, "trainer_fast")]
)
def test_killed_at_the_end_a_training_that_does_not_count_says_so(
    stack: Stack, sql: Sql, clock: Clock, step: str, asked: int, key: str
) -> None:
    chat = begin(stack, sql)
    for question in QUESTIONS["en"][:asked]:
        ask(chat, question)
    sql("update trainings set rules = rules || '{\"min_seconds\": 3600}'")
    crash(stack, clock, chat, "/finish", END_STEPS[step])
    (text,) = eventually(lambda: finals(chat))
    assert says(text, key)
    assert sql("select from training_history") == []
    assert count(chat, "trainer_none_open") == 0


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("asked", [2, 5])
def test_an_exam_that_is_finished_after_its_time_says_that_it_is_over(
    stack: Stack, sql: Sql, clock: Clock, language: str, asked: int
) -> None:
    clock(NOON)
    chat = exam(stack, sql, language)
    for question in QUESTIONS[language][:asked]:
        ask(chat, question)
    clock(OVER)
    result = ask(chat, "/finish").text
    assert says(result, "trainer_exam_over", language)
    assert not says(result, "trainer_time_over", language), "no message was lost"
    assert says(result, "trainer_open_lines" if asked == 5 else "trainer_unscored", language)
    assert says(result, "trainer_exam_failed", language)
    assert training_of(sql, chat)["result"]["reason"] == "time"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_message_after_the_last_question_ends_the_training_and_does_not_count(
    stack: Stack, sql: Sql, language: str
) -> None:
    chat = begin(stack, sql, language)
    for question in QUESTIONS[language][:5]:
        ask(chat, question)
    # As after a process that ended between the last turn and the result.
    sql("update trainings set rules = rules || '{\"max_questions\": 5}'")
    take_time(sql)
    result = ask(chat, QUESTIONS[language][5]).text
    assert says(result, "trainer_limit_over", language)
    assert says(result, "trainer_open_lines", language)
    assert len(turns_of(sql, chat)) == 5
    training = training_of(sql, chat)
    assert (training["status"], training["result"]["reason"]) == ("finished", "limit")


@pytest.mark.parametrize("asked", [2, 5])
def test_a_training_whose_scenario_left_the_deployment_still_gives_its_score(
    stack: Stack, sql: Sql, asked: int
) -> None:
    chat = begin(stack, sql)
    for question in QUESTIONS["en"][:asked]:
        ask(chat, question)
    take_time(sql)
    sql("update trainings set scenario = 'no_such' where user_id = %s", user_id(sql, chat))
    result = ask(chat, "/finish")
    (row,) = sql("select total_xp from users where id = %s", user_id(sql, chat))
    if asked == 2:
        assert says(result.text, "trainer_unscored")
        assert row["total_xp"] == 0
    else:
        score = training_of(sql, chat)["result"]["score"]
        assert says(result.text, "trainer_score_gone", score=score)
        assert says(result.text, "trainer_xp", points=f"+{score}", total=row["total_xp"])
    assert len(finals(chat)) == 1


def test_a_haste_that_does_not_count_is_said_without_the_scenario_too(stack: Stack, sql: Sql) -> None:
    chat = begin(stack, sql)
    for question in QUESTIONS["en"][:5]:
        ask(chat, question)
    sql("update trainings set scenario = 'no_such' where user_id = %s", user_id(sql, chat))
    assert says(ask(chat, "/finish").text, "trainer_not_counted")


def test_the_button_of_an_exam_that_the_job_finished_works_without_the_scenario(
    stack: Stack, sql: Sql, clock: Clock
) -> None:
    clock(NOON)
    chat = exam(stack, sql)
    for question in QUESTIONS["en"][:5]:
        ask(chat, question)
    clock("timestamptz '2026-12-01 09:23:00+00'")
    sql("update trainings set scenario = 'no_such' where user_id = %s", user_id(sql, chat))
    stack.run_job("payments")
    over = last(chat, "trainer_exam_over")
    assert says(tap(over, texts.text("en", "trainer_result_button")).text, "trainer_score_gone")


def test_when_the_manager_is_erased_during_the_training_its_result_and_task_stay(
    stack: Stack, sql: Sql
) -> None:
    stack.ai.always(AiBehaviour(status=500))
    manager, code = create(stack, sql)
    anna = join(stack, code, "Anna")
    assign(manager)
    give_trainings(sql, anna)
    tap(last(anna, "team_assigned_practice"), texts.text("en", "team_start_button"))
    for question in QUESTIONS["en"][:3]:
        ask(anna, question)
    sql("delete from users where telegram_id = %s", manager.id)
    result = play(sql, anna).text
    assert says(result, "trainer_xp", points=f"+{training_of(sql, anna)['result']['score']}")
    assert len(finals(anna)) == 1
    (task,) = sql("select done_at is not null as is_done from assignment_tasks")
    assert task == {"is_done": True}
