"""Reminders, as users set, get, move and delete them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.core.texts import text
from tests.stories.test_quiz import Time, time
from tests.stories.test_trial import ask, labels, speaks, tap
from tests.support import eventually, says
from tools.emulator.stack import Stack

__all__ = ["time"]

Sql = Callable[..., list[dict[str, Any]]]
WORDS = {  # time stands at Monday, 7 December 2026, 12:00 in Moscow
    "en": {
        "command": "/remind tomorrow at 9 call mom",
        "set": "⏰ I’ll remind you on 8\u00a0December at 09:00, Moscow (UTC+3):\n\ncall mom",
        "due": "⏰ Reminder\n\ncall mom",
        "line": "1. 8\u00a0December at 09:00 — call mom",
        "hour": "In an hour",
        "snoozed": "I’ll remind you again on 8\u00a0December at 10:00.",
        "ask": "💬 Ask now",
        "list": "⏰ Reminders",
        "what": "call mom",
        "time_alone": "/remind tomorrow",
        "more_time": "at 9",
        "past": "/remind today at 9 tea",
        "vague": "/remind buy milk",
        "choice": "In a week",
        "chosen": "⏰ I’ll remind you on 14\u00a0December at 12:00, Moscow (UTC+3):\n\nbuy milk",
        "reply": "/remind in 2 hours",
        "replied": "⏰ I’ll remind you on 7\u00a0December at 14:00, Moscow (UTC+3):\n\nthe message",
    },
    "ru": {
        "command": "/remind завтра в 9 позвонить маме",
        "set": "⏰ Напомню 8\u00a0декабря в 09:00, Москва (UTC+3):\n\nпозвонить маме",
        "due": "⏰ Напоминание\n\nпозвонить маме",
        "line": "1. 8\u00a0декабря в 09:00 — позвонить маме",
        "hour": "Через час",
        "snoozed": "Напомню ещё раз 8\u00a0декабря в 10:00.",
        "ask": "💬 Спросить сейчас",
        "list": "⏰ Напоминания",
        "what": "позвонить маме",
        "time_alone": "/remind завтра",
        "more_time": "в 9",
        "past": "/remind сегодня в 9 чай",
        "vague": "/remind купить молоко",
        "choice": "Через неделю",
        "chosen": "⏰ Напомню 14\u00a0декабря в 12:00, Москва (UTC+3):\n\nкупить молоко",
        "reply": "/remind через 2 часа",
        "replied": "⏰ Напомню 7\u00a0декабря в 14:00, Москва (UTC+3):\n\nthe message",
    },
}


@pytest.mark.parametrize("language", WORDS)
def test_a_reminder_comes_once_and_its_words_are_asked_by_a_tap(
    stack: Stack, sql: Sql, time: Time, language: str
) -> None:
    words, anna = WORDS[language], speaks(stack, language)
    page = ask(anna, words["command"])
    assert page.text == words["set"]
    assert words["line"] in tap(page, words["list"]).text
    time.set("2026-12-08 08:59:59+03:00")
    stack.run_job("reminders")
    anna.expect_silence()
    time.set("2026-12-08 09:00:10+03:00")
    assert stack.run_job("reminders").status == 200
    due = anna.answer()
    assert due.text == words["due"]
    stack.run_job("reminders")
    anna.expect_silence()
    assert sql("select from api_usage") == [], "a reminder costs nothing by itself"

    due.tap(words["ask"]).wait()

    anna.answer()
    (asked,) = sql("select content from messages where role = 'user'")
    assert asked["content"] == words["what"]
    assert len(sql("select from api_usage")) == 1

    due.tap(words["ask"]).wait()
    anna.expect_silence()
    assert len(sql("select from api_usage")) == 1, "a double tap asks once"


@pytest.mark.parametrize("language", WORDS)
def test_a_reminder_comes_again_in_an_hour(stack: Stack, sql: Sql, time: Time, language: str) -> None:
    words, anna = WORDS[language], speaks(stack, language)
    ask(anna, words["command"])
    time.set("2026-12-08 09:00:00+03:00")
    stack.run_job("reminders")
    due = anna.answer()
    assert due.tap(words["hour"]).answer()["text"] == words["snoozed"]
    time.set("2026-12-08 10:00:00+03:00")
    stack.run_job("reminders")
    assert anna.answer().text == words["due"]


@pytest.mark.parametrize("language", WORDS)
def test_words_without_a_time_get_buttons(stack: Stack, sql: Sql, time: Time, language: str) -> None:
    words, anna = WORDS[language], speaks(stack, language)
    page = ask(anna, words["vague"])
    assert says(page.text, "remind_when", language)
    assert tap(page, words["choice"]).text == words["chosen"]
    assert len(sql("select from reminders")) == 1
    page = ask(anna, words["vague"])
    assert text(language, "remind_tonight") in labels(page)
    assert says(tap(page, text(language, "remind_cancel")).text, "remind_canceled", language)
    assert len(sql("select from reminders")) == 1


@pytest.mark.parametrize("language", WORDS)
def test_a_time_without_words_is_asked_for_them(stack: Stack, sql: Sql, time: Time, language: str) -> None:
    words, anna = WORDS[language], speaks(stack, language)
    assert says(ask(anna, words["time_alone"]).text, "remind_what", language)
    assert says(ask(anna, words["more_time"]).text, "remind_what", language)
    assert ask(anna, words["what"]).text == words["set"]
    assert len(sql("select from reminders")) == 1
    assert says(ask(anna, words["time_alone"]).text, "remind_what", language)
    assert says(ask(anna, "sk-proj-" + "a1B2c3D4" * 5).text, "secret_seen", language)
    page = ask(anna, words["time_alone"])
    tap(page, text(language, "cancel_button"))
    ask(anna, "hello")
    assert len(sql("select from reminders")) == 1
    assert len(sql("select from api_usage")) == 1, "after the cancel a text is a question"


@pytest.mark.parametrize("language", WORDS)
def test_a_message_is_what_to_remind_of(stack: Stack, time: Time, language: str) -> None:
    words, anna = WORDS[language], speaks(stack, language)
    original = anna.send("the message")
    anna.answer()
    anna.send(words["reply"], reply_to=original).wait()
    assert anna.answer().text == words["replied"]


@pytest.mark.parametrize("language", WORDS)
def test_lists_and_deletes(stack: Stack, sql: Sql, time: Time, language: str) -> None:
    words, anna = WORDS[language], speaks(stack, language)
    assert says(ask(anna, "/remind").text, "remind_none", language)
    ask(anna, words["command"])
    page = ask(anna, "/remind")
    assert words["line"] in page.text
    page = tap(page, "🗑 1")
    assert says(page.text, "remind_none", language)
    assert sql("select from reminders") == []
    assert "🗑 1" not in labels(page)


@pytest.mark.parametrize("language", WORDS)
def test_what_is_refused(stack: Stack, sql: Sql, time: Time, language: str) -> None:
    words, anna = WORDS[language], speaks(stack, language)
    assert says(ask(anna, words["past"]).text, "remind_past", language)
    sql("update subscription_limits set reminders = 1 where plan = 'FREE'")
    ask(anna, words["command"])
    assert says(ask(anna, words["command"]).text, "remind_limit", language, limit=1)
    secret = "sk-proj-" + "a1B2c3D4" * 5
    assert says(ask(anna, f"/remind tomorrow {secret}").text, "secret_seen", language)
    assert len(sql("select from reminders")) == 1


@pytest.mark.parametrize("language", WORDS)
def test_a_span_of_centuries_is_too_far(stack: Stack, sql: Sql, time: Time, language: str) -> None:
    anna = speaks(stack, language)
    for words in ("in 9999 weeks and 1 hour call mom", "через 9999 недель 1 час позвонить маме"):
        assert says(ask(anna, f"/remind {words}").text, "remind_too_far", language)
    assert sql("select from reminders") == []


def test_a_user_who_blocked_the_bot_gets_none(stack: Stack, sql: Sql, time: Time) -> None:
    anna = speaks(stack)
    ask(anna, WORDS["en"]["command"])
    anna.block()
    eventually(lambda: not sql("select is_active from users where telegram_id = %s", anna.id)[0]["is_active"])
    time.set("2026-12-08 09:00:00+03:00")
    stack.run_job("reminders")
    anna.expect_silence()
    assert sql("select from reminders") == []
