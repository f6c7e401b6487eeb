"""A percent code reduces the next one-off purchase once; refunds and commissions follow the amount paid."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.supabase.payments.buyers import order_row
from tests.supabase.payments.conftest import Money, message_keys, paid, refunded, unique_id
from tests.supabase.payments.promocodes import new_code, redeem, usages_of
from tests.support import examples, in_parallel

Sql = Callable[..., list[dict[str, Any]]]
Clock = Callable[[str], None]


def reduced(sql: Sql, price: str, currency: str, percent: int | None) -> Decimal:
    amount = sql(
        "select private.discounted_price(%s::numeric, %s, %s::integer) as amount", price, currency, percent
    )[0]["amount"]
    return Decimal(amount)


def shown(money: Money, user_id: int | None, product: str = "credits_100") -> Any:
    """Return the discount of a product as /buy shows it."""
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
def test_reduced_price_has_the_decimals_of_its_currency(
    sql: Sql, price: str, currency: str, percent: int | None, expected: str
) -> None:
    assert reduced(sql, price, currency, percent) == Decimal(expected)


@settings(
    max_examples=examples(60),
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.decimals("0.01", "100000", places=2), st.integers(1, 99), st.sampled_from(["RUB", "USD", "XTR", "JPY"])
)
def test_reduced_price_is_valid_and_never_above_the_promised_one(
    sql: Sql, price: Decimal, percent: int, currency: str
) -> None:
    if currency in ("XTR", "JPY"):
        price = price.to_integral_value() + 1
    amount = reduced(sql, str(price), currency, percent)
    assert 0 < amount <= price
    assert amount >= min(price, Decimal(1))
    assert amount <= max(price * (100 - percent) / 100, min(price, Decimal(1)))
    assert amount == amount.quantize(Decimal("1") if currency in ("XTR", "JPY") else Decimal("0.01"))


def test_discount_applies_to_the_next_purchase_only(money: Money, sql: Sql) -> None:
    anna, code, pay = money.user(), new_code(sql, "percent", 20), unique_id()
    assert redeem(money, anna, code)["value"] == 20
    assert shown(money, anna)["percent"] == 20
    assert shown(money, anna)["prices"]["RUB"] == "119.20"
    order = money.order(anna)
    row = order_row(money, order)
    assert (row["amount"], row["full_amount"]) == (Decimal("119.20"), Decimal("149.00"))

    result = money.record(paid(pay, order, "119.20"))

    assert message_keys(result["outgoing"]) == ["paid_credits"]
    assert money.user_row(anna)["bonus_credits"] == 100
    assert is_consumed(sql, code)
    assert shown(money, anna) is None
    row = order_row(money, money.order(anna))
    assert (row["amount"], row["full_amount"], row["promocode_id"]) == (149, None, None)


def test_full_price_for_a_discounted_order_is_held(money: Money, sql: Sql, boss: int) -> None:
    anna, code = money.user(), new_code(sql, "percent", 20)
    redeem(money, anna, code)
    result = money.record(paid(unique_id(), money.order(anna), "149.00"))
    assert message_keys(result["outgoing"]) == ["payment_alarm_amount", "payment_held_amount"]
    assert not is_consumed(sql, code)


def test_order_has_both_prices_and_a_repeated_call_returns_them(money: Money, sql: Sql) -> None:
    anna = money.user()
    redeem(money, anna, new_code(sql, "percent", 50))

    def order() -> Any:
        return money.call(
            "create_order", p_user_id=anna, p_product_key="premium_month", p_provider="telegram_stars",
            p_currency="XTR", p_bot="assistant", p_reference=f"story:{anna}",
        )  # fmt: skip

    made = order()
    assert (made["amount"], made["full_amount"]) == ("175.00", "350.00")
    money.record(paid(unique_id(), made["id"], "175", "XTR"), provider="telegram_stars")
    assert order() | {"outcome": "created", "status": "pending"} == made, (
        "the price of an order does not change"
    )


def test_renewing_order_does_not_use_the_discount(money: Money, sql: Sql) -> None:
    anna, code = money.user(), new_code(sql, "percent", 20)
    redeem(money, anna, code)
    order = money.order(anna, "premium_month", provider="stripe", p_renews=True)
    assert (order_row(money, order)["amount"], order_row(money, order)["promocode_id"]) == (499, None)
    result = paid(unique_id(), order, "499.00", subscription_id=f"sub-{order}")
    money.record(result, provider="stripe")
    assert not is_consumed(sql, code)
    # p_renews is ignored for a product that cannot renew.
    assert order_row(money, money.order(anna, "credits_100", p_renews=True))["amount"] == Decimal("119.20")


def may_pay(money: Money, order: int) -> Any:
    """What a provider that asks first is answered."""
    return money.call(
        "check_order", p_provider="yookassa", p_order_id=order, p_telegram_id=None,
        p_amount=Decimal("119.20"), p_currency="RUB",
    )  # fmt: skip


def statuses(money: Money, orders: list[int]) -> list[str]:
    return [order_row(money, order)["status"] for order in orders]


def test_discount_is_bound_to_one_order_at_a_time(money: Money, sql: Sql, boss: int) -> None:
    anna, ben, code = money.user(), money.user("Ben"), new_code(sql, "percent", 20)
    redeem(money, anna, code)
    redeem(money, ben, code)
    orders = [money.order(anna), money.order(anna, provider="stripe"), money.order(anna)]
    others = money.order(ben)
    assert statuses(money, [*orders, others]) == ["withdrawn", "withdrawn", "pending", "pending"]
    assert [may_pay(money, order) for order in (orders[0], orders[2], others)] == ["expired", "ok", "ok"]
    assert [order_row(money, order)["amount"] for order in orders] == [Decimal("119.20")] * 3

    late = unique_id()
    assert "payment_alarm_withdrawn" in message_keys(
        money.record(paid(late, orders[0], "119.20"))["outgoing"]
    )
    assert (money.payment(late)["problem"], money.user_row(anna)["bonus_credits"]) == ("withdrawn", 0)
    assert shown(money, anna)["percent"] == 20, "a held payment does not consume the discount"
    assert "paid_credits" in message_keys(money.record(paid(unique_id(), orders[2], "119.20"))["outgoing"])
    assert money.user_row(anna)["bonus_credits"] == 100
    assert may_pay(money, others) == "ok", "another user's discount is independent"


def test_payment_of_a_withdrawn_order_can_be_refunded(money: Money, sql: Sql, boss: int) -> None:
    anna, pay = money.user(), unique_id()
    redeem(money, anna, new_code(sql, "percent", 20))
    first = money.order(anna)
    money.order(anna)
    money.record(paid(pay, first, "119.20"))
    asked = money.call(
        "admin_refund_payment", p_payment_id=money.payment(pay)["id"], p_amount=None,
        p_admin_email="boss@example.com", p_call_provider_now=True,
    )  # fmt: skip
    assert (asked["outcome"], asked["left"]) == ("opened", "119.20")
    result = money.record(refunded(pay, "119.20", refund_id=asked["refund"]["id"]))
    assert message_keys(result["outgoing"])[0] == "refunded_unused"
    assert (money.payment(pay)["status"], money.user_row(anna)["bonus_credits"]) == ("refunded", 0)


@pytest.mark.parametrize("first_paid", [0, 5, 11])
def test_one_of_twelve_unpaid_orders_with_the_discount_is_fulfilled(
    money: Money, sql: Sql, boss: int, first_paid: int
) -> None:
    anna, code = money.user(), new_code(sql, "percent", 99)
    redeem(money, anna, code)
    orders = [money.order(anna) for _ in range(12)]
    amount = str(order_row(money, orders[0])["amount"])
    for order in orders[first_paid:] + orders[:first_paid]:
        assert money.record(paid(unique_id(), order, amount))["outcome"] == "applied"
    assert money.user_row(anna)["bonus_credits"] == 100
    assert is_consumed(sql, code)
    assert statuses(money, orders) == ["withdrawn"] * 11 + ["completed"]


@pytest.mark.parametrize("end", ["canceled", "expired"])
def test_ended_order_is_not_fulfilled_once_another_one_used_the_discount(
    money: Money, sql: Sql, boss: int, end: str
) -> None:
    """Expired and canceled orders cannot be collected to use one discount several times."""
    anna, code = money.user(), new_code(sql, "percent", 20)
    redeem(money, anna, code)
    orders = []
    for _ in range(3):
        orders.append(money.order(anna))
        if end == "canceled":
            money.record({"kind": "canceled", "order_id": orders[-1]})
        else:
            sql("update orders set expires_at = private.clock() where id = %s", orders[-1])
    money.record(paid(unique_id(), orders[2], "119.20"))  # the last order: a late payment is fulfilled
    assert money.user_row(anna)["bonus_credits"] == 100
    for order in orders[:2]:
        money.record(paid(unique_id(), order, "119.20"))
    assert money.user_row(anna)["bonus_credits"] == 100


def test_failed_payment_leaves_the_discount_to_the_next_order(money: Money, sql: Sql) -> None:
    anna, code = money.user(), new_code(sql, "percent", 20)
    redeem(money, anna, code)
    for kind in ("failed", "canceled", "failed"):
        order, pay = money.order(anna), unique_id()
        assert order_row(money, order)["amount"] == Decimal("119.20"), kind
        money.record({"kind": kind, "payment_id": pay, "order_id": order})
        assert not is_consumed(sql, code), kind
    money.record(paid(unique_id(), money.order(anna), "119.20"))
    assert is_consumed(sql, code)


def test_held_payment_does_not_consume_the_discount(money: Money, sql: Sql, boss: int) -> None:
    anna, code = money.user(), new_code(sql, "percent", 20)
    redeem(money, anna, code)
    order = money.order(anna)
    for change in ({"amount": "1.00"}, {"currency": "USD"}, {"is_test": True}, {"telegram_id": 1}):
        money.record(paid(unique_id(), order, "119.20") | change)
        assert not is_consumed(sql, code), change
    money.record(paid(unique_id(), order, "119.20"))
    assert is_consumed(sql, code)
    assert money.user_row(anna)["bonus_credits"] == 100


def test_concurrent_payments_of_orders_with_one_discount_do_not_deadlock(money: Money, sql: Sql) -> None:
    anna, code = money.user(), new_code(sql, "percent", 20)
    redeem(money, anna, code)
    orders = [money.order(anna) for _ in range(8)]
    result = in_parallel(8, lambda n: money.record(paid(unique_id(), orders[n], "119.20"))["outcome"])
    assert set(result) == {"applied"}
    assert money.user_row(anna)["bonus_credits"] == 100
    assert is_consumed(sql, code)


def test_concurrent_orders_do_not_share_a_discount(money: Money, sql: Sql) -> None:
    anna, code = money.user(), new_code(sql, "percent", 20)
    redeem(money, anna, code)
    orders = in_parallel(10, lambda _n: money.order(anna))
    assert sorted(statuses(money, orders)) == ["pending"] + ["withdrawn"] * 9
    in_parallel(10, lambda n: money.record(paid(unique_id(), orders[n], "119.20")))
    assert money.user_row(anna)["bonus_credits"] == 100


def test_ten_concurrent_calls_with_one_reference_withdraw_nothing(money: Money, sql: Sql) -> None:
    anna, reference = money.user(), f"assistant:{unique_id()}"
    redeem(money, anna, new_code(sql, "percent", 20))
    values = {
        "p_user_id": anna, "p_product_key": "credits_100", "p_provider": "yookassa", "p_currency": "RUB",
        "p_bot": "assistant", "p_reference": reference,
    }  # fmt: skip
    made = in_parallel(10, lambda _n: money.call("create_order", **values))
    assert sorted(one["outcome"] for one in made) == ["created"] + ["known"] * 9
    assert {(one["status"], one["amount"]) for one in made} == {("pending", "119.20")}
    assert len({one["id"] for one in made}) == 1
    money.order(anna)
    assert money.call("create_order", **values)["status"] == "withdrawn", "the next order has the discount"


@pytest.mark.parametrize("round_", range(4))
def test_concurrent_orders_payments_and_failures_use_the_discount_once(
    money: Money, sql: Sql, round_: int
) -> None:
    """No deadlock occurs in any order of the calls; payments that are not fulfilled are held."""
    anna, code = money.user(), new_code(sql, "percent", 20)
    redeem(money, anna, code)
    first = money.order(anna)
    pays = [unique_id() for _ in range(12)]

    def act(n: int) -> Any:
        if n % 3 == 0:
            order = money.order(anna)
            return money.record(paid(pays[n], order, str(order_row(money, order)["amount"])))["outcome"]
        if n % 3 == 1:
            return money.record(paid(pays[n], first, "119.20"))["outcome"]
        return money.record({"kind": "canceled", "payment_id": pays[n], "order_id": first})["outcome"]

    assert set(in_parallel(12, act)) == {"applied"}
    (given_,) = sql(
        "select count(*) filter (where o.promocode_id is not null) as reduced, count(*) as all "
        "from orders o join payments p on p.order_id = o.id join payment_effects e on e.payment_id = p.id "
        "where o.user_id = %s",
        anna,
    )
    assert given_["reduced"] <= 1
    assert money.user_row(anna)["bonus_credits"] == 100 * given_["all"]
    assert is_consumed(sql, code) == (given_["reduced"] == 1)


def test_only_a_payment_consumes_the_discount(money: Money, sql: Sql) -> None:
    anna, code = money.user(), new_code(sql, "percent", 20)
    redeem(money, anna, code)
    order, pay = money.order(anna), unique_id()
    for kind in ("pending", "failed", "canceled"):
        money.record({"kind": kind, "payment_id": pay, "order_id": order})
        assert not is_consumed(sql, code), kind
    money.record(paid(pay, order, "119.20"))  # a late payment is fulfilled
    assert is_consumed(sql, code)


def test_greater_of_two_discounts_applies_first(money: Money, sql: Sql) -> None:
    anna = money.user()
    small, great = new_code(sql, "percent", 10), new_code(sql, "percent", 50)
    redeem(money, anna, small)
    redeem(money, anna, great)
    assert shown(money, anna)["percent"] == 50
    money.record(paid(unique_id(), money.order(anna), "74.50"))
    assert (is_consumed(sql, great), is_consumed(sql, small)) == (True, False)
    assert shown(money, anna)["percent"] == 10


def test_discount_expires_with_its_code_and_survives_its_deactivation(
    money: Money, sql: Sql, clock: Clock
) -> None:
    clock("timestamptz '2027-01-10 12:00:00+03'")
    anna = money.user()
    code = new_code(sql, "percent", 20, valid_from="2027-01-01", valid_until="2027-01-11 12:00:00+03")
    result = redeem(money, anna, code)
    assert result["until"].startswith("2027-01-11")
    sql("update promocodes set is_active = false where code = %s", code)
    assert shown(money, anna)["percent"] == 20
    order = money.order(anna)
    assert order_row(money, order)["expires_at"].isoformat() == "2027-01-11T09:00:00+00:00"
    clock("timestamptz '2027-01-11 11:59:59+03'")
    assert may_pay(money, order) == "ok"
    clock("timestamptz '2027-01-11 12:00:00+03'")
    assert may_pay(money, order) == "expired", "the expiry is checked again before the payment"
    clock("timestamptz '2027-01-11 12:00:01+03'")
    assert shown(money, anna) is None
    assert order_row(money, money.order(anna))["amount"] == 149
    money.record(paid(unique_id(), order, "119.20"))
    assert money.user_row(anna)["bonus_credits"] == 100, "the order was created before"


def test_every_payment_option_ignores_an_expired_discount(money: Money, sql: Sql, clock: Clock) -> None:
    clock("timestamptz '2027-01-10 12:00:00+03'")
    anna = money.user()
    code = new_code(sql, "percent", 20, valid_until="2027-01-11 12:00:00+03")
    redeem(money, anna, code)
    telegram_id = money.user_row(anna)["telegram_id"]
    money.call(
        "adjust_balance",
        p_telegram_id=telegram_id,
        p_amount=1000,
        p_reason="gift",
        p_reference=f"gift:{anna}",
    )
    clock("timestamptz '2027-01-11 12:00:00+03'")
    assert redeem(money, money.user(), code)["outcome"] == "expired"
    assert shown(money, anna) is None
    for provider in ("yookassa", "telegram_stars", "stripe"):
        assert order_row(money, money.order(anna, provider=provider))["promocode_id"] is None
    with pytest.raises(psycopg.Error, match="price has changed"):
        money.call(
            "pay_from_balance", p_user_id=anna, p_product_key="credits_100", p_bot="assistant",
            p_reference=f"b1-{anna}", p_amount=Decimal("119.20"),
        )  # fmt: skip
    bought = money.call(
        "pay_from_balance", p_user_id=anna, p_product_key="credits_100", p_bot="assistant",
        p_reference=f"b2-{anna}",
    )  # fmt: skip
    assert Decimal(bought["amount"]) == 149
    assert not is_consumed(sql, code)


def test_percent_code_is_limited_by_uses_and_once_per_user(money: Money, sql: Sql) -> None:
    """Of concurrent users two redeem it, each once, also after the discount was consumed."""
    code = new_code(sql, "percent", 20, max_uses=2)
    users = [money.user() for _ in range(6)]
    result = in_parallel(12, lambda n: redeem(money, users[n % 6], code)["outcome"])
    assert result.count("redeemed") == 2
    assert sql("select uses from promocodes where code = %s", code)[0]["uses"] == 2
    rows = sql(
        "select user_id from promocode_usages "
        "where promocode_id = (select id from promocodes where code = %s)",
        code,
    )
    lucky = [row["user_id"] for row in rows]
    assert len(set(lucky)) == 2
    for one in lucky:
        money.record(paid(unique_id(), money.order(one), "119.20"))
        assert redeem(money, one, code)["outcome"] in ("already_used", "used_up")
        assert order_row(money, money.order(one))["amount"] == 149
    assert sql("select uses from promocodes where code = %s", code)[0]["uses"] == 2


def test_discount_stays_if_the_price_cannot_be_reduced(money: Money, sql: Sql) -> None:
    anna, code = money.user(), new_code(sql, "percent", 50)
    sql("insert into product_prices values ('credits_100', 'EUR', 1)")
    redeem(money, anna, code)
    assert "EUR" not in shown(money, anna)["prices"]
    order = money.order(anna, currency="EUR", provider="fake")
    assert order_row(money, order)["promocode_id"] is None
    money.record(paid(unique_id(), order, "1", "EUR"), provider="fake")
    assert not is_consumed(sql, code)


def test_refund_and_commission_follow_the_amount_paid(money: Money, sql: Sql) -> None:
    boris, anna, pay = money.user("Boris"), money.user(), unique_id()
    sql(
        "insert into user_referrals (referrer_id, referred_id, status, completed_at) "
        "values (%s, %s, 'completed', private.clock())",
        boris,
        anna,
    )
    sql("update private.settings set value = '10' where key = 'referral_commission_percent'")
    code = new_code(sql, "percent", 50)
    redeem(money, anna, code)
    money.record(paid(pay, money.order(anna), "74.50"))
    assert float(money.user_row(boris)["balance"]) == 7.45
    money.record(refunded(pay, "37.25"))
    assert money.user_row(anna)["bonus_credits"] == 50
    money.record(refunded(pay, "37.25", "r2"))
    assert (money.user_row(anna)["bonus_credits"], float(money.user_row(boris)["balance"])) == (0, 0)
    assert is_consumed(sql, code), "a refund does not restore the discount"


def test_another_users_discount_is_neither_shown_nor_used(money: Money, sql: Sql) -> None:
    anna, ben = money.user(), money.user()
    redeem(money, anna, new_code(sql, "percent", 20))
    assert shown(money, ben) is None
    assert shown(money, None) is None
    assert order_row(money, money.order(ben))["amount"] == 149


def test_one_of_ten_concurrently_paid_orders_consumes_the_discount(money: Money, sql: Sql) -> None:
    anna, code = money.user(), new_code(sql, "percent", 20)
    redeem(money, anna, code)
    orders = [money.order(anna) for _ in range(10)]
    in_parallel(10, lambda n: money.record(paid(unique_id(), orders[n], "119.20")))
    assert is_consumed(sql, code)
    assert money.user_row(anna)["bonus_credits"] == 100


def test_order_created_while_the_discount_is_consumed_has_one_of_both_prices(money: Money, sql: Sql) -> None:
    """In any order of the calls, the order is paid with its own amount."""
    for _ in range(5):
        anna, code = money.user(), new_code(sql, "percent", 20)
        redeem(money, anna, code)
        first = money.order(anna)
        made = in_parallel(
            2,
            lambda n, a=anna, f=first: money.order(a) if n else money.record(paid(unique_id(), f, "119.20")),
        )[1]
        row = order_row(money, made)
        assert row["amount"] in (Decimal("149.00"), Decimal("119.20"))
        assert (row["full_amount"] is None) == (row["amount"] == 149)
        money.record(paid(unique_id(), made, str(row["amount"])))
        given_, is_whole = money.user_row(anna)["bonus_credits"], row["amount"] == 149
        assert given_ == (200 if is_whole else 100), "one of the two orders has the discount"
