"""Helpers for promo codes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from tests.supabase.payments.conftest import Money

Sql = Callable[..., list[dict[str, Any]]]
_numbers = itertools.count(1)


def new_code(sql: Sql, kind: str = "credits", value: int = 50, **rest: Any) -> str:
    """Create a promo code and return it; `rest` are columns."""
    code = f"TEST-{kind.upper()}-{next(_numbers)}"
    given = {"code": code, "kind": kind, "value": value, **rest}
    if kind == "month":
        given.setdefault("plan", "PREMIUM")
    sql(
        f"insert into promocodes ({', '.join(given)}) values ({', '.join(['%s'] * len(given))})",
        *given.values(),
    )
    return code


def redeem(money: Money, user_id: int, code: str, reference: str | None = None) -> Any:
    """Redeem a code as the bot does and return the result."""
    return money.call("redeem_promocode", p_user_id=user_id, p_code=code, p_reference=reference)


def row_of(sql: Sql, code: str) -> dict[str, Any]:
    """Return the row of a code."""
    (row,) = sql("select * from promocodes where code = %s", code)
    return row


def usages_of(sql: Sql, code: str) -> list[dict[str, Any]]:
    """Return the redemptions of a code by user."""
    return sql(
        "select u.* from promocode_usages u join promocodes p on p.id = u.promocode_id "
        "where p.code = %s order by u.user_id",
        code,
    )


def failed_attempts_of(sql: Sql, user_id: int) -> int:
    """Return the number of wrong codes that a user entered today."""
    rows = sql("select failed_attempts from promocode_attempts where user_id = %s", user_id)
    return int(rows[0]["failed_attempts"]) if rows else 0
