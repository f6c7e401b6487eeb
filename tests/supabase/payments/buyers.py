"""Buyers who have written to the assistant, and webhook events whose raw body identifies them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.supabase.payments.conftest import Money, unique_id
from tests.supabase.privacy.conftest import SqlUser, dump_rows, id_of

Sql = Callable[..., list[dict[str, Any]]]


def email_of(user: SqlUser) -> str:
    """Return an e-mail address that does not contain the user's Telegram id."""
    return f"annabella.{user.id * 7}@example.com"


def order_of(money: Money, user: SqlUser, product: str = "credits_100", **rest: Any) -> int:
    user_id = id_of(money.sql, user)
    assert user_id
    return money.order(user_id, product, **rest)


def record_event(money: Money, user: SqlUser, *events: dict[str, Any], key: str = "", **rest: Any) -> Any:
    """Record a webhook event whose raw body identifies the buyer."""
    provider = rest.get("provider", "yookassa")
    return money.call(
        "record_payment_event",
        p_provider=provider,
        p_event_key=key or f"event-{unique_id()}",
        p_type="payment",
        p_body=f'{{"email": "{email_of(user)}", "account": "{user.id}"}}',
        p_events=list(events),
    )


def traces(sql: Sql, user: SqlUser) -> list[str]:
    """Return the database rows that still identify the user."""
    return [line for line in dump_rows(sql).splitlines() if str(user.id) in line or email_of(user) in line]


def order_row(money: Money, order: int) -> dict[str, Any]:
    (row,) = money.sql("select * from orders where id = %s", order)
    return row
