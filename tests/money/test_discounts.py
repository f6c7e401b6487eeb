"""A percent code: the next one-off purchase costs that much less, once; all sums go by what was paid."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.money.buyers import order_row
from tests.money.conftest import Money, number, paid, refunded, said
from tests.money.promocodes import new_code, redeem, usages_of
from tests.support import in_parallel

Sql = Callable[..., list[dict[str, Any]]]
Clock = Callable[[str], None]


def reduced(sql: Sql, price: str, currency: str, percent: int | None) -> Decimal:
    amount = sql(
        "select private.discounted_price(%s::numeric, %s, %s::integer) as amount", price, currency, percent
    )[0]["amount"]
    return Decimal(amount)


def shown(money: Money, user_id: int | None, product: str = "credits_100") -> Any:
    """What /buy is told of a product's discount."""
    products = money.call("products_for_sale", p_user_id=user_id)
    return next(one for one in products if one["key"] == product)["discount"]


def is_consumed(sql: Sql, code: str) -> bool:
    (usage,) = usages_of(sql, code)
    return usage["consumed_at"] is not None


@pytest.mark.parametrize(
    ("price", "currency", "percent", "expected"),
    [
        ("499", "RUB", 20, "399.20"),
        ("5.99", "USD", 15, "5.09"),
        ("350", "XTR", 15, "297"),
        ("1", "XTR", 50, "1"),
        ("2", "XTR", 99, "1"),
        ("500", "JPY", 33, "335"),
        ("5", "USD", 99, "1"),
        ("0.50", "USD", 50, "0.50"),
        ("149", "RUB", None, "149"),
    ],
)
def test_a_price_is_reduced_to_what_its_currency_has(
    sql: Sql, price: str, currency: str, percent: int | None, expected: str
) -> None:
    assert reduced(sql, price, currency, percent) == Decimal(expected)


@settings(
    max_examples=60,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.decimals("0.01", "100000", places=2), st.integers(1, 99), st.sampled_from(["RUB", "USD", "XTR", "JPY"])
)
def test_a_reduced_price_is_valid_and_never_above_what_was_promised(
    sql: Sql, price: Decimal, percent: int, currency: str
) -> None:
    if currency in ("XTR", "JPY"):
        price = price.to_integral_value() + 1
    amount = reduced(sql, str(price), currency, percent)
    assert 0 < amount <= price
    assert amount >= min(price, Decimal(1))
    assert amount <= max(price * (100 - percent) / 100, min(price, Decimal(1)))
    assert amount == amount.quantize(Decimal("1") if currency in ("XTR", "JPY") else Decimal("0.01"))


def test_the_next_purchase_costs_less_and_the_one_after_does_not(money: Money, sql: Sql) -> None:
    anna, code, pay = money.person(), new_code(sql, "percent", 20), number()
    assert redeem(money, anna, code)["value"] == 20
    assert shown(money, anna)["percent"] == 20
    assert shown(money, anna)["prices"]["RUB"] == "119.20"
    order = money.order(anna)
    row = order_row(money, order)
    assert (row["amount"], row["full_amount"]) == (Decimal("119.20"), Decimal("149.00"))

    told = money.tell(paid(pay, order, "119.20"))

    assert said(told["outgoing"]) == ["paid_credits"]
    assert money.user(anna)["bonus_credits"] == 100
    assert is_consumed(sql, code)
    assert shown(money, anna) is None
    row = order_row(money, money.order(anna))
    assert (row["amount"], row["full_amount"], row["promocode_id"]) == (149, None, None)


def test_the_full_price_is_not_what_was_asked(money: Money, sql: Sql, boss: int) -> None:
    anna, code = money.person(), new_code(sql, "percent", 20)
    redeem(money, anna, code)
    told = money.tell(paid(number(), money.order(anna), "149.00"))
    assert said(told["outgoing"]) == ["payment_alarm_amount"]
    assert not is_consumed(sql, code)


