"""A payment message shows the state of its order; its old buttons open no second checkout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.payments import provider_lists
from tests.stories.test_buy import LABELS, LABELS_RU, SAYS, credits, link_of, news, speaks, tap
from tests.stories.test_receipt_contact import ask, orders, product
from tests.support import eventually
from tools.emulator.stack import Stack
from tools.emulator.telegram import Answer, Chat

Sql = Callable[..., list[dict[str, Any]]]
STATES = {
    "en": {"paid": "✅ 100 requests\nPaid: ", "held": "is under review", "refunded": "Refunded: ",
           "expired": "payment link has expired", "again": "Buy again"},
    "ru": {"paid": "✅ 100 запросов\nОплачено: ", "held": "Платёж на проверке", "refunded": "Возвращено: ",
           "expired": "больше не действует", "again": "Купить снова"},
}  # fmt: skip


def invitation(chat: Chat, provider: str, language: str = "en") -> Answer:
    """Return the message with the button that opens the provider's checkout."""
    labels = LABELS if language == "en" else LABELS_RU
    page = tap(product(chat, language), labels.get(provider, "Telegram Stars"))
    if SAYS[language]["receipt"] in page.text:
        page = ask(chat, "anna@example.com")
    assert SAYS[language]["pay"] in page.text
    return page


def says(page: Answer, words: str) -> None:
    eventually(lambda: words in page.text, 20)


def kept(sql: Sql, chat: Chat, page: Answer) -> None:
    """Wait until the id of the payment message is stored: a new message is sent first."""
    eventually(lambda: sql(
        "select from orders o join users u on u.id = o.user_id "
        "where u.telegram_id = %s and %s = any(o.message_ids)",
        chat.id, page.message_id,
    ), 10)  # fmt: skip


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("provider", provider_lists.REFUNDING)
def test_the_invitation_shows_paid_and_then_refunded(
    stack: Stack, sql: Sql, provider: str, language: str
) -> None:
    words, anna = STATES[language], speaks(stack, language)
    page = invitation(anna, provider, language)
    kept(sql, anna, page)
    link = link_of(page)

    stack.payments.press(link, "pay")

    says(page, words["paid"])
    assert page.buttons == []
    news(anna, SAYS[language]["paid"])
    stack.payments.press(link, "refund")
    says(page, words["refunded"])
    again = tap(page, words["again"])
    assert SAYS[language]["product"] in again.text
    assert len(again.buttons) > 2, "the ways to pay"


def test_the_stars_invitation_shows_paid_and_then_refunded(stack: Stack) -> None:
    anna = speaks(stack)
    page = invitation(anna, "telegram_stars")
    anna.pay(link_of(page)).wait()
    says(page, STATES["en"]["paid"])


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_held_payment_is_under_review(stack: Stack, language: str) -> None:
    anna = speaks(stack, language)
    page = invitation(anna, "fake", language)
    stack.payments.press(link_of(page), "wrong_amount")
    says(page, STATES[language]["held"])
    assert page.buttons == []


@pytest.mark.parametrize("language", ["en", "ru"])
def test_an_unpaid_invitation_expires(
    stack: Stack, sql: Sql, clock: Callable[[str], None], language: str
) -> None:
    words, anna = STATES[language], speaks(stack, language)
    page = invitation(anna, "fake", language)
    clock("clock_timestamp() + interval '25 hours'")
    assert stack.run_job("payments").status == 200
    says(page, words["expired"])
    link = link_of(tap(tap(page, words["again"]), (LABELS if language == "en" else LABELS_RU)["fake"]))
    stack.payments.press(link, "pay")
    says(page, words["paid"])
    assert [one["status"] for one in orders(sql, anna)][-1] == "completed"
    edits = page.stored.edits
    clock("clock_timestamp() + interval '60 hours'")
    assert stack.run_job("payments").status == 200
    assert page.stored.edits == edits, "the first order does not speak in the second one's message"


def test_a_product_can_be_bought_again_after_its_checkout_expired(stack: Stack) -> None:
    anna = speaks(stack)
    page = invitation(anna, "stripe")
    stack.payments.press(link_of(page), "expire")
    says(page, STATES["en"]["expired"])
    link = link_of(tap(tap(page, STATES["en"]["again"]), LABELS["stripe"]))
    stack.payments.press(link, "pay")
    says(page, STATES["en"]["paid"])


def test_a_late_payment_updates_the_expired_invitation(
    stack: Stack, sql: Sql, clock: Callable[[str], None]
) -> None:
    anna = speaks(stack)
    page = invitation(anna, "fake")
    link = link_of(page)
    clock("clock_timestamp() + interval '25 hours'")
    stack.run_job("payments")
    says(page, STATES["en"]["expired"])
    stack.payments.press(link, "pay")
    says(page, STATES["en"]["paid"])
    assert credits(sql, anna) == 100


