"""Waits for typed input end by other commands and buttons, by Cancel, by /cancel, and after an hour."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.core.texts import text
from tests.support import says
from tools.emulator.stack import Stack
from tools.emulator.telegram import Answer, Chat

Sql = Callable[..., list[dict[str, Any]]]


def ask(chat: Chat, words: str) -> Answer:
    chat.send(words).wait()
    return chat.answer()


def data(sql: Sql, chat: Chat) -> dict[str, Any]:
    """Return what the session keeps."""
    (row,) = sql(
        "select s.session_data from bot_sessions s join users u on u.id = s.user_id where u.telegram_id = %s",
        chat.id,
    )
    return dict(row["session_data"])


def is_answered_by_ai(stack: Stack, chat: Chat, words: str = "what is a tide?") -> bool:
    """Send a question; return whether it went to the AI."""
    before = len(stack.ai.requests)
    ask(chat, words)
    return len(stack.ai.requests) == before + 1


@pytest.mark.parametrize("begins", ["/image", "/promo"])
@pytest.mark.parametrize("other", ["/profile", "/help", "/mode", "/clear", "/language"])
def test_another_command_ends_a_wait(stack: Stack, sql: Sql, begins: str, other: str) -> None:
    anna = stack.telegram.user("Anna").chat("assistant")
    ask(anna, begins)
    ask(anna, other)
    assert is_answered_by_ai(stack, anna)
    assert sql("select 1 from generations") == []


def test_an_unknown_command_ends_nothing(stack: Stack, anna: Chat) -> None:
    ask(anna, "/promo")
    assert says(ask(anna, "/nosuch").text, "unknown_command")
    assert not is_answered_by_ai(stack, anna, "NO-SUCH-CODE")


def test_another_button_ends_a_wait_and_options_do_not(stack: Stack, anna: Chat) -> None:
    profile = ask(anna, "/profile")
    ask(anna, "/promo")
    profile.tap(text("en", "menu_back")).wait()
    profile.wait_for_edit()
    assert is_answered_by_ai(stack, anna)
    ask(anna, "/image").tap(text("en", "media_options")).wait()
    anna.answer().tap("16:9").wait()
    assert says(ask(anna, "a green fish").text, "generation_started_image")


@pytest.mark.parametrize("begins", ["/image", "/promo"])
def test_a_wait_ends_after_an_hour(stack: Stack, sql: Sql, anna: Chat, begins: str) -> None:
    ask(anna, begins)
    sql("update bot_sessions set session_data = session_data || '{\"awaiting_until\": 1}'")
    assert is_answered_by_ai(stack, anna)
    assert not {"awaiting", "awaiting_until"} & set(data(sql, anna))


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_button_cancels_a_description(stack: Stack, language: str) -> None:
    chat = stack.telegram.user("Anna", language).chat("assistant")
    asked = ask(chat, "/image")
    asked.tap(text(language, "cancel_button")).wait()
    assert says(asked.wait_for_edit().text, "cancel_done", language)
    assert is_answered_by_ai(stack, chat)


def test_an_old_cancel_button_does_not_end_the_next_wait(stack: Stack, anna: Chat) -> None:
    old = ask(anna, "/image")
    ask(anna, "/promo")
    old.tap(text("en", "cancel_button")).wait()
    assert not is_answered_by_ai(stack, anna, "NO-SUCH-CODE")


@pytest.mark.parametrize("bot", ["assistant", "quiz", "spin"])
@pytest.mark.parametrize("language", ["en", "ru"])
def test_cancel_works_in_every_bot(stack: Stack, sql: Sql, bot: str, language: str) -> None:
    chat = stack.telegram.user("Anna", language).chat(bot)
    assert says(ask(chat, "/cancel").text, "cancel_nothing", language)
    ask(chat, "/promo")
    assert says(ask(chat, "/cancel").text, "cancel_done", language)
    assert "awaiting" not in data(sql, chat)


@pytest.fixture
def anna(stack: Stack) -> Chat:
    """Return the chat of a user who has said nothing yet."""
    return stack.telegram.user("Anna").chat("assistant")
