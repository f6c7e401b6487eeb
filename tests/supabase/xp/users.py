"""Users for the tests of XP."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from tests.supabase.admins.users import new_user
from tests.support import new_telegram_id

Sql = Callable[..., list[dict[str, Any]]]
Call = Callable[..., Any]
_references = itertools.count(1)


def create_user(sql: Sql, **columns: Any) -> int:
    """Create a user; return the Telegram id."""
    telegram_id = new_telegram_id()
    new_user(sql, telegram_id=telegram_id, **columns)
    return telegram_id


def user_id_of(sql: Sql, telegram_id: int) -> int:
    """Return the user's users.id."""
    return int(sql("select id from users where telegram_id = %s", telegram_id)[0]["id"])


def next_reference() -> str:
    """Return a reference that was not used before."""
    return f"test:{next(_references)}"


def award(call: Call, telegram_id: int, points: int, bot: str = "spin", rule: str = "service") -> Any:
    """Give XP with a new reference; return the result."""
    return call(
        "award_xp",
        p_telegram_id=telegram_id,
        p_bot=bot,
        p_rule=rule,
        p_reference=next_reference(),
        p_points=points,
    )


def xp(sql: Sql, telegram_id: int) -> tuple[int, int]:
    """Return a user's total XP and level."""
    (row,) = sql("select total_xp, level from users where telegram_id = %s", telegram_id)
    return row["total_xp"], row["level"]