def test_a_message_with_other_content_is_not_edited(stack: Stack, sql: Sql) -> None:
    anna = speaks(stack)
    page = invitation(anna, "fake")
    link = link_of(page)
    tap(page, "Back")
    edits = page.stored.edits
    stack.payments.press(link, "pay")
    news(anna, "Paid, thank you!")
    assert page.stored.edits == edits
    assert "How would you like to pay?" in page.text


# Old buttons ------------------------------------------------------------------------------------------------


def pay_data(page: Answer, words: str) -> str:
    return next(b.data for row in page.buttons for b in row if words in b.text and b.data)


FAKE, STRIPE = "pay:credits_100:fake:USD", "pay:credits_100:stripe:USD"


def test_two_taps_on_a_payment_option_make_one_order(stack: Stack, sql: Sql) -> None:
    anna = speaks(stack)
    page = product(anna)
    data = FAKE
    for _ in range(3):
        anna.tap(page.stored, data).wait()
    assert len(orders(sql, anna)) == 1
    assert "Total:" in page.text


def test_the_last_of_two_different_taps_counts(stack: Stack, sql: Sql) -> None:
    anna = speaks(stack)
    page = product(anna)
    fake, stripe = FAKE, STRIPE
    anna.tap(page.stored, fake).wait()
    first = link_of(page)
    anna.tap(page.stored, stripe).wait()
    eventually(lambda: link_of(page) != first, 10)
    assert [one["provider"] for one in orders(sql, anna)] == ["fake", "stripe"]
    stack.payments.press(first, "pay")
    news(anna, "Paid, thank you!")
    assert "Total:" in page.text, "the second order has the message now"


@pytest.mark.parametrize(("action", "state"), [("pay", "paid"), ("wrong_amount", "held")])
def test_an_old_button_shows_the_state_of_its_order(stack: Stack, sql: Sql, action: str, state: str) -> None:
    anna = speaks(stack)
    page = product(anna)
    data, other = FAKE, STRIPE
    anna.tap(page.stored, data).wait()
    leave = pay_data(page, "Back")
    stack.payments.press(link_of(page), action)
    says(page, STATES["en"][state])
    for old in (data, other, leave):
        anna.tap(page.stored, old).wait()
        says(page, STATES["en"][state])
    assert len(orders(sql, anna)) == 1
    mine, ben = orders(sql, anna), speaks(stack)
    (order,) = sql(
        "select o.id from orders o join users u on u.id = o.user_id where u.telegram_id = %s", anna.id
    )
    shop = ask(ben, "/buy")
    ben.tap(shop.stored, f"other:{order['id']}").wait()
    assert "no longer available" in shop.wait_for_edit().text, "an order of another user is unknown"
    assert orders(sql, anna) == mine


# Telegram refuses ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("description", [
    "Bad Request: message is not modified: specified new message content is the same",
    "Bad Request: message to edit not found", "Bad Request: message can't be edited",
    "Bad Request: MESSAGE_ID_INVALID",
])  # fmt: skip
def test_a_message_that_cannot_be_edited_is_ignored(stack: Stack, sql: Sql, description: str) -> None:
    anna = speaks(stack)
    page = invitation(anna, "fake")
    stack.telegram.fail("editMessageText", 400, description=description, chat_id=anna.id)
    seen = len(stack.function("payments").raw_log)
    stack.payments.press(link_of(page), "pay")
    news(anna, "Paid, thank you!")
    assert credits(sql, anna) == 100
    eventually(lambda: not sql("select from telegram_outbox where chat_id = %s", anna.id), 10)
    log = stack.function("payments").raw_log[seen:]
    assert '"edit_refused"' in log
    assert not any(severity in log for severity in ('"ALERT"', '"ERROR"', '"WARNING"'))


def test_a_delayed_edit_does_not_delay_the_payment(stack: Stack, sql: Sql) -> None:
    anna = speaks(stack)
    page = invitation(anna, "fake")
    stack.telegram.fail("editMessageText", 429, retry_after=60, chat_id=anna.id)
    stack.payments.press(link_of(page), "pay")
    news(anna, "Paid, thank you!")
    assert credits(sql, anna) == 100
    assert "Total:" in page.text
    eventually(lambda: sql("select from telegram_outbox where attempts > 0"), 10)  # the delay is recorded
    sql("update telegram_outbox set send_after = now()")
    stack.run_job("sweep")
    says(page, STATES["en"]["paid"])
