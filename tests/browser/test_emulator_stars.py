"""Invoices in Stars on the emulator's page: paid, rejected, renewed, refunded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.test_emulator_page import switch_to_new_user
from tests.support import eventually
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

pytestmark = pytest.mark.browser
Window = Callable[..., Any]
INVOICE = {
    "title": "Premium",
    "description": "A thousand requests a day",
    "payload": "42",
    "currency": "XTR",
    "prices": [{"label": "Premium", "amount": 350}],
}


def current(stack: Stack, page: Any) -> Chat:
    """Show the chat of a new user, in which no invoice of another test is; return it with a message in it."""
    switch_to_new_user(page)
    user = int(page.evaluate("localStorage.getItem('user')"))
    account = stack.telegram.state.users[user]
    chat = Chat(stack.telegram.services, account, stack.telegram.state.private_room(user, "assistant"))
    chat.send("/start").wait()
    return chat


def agree(stack: Stack, **answer: Any) -> None:
    """Answer the newest pre-checkout query in place of the bot, whose updates are held."""

    def asked() -> Any:
        return next((one for one in stack.telegram.stars.purchases.values() if one.state == "asked"), None)

    purchase = eventually(asked, 20)
    parameters = {"pre_checkout_query_id": purchase.query_id, "ok": True, **answer}
    stack.telegram.request("assistant", "answerPreCheckoutQuery", parameters)


def test_an_invoice_is_paid_with_its_button(stack: Stack, window: Window) -> None:
    page = window()
    chat = current(stack, page)
    stack.telegram.hold()
    stack.telegram.request("assistant", "sendInvoice", {"chat_id": chat.id, **INVOICE})
    page.get_by_role("button", name="Pay 350 Stars").click()
    page.get_by_role("button", name="Confirm and pay 350 Stars").click()
    agree(stack)
    page.get_by_text("Paid 350 Stars").wait_for()


def test_the_payer_sees_a_rejection(stack: Stack, window: Window) -> None:
    page = window()
    chat = current(stack, page)
    stack.telegram.hold()
    stack.telegram.request("assistant", "sendInvoice", {"chat_id": chat.id, **INVOICE})
    page.locator(".key").filter(has_text="Pay 350 Stars").last.click()
    page.get_by_role("button", name="Confirm and pay 350 Stars").click()
    agree(stack, ok=False, error_message="Not for sale any more.")
    page.locator("dialog").get_by_text("Not for sale any more.").wait_for()


def test_a_link_begins_a_subscription_that_renews_and_is_refunded(stack: Stack, window: Window) -> None:
    page = window()
    chat = current(stack, page)
    stack.telegram.hold()
    asked = {**INVOICE, "subscription_period": 2_592_000}
    link = stack.telegram.request("assistant", "createInvoiceLink", asked)
    keyboard = {"inline_keyboard": [[{"text": "Subscribe", "url": link}]]}
    message = {"chat_id": chat.id, "text": "Every month:", "reply_markup": keyboard}
    stack.telegram.request("assistant", "sendMessage", message)
    page.get_by_role("button", name="Subscribe").last.click()
    sheet = page.get_by_role("dialog")
    for words in ("Premium", "A thousand requests a day", "350 Stars", "every 30 days"):
        sheet.get_by_text(words).first.wait_for()
    page.get_by_role("button", name="Confirm and pay 350 Stars").click()
    agree(stack)
    page.get_by_text("Renews every 30 days").wait_for()
    (subscription,) = chat.subscriptions

    page.get_by_role("button", name="Renew", exact=True).last.click()
    page.get_by_text("Renewed for 30 days", exact=True).wait_for()
    page.get_by_role("button", name="Cancel", exact=True).last.click()
    eventually(lambda: subscription.state == "canceled", 20)
    page.get_by_role("button", name="Renew", exact=True).wait_for(state="detached")
    page.get_by_role("button", name="Resume", exact=True).last.click()
    eventually(lambda: subscription.state == "active", 20)

    refund = {"user_id": chat.user.id, "telegram_payment_charge_id": subscription.charges[0]}
    stack.telegram.request("assistant", "refundStarPayment", refund)
    page.get_by_text("350 Stars refunded").wait_for()


@pytest.mark.parametrize(("outcome", "words"), [
    ("Not enough Stars", "You don’t have enough Stars."), ("Charge fails", "The payment failed"),
])  # fmt: skip
def test_a_failed_payment_in_stars_is_shown(stack: Stack, window: Window, outcome: str, words: str) -> None:
    from playwright.sync_api import expect

    page = window()
    chat = current(stack, page)
    stack.telegram.hold()
    stack.telegram.request("assistant", "sendInvoice", {"chat_id": chat.id, **INVOICE})
    page.locator(".key").filter(has_text="Pay 350 Stars").last.click()
    page.locator(".simulated").filter(has_text="Close the sheet").click()
    expect(page.locator("dialog")).to_be_hidden()
    expect(page.locator(".key.busy")).to_have_count(0)
    page.locator(".key").filter(has_text="Pay 350 Stars").last.click()
    page.locator(".simulated").filter(has_text=outcome).click()
    if outcome == "Charge fails":
        agree(stack)
    expect(page.locator("dialog")).to_contain_text(words)
