"""No sequence of top-ups, purchases from balance, refunds and disputes creates or loses money."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.supabase.payments.conftest import Money, paid, refunded, unique_id
from tests.supabase.payments.promocodes import new_code, redeem
from tests.supabase.payments.test_pay_from_balance import BOSS, buy, give

pytestmark = pytest.mark.slow

SLOW = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
WORDS = ["top_up", "top_up", "buy", "buy", "buy", "again", "refund", "refund_part"]
WORDS += ["refund_top_up", "dispute", "gift", "discount"]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            WORDS
        ),
        st.integers(0, 1),
        st.integers(0, 9),
    ),
    min_size=4,
    max_size=22,
)  # fmt: skip
PRODUCTS = ("credits_100", "premium_month", "credits_1000")


class Story:
    """Two users, and the expected sums of their top-ups, purchases and refunds."""

    def __init__(self, money: Money) -> None:
        self.money = money
        self.users = [money.user(), money.user("Ben")]
        self.top_ups: list[tuple[int, str]] = []
        self.purchases: list[tuple[int, str, int]] = []  # user, reference, order
        self.spent = {user: Decimal(0) for user in self.users}
        self.gifts = {user: Decimal(0) for user in self.users}

    def step(self, what: str, user: int, which: int) -> None:
        getattr(self, what)(user, which)

    def top_up(self, user: int, _which: int) -> None:
        pay = unique_id()
        self.money.record(paid(pay, self.money.order(user, "balance_500"), "500.00"))
        self.top_ups.append((user, pay))

    def gift(self, user: int, which: int) -> None:
        amount = Decimal(which * 37 + 1) / 100
        give(self.money, user, str(amount))
        self.gifts[user] += amount

    def discount(self, user: int, which: int) -> None:
        redeem(self.money, user, new_code(self.money.sql, "percent", which * 10 + 5))

    def buy(self, user: int, which: int) -> None:
        product, reference = PRODUCTS[which % 3], f"tap:{unique_id()}"
        before = self.money.user_row(user)["balance"]
        try:
            done = buy(self.money, user, product, reference)
        except psycopg.Error as error:
            assert error.sqlstate == "L0002"
            assert self.money.user_row(user)["balance"] == before
            return
        assert before >= Decimal(done["amount"])
        self.spent[user] += Decimal(done["amount"])
        self.purchases.append((user, reference, done["id"]))

    def again(self, _user: int, which: int) -> None:
        if self.purchases:
            user, reference, order = self.purchases[which % len(self.purchases)]
            assert buy(self.money, user, PRODUCTS[which % 3], reference)["id"] == order

    def refund(self, _user: int, which: int, share: Decimal | None = None) -> None:
        if not self.purchases:
            return
        user, _reference, order = self.purchases[which % len(self.purchases)]
        payment = self.money.payment(f"orders:{order}", "balance")
        amount = None if share is None else max(round(payment["amount"] * share, 2), Decimal("0.01"))
        done = self.money.call(
            "admin_refund_payment", p_payment_id=payment["id"], p_amount=amount, p_admin_email=BOSS
        )
        if done["outcome"] == "opened":
            self.spent[user] -= Decimal(done["refund"]["amount"])
        else:
            assert done["outcome"] in ("nothing_left", "too_much")

    def refund_part(self, user: int, which: int) -> None:
        self.refund(user, which, Decimal(which + 1) / 10)

    def refund_top_up(self, _user: int, which: int) -> None:
        if self.top_ups:
            _owner, pay = self.top_ups[which % len(self.top_ups)]
            self.money.record(refunded(pay, str(which * 50 + 50), f"r{which}"))

    def dispute(self, _user: int, which: int) -> None:
        if self.top_ups:
            _owner, pay = self.top_ups[which % len(self.top_ups)]
            kind = ("disputed", "dispute_won", "dispute_lost")[which % 3]
            self.money.record(
                {"kind": kind, "payment_id": pay, "operation_id": "d1", "amount": "250.00", "currency": "RUB"}
            )

    def check(self) -> None:
        assert self.money.inconsistencies() == []
        assert self.money.call("check_balances") == []
        for user in self.users:
            row = self.money.user_row(user)
            given = self._sum(
                "select coalesce(sum(e.given - e.reversed), 0) as n from payment_effects e "
                "where e.user_id = %s and e.effect = 'balance'", user,
            )  # fmt: skip
            assert row["balance"] == given + self.gifts[user] - self.spent[user] >= 0
            credits = self._sum(
                "select coalesce(sum(e.given - e.reversed), 0) as n from payment_effects e "
                "where e.user_id = %s and e.effect = 'credits'", user,
            )  # fmt: skip
            assert row["bonus_credits"] == credits >= 0

    def _sum(self, statement: str, user: int) -> Any:
        return self.money.sql(statement, user)[0]["n"]


@SLOW
@given(steps=STEPS)
def test_no_sequence_of_steps_creates_or_loses_money(
    money: Money, boss: int, steps: list[tuple[str, int, int]]
) -> None:
    story = Story(money)
    for what, user, which in steps:
        story.step(what, story.users[user], which)
        story.check()
