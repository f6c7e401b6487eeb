"""Crashes and messages at once in a training: nothing is counted twice, and access is consumed once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.stories.test_spin import QUESTIONS, Sql, begin, training_of, turns_of, used
from tests.stories.test_trial import ask, user_id
from tests.support import eventually, message_update, says
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack

LATER = "clock_timestamp() + interval '3 minutes'"  # all leases of crashed workers have expired


def _at(name: str, when: Any) -> Callable[[Stack], None]:
    def arrange(stack: Stack) -> None:
        stack.database.on(name, when=when, do=lambda: stack.function("telegram").kill())

    return arrange


STEPS = {
    f"{when} {name}": _at(name, when)
    for name in ("receive_update", "begin_training_turn", "record_training_turn", "finish_update")
    for when in ("before", "after")
}
END_STEPS = {
    f"{when} {name}": _at(name, when)
    for name in ("finish_training", "finish_update")
    for when in ("before", "after")
}


def crash(
    stack: Stack,
    clock: Callable[[str], None],
    chat: Any,
    text: str,
    arrange: Callable[[Stack], None],
    later: str = LATER,
) -> None:
    """Send a text, let the function die at a step, start it again `later` and let Telegram deliver again."""
    arrange(stack)
    sent = chat.send(text)
    eventually(lambda: not stack.function("telegram").pid, 15)
    clock(later)
    stack.function("telegram").restart()
    stack.telegram.retry_now()
    sent.wait(timeout=60)


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_a_turn_counts_once(
    stack: Stack, sql: Sql, clock: Callable[[str], None], step: str
) -> None:
    chat = begin(stack, sql)
    crash(stack, clock, chat, QUESTIONS["en"][2], STEPS[step])
    eventually(lambda: turns_of(sql, chat))
    training = training_of(sql, chat)
    assert (training["question_count"], training["points"], training["turns"]) == (1, 15, 1)
    assert used(sql, chat) == 1
    assert len(sql("select from access_usages where user_id = %s", user_id(sql, chat))) == 1
    answer = ask(chat, QUESTIONS["en"][3])
    assert says(answer.text, "trainer_line_counted")
    assert used(sql, chat) == 1


@pytest.mark.parametrize("step", END_STEPS)
def test_killed_at_the_end_a_training_is_finished_once(
    stack: Stack, sql: Sql, clock: Callable[[str], None], step: str
) -> None:
    chat = begin(stack, sql)
    for question in QUESTIONS["en"][:5]:
        ask(chat, question)
    clock("clock_timestamp() + interval '2 minutes'")
    crash(stack, clock, chat, "/finish", END_STEPS[step])
    eventually(lambda: sql("select from training_history"))
    history = sql("select score from training_history")
    assert len(history) == 1
    awards = sql(
        "select points from xp_awards where user_id = %s and rule = 'training_finished'", user_id(sql, chat)
    )
    assert [award["points"] for award in awards] == [history[0]["score"]]
    result = eventually(
        lambda: next((one for one in chat.answers() if says(one.text, "trainer_open_lines")), None)
    )
    assert says(result.text, "trainer_xp", points=f"+{history[0]['score']}")


@pytest.mark.parametrize("step", ["after record_training_turn", "after finish_training"])
def test_killed_after_the_last_question_the_result_still_arrives(
    stack: Stack, sql: Sql, clock: Callable[[str], None], step: str
) -> None:
    chat = begin(stack, sql)
    more = ["What equipment do you use?", "Who are your suppliers?"]
    for question in [*QUESTIONS["en"], *more]:
        ask(chat, question)
    arrange = STEPS.get(step) or END_STEPS[step]
    crash(stack, clock, chat, "What volume do you produce?", arrange)
    eventually(lambda: any(says(answer.text, "trainer_open_lines") for answer in chat.answers()))
    training = training_of(sql, chat)
    assert (training["status"], training["question_count"]) == ("finished", 10)


def test_of_two_messages_at_once_one_waits(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna", "en")
    chat = begin(stack, sql, user=anna)
    stack.ai.always(AiBehaviour(text="late", delay=2))
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(stack.telegram.deliver, message_update(anna, QUESTIONS["en"][2]), "spin")
        eventually(lambda: training_of(sql, chat)["turn_reference"])
        second = pool.submit(stack.telegram.deliver, message_update(anna, QUESTIONS["en"][3]), "spin")
        assert says(second.result().body.decode(), "trainer_busy")
        first.result()
    assert training_of(sql, chat)["question_count"] == 1
    assert [turn["question"] for turn in turns_of(sql, chat)] == [QUESTIONS["en"][2]]
    assert says(ask(chat, QUESTIONS["en"][3]).text, "trainer_line_counted")


def test_the_end_waits_for_the_answer_to_the_last_question(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna", "en")
    chat = begin(stack, sql, user=anna)
    for question in QUESTIONS["en"][:4]:
        ask(chat, question)
    stack.ai.always(AiBehaviour(text="late", delay=2))
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(stack.telegram.deliver, message_update(anna, QUESTIONS["en"][4]), "spin")
        eventually(lambda: training_of(sql, chat)["turn_reference"])
        early = stack.telegram.deliver(message_update(anna, "/finish"), "spin")
        assert says(early.body.decode(), "trainer_finish_busy")
        running.result()
    assert training_of(sql, chat)["status"] == "open"
    chat.send("/finish").wait()
    assert eventually(lambda: says(chat.answers()[-1].text, "trainer_open_lines"))
    assert training_of(sql, chat)["question_count"] == 5


def test_another_bot_never_sees_the_training(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna", "en")
    chat = begin(stack, sql, user=anna)
    stack.ai.always(AiBehaviour(text="I am the assistant."))
    assistant = anna.chat("assistant")
    assert ask(assistant, QUESTIONS["en"][2]).text == "I am the assistant."
    assert turns_of(sql, chat) == []
    sessions = sql(
        "select bot, session_data from bot_sessions where user_id = %s order by bot", user_id(sql, chat)
    )
    assert [session["bot"] for session in sessions] == ["assistant", "spin"]
    assert not sql("select from messages where bot = 'spin'")
