"""Whatever is told, in whatever order, however often: payments, goods and ledger agree."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.money.conftest import Money, number
from tests.support import in_parallel

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
CALM = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    database=None,
)

facts = st.lists(
    st.tuples(
        st.integers(0, 1),  # which person
        st.integers(0, 3),  # which payment
        st.sampled_from(KINDS),
        st.integers(1, 2),  # which refund or dispute
        st.sampled_from(["0.25", "0.5", "1"]),  # its share
        st.integers(1, 2),  # how often it is told
    ),
    min_size=1,
    max_size=16,
)


def notice(kind: str, payment: str, order: int, operation: int, amount: float, share: str) -> dict[str, Any]:
    told = {"kind": kind, "payment_id": payment, "order_id": order}
    if kind == "paid":
        return told | {"amount": f"{amount:.2f}", "currency": "RUB"}
    if kind in ("failed", "canceled", "pending"):
        return told
    return told | {"operation_id": f"{kind[:3]}{operation}", "amount": f"{amount * float(share):.2f}"}


@CALM
@given(facts, st.randoms(use_true_random=False))
def test_any_facts_in_any_order_agree(money: Money, told: list[Any], dice: random.Random) -> None:
    people = [money.person(), money.person()]
    orders = [[money.order(person, product) for product in (*PRODUCTS, "credits_100")] for person in people]
    prices = [float(price) for price in (*PRODUCTS.values(), "149.00")]
    charges = [[number() for _ in range(4)] for _ in people]
    events = [
        (f"{charges[who][which]}-{index}", notice(
            kind, charges[who][which], orders[who][which], operation, prices[which], share,
        ))
        for index, (who, which, kind, operation, share, _times) in enumerate(told)
        for _ in range(_times)
    ]  # fmt: skip
    dice.shuffle(events)

    answers = in_parallel(4, lambda n: [money.tell(fact, key=key) for key, fact in events[n::4]])

    assert {answer["outcome"] for part in answers for answer in part} <= {"applied", "known"}
    assert money.wrong() == []
    for person in people:
        _agrees(money, person)


def _agrees(money: Money, person: int) -> None:
    """Nobody is below zero, and everybody has what was given and not taken back."""
    user = money.user(person)
    assert user["bonus_credits"] >= 0
    assert user["balance"] >= 0
    (given,) = money.sql(
        "select coalesce(sum(e.given - e.taken) filter (where e.effect = 'credits'), 0) as credits, "
        "coalesce(sum(e.given - e.taken) filter (where e.effect = 'balance'), 0) as balance, "
        "coalesce(sum(e.given - e.taken) filter (where e.effect = 'subscription'), 0) as seconds "
        "from payment_effects e where e.user_id = %s",
        person,
    )
    assert user["bonus_credits"] == given["credits"]
    assert user["balance"] == given["balance"]
    assert (user["vip_level"] > 0) == (given["seconds"] > 60), given


def test_the_same_facts_shuffled_give_the_same_state(money: Money) -> None:
    tell: Callable[[list[dict[str, Any]]], list[Any]] = lambda facts: [money.tell(fact) for fact in facts]  # noqa: E731
    dice = random.Random(11)
    seen = set()
    for _ in range(12):
        anna, pay = money.person(), number()
        order = money.order(anna)
        facts = [
            notice("paid", pay, order, 1, 149, "1"),
            notice("refunded", pay, order, 1, 149, "0.5"),
            notice("refund_failed", pay, order, 1, 149, "0.5") | {"operation_id": "ref1"},
            notice("refunded", pay, order, 2, 149, "0.25"),
            notice("disputed", pay, order, 1, 149, "0.25"),
            notice("dispute_won", pay, order, 1, 149, "0.25") | {"operation_id": "dis1"},
            notice("failed", pay, order, 1, 149, "1"),
        ]
        dice.shuffle(facts)
        tell(facts)
        payment = money.payment(pay)
        seen.add(
            (
                payment["status"],
                float(payment["refunded"]),
                float(payment["disputed"]),
                money.user(anna)["bonus_credits"],
            )
        )
    assert seen == {("completed", 37.25, 0.0, 75)}
