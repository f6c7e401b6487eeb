"""A business in fast motion: users who come, pay and leave, and the nightly job."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from tests.supabase.payments.conftest import Money, boss, paid, refunded, unique_id
from tests.support import new_telegram_id

__all__ = ["boss"]
Sql = Callable[..., list[dict[str, Any]]]
Clock = Callable[[str], None]


class Business:
    """Lets users act at a time that the test moves on. `day`: 0 is 1 March 2041."""

    def __init__(self, sql: Sql, call: Callable[..., Any], clock: Clock) -> None:
        self.sql = sql
        self.call = call
        self.money = Money(sql, call)
        self._clock = clock
        self.at(0)

    def at(self, day: int, time: str = "12:00") -> date:
        """Move to a day and a time of the time zone of the limits; return the day."""
        moment = f"(date '2041-03-01' + {day} + time '{time}')"
        self._clock(f"({moment} at time zone private.setting('quota_timezone'))")
        return self.today()

    def today(self) -> date:
        found: date = self.sql(
            "select (private.clock() at time zone private.setting('quota_timezone'))::date as day"
        )[0]["day"]
        return found

    def start(self, bot: str = "spin") -> int:
        """Let a user start a bot; return users.id."""
        row = self.sql(
            "select (private.upsert_user(jsonb_build_object('id', %s::bigint, 'first_name', 'Anna'),"
            " private.clock(), %s)).id",
            new_telegram_id(),
            bot,
        )[0]
        self._update(row["id"])
        return int(row["id"])

    def _update(self, user: int) -> None:
        self.sql(
            "insert into telegram_updates (bot, update_id, kind, status, user_id)"
            " select 'spin', coalesce(max(update_id), 0) + 1, 'message', 'finished', %s"
            " from telegram_updates",
            user,
        )

    def visit(self, user: int) -> None:
        """Let a user be active."""
        self.sql(
            "select private.upsert_user(jsonb_build_object('id', u.telegram_id), private.clock())"
            " from users as u where u.id = %s",
            user,
        )
        self._update(user)

    def answer(self, user: int) -> None:
        """Serve a user's first request."""
        self.sql("select private.on_first_request(%s, 'spin', 1)", user)

    def order(self, user: int, product: str = "premium_month", currency: str = "RUB") -> int:
        return self.money.order(user, product, currency)

    def pay(self, order: int) -> str:
        """Pay an order; return the number of the payment."""
        (row,) = self.sql("select amount, currency from orders where id = %s", order)
        number = unique_id()
        self.money.record(paid(number, order, str(row["amount"]), row["currency"]))
        return number

    def buy(self, user: int, product: str = "premium_month", currency: str = "RUB") -> str:
        return self.pay(self.order(user, product, currency))

    def refund(self, payment: str, part: int = 1) -> None:
        """Return a payment, or the given part of it."""
        row = self.money.payment(payment)
        self.money.record(refunded(payment, str(round(row["amount"] / part, 2)), unique_id()))

    def expire(self) -> None:
        self.sql("select private.expire_subscriptions(1000)")

    def night(self) -> list[str]:
        """Run the nightly job to its end; return the figures that differ from the recount."""
        drifts: list[str] = []
        while True:
            done = self.call("record_analytics")
            drifts += done["drifts"]
            if done["day"] is None:
                return drifts

    def mrr(self) -> dict[str, Any]:
        """Return the monthly recurring revenue by currency, from the events."""
        rows = self.sql(
            "select currency, sum(amount) as amount, sum(subscribers) as subscribers"
            " from subscription_events group by currency having sum(amount) <> 0 or sum(subscribers) <> 0"
        )
        return {row["currency"]: (row["amount"], row["subscribers"]) for row in rows}

    def events(self) -> list[tuple[str, str, Any]]:
        rows = self.sql("select kind, currency, amount from subscription_events order by id")
        return [(row["kind"], row["currency"], row["amount"]) for row in rows]


@pytest.fixture
def business(sql: Sql, call: Callable[..., Any], clock: Clock) -> Business:
    """A business without a past."""
    return Business(sql, call, clock)


@pytest.fixture
def setting(sql: Sql) -> Callable[[str, Any], None]:
    """Change a setting of the installation."""

    def change(key: str, value: Any) -> None:
        sql("update private.settings set value = %s::jsonb where key = %s", json.dumps(value), key)

    return change
