"""Crashes: SIGKILL or a lost database between any two steps; the update is processed once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support import eventually
from tests.telegram.test_updates import Sql, history_of, requests_of, sent_to
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack

pytestmark = pytest.mark.slow

LATER = "clock_timestamp() + interval '3 minutes'"  # all leases of crashed workers have expired


def kill(stack: Stack) -> None:
    stack.function("telegram").kill()


def _at_statement(name: str, when: str) -> Callable[[Stack], None]:
    def arrange(stack: Stack) -> None:
        stack.database.on(name, when=when, do=lambda: kill(stack))  # type: ignore[arg-type]

    return arrange


def _while_the_ai_thinks(stack: Stack) -> None:
    stack.ai.next(AiBehaviour(hang=True))


def _while_the_answer_streams(stack: Stack) -> None:
    stack.ai.next(AiBehaviour(text="one two three four", chunk_delay=0.5))


def _while_telegram_takes_it(stack: Stack) -> None:
    stack.telegram.fail("sendMessage", timeout=True)


def _after_telegram_took_it(stack: Stack) -> None:
    stack.telegram.fail("sendMessage", timeout=True, executed=True)


STEPS: dict[str, Callable[[Stack], None]] = {
    "before it is received": _at_statement("receive_update", "before"),
    "after it is received": _at_statement("receive_update", "after"),
    "while the AI thinks": _while_the_ai_thinks,
    "while the answer streams": _while_the_answer_streams,
    "before it is committed": _at_statement("finish_update", "before"),
    "after it is committed": _at_statement("finish_update", "after"),
    "while Telegram takes the answer": _while_telegram_takes_it,
    "after Telegram took the answer": _after_telegram_took_it,
    "before it is noted as sent": _at_statement("record_deliveries", "before"),
    "after it is noted as sent": _at_statement("record_deliveries", "after"),
}


def _kill_there(stack: Stack, step: str, chat_id: int) -> None:
    """Wait for the step and kill the function; hooks of statements kill by themselves."""
    if "AI" in step or "streams" in step:
        eventually(lambda: any(r["messages"][-1]["content"] == f"hello {chat_id}" for r in stack.ai.requests))
        kill(stack)
    elif "Telegram" in step:
        eventually(lambda: any(c["parameters"].get("chat_id") == chat_id for c in stack.telegram.calls))
        kill(stack)
    else:
        eventually(lambda: not stack.function("telegram").pid, 15)


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_the_update_is_processed_once(
    stack: Stack, sql: Sql, clock: Callable[[str], None], step: str
) -> None:
    anna = stack.telegram.user("Anna")
    chat = anna.chat("assistant")
    chat.send("/start")
    chat.answer()
    STEPS[step](stack)
    sent = chat.send(f"hello {anna.id}")
    _kill_there(stack, step, anna.id)
    clock(LATER)
    stack.function("telegram").restart()
    stack.telegram.retry_now()
    sent.wait(timeout=60)
    answers = eventually(lambda: chat.answers()[1:])
    assert requests_of(sql, anna.id) == 1
    assert history_of(sql, anna.id) == ["user", "assistant"]
    assert 1 <= len(answers) <= 2  # explicit messages: at least once
    eventually(lambda: not sql("select from telegram_outbox where chat_id = %s", anna.id))


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("statement", ["receive_update", "finish_update", "record_deliveries"])
def test_a_lost_connection_at_any_statement_changes_state_once(
    stack: Stack, sql: Sql, statement: str, when: Any
) -> None:
    anna = stack.telegram.user("Anna")
    chat = anna.chat("assistant")
    stack.database.on(statement, when=when, do="cut")
    chat.send("hello").wait(timeout=60)
    chat.answer()
    assert requests_of(sql, anna.id) == 1
    assert history_of(sql, anna.id) == ["user", "assistant"]
    assert len(sent_to(stack, anna.id)) == 1


def test_the_database_lost_between_receive_and_finish_costs_no_request(
    stack: Stack, sql: Sql, clock: Any
) -> None:
    anna = stack.telegram.user("Anna")
    chat = anna.chat("assistant")
    stack.ai.next(AiBehaviour(text="first", delay=0.5))
    words = f"hello {anna.id}"
    sent = chat.send(words)
    eventually(lambda: any(r["messages"][-1]["content"] == words for r in stack.ai.requests))
    stack.database.down()
    eventually(lambda: sent.status == "retrying")
    clock(LATER)
    stack.database.up()
    stack.telegram.retry_now()
    sent.wait(timeout=60)
    chat.answer()
    assert requests_of(sql, anna.id) == 1
    assert history_of(sql, anna.id) == ["user", "assistant"]


def test_the_sweep_finishes_an_update_that_telegram_no_longer_delivers(
    stack: Stack, sql: Sql, clock: Callable[[str], None]
) -> None:
    anna = stack.telegram.user("Anna")
    chat = anna.chat("assistant")
    stack.database.on("receive_update", when="after", do=lambda: kill(stack))
    chat.send("hello")
    eventually(lambda: not stack.function("telegram").pid, 15)
    stack.telegram.drop_pending("assistant")
    stack.function("telegram").restart()
    clock(LATER)
    assert stack.run_job("sweep").status == 200
    assert chat.answer().text
    assert requests_of(sql, anna.id) == 1
    assert history_of(sql, anna.id) == ["user", "assistant"]
    assert stack.run_job("sweep").status == 200
    chat.expect_silence(0.3)


def test_an_abandoned_reservation_is_released(stack: Stack, sql: Sql, clock: Callable[[str], None]) -> None:
    anna = stack.telegram.user("Anna")
    chat = anna.chat("assistant")
    stack.database.on("receive_update", when="after", do=lambda: kill(stack))
    sent = chat.send("hello")
    eventually(lambda: not stack.function("telegram").pid, 15)
    stack.telegram.drop_pending("assistant")
    stack.function("telegram").restart()
    assert requests_of(sql, anna.id) == 1
    sql("update telegram_updates set bot = 'retired' where update_id = %s", sent.update_id)
    sql(
        "update daily_usage set bot = 'retired' from users where users.id = user_id and telegram_id = %s",
        anna.id,
    )
    clock("clock_timestamp() + interval '11 minutes'")
    assert stack.run_job("sweep").status == 200
    assert requests_of(sql, anna.id) == 0
