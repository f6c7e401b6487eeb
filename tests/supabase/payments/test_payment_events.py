"""Webhook events: repeated and reordered ones lead to the same payments and the same fulfilment."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime
from typing import Any

import psycopg
import pytest

from tests.supabase.payments.conftest import Money, message_keys, paid, refunded, unique_id
from tests.support import in_parallel

Sql = Callable[..., list[dict[str, Any]]]


def test_a_payment_is_fulfilled_and_the_buyer_notified(money: Money) -> None:
    anna, pay = money.user(), unique_id()
    order = money.order(anna)

    result = money.record(paid(pay, order))

    assert (result["outcome"], message_keys(result["outgoing"])) == ("applied", ["paid_credits"])
    message = result["outgoing"][0]
    assert message["bot"] == "assistant"
    assert message["parameters"]["values"]["quantity"] == 100
    assert money.user_row(anna)["bonus_credits"] == 100
    assert money.payment(pay)["status"] == "completed"
    assert money.sql("select status from orders where id = %s", order) == [{"status": "completed"}]
    assert money.sql("select id from telegram_outbox where id = %s", message["id"]), (
        "in the outbox until it is delivered"
    )


def test_a_repeated_event_and_a_repeated_operation_count_once(money: Money) -> None:
    anna, pay = money.user(), unique_id()
    order = money.order(anna)
    assert money.record(paid(pay, order), key=f"e-{pay}")["outcome"] == "applied"

    assert money.record(paid(pay, order), key=f"e-{pay}") == {"outcome": "known"}
    other = money.record(paid(pay, order), key=f"other-{pay}")

    assert other == {"outcome": "applied", "outgoing": []}
    assert money.user_row(anna)["bonus_credits"] == 100


def test_fifty_concurrent_deliveries_are_fulfilled_once(money: Money) -> None:
    anna, pay = money.user(), unique_id()
    order = money.order(anna)

    result = in_parallel(50, lambda n: money.record(paid(pay, order), key=f"e-{pay}-{n % 5}"))

    assert sum(len(answer.get("outgoing", [])) for answer in result) == 1
    assert {answer["outcome"] for answer in result} == {"applied", "known"}
    assert money.user_row(anna)["bonus_credits"] == 100


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"amount": "1.00"}, "amount"),
        ({"amount": "149.001"}, "amount"),
        ({"amount": "1490.00"}, "amount"),
        ({"currency": "USD"}, "currency"),
        ({"telegram_id": 1}, "owner"),
        ({"is_test": True}, "test"),
        ({"order_id": 2**60}, "no_order"),
        ({"order_id": None}, "no_order"),
    ],
)
def test_a_payment_that_does_not_match_its_order_is_held_with_an_alarm(
    money: Money, boss: int, change: dict[str, Any], problem: str
) -> None:
    anna, pay = money.user(), unique_id()
    order = money.order(anna)

    result = money.record(paid(pay, order) | change)

    assert money.payment(pay)["problem"] == problem
    alarm, *held = result["outgoing"]
    assert message_keys([alarm]) == [f"payment_alarm_{problem}"]
    assert alarm["parameters"]["chat_id"] == boss
    is_known = problem in ("amount", "currency", "test")
    assert message_keys(held) == [f"payment_held_{problem}"] * is_known
    for message in held:
        assert message["parameters"]["chat_id"] == money.user_row(anna)["telegram_id"]
        values = message["parameters"]["values"]
        asked = paid(pay, order) | change
        assert values["money"] == {"amount": float(asked["amount"]), "currency": asked["currency"]}
        assert values["price"] == {"amount": 149, "currency": "RUB"}
    assert money.user_row(anna)["bonus_credits"] == 0
    assert money.record(paid(pay, order) | change)["outgoing"] == [], "one alarm"


def statuses(money: Money, user_id: int) -> list[str]:
    return [line["status"] for line in money.call("payment_history", p_user_id=user_id)]


@pytest.mark.parametrize("change", [{"amount": "1.00"}, {"currency": "USD"}, {"amount": "0"}])
def test_a_held_payment_is_under_review_until_it_is_refunded(
    money: Money, boss: int, change: dict[str, Any]
) -> None:
    anna, pay = money.user(), unique_id()
    order = money.order(anna)
    assert statuses(money, anna) == ["pending"]
    held = paid(pay, order) | change
    assert message_keys(money.record(held)["outgoing"])[1:] == [f"payment_held_{next(iter(change))}"]
    assert statuses(money, anna) == ["review"], "one line: the order is not listed besides"
    if held["amount"] == "0":
        return
    result = money.record(refunded(pay, held["amount"]))
    assert message_keys(result["outgoing"]) == ["refunded_unused"]
    assert statuses(money, anna) == ["refunded"]


def test_the_payer_of_another_users_order_is_notified_and_sees_the_payment(money: Money, boss: int) -> None:
    anna, ben, pay = money.user(), money.user("Ben"), unique_id()
    payer = money.user_row(ben)["telegram_id"]
    result = money.record(paid(pay, money.order(anna), telegram_id=payer))
    assert message_keys(result["outgoing"]) == ["payment_alarm_owner", "payment_held_owner"]
    assert result["outgoing"][1]["parameters"]["chat_id"] == payer
    assert (statuses(money, anna), statuses(money, ben)) == (["pending"], ["review"])
    result = money.record(refunded(pay, "149.00"))
    assert message_keys(result["outgoing"]) == ["refunded_unused"]
    assert result["outgoing"][0]["parameters"]["chat_id"] == payer
    assert (statuses(money, anna), statuses(money, ben)) == (["pending"], ["refunded"])


def test_a_payer_without_an_order_is_notified_and_sees_the_payment(
    money: Money, buyer: Callable[[], Any], boss: int
) -> None:
    anna, pay = buyer(), unique_id()
    (user,) = money.sql("select id from users where telegram_id = %s", anna.id)
    result = money.record(paid(pay, None, telegram_id=anna.id))
    assert message_keys(result["outgoing"]) == ["payment_alarm_no_order", "payment_held_no_order"]
    (line,) = money.call("payment_history", p_user_id=user["id"])
    assert (line["status"], line["texts"], line["amount"]) == ("review", None, "149.00")
    assert message_keys(money.record(refunded(pay, "149.00"))["outgoing"]) == ["refunded_unknown"]


def test_unpaid_orders_are_listed_as_expired(money: Money, sql: Sql) -> None:
    anna = money.user()
    order = money.order(anna)
    assert statuses(money, anna) == ["pending"]
    sql("update orders set expires_at = private.clock() where id = %s", order)
    assert statuses(money, anna) == ["expired"]
    money.record({"kind": "canceled", "order_id": order})
    assert statuses(money, anna) == ["canceled"]
    money.record(paid(unique_id(), order))
    assert statuses(money, anna) == ["completed"]


@pytest.mark.parametrize("has_number", [True, False])
def test_a_pending_payment_notifies_the_buyer_once(money: Money, has_number: bool) -> None:
    anna, pay = money.user(), unique_id()
    order = money.order(anna)
    word = {"kind": "pending", "order_id": order} | ({"payment_id": pay} if has_number else {})
    assert message_keys(money.record(word)["outgoing"]) == ["payment_pending"]
    assert money.record(word)["outgoing"] == []
    assert message_keys(money.record(paid(pay, order))["outgoing"]) == ["paid_credits"]
    assert money.record(word)["outgoing"] == []


@pytest.mark.parametrize("kind", ["failed", "canceled"])
def test_a_pending_event_after_the_failure_sends_no_message(money: Money, kind: str) -> None:
    anna, pay = money.user(), unique_id()
    order = money.order(anna)
    money.record({"kind": kind, "order_id": order, "payment_id": pay})
    assert money.record({"kind": "pending", "order_id": order, "payment_id": pay})["outgoing"] == []


def test_test_payments_are_fulfilled_where_they_are_accepted(money: Money) -> None:
    anna, pay = money.user(), unique_id()
    money.record(paid(pay, money.order(anna), is_test=True), p_accept_test=True)
    assert money.user_row(anna)["bonus_credits"] == 100


def test_a_payment_does_not_match_another_providers_order(money: Money) -> None:
    anna, pay = money.user(), unique_id()
    order = money.order(anna, provider="stripe")
    money.record(paid(pay, order))
    assert money.payment(pay)["problem"] == "no_order"


def test_a_second_charge_of_one_order_is_held_with_an_alarm(money: Money, boss: int) -> None:
    anna, first, second = money.user(), unique_id(), unique_id()
    order = money.order(anna)
    money.record(paid(first, order))

    result = money.record(paid(second, order))

    assert message_keys(result["outgoing"]) == ["payment_alarm_second_charge", "payment_held_second_charge"]
    assert money.user_row(anna)["bonus_credits"] == 100
    money.record(refunded(second, "149.00"))
    assert (money.payment(second)["status"], money.user_row(anna)["bonus_credits"]) == ("refunded", 100)


def test_concurrent_charges_of_one_order_are_fulfilled_once(money: Money) -> None:
    anna = money.user()
    order = money.order(anna)
    charges = [unique_id() for _ in range(8)]
    in_parallel(8, lambda n: money.record(paid(charges[n], order)))
    assert money.user_row(anna)["bonus_credits"] == 100
    assert (
        sorted(str(money.payment(charge)["problem"]) for charge in charges)
        == ["None"] + ["second_charge"] * 7
    )


def test_the_order_of_arrival_does_not_change_the_result(money: Money) -> None:
    """Paid, failed, canceled and two partial refunds: 24 orders of arrival and one result."""
    facts: list[Callable[[str, int], dict[str, Any]]] = [
        paid,
        lambda pay, order: {"kind": "failed", "payment_id": pay, "order_id": order},
        lambda pay, order: {"kind": "canceled", "payment_id": pay, "order_id": order},
        lambda pay, order: refunded(pay, "74.50"),
    ]
    for arrival in itertools.permutations(facts):
        anna, pay = money.user(), unique_id()
        order = money.order(anna)
        for fact in arrival:
            money.record(fact(pay, order))
        payment = money.payment(pay)
        assert (payment["status"], float(payment["refunded"])) == ("completed", 74.5)
        assert money.user_row(anna)["bonus_credits"] == 50
        assert money.sql("select status from orders where id = %s", order)[0]["status"] == "completed"


def test_a_refund_that_arrives_before_its_payment_is_applied_with_it(money: Money) -> None:
    anna, pay = money.user(), unique_id()
    order = money.order(anna)
    assert money.record(refunded(pay, "149.00"))["outgoing"] == []
    assert money.payment(pay)["status"] == "pending"

    result = money.record(paid(pay, order))

    assert message_keys(result["outgoing"]) == ["refunded"]
    assert money.payment(pay)["status"] == "refunded"
    assert money.user_row(anna)["bonus_credits"] == 0


def test_a_late_payment_is_fulfilled(money: Money, sql: Sql) -> None:
    anna, pay = money.user(), unique_id()
    order = money.order(anna)
    sql("update orders set expires_at = private.clock() - interval '1 day' where id = %s", order)
    money.record({"kind": "canceled", "order_id": order})
    assert money.sql("select status from orders where id = %s", order)[0]["status"] == "canceled"
    money.record(paid(pay, order))
    assert money.user_row(anna)["bonus_credits"] == 100
    money.record({"kind": "failed", "payment_id": pay, "order_id": order})
    assert money.payment(pay)["status"] == "completed", "paid outweighs later events"


def test_a_refund_reverses_its_share_up_to_what_is_left(money: Money, sql: Sql) -> None:
    anna, pay = money.user(), unique_id()
    money.record(paid(pay, money.order(anna)))
    sql("update users set bonus_credits = 30 where id = %s", anna)

    result = money.record(refunded(pay, "74.50", "r1"))
    assert message_keys(result["outgoing"]) == ["refunded_part"]
    assert result["outgoing"][0]["parameters"]["values"]["money"] == {"amount": 74.5, "currency": "RUB"}
    assert money.user_row(anna)["bonus_credits"] == 0
    sql("update users set bonus_credits = 500 where id = %s", anna)
    assert money.record(refunded(pay, "74.50", "r1"))["outgoing"] == [], "a repeated refund reverses once"
    assert money.user_row(anna)["bonus_credits"] == 500
    money.record(refunded(pay, "74.50", "r2"))
    assert money.user_row(anna)["bonus_credits"] == 450
    assert money.payment(pay)["status"] == "refunded"


def test_a_failed_refund_restores_what_was_reversed(money: Money, sql: Sql) -> None:
    anna, pay = money.user(), unique_id()
    money.record(paid(pay, money.order(anna)))
    sql("update users set bonus_credits = 30 where id = %s", anna)
    money.record(refunded(pay, "149.00", "r1"))
    assert money.user_row(anna)["bonus_credits"] == 0

    result = money.record({"kind": "refund_failed", "payment_id": pay, "operation_id": "r1"})

    assert message_keys(result["outgoing"]) == ["refund_undone"]
    assert (money.user_row(anna)["bonus_credits"], money.payment(pay)["status"]) == (30, "completed")
    assert money.record(refunded(pay, "149.00", "r1"))["outgoing"] == [], "a failed refund stays failed"
    assert money.user_row(anna)["bonus_credits"] == 30


def test_refund_totals_are_not_added_up(money: Money) -> None:
    anna, pay = money.user(), unique_id()
    money.record(paid(pay, money.order(anna)))
    for total in ("29.80", "74.50", "29.80"):
        money.record(refunded(pay, total, is_total=True))
    assert (float(money.payment(pay)["refunded"]), money.user_row(anna)["bonus_credits"]) == (74.5, 50)


def test_a_dispute_reverses_the_fulfilment_until_it_is_won(money: Money, boss: int) -> None:
    anna, pay = money.user(), unique_id()
    money.record(paid(pay, money.order(anna)))
    dispute = {"payment_id": pay, "operation_id": "d1", "amount": "149.00"}

    result = money.record(dispute | {"kind": "disputed"})
    assert message_keys(result["outgoing"]) == ["disputed", "payment_alarm_dispute"]
    assert money.user_row(anna)["bonus_credits"] == 0
    (line,) = money.call("payment_history", p_user_id=anna)
    assert line["status"] == "disputed"
    assert message_keys(money.record(dispute | {"kind": "dispute_won"})["outgoing"]) == ["dispute_won"]
    (line,) = money.call("payment_history", p_user_id=anna)
    assert line["status"] == "completed"
    assert money.record(dispute | {"kind": "disputed"})["outgoing"] == [], "a decided dispute does not change"
    assert money.user_row(anna)["bonus_credits"] == 100


def lost(pay: str, amount: str, kind: str = "dispute_lost") -> dict[str, Any]:
    return {"kind": kind, "payment_id": pay, "operation_id": "d1", "amount": amount}


def test_a_lost_dispute_notifies_once_what_was_reversed(money: Money) -> None:
    anna, pay = money.user(), unique_id()
    money.record(paid(pay, money.order(anna)))
    money.sql("update users set bonus_credits = 40 where id = %s", anna)
    money.record(lost(pay, "149.00", "disputed"))
    (message,) = money.record(lost(pay, "149.00"))["outgoing"]
    assert message_keys([message]) == ["dispute_lost_credits"]
    assert message["parameters"]["values"]["quantity"] == 40, "the credits she had left"
    assert message["parameters"]["values"]["money"] == {"amount": 149, "currency": "RUB"}
    for kind in ("dispute_lost", "disputed", "dispute_won"):
        assert money.record(lost(pay, "149.00", kind))["outgoing"] == [], "a decided dispute does not change"


def test_a_dispute_lost_immediately_is_not_announced_as_open(money: Money, boss: int) -> None:
    anna, pay = money.user(), unique_id()
    money.record(paid(pay, money.order(anna)))
    result = money.record(lost(pay, "149.00"))
    assert sorted(message_keys(result["outgoing"])) == ["dispute_lost_credits", "payment_alarm_dispute"]
    assert money.user_row(anna)["bonus_credits"] == 0


def test_a_lost_dispute_without_money_or_fulfilment_sends_no_message(money: Money) -> None:
    anna, pay, held = money.user(), unique_id(), unique_id()
    money.record(paid(pay, money.order(anna)))
    assert money.record(lost(pay, "0.00"))["outgoing"] == []
    money.record(paid(held, money.order(anna), "1.00"))
    assert "dispute_lost" not in str(message_keys(money.record(lost(held, "1.00"))["outgoing"]))


def test_a_lost_dispute_about_a_plan_names_the_remaining_time(money: Money) -> None:
    anna, first, second = money.user(), unique_id(), unique_id()
    for pay in (first, second):
        money.record(paid(pay, money.order(anna, "premium_month"), "499.00"))
    for pay, key in ((second, "dispute_lost_time"), (first, "dispute_lost_plan")):
        money.record(lost(pay, "499.00", "disputed"))
        (message,) = money.record(lost(pay, "499.00"))["outgoing"]
        assert message_keys([message]) == [key]
        values = message["parameters"]["values"]
        assert values["plan"] == {"plan": "PREMIUM"}
        if key == "dispute_lost_time":
            assert datetime.fromisoformat(values["until"]["date"]) == money.ends_at(anna)


@pytest.mark.parametrize("comes_first", ["paid", "refunded"])
@pytest.mark.parametrize("amount", ["149", "149.00", "1.00", "100000"])
def test_a_refund_in_another_currency_reverses_nothing_and_alarms(
    money: Money, boss: int, comes_first: str, amount: str
) -> None:
    anna, pay = money.user(), unique_id()
    facts = [paid(pay, money.order(anna)), refunded(pay, amount, currency="JPY")]
    if comes_first == "refunded":
        facts.reverse()

    result = [message for fact in facts for message in money.record(fact)["outgoing"]]

    assert sorted(message_keys(result)) == ["paid_credits", "payment_alarm_refund_currency"]
    (alarm,) = [one for one in result if one["parameters"]["chat_id"] == boss]
    assert alarm["parameters"]["values"]["back"] == {"amount": float(amount), "currency": "JPY"}
    payment = money.payment(pay)
    assert (payment["status"], payment["refunded"], payment["currency"]) == ("completed", 0, "RUB")
    assert money.user_row(anna)["bonus_credits"] == 100
    for fact in facts:
        assert money.record(fact)["outgoing"] == [], "one alarm"
    money.record(refunded(pay, "74.50", "r2", currency="RUB"))
    assert (money.payment(pay)["refunded"], money.user_row(anna)["bonus_credits"]) == (74.5, 50)


def test_a_dispute_in_another_currency_reverses_nothing_and_alarms(money: Money, boss: int) -> None:
    anna, pay = money.user(), unique_id()
    money.record(paid(pay, money.order(anna)))
    dispute = {"payment_id": pay, "operation_id": "d1", "amount": "149.00", "currency": "USD"}
    result = money.record(dispute | {"kind": "disputed"})
    assert message_keys(result["outgoing"]) == ["payment_alarm_refund_currency"]
    assert money.record(dispute | {"kind": "dispute_lost"})["outgoing"] == []
    assert (money.payment(pay)["disputed"], money.user_row(anna)["bonus_credits"]) == (0, 100)


def test_a_refund_in_another_currency_does_not_close_the_requested_one(money: Money, boss: int) -> None:
    anna, pay = money.user(), unique_id()
    money.record(paid(pay, money.order(anna)))
    asked = money.call(
        "admin_refund_payment", p_payment_id=money.payment(pay)["id"], p_amount=149,
        p_admin_email="boss@example.com",
    )  # fmt: skip
    money.record(refunded(pay, "149.00", "r1", currency="USD"))
    state = money.sql("select status from refunds where id = %s", asked["refund"]["id"])
    assert state == [{"status": "open"}]
    money.record(refunded(pay, "149.00", "r2", currency="RUB"))
    state = money.sql("select status from refunds where id = %s", asked["refund"]["id"])
    assert state == [{"status": "done"}]
    assert money.user_row(anna)["bonus_credits"] == 0


def test_a_top_up_is_recorded_in_the_ledger(money: Money, sql: Sql) -> None:
    anna, pay = money.user(), unique_id()
    money.record(paid(pay, money.order(anna, "balance_500"), "500.00"))
    assert money.user_row(anna)["balance"] == 500
    money.record(refunded(pay, "100.00", "r1"))
    money.record(refunded(pay, "400.00", "r2"))
    rows = sql("select amount, reference from balance_transactions where user_id = %s order by id", anna)
    assert [(int(row["amount"]), row["reference"].partition(":balance")[2]) for row in rows] == [
        (500, ":0"), (-100, ":1"), (-400, ":2"),
    ]  # fmt: skip
    assert sum(row["amount"] for row in rows) == money.user_row(anna)["balance"] == 0


def test_a_failed_event_is_stored_and_applied_when_repeated(money: Money, sql: Sql) -> None:
    anna, pay = money.user(), unique_id()
    order = money.order(anna)
    broken = paid(pay, order)
    del broken["amount"]

    result = money.record(broken, key=f"e-{pay}")

    assert result["outcome"] == "failed"
    assert result["error"].startswith("M0001")
    stored = sql("select error, processed_at, attempts from payment_events where event_key = %s", f"e-{pay}")
    assert stored[0]["error"] == result["error"]
    assert stored[0]["processed_at"] is None
    assert not sql("select id from payments where provider_payment_id = %s", pay), "completely rolled back"
    assert money.record(paid(pay, order), key=f"e-{pay}")["outcome"] == "applied"
    assert money.user_row(anna)["bonus_credits"] == 100


def test_a_failed_attempt_notifies_once_and_the_order_stays_open(money: Money) -> None:
    anna = money.user()
    order = money.order(anna)
    trouble = {"kind": "failed", "order_id": order, "reason": "insufficient_funds"}
    assert message_keys(money.record(trouble)["outgoing"]) == ["payment_failed"]
    assert money.record(trouble)["outgoing"] == []
    assert money.sql("select status from orders where id = %s", order)[0]["status"] == "pending"
    pay = unique_id()
    money.record(paid(pay, order))
    assert money.record(trouble)["outgoing"] == []


def test_one_reference_creates_one_order_which_keeps_its_price(money: Money, sql: Sql) -> None:
    anna = money.user()
    values = {
        "p_user_id": anna, "p_product_key": "credits_100", "p_provider": "yookassa", "p_currency": "RUB",
        "p_bot": "assistant", "p_reference": f"assistant:{unique_id()}",
    }  # fmt: skip
    made = in_parallel(10, lambda _n: money.call("create_order", **values))
    assert sorted(order["outcome"] for order in made) == ["created"] + ["known"] * 9
    assert len({order["id"] for order in made}) == 1
    sql("update product_prices set amount = 999 where product_key = 'credits_100' and currency = 'RUB'")
    pay = unique_id()
    money.record(paid(pay, made[0]["id"]))
    assert money.user_row(anna)["bonus_credits"] == 100


def test_an_inactive_product_cannot_be_ordered(money: Money, sql: Sql) -> None:
    anna = money.user()
    values = {"p_user_id": anna, "p_provider": "stripe", "p_bot": "assistant"}
    for product, currency in (("nothing", "RUB"), ("credits_100", "EUR")):
        made = money.call("create_order", p_product_key=product, p_currency=currency, **values)
        assert made == {"outcome": "not_for_sale"}
    sql("update products set is_active = false where key = 'credits_1000'")
    assert "credits_1000" not in {product["key"] for product in money.call("products_for_sale")}
    made = money.call("create_order", p_product_key="credits_1000", p_currency="RUB", **values)
    assert made == {"outcome": "not_for_sale"}


def test_the_pre_payment_check_accepts_only_payable_orders(money: Money, sql: Sql) -> None:
    anna = money.user()
    telegram_id = money.user_row(anna)["telegram_id"]
    order = money.order(anna, currency="XTR", provider="telegram_stars")

    def check(**change: Any) -> str:
        asked = {
            "p_provider": "telegram_stars", "p_order_id": order, "p_telegram_id": telegram_id,
            "p_amount": 100, "p_currency": "XTR",
        }  # fmt: skip
        return str(money.call("check_order", **(asked | change)))

    assert check() == "ok"
    assert check(p_order_id=2**60) == "unknown"
    assert check(p_provider="stripe") == "unknown"
    assert check(p_telegram_id=1) == "owner"
    assert check(p_amount=99) == "amount"
    assert check(p_currency="RUB") == "amount"
    assert check(p_currency=None) == "amount"
    assert check(p_amount=None) == "amount"
    assert check(p_amount=None, p_currency=None) == "amount"
    assert check(p_currency="") == "amount"
    sql("update orders set expires_at = private.clock() - interval '1 second' where id = %s", order)
    assert check() == "expired"
    sql("update orders set expires_at = private.clock() + interval '1 hour' where id = %s", order)
    money.record(paid(unique_id(), order, "100", "XTR"), provider="telegram_stars")
    assert check() == "paid"


FUNCTIONS = {
    "record_payment_event": "'x', 'k', '', '', '[]'",
    "create_order": "1, 'x', 'x', 'RUB', 'x'",
    "save_checkout": "0, '', ''",
    "check_order": "'x', 1, 1, 1, 'RUB'",
    "products_for_sale": "",
    "payment_history": "1",
}


@pytest.mark.parametrize("role", ["bot_backend", "service_role", "anon", "authenticated"])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_only_the_backend_role_may_call(database_url: str, role: str, function: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"set role {role}")
        statement = f"select public.{function}({FUNCTIONS[function]})"
        if role != "bot_backend":
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
        else:
            try:
                connection.execute(statement)
            except psycopg.Error as error:
                assert error.sqlstate == "M0003", error


def test_the_history_lists_payments_and_orders(money: Money) -> None:
    anna, pay = money.user(), unique_id()
    money.order(anna, "credits_1000")
    money.record(paid(pay, money.order(anna)))
    money.record(refunded(pay, "10.00"))
    history = money.call("payment_history", p_user_id=anna)
    assert [(line["status"], line["amount"], line["refunded"]) for line in history] == [
        ("completed", "149.00", "10.00"),
        ("pending", "990.00", "0"),
    ]
