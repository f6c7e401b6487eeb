"""What the message that invites to pay is owed, in SQL: once for each state, in any order of events."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.payments.sql.conftest import Money, message_keys, paid, refunded, unique_id
from tests.payments.sql.promocodes import new_code, redeem
from tests.support import in_parallel

Sql = Callable[..., list[dict[str, Any]]]
_messages = itertools.count(500_000)


def invited(money: Money, user_id: int | None = None, **rest: Any) -> tuple[int, int]:
    """An order whose message is known: its number and the message's."""
    order, message = money.order(user_id or money.user(), **rest), next(_messages)
    money.call(
        "save_checkout", p_order_id=order, p_url="https://pay.example", p_reference="r", p_message_id=message
    )
    return order, message


def edits(money: Money, order: int) -> list[str]:
    """The texts of the edits that were owed for an order's message."""
    rows = money.sql(
        "select parameters ->> 'key' as key from telegram_outbox "
        "where (parameters ->> 'message_id')::bigint = any("
        "select unnest(message_ids) from orders where id = %s) order by id",
        order,
    )
    return [one["key"] for one in rows]


def test_it_is_changed_after_the_message_to_the_buyer_and_once(money: Money) -> None:
    order, message = invited(money)
    pay = unique_id()
    outgoing = money.record(paid(pay, order))["outgoing"]
    assert message_keys(outgoing) == ["paid_credits", "invitation_paid"]
    assert outgoing[1]["parameters"]["message_id"] == message
    assert "buttons" not in outgoing[1]["parameters"]
    money.record(paid(pay, order), key="again")
    assert message_keys(money.record(paid(unique_id(), order), key="second")["outgoing"]) == [
        "payment_held_second_charge"
    ]
    assert edits(money, order) == ["invitation_paid"]


def test_a_refund_in_part_leaves_it_paid_and_the_rest_changes_it(money: Money) -> None:
    order, _ = invited(money)
    pay = unique_id()
    money.record(paid(pay, order))
    money.record(refunded(pay, "100.00"))
    assert edits(money, order) == ["invitation_paid"]
    money.record(refunded(pay, "49.00", "r2"))
    assert edits(money, order) == ["invitation_paid", "invitation_refunded"]


@pytest.mark.parametrize(("payment", "state"), [
    ({"amount": "1.00"}, "invitation_held"), ({"currency": "USD"}, "invitation_held"),
    ({"telegram_id": 1}, None), ({"kind": "failed", "amount": None}, None),
    ({"kind": "canceled", "amount": None}, "invitation_expired"),
])  # fmt: skip
def test_what_gives_nothing_is_told_by_what_the_order_is(
    money: Money, payment: dict[str, Any], state: str | None
) -> None:
    order, _ = invited(money)
    money.record(paid(unique_id(), order) | payment)
    assert edits(money, order) == ([state] if state else [])


def test_held_money_that_went_back_is_refunded(money: Money) -> None:
    order, _ = invited(money)
    pay = unique_id()
    money.record(paid(pay, order, "1.00"))
    result = money.record(refunded(pay, "1.00"))["outgoing"]
    assert edits(money, order) == ["invitation_held", "invitation_refunded"]
    price = next(one["parameters"]["values"]["price"] for one in result if "message_id" in one["parameters"])
    assert price == {"amount": 1, "currency": "RUB"}, "what went back, not what the order costs"


def test_a_dispute_is_no_refund_and_ends_with_the_purchase(money: Money) -> None:
    order, _ = invited(money)
    pay = unique_id()
    money.record(paid(pay, order))
    dispute = {"payment_id": pay, "operation_id": "d1", "amount": "149.00"}
    (edit,) = [
        one["parameters"]
        for one in money.record(dispute | {"kind": "disputed"})["outgoing"]
        if "message_id" in one["parameters"]
    ]
    assert (edit["key"], edit.get("buttons")) == ("invitation_disputed", None)
    money.record(dispute | {"kind": "dispute_won"})
    assert edits(money, order) == ["invitation_paid", "invitation_disputed", "invitation_paid"]


