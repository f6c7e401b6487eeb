"""Payment cards for admins: buyer and product, also for declined payments; revenue by currency."""

from __future__ import annotations

import pytest

from tests.stories.test_admin import Appoint, Sql, ask
from tests.stories.test_buy import LABELS, checkout, speaks
from tests.support import eventually
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat


def declined(stack: Stack, sql: Sql, chat: Chat) -> int:
    """Decline a payment; return its id."""
    stack.payments.press(checkout(chat, "100 requests", LABELS["fake"]), "decline")
    assert stack.payments.idle(20)
    found = eventually(lambda: sql("select max(id) as id from payments where has_failed"), 20)
    return int(found[0]["id"])


@pytest.mark.parametrize(
    ("language", "bought", "unknown"),
    [("en", "100 requests", "unknown or deleted"), ("ru", "100 запросов", "неизвестен или удалён")],
)
def test_a_declined_payment_names_its_buyer_and_product(
    stack: Stack, appoint: Appoint, sql: Sql, language: str, bought: str, unknown: str
) -> None:
    anna = speaks(stack)
    number = declined(stack, sql, anna)
    card = ask(appoint(language).chat("assistant"), f"/payment {number}")
    assert "Anna" in card.text
    assert unknown not in card.text
    assert bought in card.text
    assert [button.data for row in card.buttons for button in row] == [
        f"admin:user:{anna.id}", f"admin:payments:{anna.id}:0",
    ]  # fmt: skip


def test_a_declined_payment_of_an_erased_buyer_names_no_one(stack: Stack, appoint: Appoint, sql: Sql) -> None:
    anna = speaks(stack)
    number = declined(stack, sql, anna)
    sql("update orders set user_id = null where id = (select max(id) from orders)")
    sql("update payments set claims = claims || '{\"telegram_id\": 0}' where id = %s", number)
    card = ask(appoint("en").chat("assistant"), f"/payment {number}")
    assert "unknown or deleted" in card.text


@pytest.mark.parametrize(("language", "head"), [("en", "Telegram Stars"), ("ru", "Звёзды")])
def test_revenue_in_stars_is_labelled_stars(
    stack: Stack, appoint: Appoint, sql: Sql, language: str, head: str
) -> None:
    anna = speaks(stack)
    anna.pay(checkout(anna, "100 requests", "Telegram Stars")).wait()
    eventually(lambda: sql("select from payments where currency = 'XTR' and completed_at is not null"), 20)
    boss = appoint(language).chat("assistant")
    boss.send("/stats").wait(timeout=20)
    revenue = eventually(lambda: [one.text for one in boss.answers() if "⭐" in one.text], 20)[0]
    assert head in revenue
    assert "XTR" not in revenue
