"""A second bot offers the shop, the account and the erasure by naming features, on the same users."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shared.core import texts
from tests.stories.test_buy import checkout, news
from tests.stories.test_receipt_contact import ask
from tests.support import eventually, says
from tools.emulator.stack import Stack
from tools.emulator.telegram import Answer

Sql = Callable[..., list[dict[str, Any]]]


def labels(answer: Answer) -> list[str]:
    return [button.text for row in answer.buttons for button in row]


def test_it_sells_for_stars_shows_the_account_and_erases_it(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna", language_code="en").chat("example")
    ask(anna, "/start")
    anna.pay(checkout(anna, "100 requests", "Telegram Stars")).wait()
    anna.send("/profile").wait()
    assert "100" in news(anna, "Bonus requests")
    anna.send("/payments").wait()
    assert "100 requests" in news(anna, "Your payments")
    anna.send("/deleteme").wait()
    question = next(one for one in reversed(anna.answers()) if "🗑 Delete everything" in labels(one))
    question.tap("🗑 Delete everything").wait()
    again = question.wait_for_edit()
    again.tap(labels(again)[0]).wait()
    assert eventually(lambda: not sql("select from users where telegram_id = %s", anna.id))


def test_what_it_leaves_out_is_nowhere(stack: Stack) -> None:
    anna = stack.telegram.user("Anna", language_code="en").chat("example")
    start = ask(anna, "/start")
    menu = labels(start)
    assert any(texts.text("en", "menu_buy") in label for label in menu)
    assert not any(texts.language("en").NAME in label or "Mode" in label for label in menu)
    help_ = ask(anna, "/help").text
    for command in ("language", "mode", "keys", "promo", "trial", "paysupport"):
        assert f"/{command}" not in help_
        assert says(ask(anna, f"/{command}").text, "unknown_command")
    assert "/count" in help_


def test_its_own_feature_keeps_its_state_apart_from_the_assistants(stack: Stack) -> None:
    anna = stack.telegram.user("Anna", language_code="en").chat("example")
    counter = ask(anna, "/count")
    counter.tap("+1").wait()
    assert ask(anna, "/count").text == "1"
    assert labels(ask(anna, "hello")) == labels(ask(anna, "/menu")), "no feature of this bot answers texts"