def test_the_order_tells_both_prices_and_a_repetition_the_same(money: Money, sql: Sql) -> None:
    anna = money.person()
    redeem(money, anna, new_code(sql, "percent", 50))

    def order() -> Any:
        return money.call(
            "create_order", p_user_id=anna, p_product_key="premium_month", p_provider="telegram_stars",
            p_currency="XTR", p_bot="assistant", p_reference=f"story:{anna}",
        )  # fmt: skip

    made = order()
    assert (made["amount"], made["full_amount"]) == ("175.00", "350.00")
    money.tell(paid(number(), made["id"], "175", "XTR"), provider="telegram_stars")
    assert order() | {"outcome": "created", "status": "pending"} == made, "its price stays what it was"


def test_an_order_that_renews_takes_no_discount_and_leaves_it(money: Money, sql: Sql) -> None:
    anna, code = money.person(), new_code(sql, "percent", 20)
    redeem(money, anna, code)
    order = money.order(anna, "premium_month", provider="stripe", p_renews=True)
    assert (order_row(money, order)["amount"], order_row(money, order)["promocode_id"]) == (499, None)
    told = paid(number(), order, "499.00", subscription_id=f"sub-{order}")
    money.tell(told, provider="stripe")
    assert not is_consumed(sql, code)
    # What cannot renew is a purchase like any other, whatever was asked.
    assert order_row(money, money.order(anna, "credits_100", p_renews=True))["amount"] == Decimal("119.20")


def may_pay(money: Money, order: int) -> Any:
    """What a provider that asks first is answered."""
    return money.call(
        "check_order", p_provider="yookassa", p_order_id=order, p_telegram_id=None,
        p_amount=Decimal("119.20"), p_currency="RUB",
    )  # fmt: skip


def test_a_discount_is_for_one_purchase_and_money_that_comes_for_another_is_honoured(
    money: Money, sql: Sql
) -> None:
    anna, ben, code = money.person(), money.person("Ben"), new_code(sql, "percent", 20)
    redeem(money, anna, code)
    redeem(money, ben, code)
    first, second, others = money.order(anna), money.order(anna), money.order(ben)
    assert [may_pay(money, order) for order in (first, second, others)] == ["ok", "ok", "ok"]
    assert said(money.tell(paid(number(), first, "119.20"))["outgoing"]) == ["paid_credits"]
    assert [may_pay(money, order) for order in (first, second, others)] == ["paid", "expired", "ok"]
    assert said(money.tell(paid(number(), second, "119.20"))["outgoing"]) == ["paid_credits"]
    assert money.user(anna)["bonus_credits"] == 200


def test_two_orders_of_one_discount_that_are_paid_at_once_do_not_wait_in_a_circle(
    money: Money, sql: Sql
) -> None:
    anna, code = money.person(), new_code(sql, "percent", 20)
    redeem(money, anna, code)
    orders = [money.order(anna) for _ in range(8)]
    told = in_parallel(8, lambda n: money.tell(paid(number(), orders[n], "119.20"))["outcome"])
    assert set(told) == {"applied"}
    assert money.user(anna)["bonus_credits"] == 800
    assert is_consumed(sql, code)


def test_a_discount_is_used_up_by_the_first_that_is_paid_and_by_nothing_before(
    money: Money, sql: Sql
) -> None:
    anna, code = money.person(), new_code(sql, "percent", 20)
    redeem(money, anna, code)
    order, pay = money.order(anna), number()
    for kind in ("pending", "failed", "canceled"):
        money.tell({"kind": kind, "payment_id": pay, "order_id": order})
        assert not is_consumed(sql, code), kind
    money.tell(paid(pay, order, "119.20"))  # late money is honoured
    assert is_consumed(sql, code)


def test_of_two_discounts_the_greater_goes_first(money: Money, sql: Sql) -> None:
    anna = money.person()
    small, great = new_code(sql, "percent", 10), new_code(sql, "percent", 50)
    redeem(money, anna, small)
    redeem(money, anna, great)
    assert shown(money, anna)["percent"] == 50
    money.tell(paid(number(), money.order(anna), "74.50"))
    assert (is_consumed(sql, great), is_consumed(sql, small)) == (True, False)
    assert shown(money, anna)["percent"] == 10


