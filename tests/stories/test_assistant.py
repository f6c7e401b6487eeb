"""Commands and chat of the assistant, in both languages."""

from __future__ import annotations

import re

import pytest

from shared.core import texts
from tests.support import says
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack


@pytest.mark.parametrize(("language", "words"), [("en", "Your Telegram ID"), ("ru", "Ваш Telegram ID")])
def test_whoami_shows_the_telegram_id(stack: Stack, language: str, words: str) -> None:
    anna = stack.telegram.user("Anna", language)
    chat = anna.chat("assistant")
    chat.send("/whoami")
    answer = chat.answer()
    assert words in answer.text
    assert str(anna.id) in answer.text
    code = next(entity for entity in answer.entities if entity["type"] == "code")
    assert code["length"] == len(str(anna.id))


def test_start_welcomes_a_new_user_in_their_language_with_a_menu(stack: Stack) -> None:
    anna = stack.telegram.user("Анна", language_code="ru").chat("assistant")
    anna.send("/start")
    welcome = anna.answer()
    assert "Здравствуйте, Анна!" in welcome.text
    assert "25 запросов" in welcome.text
    assert [[button.text for button in row] for row in welcome.buttons] == [
        ["👤 Профиль", "⭐ Купить"],
        ["Режим: 💬 Помощник"],
        ["🇷🇺 Русский", "❓ Помощь"],
    ]
    ben = stack.telegram.user("Ben", language_code="en-GB").chat("assistant")
    ben.send("/start")
    assert says(ben.answer().text, "welcome", name="Ben")
    ben.send("/start")
    assert says(ben.answer().text, "welcome_back", name="Ben")


def test_a_user_of_another_bot_is_welcomed_as_new(stack: Stack) -> None:
    ben = stack.telegram.user("Ben", language_code="en")
    quiz, assistant = ben.chat("quiz"), ben.chat("assistant")
    quiz.send("/start").wait()
    for key in ("welcome", "welcome_back"):
        assistant.send("/start")
        assert says(assistant.answer().text, key, name="Ben")


def test_a_command_costs_no_call_to_telegram(stack: Stack) -> None:
    anna = stack.telegram.user("Anna").chat("assistant")
    anna.send("/help").wait()
    help_ = anna.answer()
    calls = [call for call in stack.telegram.calls if call["parameters"].get("chat_id") == anna.id]
    assert [call["via"] for call in calls] == ["response"]
    for command in ("/menu", "/help", "/profile", "/language", "/mode", "/clear", "/cancel"):
        assert command in help_.text


def test_a_question_is_answered_by_the_ai_and_kept_as_context(stack: Stack) -> None:
    anna = stack.telegram.user("Anna").chat("assistant")
    stack.ai.next(AiBehaviour(text="It is **Paris**."), AiBehaviour(text="About 2 million."))
    anna.send("The capital of France?")
    answer = anna.answer()
    assert answer.text == "It is Paris."
    assert answer.entities == [{"type": "bold", "offset": 6, "length": 5}]
    anna.send("How many live there?")
    assert anna.answer().text == "About 2 million."
    messages = stack.ai.requests[-1]["messages"]
    assert [(m["role"], m["content"]) for m in messages[1:]] == [
        ("user", "The capital of France?"),
        ("assistant", "It is **Paris**."),
        ("user", "How many live there?"),
    ]
    anna.send("/clear")
    assert says(anna.answer().text, "clear_done")
    anna.send("And Spain?")
    anna.answer()
    assert [m["role"] for m in stack.ai.requests[-1]["messages"]] == ["system", "user"]


def test_the_profile_counts_requests(stack: Stack) -> None:
    anna = stack.telegram.user("Anna").chat("assistant")
    anna.send("hello")
    anna.answer()
    anna.send("/profile")
    page = anna.answer()
    assert [[button.text for button in row] for row in page.buttons] == [
        ["📊 Usage"],
        ["🖼 My progress", "🏆 Leaderboard"],
        ["🏅 Badges", "🔥 Streak"],
        ["‹ Menu"],
    ]
    profile = page.text
    assert f"ID: {anna.id}" in profile
    assert "Today: 1 of 25 requests" in profile
    assert re.search(r"Resets at 00:00 MSK, in \d+ (hours?|minutes?)", profile)
    assert "Balance: 0\u00a0₽" in profile
    assert "Plan: Free" in profile


def test_menu_buttons_edit_one_message(stack: Stack) -> None:
    anna = stack.telegram.user("Anna").chat("assistant")
    anna.send("/start")
    menu = anna.answer()
    tap = menu.tap("🇬🇧 English")
    tap.wait()
    menu = menu.wait_for_edit()
    assert says(menu.text, "language_choose")
    tap = menu.tap("🇷🇺 Русский")
    menu = menu.wait_for_edit()
    assert tap.answer()["text"] == texts.text("ru", "language_set")
    assert menu.buttons[0][0].text == "👤 Профиль"
    anna.send("/help")
    assert "Что я умею" in anna.answer().text


def test_a_mode_changes_how_the_ai_is_asked(stack: Stack) -> None:
    anna = stack.telegram.user("Anna").chat("assistant")
    anna.send("/mode")
    menu = anna.answer()
    menu.tap("🔤 Translator")
    assert "Current mode: 🔤 Translator" in menu.wait_for_edit().text
    anna.send("Guten Tag")
    anna.answer()
    assert "translator" in stack.ai.requests[-1]["messages"][0]["content"]
    anna.send("/cancel")
    assert says(anna.answer().text, "cancel_done")
    anna.send("Guten Tag")
    anna.answer()
    assert "You are a translator" not in stack.ai.requests[-1]["messages"][0]["content"]


def test_unsupported_messages_get_an_explanation(stack: Stack) -> None:
    anna = stack.telegram.user("Anna").chat("assistant")
    for send, word in (
        (anna.sticker, "sticker"),
        (lambda: anna.attach("video"), "videos"),
        (anna.location, "only read text"),
        (anna.contact, "only read text"),
    ):
        send()
        assert word in anna.answer().text
    anna.forward("Look at this")
    assert "forwarded" in anna.answer().text
    sent = anna.send("helo")
    anna.answer()
    anna.edit(sent, "/help")
    assert "Send the command as a new message" in anna.answer().text
    anna.send("/nosuch")
    assert says(anna.answer().text, "unknown_command")
    anna.send("/profile")
    assert "Today: 1 of 25" in anna.answer().text


@pytest.mark.parametrize("language", ["en", "ru"])
def test_descriptions_of_modes_begin_with_small_letters(stack: Stack, language: str) -> None:
    chat = stack.telegram.user("Anna", language).chat("assistant")
    chat.send("/mode")
    abouts = [line.partition(" — ")[2] for line in chat.answer().text.splitlines() if " — " in line]
    assert len(abouts) > 4
    assert [about for about in abouts if not about[0].islower()] == []
