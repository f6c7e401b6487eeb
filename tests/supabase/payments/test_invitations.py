"""Messages that invite to pay are edited once for each state of the order, in any order of events."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.supabase.payments.conftest import Money, message_keys, paid, refunded, unique_id
from tests.supabase.payments.promocodes import new_code, redeem
from tests.support import in_parallel

Sql = Callable[..., list[dict[str, Any]]]
_messages = itertools.count(500_000)


def invited(money: Money, user_id: int | None = None, **rest: Any) -> tuple[int, int]:
    """Create an order with an invitation message; return both ids."""
    order, message = money.order(user_id or money.user(), **rest), next(_messages)
    money.call(
        "save_checkout", p_order_id=order, p_url="https://pay.example", p_reference="r", p_message_id=message
    )
    return order, message


def edits(money: Money, order: int) -> list[str]:
    """Return the text keys of the edits enqueued for an order's messages."""
    rows = money.sql(
        "select parameters ->> 'key' as key from telegram_outbox "
        "where (parameters ->> 'message_id')::bigint = any("
        "select unnest(message_ids) from orders where id = %s) order by id",
        order,
    )
    return [one["key"] for one in rows]


def test_invitation_is_edited_once_after_the_buyers_message(money: Money) -> None:
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


def test_only_a_full_refund_edits_a_paid_invitation(money: Money) -> None:
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
def test_unfulfilled_payment_shows_the_state_of_the_order(
    money: Money, payment: dict[str, Any], state: str | None
) -> None:
    order, _ = invited(money)
    money.record(paid(unique_id(), order) | payment)
    assert edits(money, order) == ([state] if state else [])


def test_refunded_held_payment_shows_refunded(money: Money) -> None:
    order, _ = invited(money)
    pay = unique_id()
    money.record(paid(pay, order, "1.00"))
    result = money.record(refunded(pay, "1.00"))["outgoing"]
    assert edits(money, order) == ["invitation_held", "invitation_refunded"]
    price = next(one["parameters"]["values"]["price"] for one in result if "message_id" in one["parameters"])
    assert price == {"amount": 1, "currency": "RUB"}, "the refunded amount, not the price"


def test_dispute_shows_disputed_until_it_is_won(money: Money) -> None:
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


def test_message_saved_after_the_payment_is_edited(money: Money) -> None:
    order = money.order(money.user())
    assert message_keys(money.record(paid(unique_id(), order))["outgoing"]) == ["paid_credits"]
    money.call("save_invitation", p_order_id=order, p_message_id=next(_messages))
    assert edits(money, order) == ["invitation_paid"]


def test_concurrent_payment_and_message_cause_one_edit(money: Money) -> None:
    for _ in range(6):
        order, message, pay = money.order(money.user()), next(_messages), unique_id()
        in_parallel(2, partial(_record_or_save, money, order, message, pay))
        assert edits(money, order) == ["invitation_paid"]


def _record_or_save(money: Money, order: int, message: int, pay: str, which: int) -> None:
    if which:
        money.record(paid(pay, order))
    else:
        money.call("save_invitation", p_order_id=order, p_message_id=message)


def test_withdrawn_order_shows_withdrawn(money: Money, sql: Sql) -> None:
    user_id, code = money.user(), new_code(sql, "percent", 20)
    redeem(money, user_id, code)
    order, _ = invited(money, user_id)
    second, _ = invited(money, user_id)
    assert edits(money, order) == ["invitation_withdrawn"]
    assert edits(money, second) == []


def test_expired_invitation_is_edited_once_unless_its_message_was_left(
    money: Money, clock: Callable[[str], None]
) -> None:
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


def test_tap_on_an_invitation_returns_its_order(money: Money) -> None:
    user_id = money.user()
    order, message = invited(money, user_id)

    def tap(**changed: Any) -> dict[str, Any]:
        values = {"p_user_id": user_id, "p_product_key": "credits_100", "p_provider": "yookassa",
                  "p_currency": "RUB", "p_bot": "assistant", "p_message_id": message}  # fmt: skip
        made: dict[str, Any] = money.call("create_order", **(values | changed))
        return made

    assert (tap()["outcome"], tap()["id"]) == ("reused", order)
    assert tap(p_message_id=next(_messages))["outcome"] == "created", (
        "another message starts another purchase"
    )
    assert tap(p_user_id=money.user())["outcome"] == "created", "the same message id in another chat"
    assert tap(p_bot="second")["outcome"] == "created"
    money.record(paid(unique_id(), order))
    closed = tap(p_provider="stripe")
    assert (closed["outcome"], closed["state"], closed["amount"]) == ("closed", "paid", "149.00")
    assert money.call("leave_checkout", p_user_id=user_id, p_order_id=order)["state"] == "paid"
    assert money.call("leave_checkout", p_user_id=money.user(), p_order_id=order)["outcome"] == "unknown"


def test_reminder_is_edited_like_the_checkout(money: Money) -> None:
    order, message = invited(money)
    reminder = next(_messages)
    for _ in range(2):  # sent twice: Telegram's first response was lost
        money.call("save_invitation", p_order_id=order, p_message_id=reminder)
    outgoing = money.record(paid(unique_id(), order))["outgoing"]
    assert [one["parameters"].get("message_id") for one in outgoing] == [None, message, reminder]


def test_order_of_an_erased_buyer_gets_no_message(money: Money) -> None:
    order, _ = invited(money)
    money.sql("update orders set user_id = null, message_ids = null where id = %s", order)
    money.call("save_invitation", p_order_id=order, p_message_id=next(_messages))
    assert money.sql("select message_ids from orders where id = %s", order) == [{"message_ids": None}]