def test_a_discount_ends_with_its_code_and_not_when_it_is_switched_off(
    money: Money, sql: Sql, clock: Clock
) -> None:
    clock("timestamptz '2027-01-10 12:00:00+03'")
    anna = money.person()
    code = new_code(sql, "percent", 20, valid_from="2027-01-01", valid_until="2027-01-11 12:00:00+03")
    told = redeem(money, anna, code)
    assert told["until"].startswith("2027-01-11")
    sql("update promocodes set is_active = false where code = %s", code)
    assert shown(money, anna)["percent"] == 20
    order = money.order(anna)
    clock("timestamptz '2027-01-11 12:00:01+03'")
    assert shown(money, anna) is None
    assert order_row(money, money.order(anna))["amount"] == 149
    money.tell(paid(number(), order, "119.20"))
    assert money.user(anna)["bonus_credits"] == 100, "it was made before"


def test_where_nothing_can_be_taken_off_the_discount_stays(money: Money, sql: Sql) -> None:
    anna, code = money.person(), new_code(sql, "percent", 50)
    sql("insert into product_prices values ('credits_100', 'EUR', 1) on conflict do nothing")
    try:
        redeem(money, anna, code)
        assert "EUR" not in shown(money, anna)["prices"]
        order = money.order(anna, currency="EUR", provider="fake")
        assert order_row(money, order)["promocode_id"] is None
        money.tell(paid(number(), order, "1", "EUR"), provider="fake")
        assert not is_consumed(sql, code)
    finally:
        sql("delete from product_prices where product_key = 'credits_100' and currency = 'EUR'")


def test_refund_and_commission_go_by_what_was_paid(money: Money, sql: Sql) -> None:
    boris, anna, pay = money.person("Boris"), money.person(), number()
    sql(
        "insert into user_referrals (referrer_id, referred_id, status, completed_at) "
        "values (%s, %s, 'completed', private.clock())",
        boris,
        anna,
    )
    sql("update private.settings set value = '10' where key = 'referral_commission_percent'")
    try:
        code = new_code(sql, "percent", 50)
        redeem(money, anna, code)
        money.tell(paid(pay, money.order(anna), "74.50"))
        assert float(money.user(boris)["balance"]) == 7.45
        money.tell(refunded(pay, "37.25"))
        assert money.user(anna)["bonus_credits"] == 50
        money.tell(refunded(pay, "37.25", "r2"))
        assert (money.user(anna)["bonus_credits"], float(money.user(boris)["balance"])) == (0, 0)
        assert is_consumed(sql, code), "a refund brings no discount back"
    finally:
        sql("update private.settings set value = '0' where key = 'referral_commission_percent'")


def test_nobody_elses_discount_is_shown_or_taken(money: Money, sql: Sql) -> None:
    anna, ben = money.person(), money.person()
    redeem(money, anna, new_code(sql, "percent", 20))
    assert shown(money, ben) is None
    assert shown(money, None) is None
    assert order_row(money, money.order(ben))["amount"] == 149


def test_of_ten_orders_paid_at_once_one_uses_the_discount_up(money: Money, sql: Sql) -> None:
    anna, code = money.person(), new_code(sql, "percent", 20)
    redeem(money, anna, code)
    orders = [money.order(anna) for _ in range(10)]
    in_parallel(10, lambda n: money.tell(paid(number(), orders[n], "119.20")))
    assert is_consumed(sql, code)
    assert money.user(anna)["bonus_credits"] == 1000


def test_an_order_made_while_the_discount_goes_is_whole_or_reduced(money: Money, sql: Sql) -> None:
    """Whichever comes first, the order is asked and paid for with the sum that it has."""
    for _ in range(5):
        anna, code = money.person(), new_code(sql, "percent", 20)
        redeem(money, anna, code)
        first = money.order(anna)
        made = in_parallel(
            2, lambda n, a=anna, f=first: money.order(a) if n else money.tell(paid(number(), f, "119.20"))
        )[1]
        row = order_row(money, made)
        assert row["amount"] in (Decimal("149.00"), Decimal("119.20"))
        assert (row["full_amount"] is None) == (row["amount"] == 149)
        told = money.tell(paid(number(), made, str(row["amount"])))
        assert said(told["outgoing"]) == ["paid_credits"]
