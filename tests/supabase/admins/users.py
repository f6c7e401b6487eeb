"""Users for the tests of admin functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.support import new_telegram_id

Sql = Callable[..., list[dict[str, Any]]]
Call = Callable[..., Any]
BOSS = "boss@example.com"


def new_user(sql: Sql, **columns: Any) -> int:
    """Create a user and return users.id."""
    columns = {"telegram_id": new_telegram_id(), **columns}
    names, marks = ", ".join(columns), ", ".join(["%s"] * len(columns))
    rows = sql(f"insert into users ({names}) values ({marks}) returning id", *columns.values())
    return int(rows[0]["id"])


def audit_entries(sql: Sql, user_id: int) -> list[dict[str, Any]]:
    """Return the audit entries of a user, oldest first."""
    return sql(
        "select admin_email, action, reference, before, after from audit_log where user_id = %s order by id",
        user_id,
    )
