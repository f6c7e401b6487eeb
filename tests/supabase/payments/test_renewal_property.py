"""Property: with lost calls, declines, crashes and concurrent workers, a period is charged at most once."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.supabase.payments.conftest import Money, paid, unique_id
from tests.supabase.payments.renewing import Renewing
from tests.support import in_parallel

pytestmark = pytest.mark.slow

SLOW = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    database=None,
)
DAY = 24
REMEMBERED = 24  # hours that the provider remembers an idempotency key

rounds = st.tuples(
    st.sampled_from(["well", "unheard", "dies first", "three"]),
    st.sampled_from([0.2, 1, 13, 21, 25, 80, 31 * DAY]),
)
events = st.sampled_from(["nothing", "nothing", "empty", "full", "callbacks", "buy", "removed", "cancel"])
steps = st.lists(st.tuples(rounds, events), min_size=2, max_size=10)


class Bank:
    """The provider: remembers idempotency keys for a day, and the charges of each order."""

    def __init__(self, renewing: Renewing) -> None:
        self.renewing = renewing
        self.card = "full"
        self.hours = 0.0
        self.answers: dict[str, tuple[float, dict[str, Any]]] = {}
        self.made: list[tuple[float, dict[str, Any]]] = []
        self.untold: list[dict[str, Any]] = []

    def charge(self, claimed: dict[str, Any]) -> dict[str, Any]:
        key = f"{claimed['order_id']}-{claimed['attempt']}"
        if key in self.answers and self.answers[key][0] > self.hours - REMEMBERED:
            return self.answers[key][1]
        order, payment = claimed["order_id"], unique_id()
        if self.card == "full":
            result = paid(payment, order, self.renewing.price, saved_method=claimed["saved_method"])
        else:
            kind = "failed" if self.card == "empty" else "canceled"
            result = {"kind": kind, "payment_id": payment, "order_id": order}
        self.answers[key] = (self.hours, result)
        self.made.append((self.hours, result))
        self.untold.append(result)
        return result

    def find(self, order: int) -> dict[str, Any] | None:
        """Return the last charge of an order since the open attempt began."""
        begun = self.renewing.row()["attempt_started_at"]
        now = self.renewing.money.sql("select private.clock() as now")[0]["now"]
        hours = (now - begun).total_seconds() / 3600 if begun else 0
        mine = [
            result
            for at, result in self.made
            if result["order_id"] == order and at >= self.hours - hours - 0.1
        ]
        return mine[-1] if mine else None


def work(bank: Bank, how: str) -> None:
    """Do what the job does, up to the step at which it crashes."""
    renewing = bank.renewing
    for charge in renewing.claim()["charges"]:
        if how == "dies first":
            return
        result = bank.find(charge["order_id"]) if charge["is_status_check"] else bank.charge(charge)
        if how == "unheard":
            return
        if result is None:
            renewing.money.call("abort_charge", p_renewal_id=charge["id"], p_attempt=charge["attempt"])
        else:
            renewing.record(result)


class Story:
    """The sequence of steps."""

    def __init__(self, money: Money, clock: Callable[[str], None], dice: random.Random) -> None:
        self.money, self.clock, self.dice = money, clock, dice
        self.renewing = Renewing(money)
        self.bank = Bank(self.renewing)
        self.canceled_at = float("inf")

    def at(self, hours: float) -> None:
        self.bank.hours = hours
        self.clock(f"clock_timestamp() + interval '{hours} hours'")

    def wait(self, hours: float) -> None:
        self.at(self.bank.hours + hours)
        self.renewing.sweep()

    def work(self, how: str) -> None:
        if how == "three":
            in_parallel(3, lambda _n: work(self.bank, "well"))
        else:
            work(self.bank, how)

    def nothing(self) -> None:
        """Run one step."""

    def full(self) -> None:
        self.bank.card = "full"

    def empty(self) -> None:
        self.bank.card = "empty"

    def removed(self) -> None:
        self.bank.card = "removed"

    def callbacks(self) -> None:
        result = self.bank.untold * 2
        self.bank.untold.clear()
        self.dice.shuffle(result)
        for event in result:
            self.renewing.record(event)

    def buy(self) -> None:
        user, provider = self.renewing.user_id, self.renewing.provider
        order = self.money.order(user, "premium_month", provider=provider)
        self.renewing.record(paid(unique_id(), order, "499.00"))

    def cancel(self) -> None:
        row = self.renewing.row()
        canceled = self.money.call("cancel_renewal", p_user_id=self.renewing.user_id, p_renewal_id=row["id"])
        if canceled["outcome"] == "canceled":
            self.canceled_at = self.bank.hours


@SLOW
@given(steps, st.randoms(use_true_random=False))
def test_a_period_is_charged_at_most_once(
    money: Money, clock: Callable[[str], None], done: list[Any], dice: random.Random
) -> None:
    story = Story(money, clock, dice)
    renewing, bank = story.renewing, story.bank
    try:
        story.at(31.1 * DAY)
        for (how, hours), event in done:
            story.work(how)
            story.wait(hours)
            getattr(story, event)()
        story.callbacks()
    finally:
        story.at(0)

    charged = [result["order_id"] for _, result in bank.made if result["kind"] == "paid"]
    assert len(charged) == len(set(charged)), "a period was charged twice"
    assert all(hours <= story.canceled_at for hours, _ in bank.made), "charged after the cancellation"
    orders = {row["id"]: row["status"] for row in renewing.orders()}
    assert all(orders[order] == "completed" for order in charged), "charged and not fulfilled"
    assert list(orders.values()).count("completed") == len(charged), "fulfilled and not charged"
    row = renewing.row()
    assert (row["saved_method"] is None) == (row["status"] in ("canceled", "ended"))
    assert money.inconsistencies() == []
