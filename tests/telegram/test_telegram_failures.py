"""Failures of the AI and Telegram: a clear message, released requests, answers delivered late but once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from shared.core import texts
from tests.conftest import ADMIN
from tests.stories.test_keys import a_key, add
from tests.support import eventually, says
from tests.telegram.test_updates import Sql, history_of, requests_of, sent_to
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack


@pytest.mark.parametrize(
    ("behaviour", "word", "counted"),
    [
        (AiBehaviour(status=500), "couldn’t answer", 0),
        (AiBehaviour(status=401), "isn’t available", 0),
        (AiBehaviour(status=403), "won’t answer this", 0),
        (AiBehaviour(status=429, retry_after=20), "overloaded", 0),
        (
            AiBehaviour(error_in_200={"code": 502, "message": "upstream"}, chunks=["", "lost"]),
            "couldn’t answer",
            0,
        ),
        (AiBehaviour(cut_after=0), "couldn’t answer", 1),
        (AiBehaviour(empty=True), "couldn’t answer", 1),
        (AiBehaviour(refusal="I can't help with that."), "won’t answer this", 1),
        (AiBehaviour(malformed=True, text=""), "couldn’t answer", 1),
        (AiBehaviour(hang=True), "took too long", 1),
    ],
    ids=["500", "401", "403", "429", "error in 200", "cut", "empty", "refusal", "malformed", "silence"],
)
def test_a_failed_request_counts_when_the_provider_worked_on_it(
    stack: Stack, sql: Sql, behaviour: AiBehaviour, word: str, counted: int
) -> None:
    anna = stack.telegram.user("Anna")
    chat = anna.chat("assistant")
    stack.ai.always(behaviour)
    chat.send("hello").wait(timeout=60)
    answer = chat.answer().text
    assert word in answer
    assert answer.endswith(texts.text("en", "request_counted" if counted else "request_not_counted"))
    assert requests_of(sql, anna.id) == counted
    assert history_of(sql, anna.id) == []
    costs = sql(
        "select a.cost from api_usage a join users u on u.id = a.user_id where u.telegram_id = %s", anna.id
    )
    assert any(row["cost"] is not None for row in costs) == bool(counted)


def test_released_requests_are_limited_per_day(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna")
    chat = anna.chat("assistant")
    stack.ai.always(AiBehaviour(status=401))
    sql("update private.settings set value = '2' where key = 'daily_releases'")
    for words in ("one", "two", "three", "four"):
        chat.send(words).wait(timeout=60)
    answers = [answer.text for answer in chat.answers()]
    assert [says(answer, "request_not_counted") for answer in answers] == [True, True, False, False]
    assert says(answers[-1], "request_counted_failures")
    assert requests_of(sql, anna.id) == 2


def test_a_failure_with_a_user_api_key_mentions_no_requests(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna")
    chat = anna.chat("assistant")
    add(chat, "OpenAI", a_key("OpenAI"))
    stack.ai.always(AiBehaviour(empty=True))
    chat.send("hello").wait(timeout=60)
    assert chat.answer().text.endswith("Please try again.")
    assert requests_of(sql, anna.id) == 0


def test_a_slow_model_is_cut_off_with_a_partial_answer(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna")
    chat = anna.chat("assistant")
    stack.ai.next(AiBehaviour(chunks=["Once ", "upon "] + ["a time "] * 50, chunk_delay=0.4))
    started = time.monotonic()
    chat.send("a story").wait(timeout=60)
    assert time.monotonic() - started < 9  # RESPONSE_TIMEOUT is 5 s in the tests
    answer = chat.answer().text
    assert answer.startswith("Once upon a time")
    assert says(answer, "ai_cut")
    assert requests_of(sql, anna.id) == 1
    assert history_of(sql, anna.id) == ["user", "assistant"]


def test_a_broken_stream_gives_a_marked_partial_answer(stack: Stack) -> None:
    chat = stack.telegram.user("Anna").chat("assistant")
    stack.ai.next(AiBehaviour(chunks=["Once ", "upon ", "a ", "time"], cut_after=3))
    chat.send("a story").wait(timeout=60)
    answer = chat.answer().text
    assert answer.startswith("Once upon a")
    assert says(answer, "ai_broken")


def test_a_long_answer_arrives_in_parts(stack: Stack) -> None:
    chat = stack.telegram.user("Anna").chat("assistant")
    stack.ai.next(
        AiBehaviour(
            text="\n\n".join(
                f"## Part {n}\n\n" + "Слово 😀 и ещё слова " * 100 + "`код`" for n in range(1, 46)
            )
        )
    )
    chat.send("everything").wait(timeout=60)
    parts = chat.answers()
    assert len(parts) > 10
    assert parts[0].text.startswith("Part 1")
    assert "Part 45" in parts[-1].text
    assert all(len(part.text.encode("utf-16-le")) // 2 <= 4096 for part in parts)


def test_typing_is_shown_while_the_ai_thinks_and_renewed(stack: Stack) -> None:
    anna = stack.telegram.user("Anna")
    stack.ai.next(AiBehaviour(text="done", delay=1))
    anna.chat("assistant").send("think").wait(timeout=60)
    actions = [
        c
        for c in stack.telegram.calls
        if c["method"] == "sendChatAction" and c["parameters"]["chat_id"] == anna.id
    ]
    assert [c["parameters"]["action"] for c in actions] == ["typing"]


def test_a_quick_answer_costs_one_call(stack: Stack) -> None:
    anna = stack.telegram.user("Anna")
    anna.chat("assistant").send("quick").wait()
    calls = [c["method"] for c in stack.telegram.calls if c["parameters"].get("chat_id") == anna.id]
    assert calls == ["sendMessage"]


def test_a_short_retry_after_is_waited_for(stack: Stack) -> None:
    anna = stack.telegram.user("Anna")
    stack.telegram.fail("sendMessage", status=429, retry_after=1, chat_id=anna.id)
    started = time.monotonic()
    anna.chat("assistant").send("hello").wait()
    assert len(sent_to(stack, anna.id)) == 1
    assert time.monotonic() - started >= 1


def test_a_long_retry_after_postpones_the_item_in_the_outbox(
    stack: Stack, sql: Sql, clock: Callable[[str], None]
) -> None:
    anna = stack.telegram.user("Anna")
    stack.telegram.fail("sendMessage", status=429, retry_after=120, chat_id=anna.id)
    sent = anna.chat("assistant").send("hello").wait()
    assert sent_to(stack, anna.id) == []
    items = sql(
        "select attempts, send_after > private.clock() + interval '100 s' as waits from telegram_outbox "
        "where chat_id = %s",
        anna.id,
    )
    assert items == [{"attempts": 1, "waits": True}]
    assert stack.run_job("sweep").status == 200
    assert sent_to(stack, anna.id) == []
    clock("clock_timestamp() + interval '125 s'")
    assert stack.run_job("sweep").status == 200
    assert len(sent_to(stack, anna.id)) == 1
    assert not sql("select from telegram_outbox where chat_id = %s", anna.id)
    assert sent.attempts == 1
    assert requests_of(sql, anna.id) == 1


@pytest.mark.parametrize("status", [500, 502])
def test_a_temporary_telegram_failure_is_retried(stack: Stack, status: int) -> None:
    anna = stack.telegram.user("Anna")
    stack.telegram.fail("sendMessage", status=status, chat_id=anna.id)
    anna.chat("assistant").send("hello").wait()
    assert len(sent_to(stack, anna.id)) == 1


def test_parts_never_overtake_each_other(stack: Stack, sql: Sql, clock: Callable[[str], None]) -> None:
    anna = stack.telegram.user("Anna")
    chat = anna.chat("assistant")
    stack.ai.next(AiBehaviour(text="\n\n".join(f"{n} " + "word " * 700 for n in range(1, 5))))
    stack.telegram.fail("sendMessage", status=429, retry_after=60, chat_id=anna.id)
    chat.send("four parts").wait()
    assert chat.answers() == []
    clock("clock_timestamp() + interval '70 s'")
    stack.run_job("sweep")
    assert [answer.text.split()[0] for answer in chat.answers()][:4] == ["1", "2", "3", "4"]


def test_a_block_is_recorded_and_drops_outbox_items(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna")
    stack.telegram.fail("sendMessage", status=403, chat_id=anna.id)
    anna.chat("assistant").send("hello").wait()
    assert sql("select is_active from users where telegram_id = %s", anna.id) == [{"is_active": False}]
    assert not sql("select from telegram_outbox where chat_id = %s", anna.id)


def test_block_and_unblock_are_recorded(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna")
    chat = anna.chat("assistant")
    chat.send("/start").wait()

    def is_active() -> bool:
        return bool(sql("select is_active from users where telegram_id = %s", anna.id)[0]["is_active"])

    chat.block()
    eventually(lambda: not is_active())
    chat.unblock()
    eventually(is_active)


def test_a_message_with_rejected_entities_is_sent_without_them(stack: Stack) -> None:
    anna = stack.telegram.user("Anna")
    stack.ai.next(AiBehaviour(text="**bold**"))
    stack.telegram.fail(
        "sendMessage", status=400, description="Bad Request: ENTITY_BOUNDS_INVALID", chat_id=anna.id
    )
    chat = anna.chat("assistant")
    chat.send("hello").wait()
    answer = chat.answer()
    assert (answer.text, answer.entities) == ("bold", [])


def test_a_block_of_one_bot_leaves_the_others_to_write(
    stack: Stack, sql: Sql, call: Callable[..., Any], appoint: Callable[..., Any]
) -> None:
    appoint()
    anna = stack.telegram.user("Anna")
    assistant, example = anna.chat("assistant"), anna.chat("example")
    for chat in (assistant, example):
        chat.send("/start").wait()
        chat.answer()

    def state() -> tuple[bool, list[str]]:
        user = sql("select id, is_active from users where telegram_id = %s", anna.id)[0]
        blocked = sql(
            "select bot from bot_sessions where user_id = %s and is_blocked order by bot", user["id"]
        )
        return bool(user["is_active"]), [row["bot"] for row in blocked]

    example.block()  # the bot that was used last
    assert eventually(lambda: state() == (True, ["example"]))
    (user,) = sql("select id from users where telegram_id = %s", anna.id)
    given = call("admin_add_bonus_credits", p_user_id=user["id"], p_credits=5, p_admin_email=ADMIN)
    assert [message["bot"] for message in given["outgoing"]] == ["assistant"]

    stack.telegram.fail("sendMessage", status=403, chat_id=anna.id)
    assistant.send("hello").wait()
    assert eventually(lambda: state() == (False, ["assistant", "example"]))
    example.unblock()
    assert eventually(lambda: state() == (True, ["assistant"]))
