"""A bot that meters nothing shows no plan, no limits and no shop; one without chat no limits of requests."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from shared import bots
from shared.features import chat, quiz, with_common
from shared.telegram import Bot
from tests.stories.test_trial import ask, labels
from tools.emulator.stack import Stack

Sql = Callable[..., list[dict[str, Any]]]
METERED = re.compile(r"\b(plan|request|balance|premium|тариф|запрос|баланс|премиум)", re.IGNORECASE)
SHOP = ("/buy", "/promo", "/trial", "/referral", "/usage", "/subscription", "/payments")


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("command", ["/start", "/menu", "/help", "/profile"])
def test_the_quiz_shows_no_plan_and_no_limits(stack: Stack, sql: Sql, language: str, command: str) -> None:
    anna = stack.telegram.user("Anna", language_code=language).chat("quiz")
    ask(anna, "/start")
    sql("update users set bonus_credits = 7 where telegram_id = %s", anna.user.id)
    page = ask(anna, command)
    assert METERED.findall(page.text) == []
    assert [one for one in SHOP if one in page.text] == []
    assert [data for row in page.buttons for data in row if data.data in ("buy", "usage", "trial")] == []


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "This bot is free: there’s nothing to buy here."),
        ("ru", "Этот бот бесплатный: покупать здесь ничего не нужно."),
    ],
)
def test_the_quiz_sells_nothing_and_says_why(stack: Stack, language: str, words: str) -> None:
    anna = stack.telegram.user("Anna", language_code=language).chat("quiz")
    ask(anna, "/start")
    assert ask(anna, "/buy").text == words


def test_the_trainer_shows_the_plan_but_no_limit_of_requests(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna", language_code="en").chat("spin")
    ask(anna, "/start")
    sql("update users set bonus_credits = 7 where telegram_id = %s", anna.user.id)
    page = ask(anna, "/profile")
    assert "Plan: Free\nBonus requests: 7\nBalance: " in page.text
    assert "Today: " not in page.text
    assert "usage" not in [button.data for row in page.buttons for button in row]
    assert "premium" in " ".join(labels(ask(anna, "/buy"))).lower()


def test_what_a_bot_meters_follows_from_its_features() -> None:
    assert {name: bots.load(name).is_metered for name in bots.names()} == {
        "assistant": True, "quiz": False, "spin": True,
    }  # fmt: skip
    assert not Bot("games", "Plays.", with_common(quiz.feature)).is_metered
    assert Bot("games", "Plays and talks.", with_common(quiz.feature, chat.feature)).is_metered


def test_telegrams_menu_of_the_quiz_has_no_shop(stack: Stack) -> None:
    menu = bots.load("quiz").menu_commands()
    assert "buy" not in menu
    assert menu[0] == "quiz"


def test_only_a_bot_that_sells_lists_the_help_with_payments(stack: Stack) -> None:
    with stack.settings("telegram", SUPPORT_CONTACT="@help"):
        anna = stack.telegram.user("Anna", language_code="en")
        assert "/paysupport" not in ask(anna.chat("quiz"), "/help").text
        assert "@help" in ask(anna.chat("quiz"), "/paysupport").text, "it is answered all the same"
        assert "/paysupport" in ask(anna.chat("spin"), "/help").text
