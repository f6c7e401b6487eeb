"""Purchases from balance: one transaction per reference, and refunds to the balance."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tests.supabase.payments.conftest import Money, message_keys, paid, refunded, unique_id
from tests.supabase.payments.promocodes import new_code, redeem
from tests.support import in_parallel

BOSS = "boss@example.com"


def give(money: Money, user_id: int, amount: str) -> None:
    """Credit a balance, as another service does."""
    telegram_id = money.user_row(user_id)["telegram_id"]
    money.call(
        "adjust_balance",
        p_telegram_id=telegram_id,
        p_amount=Decimal(amount),
        p_reason="gift",
        p_reference=f"gift:{unique_id()}",
    )


def buy(money: Money, user_id: int, product: str = "credits_100", reference: str = "", **rest: Any) -> Any:
    return money.call(
        "pay_from_balance",
        p_user_id=user_id,
        p_product_key=product,
        p_bot="assistant",
        p_reference=reference or f"tap-{unique_id()}",
        **rest,
    )


def refusal(money: Money, user_id: int, product: str = "credits_100", **rest: Any) -> str:
    """Return the SQLSTATE of a rejected purchase."""
    with pytest.raises(psycopg.Error) as caught:
        buy(money, user_id, product, **rest)
    return caught.value.sqlstate or ""


def refund(money: Money, order_id: int, amount: str | None = None, **rest: Any) -> Any:
    payment = money.payment(f"orders:{order_id}", "balance")
    return money.call(
        "admin_refund_payment",
        p_payment_id=payment["id"],
        p_amount=amount and Decimal(amount),
        p_admin_email=BOSS,
        **rest,
    )


def ledger(money: Money, user_id: int) -> list[tuple[Decimal, str]]:
    rows = money.sql(
        "select amount, reason from balance_transactions where user_id = %s and reason <> 'gift' order by id",
        user_id,
    )
    return [(row["amount"], row["reason"]) for row in rows]


def untouched(money: Money, user_id: int) -> bool:
    """Return whether there is no order, payment, effect or debit."""
    return (
        not money.sql("select from orders where user_id = %s", user_id)
        and not money.sql("select from payments where user_id = %s", user_id)
        and ledger(money, user_id) == []
        and money.user_row(user_id)["bonus_credits"] == 0
    )


def test_a_purchase_is_recorded_fulfilled_and_returned(money: Money) -> None:
    anna = money.user()
    give(money, anna, "200")

    done = buy(money, anna, p_amount=Decimal("149"))

    assert (done["outcome"], done["amount"], done["currency"], done["balance"]) == (
        "paid", "149.00", "RUB", "51.00",
    )  # fmt: skip
    assert message_keys(done["outgoing"]) == [], "the buyer sees the result on the screen"
    assert (done["quantity"], done["until"], done["state"]) == ("100", None, "paid")
    assert money.user_row(anna)["bonus_credits"] == 100
    assert ledger(money, anna) == [(Decimal("-149.00"), "purchase")]
    payment = money.payment(f"orders:{done['id']}", "balance")
    assert (payment["status"], payment["amount"], payment["order_id"], payment["user_id"]) == (
        "completed", Decimal(149), done["id"], anna,
    )  # fmt: skip
    (order,) = money.sql("select status, provider, currency from orders where id = %s", done["id"])
    assert order == {"status": "completed", "provider": "balance", "currency": "RUB"}


def test_a_subscription_is_bought_for_one_period_and_does_not_renew(money: Money) -> None:
    anna = money.user()
    give(money, anna, "998")
    done = buy(money, anna, "premium_month")
    assert money.user_row(anna)["vip_level"] == 1
    first = money.ends_at(anna)
    assert datetime.fromisoformat(done["until"]) == first
    buy(money, anna, "premium_month")
    assert (money.ends_at(anna) - first).days >= 28
    assert money.user_row(anna)["balance"] == 0
    assert money.sql("select from renewals where user_id = %s", anna) == []


def test_an_order_from_balance_never_renews(money: Money) -> None:
    made = money.call(
        "create_order", p_user_id=money.user(), p_product_key="premium_month", p_provider="balance",
        p_currency="RUB", p_bot="assistant", p_renews=True,
    )  # fmt: skip
    assert made["renews"] is False


@pytest.mark.parametrize("balance", ["0", "0.01", "148.99"])
def test_an_insufficient_balance_buys_nothing_and_stores_nothing(money: Money, balance: str) -> None:
    anna = money.user()
    if Decimal(balance):
        give(money, anna, balance)
    assert refusal(money, anna) == "L0002"
    assert untouched(money, anna)
    assert money.user_row(anna)["balance"] == Decimal(balance)


def test_a_balance_equal_to_the_price_suffices(money: Money) -> None:
    anna = money.user()
    give(money, anna, "149.00")
    assert buy(money, anna)["balance"] == "0.00"


@pytest.mark.parametrize("amount", ["148.99", "149.01", "0", "1"])
def test_a_changed_price_is_not_charged(money: Money, amount: str) -> None:
    anna = money.user()
    give(money, anna, "500")
    assert refusal(money, anna, p_amount=Decimal(amount)) == "L0005"
    assert untouched(money, anna)


@pytest.mark.parametrize("product", ["balance_500", "no_such_product", ""])
def test_top_ups_and_inactive_products_cannot_be_bought_from_balance(money: Money, product: str) -> None:
    anna = money.user()
    give(money, anna, "5000")
    assert buy(money, anna, product) == {"outcome": "not_for_sale"}
    assert untouched(money, anna)


def test_a_product_without_a_price_in_the_balance_currency_cannot_be_bought(money: Money) -> None:
    anna = money.user()
    give(money, anna, "5000")
    money.sql(
        "insert into products (key, is_active, kind, quantity, texts) "
        """values ('dollars_only', true, 'credits', 5, '{"en": {"title": "Five"}}')"""
    )
    money.sql("insert into product_prices values ('dollars_only', 'USD', 1)")
    assert buy(money, anna, "dollars_only") == {"outcome": "not_for_sale"}
    money.sql("update private.settings set value = '\"USD\"' where key = 'balance_currency'")
    assert buy(money, anna, "dollars_only")["currency"] == "USD"


def test_an_unknown_user_and_another_orders_reference_are_rejected(money: Money) -> None:
    anna, ben = money.user(), money.user()
    give(money, anna, "500")
    give(money, ben, "500")
    assert refusal(money, 2**40) == "M0003"
    buy(money, anna, reference=f"tap:{anna}")
    assert refusal(money, ben, reference=f"tap:{anna}") == "M0004"
    money.order(anna, p_reference=f"card:{anna}")
    assert refusal(money, anna, reference=f"card:{anna}") == "M0004"
    assert untouched(money, ben)


def test_a_repetition_with_another_price_returns_what_was_bought(money: Money) -> None:
    anna = money.user()
    give(money, anna, "300")
    first = buy(money, anna, reference=f"tap:{anna}", p_amount=Decimal(149))
    again = buy(money, anna, reference=f"tap:{anna}", p_amount=Decimal(150))
    assert (first["outcome"], again["outcome"], again["amount"]) == ("paid", "known", "149.00")
    assert money.user_row(anna)["balance"] == 151


def test_an_order_whose_discount_is_gone_cannot_be_paid(money: Money) -> None:
    anna = money.user()
    give(money, anna, "500")
    redeem(money, anna, new_code(money.sql, "percent", 20))
    money.order(anna, provider="balance", p_reference=f"tap:{anna}")
    assert buy(money, anna)["amount"] == "119.20"
    assert refusal(money, anna, reference=f"tap:{anna}") == "M0004"
    assert (money.user_row(anna)["balance"], len(ledger(money, anna))) == (Decimal("380.80"), 1)


def test_one_reference_buys_once_even_with_other_arguments(money: Money) -> None:
    anna = money.user()
    give(money, anna, "1000")
    first = buy(money, anna, reference=f"tap:{anna}")
    repeated = buy(money, anna, "premium_month", reference=f"tap:{anna}", p_amount=Decimal("149"))
    assert (repeated["outcome"], repeated["id"], repeated["outgoing"]) == ("known", first["id"], [])
    assert repeated["balance"] == "851.00"


def test_eight_concurrent_taps_buy_once(money: Money) -> None:
    anna = money.user()
    give(money, anna, "1000")
    outcomes = in_parallel(8, lambda _n: buy(money, anna, reference=f"tap:{anna}")["outcome"])
    assert sorted(outcomes) == ["known"] * 7 + ["paid"]
    assert money.user_row(anna)["balance"] == 851
    assert money.user_row(anna)["bonus_credits"] == 100


def test_concurrent_purchases_never_overdraw_the_balance(money: Money) -> None:
    anna = money.user()
    give(money, anna, "450")

    def tap(_n: int) -> str:
        try:
            return str(buy(money, anna)["outcome"])
        except psycopg.Error as error:
            return error.sqlstate or ""

    assert sorted(in_parallel(8, tap)) == ["L0002"] * 5 + ["paid"] * 3
    assert money.user_row(anna)["balance"] == 3
    assert money.user_row(anna)["bonus_credits"] == 300


def test_a_concurrent_call_waits_and_finds_the_order_paid(
    money: Money, connect: Callable[[], psycopg.Connection]
) -> None:
    anna = money.user()
    give(money, anna, "149")
    statement = "select pay_from_balance(%s, 'credits_100', 'assistant', %s)"
    with connect() as first, connect() as second:
        first.execute("begin")
        first.execute(statement, (anna, f"tap:{anna}"))
        answers: list[Any] = []
        waiting = threading.Thread(
            target=lambda: answers.append(second.execute(statement, (anna, f"tap:{anna}")).fetchone())
        )
        waiting.start()
        waiting.join(0.5)
        assert waiting.is_alive()
        first.execute("commit")
        waiting.join(10)
    assert answers[0][0]["outcome"] == "known"
    assert money.user_row(anna)["balance"] == 0


def test_a_discount_reduces_one_purchase_from_balance(money: Money) -> None:
    anna, code = money.user(), new_code(money.sql, "percent", 50)
    redeem(money, anna, code)
    give(money, anna, "500")
    card = money.order(anna)
    assert refusal(money, anna, p_amount=Decimal("149")) == "L0005"
    (row,) = money.sql("select status from orders where id = %s", card)
    assert row["status"] == "pending"  # the rejected purchase withdrew no order
    assert buy(money, anna, p_amount=Decimal("74.5"))["amount"] == "74.50"
    (row,) = money.sql("select status from orders where id = %s", card)
    assert row["status"] == "withdrawn"
    assert buy(money, anna)["amount"] == "149.00"


def test_a_discount_does_not_apply_to_top_ups(money: Money) -> None:
    anna, code = money.user(), new_code(money.sql, "percent", 50)
    redeem(money, anna, code)
    order = money.order(anna, "balance_500")
    (row,) = money.sql("select amount, promocode_id from orders where id = %s", order)
    assert row == {"amount": Decimal(500), "promocode_id": None}
    money.record(paid(unique_id(), order, "500.00"))
    assert money.user_row(anna)["balance"] == 500
    shop = {one["key"]: one for one in money.call("products_for_sale", p_user_id=anna)}
    assert shop["balance_500"]["discount"] is None
    assert shop["credits_100"]["discount"]["prices"]["RUB"] == "74.50"


def test_a_top_up_earns_its_commission_once_and_its_spending_none(money: Money) -> None:
    anna, ben = money.user(), money.user("Ben")
    money.sql("insert into user_referrals (referrer_id, referred_id, status) values (%s, %s, 'completed')", ben, anna)  # fmt: skip # noqa: E501
    money.sql("update private.settings set value = '10' where key = 'referral_commission_percent'")
    money.record(paid(unique_id(), money.order(anna, "balance_500"), "500.00"))
    assert money.user_row(ben)["balance"] == 50
    buy(money, anna)
    assert money.user_row(ben)["balance"] == 50


@pytest.mark.parametrize("asks", [True, False])
def test_a_refund_credits_the_balance_and_reverses_the_purchase(money: Money, boss: int, asks: bool) -> None:
    anna = money.user()
    give(money, anna, "149")
    order = buy(money, anna)["id"]

    done = refund(money, order, p_call_provider_now=asks, p_reference=f"refund:{anna}")

    assert (done["outcome"], done["refund"]["status"], done.get("task")) == ("opened", "done", None)
    assert message_keys(done["outgoing"]) == ["refunded_to_balance"]
    assert money.user_row(anna)["balance"] == 149
    assert money.user_row(anna)["bonus_credits"] == 0
    assert ledger(money, anna) == [(Decimal(-149), "purchase"), (Decimal(149), "refund")]
    (entry,) = money.sql(
        "select reference from balance_transactions where reason = 'refund' and user_id = %s", anna
    )
    assert entry["reference"] == f"refunds:{done['refund']['id']}"
    assert money.payment(f"orders:{order}", "balance")["status"] == "refunded"
    repeated = refund(money, order, p_reference=f"refund:{anna}")
    assert (repeated["outcome"], repeated["refund"]["status"], repeated["outgoing"]) == ("known", "done", [])
    assert refund(money, order)["outcome"] == "nothing_left"
    assert money.user_row(anna)["balance"] == 149
    audit = money.sql("select action from audit_log where user_id = %s order by id", anna)
    assert [row["action"] for row in audit] == ["refund_payment", "refund_decided"]


def test_partial_refunds_never_exceed_the_payment(money: Money, boss: int) -> None:
    anna = money.user()
    give(money, anna, "149")
    order = buy(money, anna)["id"]
    assert refund(money, order, "49.67")["refund"]["status"] == "done"
    assert (money.user_row(anna)["balance"], money.user_row(anna)["bonus_credits"]) == (Decimal("49.67"), 67)
    assert refund(money, order, "99.34")["outcome"] == "too_much"
    assert refund(money, order)["refund"]["amount"] == "99.33"
    assert (money.user_row(anna)["balance"], money.user_row(anna)["bonus_credits"]) == (149, 0)


def test_concurrent_refunds_credit_the_balance_once(money: Money, boss: int) -> None:
    anna = money.user()
    give(money, anna, "149")
    order = buy(money, anna)["id"]
    outcomes = in_parallel(6, lambda _n: refund(money, order)["outcome"])
    assert sorted(outcomes) == ["nothing_left"] * 5 + ["opened"]
    assert money.user_row(anna)["balance"] == 149


def test_a_payment_in_another_currency_is_not_refunded_to_the_balance(money: Money, boss: int) -> None:
    anna = money.user()
    give(money, anna, "149")
    order = buy(money, anna)["id"]
    currency = "update private.settings set value = to_jsonb(%s::text) where key = 'balance_currency'"
    money.sql(currency, "USD")
    assert refund(money, order)["outcome"] == "other_currency"
    assert (money.user_row(anna)["balance"], money.user_row(anna)["bonus_credits"]) == (0, 100)
    money.sql(currency, "RUB")
    assert refund(money, order)["outcome"] == "opened"


def test_only_an_admin_refunds(money: Money, boss: int) -> None:
    anna = money.user()
    give(money, anna, "149")
    order = buy(money, anna)["id"]
    with pytest.raises(psycopg.Error) as caught:
        money.call(
            "admin_refund_payment", p_payment_id=money.payment(f"orders:{order}", "balance")["id"],
            p_amount=None, p_admin_email="stranger@example.com",
        )  # fmt: skip
    assert caught.value.sqlstate == "N0001"
    assert money.user_row(anna)["balance"] == 0


def test_the_job_calls_no_provider_for_a_refund_to_balance(money: Money, boss: int) -> None:
    anna = money.user()
    give(money, anna, "149")
    refund(money, buy(money, anna)["id"])
    (row,) = money.sql(
        "select count(*) as n from refunds r join payments p on p.id = r.payment_id "
        "where p.provider = 'balance' and r.status = 'open'"
    )
    assert row["n"] == 0


def test_a_paid_top_up_offers_the_product_it_was_made_for(money: Money) -> None:
    anna = money.user()
    give(money, anna, "10")
    order = money.order(anna, "balance_500", p_next_product_key="premium_month")

    (message,) = money.record(paid(unique_id(), order, "500.00"))["outgoing"]

    parameters = message["parameters"]
    assert parameters["key"] == "paid_balance_continues"
    assert parameters["values"]["quantity"] == {"amount": 500, "currency": "RUB"}
    assert parameters["values"]["wanted"]["en"] == "Premium for a month"
    assert parameters["values"]["price"] == {"amount": 499.0, "currency": "RUB"}
    assert parameters["buttons"] == [[{"key": "balance_buy", "data": f"bal!:premium_month:499:t{order}"}]]


@pytest.mark.parametrize("product", ["balance_500", "no_such_product", None, "premium_year"])
def test_no_buy_button_for_a_product_that_the_balance_cannot_pay(money: Money, product: str | None) -> None:
    anna = money.user()
    order = money.order(anna, "balance_500", p_next_product_key=product)
    (message,) = money.record(paid(unique_id(), order, "500.00"))["outgoing"]
    parameters = message["parameters"]
    if product == "premium_year":  # 4,990: the button shows what is missing
        assert parameters["buttons"] == [[{"key": "balance_buy", "data": "bal:premium_year"}]]
    else:
        assert (parameters["key"], parameters.get("buttons")) == ("paid_balance", None)


def test_a_product_key_too_long_for_a_buy_button_opens_the_page(money: Money) -> None:
    key = "k" * 32
    money.sql(
        "insert into products (key, is_active, kind, quantity, texts) "
        """values (%s, true, 'credits', 5, '{"en": {"title": "Five"}}')""", key,
    )  # fmt: skip
    money.sql("insert into product_prices values (%s, 'RUB', 12345678.99)", key)
    anna = money.user()
    give(money, anna, "20000000")
    order = money.order(anna, "balance_500", p_next_product_key=key)
    (message,) = money.record(paid(unique_id(), order, "500.00"))["outgoing"]
    ((button,),) = message["parameters"]["buttons"]
    assert len(button["data"]) <= 64


def test_a_purchase_that_is_no_top_up_offers_no_product(money: Money) -> None:
    anna = money.user()
    order = money.order(anna, "credits_100", p_next_product_key="premium_month")
    (message,) = money.record(paid(unique_id(), order))["outgoing"]
    assert (message["parameters"]["key"], message["parameters"].get("buttons")) == ("paid_credits", None)


def test_a_refunded_top_up_is_reversed_up_to_the_remaining_balance(money: Money) -> None:
    anna, pay = money.user(), unique_id()
    money.record(paid(pay, money.order(anna, "balance_500"), "500.00"))
    buy(money, anna)
    money.record(refunded(pay, "500.00"))
    assert money.user_row(anna)["balance"] == 0
    assert money.user_row(anna)["bonus_credits"] == 100


def test_check_payments_finds_a_purchase_missing_in_the_ledger(money: Money) -> None:
    anna = money.user()
    give(money, anna, "149")
    order = buy(money, anna)["id"]
    number_ = f"orders:{order}"
    money.sql("update payments set provider_payment_id = 'orders:0' where provider_payment_id = %s", number_)
    try:
        (wrong,) = money.inconsistencies()
        assert wrong["wrong"] == "the ledger differs from what was paid from balance"
    finally:
        money.sql(
            "update payments set provider_payment_id = %s where provider_payment_id = 'orders:0'", number_
        )
