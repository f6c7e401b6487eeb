"""Property: any events, in any order and repeated, leave payments, effects and ledger consistent."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.supabase.payments.buyers import order_row
from tests.supabase.payments.conftest import Money, paid, unique_id
from tests.supabase.payments.promocodes import new_code, redeem, usages_of
from tests.support import in_parallel

pytestmark = pytest.mark.slow

PRODUCTS = {"credits_100": "149.00", "balance_500": "500.00", "premium_month": "499.00"}
KINDS = (
    "paid",
    "failed",
    "canceled",
    "refunded",
    "refund_failed",
    "disputed",
    "dispute_won",
    "dispute_lost",
    "pending",
)
SLOW = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    database=None,
)

facts = st.lists(
    st.tuples(
        st.integers(0, 1),  # which user
        st.integers(0, 3),  # which payment
        st.sampled_from(KINDS),
        st.integers(1, 2),  # which refund or dispute
        st.sampled_from(["0.25", "0.5", "1"]),  # its share
        st.integers(1, 2),  # how often it is delivered
    ),
    min_size=1,
    max_size=16,
)


def event(kind: str, payment: str, order: int, operation: int, amount: float, share: str) -> dict[str, Any]:
    result = {"kind": kind, "payment_id": payment, "order_id": order}
    if kind == "paid":
        return result | {"amount": f"{amount:.2f}", "currency": "RUB"}
    if kind in ("failed", "canceled", "pending"):
        return result
    return result | {"operation_id": f"{kind[:3]}{operation}", "amount": f"{amount * float(share):.2f}"}


@SLOW
@given(facts, st.randoms(use_true_random=False))
def test_any_events_in_any_order_leave_consistent_state(
    money: Money, result: list[Any], dice: random.Random
) -> None:
    users = [money.user(), money.user()]
    orders = [[money.order(user, product) for product in (*PRODUCTS, "credits_100")] for user in users]
    prices = [float(price) for price in (*PRODUCTS.values(), "149.00")]
    charges = [[unique_id() for _ in range(4)] for _ in users]
    events = [
        (f"{charges[who][which]}-{index}", event(
            kind, charges[who][which], orders[who][which], operation, prices[which], share,
        ))
        for index, (who, which, kind, operation, share, _times) in enumerate(result)
        for _ in range(_times)
    ]  # fmt: skip
    dice.shuffle(events)

    answers = in_parallel(4, lambda n: [money.record(fact, key=key) for key, fact in events[n::4]])

    assert {answer["outcome"] for part in answers for answer in part} <= {"applied", "known"}
    assert money.inconsistencies() == []
    for user in users:
        _agrees(money, user)


@SLOW
@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                ["order", "paid", "paid", "failed", "canceled", "refunded", "expired", "other amount"]
            ),
            st.integers(0, 5),
        ),
        min_size=2,
        max_size=14,
    ),
    st.sampled_from([10, 50, 99]),
)
def test_one_discount_applies_to_one_purchase(
    money: Money, story: list[tuple[str, int]], percent: int
) -> None:
    """Orders, payments, disputes and refunds in any order: at most one purchase has the discount."""
    anna, code = money.user(), new_code(money.sql, "percent", percent)
    redeem(money, anna, code)
    orders = [money.order(anna)]
    for what, which in story:
        order = orders[which % len(orders)]
        row = order_row(money, order)
        notice_ = {"payment_id": f"{code}-{order}", "order_id": order}
        if what == "order":
            orders.append(money.order(anna))
        elif what == "expired":
            money.sql("update orders set expires_at = private.clock() where id = %s", order)
        elif what in ("failed", "canceled"):
            money.record(notice_ | {"kind": what})
        elif what == "refunded":
            money.record(notice_ | {"kind": what, "operation_id": "r", "amount": str(row["amount"])})
        else:
            amount = str(row["amount"]) if what == "paid" else "1.23"
            number_ = notice_["payment_id"] if what == "paid" else unique_id()
            money.record(paid(number_, order, amount))
        reduced = money.sql(
            "select p.id from payments p join orders o on o.id = p.order_id "
            "join payment_effects e on e.payment_id = p.id "
            "where o.user_id = %s and o.promocode_id is not null",
            anna,
        )
        (usage,) = usages_of(money.sql, code)
        assert len(reduced) == (usage["consumed_at"] is not None) <= 1
        open_ = [one for one in orders if order_row(money, one)["status"] == "pending"]
        assert sum(order_row(money, one)["promocode_id"] is not None for one in open_) <= 1
    assert money.inconsistencies() == []
    _agrees(money, anna)


def _agrees(money: Money, user_id: int) -> None:
    """Check that no user is below zero and each has exactly what was granted and not reversed."""
    user = money.user_row(user_id)
    assert user["bonus_credits"] >= 0
    assert user["balance"] >= 0
    (given,) = money.sql(
        "select coalesce(sum(e.given - e.reversed) filter (where e.effect = 'credits'), 0) as credits, "
        "coalesce(sum(e.given - e.reversed) filter (where e.effect = 'balance'), 0) as balance, "
        "coalesce(sum(e.given - e.reversed) filter (where e.effect = 'subscription'), 0) as seconds "
        "from payment_effects e where e.user_id = %s",
        user_id,
    )
    assert user["bonus_credits"] == given["credits"]
    assert user["balance"] == given["balance"]
    assert (user["vip_level"] > 0) == (given["seconds"] > 60), given


def test_shuffled_events_give_the_same_state(money: Money) -> None:
    tell: Callable[[list[dict[str, Any]]], list[Any]] = lambda facts: [money.record(fact) for fact in facts]  # noqa: E731
    dice = random.Random(11)
    seen = set()
    for _ in range(12):
        anna, pay = money.user(), unique_id()
        order = money.order(anna)
        facts = [
            event("paid", pay, order, 1, 149, "1"),
            event("refunded", pay, order, 1, 149, "0.5"),
            event("refund_failed", pay, order, 1, 149, "0.5") | {"operation_id": "ref1"},
            event("refunded", pay, order, 2, 149, "0.25"),
            event("disputed", pay, order, 1, 149, "0.25"),
            event("dispute_won", pay, order, 1, 149, "0.25") | {"operation_id": "dis1"},
            event("failed", pay, order, 1, 149, "1"),
        ]
        dice.shuffle(facts)
        tell(facts)
        payment = money.payment(pay)
        seen.add(
            (
                payment["status"],
                float(payment["refunded"]),
                float(payment["disputed"]),
                money.user_row(anna)["bonus_credits"],
            )
        )
    assert seen == {("completed", 37.25, 0.0, 75)}
