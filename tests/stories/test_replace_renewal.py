"""Buying a second auto-renewal needs a confirmation and stops the first one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.stories.test_buy import link_of, news, speaks, tap
from tests.support import eventually
from tools.emulator.stack import Stack
from tools.emulator.telegram import Answer, Chat

Sql = Callable[..., list[dict[str, Any]]]
WORDS = {
    "en": (
        "Premium for a month", "🔁 Telegram Stars", "🔁 Card (Stripe)", "You already have auto-renewal",
        "Telegram Stars", "Replace auto-renewal", "your new subscription replaced this one",
    ),
    "ru": (
        "Премиум на месяц", "🔁 Звёзды Telegram", "🔁 Карта (Stripe)", "Автопродление уже включено",
        "Звёзды Telegram", "Заменить автопродление", "автопродление отключено, его заменило новое",
    ),
}  # fmt: skip


def renewals(sql: Sql, chat: Chat) -> dict[str, str]:
    rows = sql(
        "select r.provider, r.status from renewals r join users u on u.id = r.user_id "
        "where u.telegram_id = %s order by r.id",
        chat.id,
    )
    return {row["provider"]: row["status"] for row in rows}


def product(chat: Chat, title: str) -> Answer:
    seen = len(chat.answers())
    chat.send("/buy").wait()
    # The news of a payment may come in between.
    shown = eventually(lambda: [one for one in chat.answers()[seen:] if one.buttons], 20)
    return tap(shown[0], title)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_replaced_renewal_is_confirmed_and_stopped(stack: Stack, sql: Sql, language: str) -> None:
    title, stars, stripe, asks, provider, replace, replaced = WORDS[language]
    anna = speaks(stack, language)
    anna.pay(link_of(tap(product(anna, title), stars))).wait()
    eventually(lambda: renewals(sql, anna) == {"telegram_stars": "active"}, 20)
    (subscription,) = anna.subscriptions

    question = tap(product(anna, title), stripe)
    assert asks in question.text
    assert provider in question.text
    page = tap(question, replace)
    stack.payments.press(link_of(page), "pay")

    news(anna, replaced)
    assert renewals(sql, anna) == {"telegram_stars": "canceled", "stripe": "active"}
    assert subscription.state == "active", "the provider still has to be asked"
    stack.run_job("payments")
    assert subscription.state == "canceled"
    assert stack.telegram.idle(20)
    assert sql("select from renewals where next_cancel_attempt_at is not null") == []


def test_a_single_month_needs_no_confirmation(stack: Stack, sql: Sql) -> None:
    anna = speaks(stack)
    anna.pay(link_of(tap(product(anna, "Premium for a month"), "🔁 Telegram Stars"))).wait()
    eventually(lambda: renewals(sql, anna) == {"telegram_stars": "active"}, 20)
    page = product(anna, "Premium for a month")
    assert "A one-time payment adds another period and keeps auto-renewal on" in page.text
    assert "Total:" in tap(page, "Stripe").text


def test_the_link_of_a_running_subscription_is_refused_and_resumes_a_canceled_one(
    stack: Stack, sql: Sql
) -> None:
    anna = speaks(stack)
    link = link_of(tap(product(anna, "Premium for a month"), "🔁 Telegram Stars"))
    anna.pay(link).wait()
    eventually(lambda: renewals(sql, anna) == {"telegram_stars": "active"}, 20)
    assert "already been paid" in anna.pay(link).wait("refused").error

    (subscription,) = anna.subscriptions
    stack.telegram.stars.change(subscription, "canceled")
    eventually(lambda: renewals(sql, anna) == {"telegram_stars": "canceled"}, 20)
    anna.pay(link).wait()

    assert "auto-renewal is back on" in news(anna, "a new charge went through")
    assert renewals(sql, anna) == {"telegram_stars": "active"}


def test_the_reminder_of_an_unpaid_order_has_its_link(stack: Stack, sql: Sql) -> None:
    anna = speaks(stack)
    link = link_of(tap(product(anna, "100 requests"), "Telegram Stars"))
    sql(
        "update orders set created_at = now() - interval '3 hours' "
        "where user_id = (select id from users where telegram_id = %s)",
        anna.id,
    )
    stack.run_job("payments")
    assert not [one for one in anna.answers() if "You haven’t paid" in one.text]
    sql("update private.settings set value = '2' where key = 'order_reminder_hours'")
    for _ in range(2):
        stack.run_job("payments")
    (reminder,) = [one for one in anna.answers() if "You haven’t paid" in one.text]
    assert link_of(reminder) == link
    assert "How would you like to pay?" in tap(reminder, "Other payment methods").text
    anna.pay(link).wait()
    news(anna, "Paid, thank you!")
