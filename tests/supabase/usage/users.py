"""Users, updates and counters for the tests of usage."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

from tests.support import new_telegram_id

Sql = Callable[..., list[dict[str, Any]]]
Call = Callable[..., Any]


def served_user(sql: Sql, bonus: int = 0) -> int:
    """Create a user who has written before; return the Telegram id."""
    telegram_id = new_telegram_id()
    sql(
        "insert into users (telegram_id, first_name, is_newcomer, bonus_credits) "
        "values (%s, 'Anna', false, %s)",
        telegram_id,
        bonus,
    )
    return telegram_id


def unseen_telegram_id() -> int:
    """Return a Telegram id that no bot has seen."""
    return new_telegram_id()


def ai_call(**values: Any) -> dict[str, Any]:
    """Return a provider call as Python reports it."""
    return {
        "provider": "openai",
        "model": "gpt-5-mini",
        "kind": "chat",
        "status": "ok",
        "ms": 1200,
        "request_bytes": 900,
        "response_bytes": 4000,
        "tokens_in": 100,
        "tokens_out": 40,
        "tokens_cached": None,
        "cost": None,
        "is_estimate": False,
        "is_user_api_key": False,
    } | values


class Update:
    """An update of a user from receive_update to its end."""

    def __init__(
        self,
        call: Call,
        bot: str,
        number: int,
        telegram_id: int,
        *,
        cost: str = "0",
        characters: int | None = None,
        reserves: bool = True,
    ) -> None:
        self._call, self.bot, self.number, self.telegram_id = call, bot, number, telegram_id
        self._cost, self._characters, self._reserves = cost, characters, reserves
        self.received = self.receive()

    def receive(self) -> dict[str, Any]:
        received: dict[str, Any] = self._call(
            "receive_update",
            p_bot=self.bot,
            p_update_id=self.number,
            p_delivery=str(uuid.uuid4()),
            p_kind="message",
            p_chat_id=self.telegram_id,
            p_telegram_user={"id": self.telegram_id, "first_name": "Anna"},
            p_payload={},
            p_lease_seconds=40,
            p_reserve=self._reserves,
            p_history=50,
            p_history_characters=self._characters,
            p_cost=self._cost,
        )
        return received

    @property
    def reservation(self) -> str | None:
        return self.received.get("reservation")

    def reserve(self, cost: str = "0", **more: Any) -> dict[str, Any]:
        """Reserve a request as a handler does that finds out late that it needs the AI."""
        given = {"p_bot": self.bot, "p_update_id": self.number, "p_attempt": self.received["attempt"]}
        reserved: dict[str, Any] = self._call("reserve_request", **{**given, "p_cost": cost, **more})
        return reserved

    def finish(self, reservation: str | None, *calls: dict[str, Any]) -> dict[str, Any]:
        finished: dict[str, Any] = self._call(
            "finish_update",
            p_bot=self.bot,
            p_update_id=self.number,
            p_attempt=self.received["attempt"],
            p_reservation=reservation,
            p_usage=list(calls),
        )
        return finished

    def fail(self, *calls: dict[str, Any]) -> None:
        self._call(
            "fail_update",
            p_bot=self.bot,
            p_update_id=self.number,
            p_attempt=self.received["attempt"],
            p_error="broke",
            p_usage=list(calls),
        )


class UsageCounters(NamedTuple):
    """A user's counters over all days and months, and bonus credits."""

    day: int
    day_bonus: int
    month: int
    month_bonus: int
    credits: int


def usage_counters(sql: Sql, telegram_id: int) -> UsageCounters:
    """Return a user's counters."""
    row = sql(
        "select d.*, m.*, u.bonus_credits from users u, lateral ("
        "  select coalesce(sum(requests), 0)::int, coalesce(sum(bonus_requests), 0)::int from daily_usage "
        "  where user_id = u.id) as d (day, day_bonus), lateral ("
        "  select coalesce(sum(requests), 0)::int, coalesce(sum(bonus_requests), 0)::int from monthly_usage "
        "  where user_id = u.id) as m (month, month_bonus) where u.telegram_id = %s",
        telegram_id,
    )[0]
    return UsageCounters(*row.values())


def user_id(sql: Sql, telegram_id: int) -> int:
    """Return the user's users.id."""
    return int(sql("select id from users where telegram_id = %s", telegram_id)[0]["id"])


def daily_total(sql: Sql, column: str, **where: Any) -> Decimal:
    """Return the sum of a column of daily_totals, as /stats computes it."""
    conditions = " and ".join(f"{name} = %s" for name in where) or "true"
    rows = sql(f"select coalesce(sum({column}), 0) n from daily_totals where {conditions}", *where.values())
    return Decimal(rows[0]["n"])
