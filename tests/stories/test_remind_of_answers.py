"""The button below an answer that reminds of its question, at a moment of the user's clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.stories.test_quiz import Time, time
from tests.stories.test_trial import ask, labels, speaks, tap
from tests.support import eventually, says
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat
from tools.emulator.telegram.test_objects import Answer

__all__ = ["time"]

Sql = Callable[..., list[dict[str, Any]]]
REMIND = {"en": "⏰ Remind me", "ru": "⏰ Напомнить"}
CHOICES = {
    "en": ["In an hour", "Tonight at 19:00", "Tomorrow at 9:00", "In 3 days", "In a week"],
    "ru": ["Через час", "Сегодня в 19:00", "Завтра в 9:00", "Через 3 дня", "Через неделю"],
}
DUE = [
    "2026-12-07 13:00:00",
    "2026-12-07 19:00:00",
    "2026-12-08 09:00:00",
    "2026-12-10 12:00:00",
    "2026-12-14 12:00:00",
]


def menu_of(anna: Chat, answer: Answer, language: str = "en") -> Answer:
    """Tap the button and return the message that it brings."""
    answer.tap(REMIND[language]).wait()
    return anna.answer()


@pytest.mark.parametrize("language", REMIND)
@pytest.mark.parametrize("number", range(5))
def test_a_question_comes_back_at_the_chosen_moment(
    stack: Stack, sql: Sql, time: Time, language: str, number: int
) -> None:
    anna = speaks(stack, language)
    answer = ask(anna, "What is the rate?")
    menu = menu_of(anna, answer, language)
    assert says(menu.text, "remind_when_answer", language)
    assert labels(menu)[:5] == CHOICES[language]
    done = tap(menu, CHOICES[language][number])
    assert "What is the rate?" in done.text
    due = sql("select (due_at at time zone 'Europe/Moscow')::text as at, words from reminders")
    assert due == [{"at": DUE[number], "words": "What is the rate?"}]
    assert sql("select sum(requests)::int as n from daily_usage") == [{"n": 1}], "setting it costs nothing"
    time.set(f"{DUE[number]}+03:00")
    stack.run_job("reminders")
    sent = anna.answer()
    assert says(sent.text, "remind_due", language, words="What is the rate?")
    stack.ai.next(AiBehaviour(text="The rate is 5"))
    sent.tap(labels(sent)[0]).wait()
    assert anna.answer().text == "The rate is 5"
    assert stack.ai.requests[-1]["messages"][-1]["content"] == "What is the rate?"


def test_an_older_answer_can_be_reminded_of_too(stack: Stack, sql: Sql, time: Time) -> None:
    anna = speaks(stack, "en")
    first = ask(anna, "first")
    ask(anna, "second")
    tap(menu_of(anna, first), "In an hour")
    assert sql("select words from reminders") == [{"words": "first"}]


def test_a_menu_sets_one_reminder(stack: Stack, sql: Sql, time: Time) -> None:
    anna = speaks(stack, "en")
    menu = menu_of(anna, ask(anna, "first"))
    buttons = [menu.button("In an hour"), menu.button("In a week"), menu.button("In an hour")]
    for one in [menu.tap_button(button) for button in buttons]:
        one.wait()
    assert len(sql("select from reminders")) == 1


def test_cancel_sets_none(stack: Stack, sql: Sql, time: Time) -> None:
    anna = speaks(stack, "en")
    assert says(tap(menu_of(anna, ask(anna, "first")), "Cancel").text, "remind_canceled")
    assert sql("select from reminders") == []


def test_in_the_evening_tonight_is_over(stack: Stack, time: Time) -> None:
    anna = speaks(stack, "en")
    answer = ask(anna, "first")
    time.set("2026-12-07 18:45:00+03:00")
    assert "Tonight at 19:00" not in labels(menu_of(anna, answer))


def test_tonight_is_that_of_the_users_clock(stack: Stack, sql: Sql, time: Time) -> None:
    anna = speaks(stack, "en")
    answer = ask(anna, "first")
    user = sql("select id from users")[0]["id"]
    sql("select set_time_zone(%s, 'Asia/Tokyo')", user)  # 18:00 there
    tap(menu_of(anna, answer), "Tonight at 19:00")
    assert sql("select (due_at at time zone 'UTC')::text as at from reminders") == [
        {"at": "2026-12-07 10:00:00"}
    ]


def test_a_cleared_question_is_gone(stack: Stack, sql: Sql, time: Time) -> None:
    anna = speaks(stack, "en")
    answer = ask(anna, "first")
    menu = menu_of(anna, answer)
    ask(anna, "/clear")
    toast = answer.tap(REMIND["en"]).answer()
    assert says(toast["text"], "remind_no_question")
    assert says(tap(menu, "In an hour").text, "remind_no_question")
    assert sql("select from reminders") == []


def test_a_stranger_gets_no_question_of_another(stack: Stack, sql: Sql, time: Time) -> None:
    anna = speaks(stack, "en")
    answer = ask(anna, "a secret plan")
    button = answer.button(REMIND["en"])
    eve = stack.telegram.user("Eve").chat("assistant")
    page = ask(eve, "/help")
    toast = eve.tap(page.stored, button.data).answer()
    assert says(toast["text"], "remind_no_question")


def test_a_new_answer_keeps_its_question(stack: Stack, sql: Sql, time: Time) -> None:
    anna = speaks(stack, "en")
    first = ask(anna, "first")
    first.tap("🔄 Regenerate").wait()
    second = anna.answer()
    eventually(lambda: first.buttons == [])
    tap(menu_of(anna, second), "In an hour")
    assert sql("select words from reminders") == [{"words": "first"}]


def test_long_questions_files_and_groups_have_no_button(stack: Stack) -> None:
    anna = stack.telegram.user("Anna")
    chat = anna.chat("assistant")
    assert REMIND["en"] not in labels(ask(chat, "x" * 1001))
    assert REMIND["en"] in labels(ask(chat, "x" * 1000))
    group = stack.telegram.group("Friends", [anna], ["assistant"])
    group.by(anna).send(f"hi @{stack.telegram.bot('assistant').username}")
    assert group.answer().buttons == []
