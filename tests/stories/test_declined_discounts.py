"""A failed payment uses up no discount, at any provider."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from tests.stories.test_buy import LABELS, checkout, credits, news, speaks
from tests.supabase.payments.promocodes import new_code, usages_of
from tools.emulator.payments import NotPossible
from tools.emulator.stack import Stack

Sql = Callable[..., list[dict[str, Any]]]


@pytest.mark.parametrize("failure", ["decline", "expire", "forge", "wrong_amount"])
@pytest.mark.parametrize("provider", sorted(LABELS))
def test_a_failed_payment_keeps_the_discount_for_the_next_order(
    stack: Stack, sql: Sql, provider: str, failure: str
) -> None:
    anna, code = speaks(stack), new_code(sql, "percent", 20)
    anna.send(f"/promo {code}")
    assert "20%" in anna.answer().text
    link = checkout(anna, "100 requests", LABELS[provider])
    full = sql("select full_amount, amount from orders order by id desc limit 1")[0]
    assert full["amount"] < full["full_amount"]
    with suppress(NotPossible):  # not every provider has every button, and one of them asks us first
        stack.payments.press(link, failure)
    assert stack.payments.idle(20)
    assert usages_of(sql, code)[0]["consumed_at"] is None
    assert credits(sql, anna) == 0

    anna.room.taken = len(anna.room.answers)  # what it said of the failure
    again = checkout(anna, "100 requests", LABELS[provider])
    (order,) = sql("select amount, full_amount from orders order by id desc limit 1")
    assert order == full
    stack.payments.press(again, "pay")
    news(anna, "Paid, thank you!")
    assert usages_of(sql, code)[0]["consumed_at"] is not None
    assert credits(sql, anna) == 100
