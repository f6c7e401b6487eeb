"""Cost limits: a question beyond a limit is refused without calling the AI or counting a request."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import pytest

from tests.stories.test_keys import a_key, add
from tests.support import eventually, message_update, started_user
from tests.telegram.test_updates import Sql, requests_of, sent_to
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack
from tools.emulator.telegram import TelegramUser

Setting = Callable[[str, str], None]


@pytest.fixture
def setting(sql: Sql) -> Setting:
    """Change a row of private.settings."""

    def change(key: str, value: str) -> None:
        sql("update private.settings set value = %s::jsonb where key = %s", value, key)

    return change


def in_group(stack: Stack, anna: TelegramUser, number: int) -> None:
    """Ask the bot in one of many groups."""
    username = stack.telegram.bot("assistant").username
    group = {"id": -1_002_000_000_000 - anna.id - number, "type": "supergroup", "title": "G"}
    mention = [{"type": "mention", "offset": 0, "length": len(username) + 1}]
    stack.telegram.deliver(message_update(anna, f"@{username} hello", chat=group, entities=mention))


@pytest.mark.parametrize("has_user_api_key", [False, True])
def test_requests_in_progress_are_limited_per_user(stack: Stack, sql: Sql, has_user_api_key: bool) -> None:
    anna = started_user(stack.telegram)
    if has_user_api_key:
        add(anna.chat("assistant"), "OpenAI", a_key("OpenAI"))
    stack.ai.always(AiBehaviour(text="late", delay=3))
    started = monotonic()
    with ThreadPoolExecutor(12) as pool:
        first = [pool.submit(in_group, stack, anna, number) for number in range(2)]
        eventually(lambda: len(stack.ai.requests) == 2)
        others = [pool.submit(in_group, stack, anna, number) for number in range(2, 12)]
        for other in others:
            other.result()
        assert not any(question.done() for question in first), "the others did not wait for these"
    assert monotonic() - started < 15
    assert len(stack.ai.requests) == 2
    assert requests_of(sql, anna.id) == (0 if has_user_api_key else 2)
    in_group(stack, anna, 99)
    assert len(stack.ai.requests) == 3


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("daily_cost_user", "You’ve reached today’s limit for AI answers."),
        ("daily_cost_bot", "This bot has reached today’s limit for AI answers."),
    ],
)
def test_a_question_that_could_exceed_the_daily_cost_is_not_asked(
    stack: Stack, sql: Sql, setting: Setting, key: str, words: str
) -> None:
    anna = stack.telegram.user("Anna")
    chat = anna.chat("assistant")
    setting(key, "0.001")  # no question is estimated at less
    chat.send("hello").wait()
    assert words in chat.answer().text
    assert stack.ai.requests == []
    assert requests_of(sql, anna.id) == 0
    add(chat, "OpenAI", a_key("OpenAI"))
    chat.send("hello again").wait()
    assert len(stack.ai.requests) == 1


def test_the_history_that_is_sent_is_bounded_by_characters(stack: Stack) -> None:
    chat = stack.telegram.user("Anna").chat("assistant")
    for number in range(6):
        stack.ai.next(AiBehaviour(text=f"answer {number} " + "ж" * 15_000))
        chat.send(f"question {number}").wait()
    sent = stack.ai.requests[-1]["messages"][1:-1]
    assert 15_000 < sum(len(message["content"]) for message in sent) <= 40_000
    assert sent[0]["role"] == "user"
    assert "answer 4" in sent[-1]["content"]


def test_a_refused_question_gets_one_message(stack: Stack, setting: Setting) -> None:
    anna = started_user(stack.telegram)
    setting("daily_cost_user", "0.001")
    response = stack.telegram.deliver(message_update(anna, "hello"))
    assert "today’s limit" in response.json()["text"], "it travels in the response, without a call"
    assert not sent_to(stack, anna.id)
