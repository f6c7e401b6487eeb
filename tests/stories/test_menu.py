"""/menu with the user's plan and requests, and /help in sections: both show only what is configured."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from shared.core.texts import text
from shared.features.common import offering
from tests.stories.test_receipt_contact import ask
from tools.emulator.stack import Stack
from tools.emulator.telegram import Answer, Chat

Sql = Callable[..., list[dict[str, Any]]]
STATE = {
    "en": ("Plan: Free\nRequests left today: {left} of 25", "Bonus requests: 7", "Balance: 50\u00a0₽"),
    "ru": (
        "Тариф: Бесплатный\nОсталось сегодня: {left} из 25",
        "Бонусных запросов: 7",
        "Баланс: 50\u00a0₽",
    ),
}


def meet(stack: Stack, language: str = "en") -> Chat:
    chat = stack.telegram.user("Anna", language_code=language).chat("assistant")
    ask(chat, "/start")
    return chat


def labels(answer: Answer) -> list[str]:
    return [button.text for row in answer.buttons for button in row]


def shown_commands(answer: Answer) -> list[str]:
    return re.findall(r"^/(\w+) — ", answer.text, re.MULTILINE)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_menu_shows_plan_and_requests_left(stack: Stack, sql: Sql, language: str) -> None:
    state, bonus, balance = STATE[language]
    anna = meet(stack, language)
    menu = ask(anna, "/menu")
    assert menu.text.startswith(state.format(left=25))
    assert len(labels(menu)) == 5
    ask(anna, "How are you?")
    sql("update users set bonus_credits = 7 where telegram_id = %s", anna.id)
    sql("select adjust_balance(%s, 50, 'gift', %s)", anna.id, f"gift:{anna.id}")
    menu = ask(anna, "/menu")
    assert menu.text.startswith(state.format(left=24))
    assert bonus in menu.text
    assert balance in menu.text


@pytest.mark.parametrize("language", ["en", "ru"])
def test_no_requests_left_and_a_plan_without_limits(stack: Stack, sql: Sql, language: str) -> None:
    anna = meet(stack, language)
    sql(
        "insert into daily_usage (user_id, bot, day, requests) select id, 'assistant', "
        "(now() at time zone 'Europe/Moscow')::date, 40 from users where telegram_id = %s",
        anna.id,
    )
    assert STATE[language][0].format(left=0) in ask(anna, "/menu").text
    sql("update subscription_limits set daily_requests = null where plan = 'PREMIUM'")
    sql("update users set vip_level = 1 where telegram_id = %s", anna.id)
    assert text(language, "menu_unlimited", used=40).replace("**", "") in ask(anna, "/menu").text


def test_a_plan_without_a_text_is_shown_by_its_key(stack: Stack, sql: Sql) -> None:
    anna = meet(stack)
    sql("insert into subscription_limits (plan, vip_level, daily_requests) values ('GOLD', 5, 100)")
    sql("update users set vip_level = 5 where telegram_id = %s", anna.id)
    for command in ("/menu", "/profile", "/subscription"):
        assert "GOLD" in ask(anna, command).text, command


@pytest.mark.parametrize("language", ["en", "ru"])
def test_help_has_sections_and_every_command_once(stack: Stack, language: str) -> None:
    help_ = ask(meet(stack, language), "/help")
    for section in offering.SECTIONS:
        title = text(language, f"help_{section}").replace("**", "")
        assert (title in help_.text.splitlines()) == (section != "play"), "the assistant has no quiz"
    shown = shown_commands(help_)
    assert len(shown) == len(set(shown))
    assert {"menu", "buy", "keys", "trial", "referral", "trainings", "payments"} <= set(shown)
    assert shown[:5] == ["mode", "clear", "voice", "image", "images"], "what users need first comes first"


def test_features_without_settings_are_not_offered(stack: Stack, sql: Sql) -> None:
    keys = ("referral_referrer_credits", "referral_referred_credits", "trial_days")
    sql("update private.settings set value = '0' where key = any(%s)", list(keys))
    sql("update products set is_active = false")
    with stack.settings("telegram", TOKEN_ENCRYPTION_KEYS="", TRAINING_CHANNEL="", SUPPORT_CONTACT=""):
        anna = meet(stack)
        help_ = ask(anna, "/help")
        hidden = "buy promo subscription payments terms paysupport keys referral trial trainings"
        assert not set(hidden.split()) & set(shown_commands(help_))
        assert {"menu", "profile", "usage", "mode", "clear", "privacy"} <= set(shown_commands(help_))
        assert not any("Buy" in label for label in labels(ask(anna, "/menu")))
        assert "Nothing is for sale" in ask(anna, "/buy").text, "a hidden command is answered all the same"
    sql("update products set is_active = true")
    with stack.settings("telegram", SUPPORT_CONTACT="@help"):
        assert "paysupport" in shown_commands(ask(anna, "/help"))
