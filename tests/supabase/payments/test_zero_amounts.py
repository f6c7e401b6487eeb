"""Amounts of zero: never a one-time purchase, and never a reversal."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from shared.payments.providers import names
from tests.supabase.payments.conftest import Money, message_keys, paid, refunded, unique_id
from tests.supabase.payments.promocodes import new_code, redeem, usages_of

Sql = Callable[..., list[dict[str, Any]]]
PROVIDERS = names()
ZEROS = ["0", "0.00"]


@pytest.mark.parametrize("amount", [0, -1])
def test_a_price_of_zero_is_rejected(money: Money, sql: Sql, amount: int) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        sql("update product_prices set amount = %s where product_key = 'credits_100'", amount)
    with pytest.raises(psycopg.errors.CheckViolation):
        sql("update orders set amount = %s where id = %s", amount, money.order(money.user()))


@pytest.mark.parametrize("zero", ZEROS)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_one_time_order_is_not_paid_with_amount_zero(
    money: Money, sql: Sql, boss: int, provider: str, zero: str
) -> None:
    anna, code, pay = money.user(), new_code(sql, "percent", 20), unique_id()
    redeem(money, anna, code)
    order = money.order(anna, provider=provider)
    result = money.record(paid(pay, order, zero), provider=provider)
    assert "payment_alarm_amount" in message_keys(result["outgoing"])
    row = money.payment(pay, provider)
    assert (row["problem"], row["amount"]) == ("amount", 0)
    assert money.user_row(anna)["bonus_credits"] == 0
    assert usages_of(sql, code)[0]["consumed_at"] is None
    money.record(paid(unique_id(), order, "119.20"), provider=provider)
    assert money.user_row(anna)["bonus_credits"] == 100, "it can still be paid"


@pytest.mark.parametrize("zero", ZEROS)
@pytest.mark.parametrize("is_invoice", [True, False])
def test_a_free_first_period_is_fulfilled_when_its_provider_reports_it_paid(
    money: Money, boss: int, zero: str, is_invoice: bool
) -> None:
    anna, pay = money.user(), unique_id()
    order = money.order(anna, "premium_month", provider="stripe", p_renews=True)
    event = paid(pay, order, zero, subscription_id=f"sub-{pay}", is_invoice=is_invoice or None)
    money.record(event, provider="stripe")
    assert (money.ends_at(anna) is not None) == is_invoice
    assert money.payment(pay, "stripe")["problem"] == (None if is_invoice else "amount")


@pytest.mark.parametrize("zero", ZEROS)
@pytest.mark.parametrize("kind", ["refunded", "disputed"])
def test_a_refund_of_zero_reverses_nothing(money: Money, boss: int, kind: str, zero: str) -> None:
    anna, pay = money.user(), unique_id()
    money.record(paid(pay, money.order(anna)))
    result = money.record({**refunded(pay, zero, f"back-{pay}"), "kind": kind})
    assert result["outcome"] == "applied"
    row = money.payment(pay)
    assert (row["status"], row["refunded"], row["disputed"]) == ("completed", 0, 0)
    assert money.user_row(anna)["bonus_credits"] == 100


@pytest.mark.parametrize("zero", ZEROS)
def test_a_payment_of_zero_without_an_order_sends_no_message(money: Money, boss: int, zero: str) -> None:
    result = money.record(paid(unique_id(), None, zero))
    assert message_keys(result["outgoing"]) == []


@pytest.mark.parametrize("zero", ZEROS)
def test_the_pre_payment_check_rejects_amount_zero(money: Money, zero: str) -> None:
    verdict = money.call(
        "check_order",
        p_provider="yookassa",
        p_order_id=money.order(money.user()),
        p_telegram_id=None,
        p_amount=Decimal(zero),
        p_currency="RUB",
    )
    assert verdict == "amount"


@pytest.mark.parametrize("zero", [0, -1])
def test_an_admin_cannot_refund_amount_zero(money: Money, boss: int, zero: int) -> None:
    pay = unique_id()
    money.record(paid(pay, money.order(money.user())))
    with pytest.raises(psycopg.Error):
        money.call(
            "admin_refund_payment",
            p_payment_id=money.payment(pay)["id"],
            p_amount=zero,
            p_admin_email="boss@example.com",
        )