def test_what_is_paid_before_its_message_is_known_is_changed_then(money: Money) -> None:
    order = money.order(money.user())
    assert message_keys(money.record(paid(unique_id(), order))["outgoing"]) == ["paid_credits"]
    money.call("save_invitation", p_order_id=order, p_message_id=next(_messages))
    assert edits(money, order) == ["invitation_paid"]


def test_a_payment_and_its_message_at_once_end_with_one_edit(money: Money) -> None:
    for _ in range(6):
        order, message, pay = money.order(money.user()), next(_messages), unique_id()
        in_parallel(2, partial(_do, money, order, message, pay))
        assert edits(money, order) == ["invitation_paid"]


def _do(money: Money, order: int, message: int, pay: str, which: int) -> None:
    if which:
        money.record(paid(pay, order))
    else:
        money.call("save_invitation", p_order_id=order, p_message_id=message)


def test_an_order_whose_discount_went_to_another_says_so(money: Money, sql: Sql) -> None:
    user_id, code = money.user(), new_code(sql, "percent", 20)
    redeem(money, user_id, code)
    order, _ = invited(money, user_id)
    second, _ = invited(money, user_id)
    assert edits(money, order) == ["invitation_withdrawn"]
    assert edits(money, second) == []


def test_what_expired_is_changed_once_whatever_it_became(money: Money, clock: Callable[[str], None]) -> None:
    order, left = invited(money)[0], invited(money)[0]
    user = money.sql("select user_id from orders where id = %s", left)[0]["user_id"]
    message = money.sql("select message_ids[1] as id from orders where id = %s", left)[0]["id"]
    found = money.call("leave_checkout", p_user_id=user, p_order_id=left, p_message_id=message)
    assert found["outcome"] == "left"
    clock("clock_timestamp() + interval '25 hours'")
    ids = {one["parameters"].get("message_id") for one in money.call("close_invitations")}
    assert money.sql("select message_ids from orders where id = %s", order)[0]["message_ids"][0] in ids
    money.call("close_invitations")
    assert edits(money, order) == ["invitation_expired"]
    assert money.sql("select message_ids from orders where id = %s", left) == [{"message_ids": []}]


def test_a_tap_in_a_message_that_invites_already_gets_the_same_order(money: Money) -> None:
    user_id = money.user()
    order, message = invited(money, user_id)

    def tap(**changed: Any) -> dict[str, Any]:
        values = {"p_user_id": user_id, "p_product_key": "credits_100", "p_provider": "yookassa",
                  "p_currency": "RUB", "p_bot": "assistant", "p_message_id": message}  # fmt: skip
        made: dict[str, Any] = money.call("create_order", **(values | changed))
        return made

    assert (tap()["outcome"], tap()["id"]) == ("reused", order)
    assert tap(p_message_id=next(_messages))["outcome"] == "created", "another message is another purchase"
    assert tap(p_user_id=money.user())["outcome"] == "created", "the same number in another chat"
    assert tap(p_bot="second")["outcome"] == "created"
    money.record(paid(unique_id(), order))
    closed = tap(p_provider="stripe")
    assert (closed["outcome"], closed["state"], closed["amount"]) == ("closed", "paid", "149.00")
    assert money.call("leave_checkout", p_user_id=user_id, p_order_id=order)["state"] == "paid"
    assert money.call("leave_checkout", p_user_id=money.user(), p_order_id=order)["outcome"] == "unknown"


def test_a_reminder_is_changed_with_the_checkout(money: Money) -> None:
    order, message = invited(money)
    reminder = next(_messages)
    for _ in range(2):  # sent twice, where Telegram's answer was lost
        money.call("save_invitation", p_order_id=order, p_message_id=reminder)
    outgoing = money.record(paid(unique_id(), order))["outgoing"]
    assert [one["parameters"].get("message_id") for one in outgoing] == [None, message, reminder]


def test_an_erased_buyer_has_no_message(money: Money) -> None:
    order, _ = invited(money)
    money.sql("update orders set user_id = null, message_ids = null where id = %s", order)
    money.call("save_invitation", p_order_id=order, p_message_id=next(_messages))
    assert money.sql("select message_ids from orders where id = %s", order) == [{"message_ids": None}]
