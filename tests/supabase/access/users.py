"""Users for the tests of access."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.supabase.admins.users import new_user
from tests.support import new_telegram_id

Sql = Callable[..., list[dict[str, Any]]]
Call = Callable[..., Any]


def create_user(sql: Sql, *, credits: int = 0, trainings: int = 0, **columns: Any) -> int:
    """Create a user with bonus credits and free trainings; return the Telegram id."""
    telegram_id = new_telegram_id()
    user_id = new_user(sql, telegram_id=telegram_id, bonus_credits=credits, **columns)
    for number in range(trainings):
        sql("select private.give_trainings(%s, 'promo', %s, 1)", user_id, f"code {number}")
    return telegram_id


def user_id_of(sql: Sql, telegram_id: int) -> int:
    """Return the user's users.id."""
    return int(sql("select id from users where telegram_id = %s", telegram_id)[0]["id"])


def subscribe(sql: Sql, telegram_id: int, ends_in: str | None = "10 days", source: str = "purchase") -> None:
    """Give a user the plan PREMIUM, started two days ago."""
    sql(
        "insert into subscriptions (user_id, plan, source, starts_at, ends_at) "
        "select id, 'PREMIUM', %s, private.clock() - interval '2 days', private.clock() + %s::interval "
        "from users where telegram_id = %s",
        source,
        ends_in,
        telegram_id,
    )
    sql("select private.refresh_access(id) from users where telegram_id = %s", telegram_id)


def remaining(sql: Sql, telegram_id: int) -> tuple[int, int]:
    """Return a user's remaining bonus credits and free trainings."""
    row = sql(
        "select u.bonus_credits, coalesce(sum(f.quantity - f.used), 0) as trainings "
        "from users u left join free_trainings f on f.user_id = u.id "
        "where u.telegram_id = %s group by u.id",
        telegram_id,
    )[0]
    return int(row["bonus_credits"]), int(row["trainings"])
