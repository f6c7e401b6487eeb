"""An unpaid order is offered again only with a link that can still be paid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.payments import providers
from tests.stories.test_buy import LABELS, checkout, credits, link_of, news, speaks, tap
from tests.support import eventually, says
from tools.emulator.stack import Stack
from tools.emulator.telegram import Answer, Chat

Sql = Callable[..., list[dict[str, Any]]]
PATHS = {"stripe": "sessions", "yookassa": "payments", "crypto_pay": "getInvoices"}  # of a checkout's state
SILENT = sorted(key for key in LABELS if providers.load(key).EXPIRES_SILENTLY)


def orders(sql: Sql, chat: Chat) -> list[dict[str, Any]]:
    return sql(
        "select o.id, o.status from orders o join users u on u.id = o.user_id "
        "where u.telegram_id = %s order by o.id",
        chat.id,
    )


def unpaid(chat: Chat) -> Answer:
    """Open /payments and the unpaid order there."""
    chat.send("/payments")
    page = chat.answer()
    page.tap(page.buttons[0][0].text).wait()
    return page.wait_for_edit()


def expire(stack: Stack, link: str) -> None:
    stack.payments.press(link, "expire")
    assert stack.payments.idle(20)


def test_every_provider_declares_whether_it_reports_expired_links() -> None:
    assert sorted([*PATHS, *SILENT]) == sorted(LABELS)
    stars = providers.load("telegram_stars")
    assert not stars.EXPIRES_SILENTLY, "Telegram asks before each payment, so an old link is refused there"


@pytest.mark.parametrize("provider", sorted(PATHS))
def test_an_open_link_is_reused(stack: Stack, sql: Sql, provider: str) -> None:
    anna = speaks(stack)
    link = checkout(anna, "100 requests", LABELS[provider])
    assert checkout(anna, "100 requests", LABELS[provider]) == link
    assert link_of(unpaid(anna)) == link
    assert len(orders(sql, anna)) == 1


@pytest.mark.parametrize("provider", SILENT)
def test_a_provider_without_link_status_creates_another_link(stack: Stack, sql: Sql, provider: str) -> None:
    anna = speaks(stack)
    expire(stack, checkout(anna, "100 requests", LABELS[provider]))
    expire(stack, checkout(anna, "100 requests", LABELS[provider]))
    stack.payments.press(link_of(unpaid(anna)), "pay")
    news(anna, "Paid, thank you!")
    assert [one["status"] for one in orders(sql, anna)] == ["completed"]
    assert credits(sql, anna) == 100


def test_an_expired_link_is_not_offered_in_the_payments(stack: Stack, sql: Sql) -> None:
    anna = speaks(stack)
    expire(stack, checkout(anna, "100 requests", LABELS["crypto_pay"]))
    page = unpaid(anna)
    assert not any(button.url for row in page.buttons for button in row)
    assert "Canceled" in page.text
    assert [one["status"] for one in orders(sql, anna)] == ["canceled"]


@pytest.mark.parametrize("is_callback_lost", [False, True])
def test_an_order_whose_payment_failed_gets_another_link(
    stack: Stack, sql: Sql, is_callback_lost: bool
) -> None:
    anna = speaks(stack)
    link = checkout(anna, "100 requests", LABELS["yookassa"])
    stack.payments["yookassa"].callbacks.lose_next(int(is_callback_lost))
    stack.payments.press(link, "decline")
    assert stack.payments.idle(20)
    anna.send("/payments")
    page = eventually(lambda: [one for one in anna.answers() if "Your payments" in one.text])[0]
    page.tap(page.buttons[0][0].text).wait()
    again = link_of(page.wait_for_edit())
    assert again != link
    stack.payments.press(again, "pay")
    news(anna, "Paid, thank you!")
    assert [one["status"] for one in orders(sql, anna)] == ["completed"]
    assert credits(sql, anna) == 100


def test_a_lost_callback_is_found_before_the_order_is_paid_twice(stack: Stack, sql: Sql) -> None:
    anna = speaks(stack)
    link = checkout(anna, "100 requests", LABELS["crypto_pay"])
    stack.payments["crypto_pay"].callbacks.lose_next(5)
    stack.payments.press(link, "pay")
    assert stack.payments.idle(20)
    assert credits(sql, anna) == 0
    anna.send("/buy")
    page = tap(tap(anna.answer(), "100 requests"), LABELS["crypto_pay"])
    assert says(page.text, "invitation_paid")
    assert credits(sql, anna) == 100
    assert [one["status"] for one in orders(sql, anna)] == ["completed"]


@pytest.mark.parametrize("provider", sorted(PATHS))
def test_an_unchecked_link_is_not_shown(stack: Stack, sql: Sql, provider: str) -> None:
    anna = speaks(stack)
    link = checkout(anna, "100 requests", LABELS[provider])
    stack.payments[provider].faults.fail(PATHS[provider], 503)
    anna.send("/buy")
    page = tap(tap(anna.answer(), "100 requests"), LABELS[provider])
    assert says(page.text, "buy_unavailable")
    stack.payments[provider].faults.fail(PATHS[provider], 503)
    assert says(unpaid(anna).text, "buy_unavailable")
    assert link_of(unpaid(anna)) == link
    assert [one["status"] for one in orders(sql, anna)] == ["pending"]


def test_an_order_of_a_removed_provider_names_support(stack: Stack, sql: Sql) -> None:
    anna, old = (
        speaks(stack),
        "provider = 'gone' where user_id = (select id from users where telegram_id = %s)",
    )
    checkout(anna, "100 requests", LABELS["crypto_pay"])
    sql(f"update orders set {old} returning id", anna.id)
    assert says(unpaid(anna).text, "buy_unavailable")

    stack.payments.press(checkout(anna, "Premium for a month", "🔁 Test payment"), "pay")
    news(anna, "Paid, thank you!")
    sql(f"update renewals set {old} returning id", anna.id)
    anna.send("/subscription")
    shown = eventually(lambda: [one for one in anna.answers() if "/month, gone" in one.text])[0]
    page = tap(tap(shown, "Turn off auto-renewal"), "Yes, turn it off")
    assert says(page.text, "subscription_cancel_refused")


def test_an_order_of_another_user_is_not_opened(stack: Stack, sql: Sql) -> None:
    anna, boris = speaks(stack), speaks(stack)
    checkout(anna, "100 requests", LABELS["fake"])
    (order,) = orders(sql, anna)
    boris.send("/payments")
    page = boris.answer()
    boris.tap(page.stored, f"order:{order['id']}").wait()
    assert not any(button.url for row in page.buttons for button in row)
