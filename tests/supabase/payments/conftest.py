from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tests.supabase.privacy.conftest import SqlUser, next_update
from tests.support import new_telegram_id
from tools.database import admins
from tools.emulator.stack import Stack

Sql = Callable[..., list[dict[str, Any]]]
_numbers = itertools.count(1)


class Money:
    """Creates users and orders, and records payment events as the payments function does."""

    def __init__(self, sql: Sql, call: Callable[..., Any]) -> None:
        self.sql = sql
        self.call = call

    def user(self, name: str = "Anna") -> int:
        """Create a user; return users.id."""
        row = self.sql(
            "insert into users (telegram_id, first_name, language_code) values (%s, %s, 'en') returning id",
            new_telegram_id(),
            name,
        )[0]
        return int(row["id"])

    def order(self, user_id: int, product: str = "credits_100", currency: str = "RUB", **rest: Any) -> int:
        """Create an order; return its id."""
        made = self.call(
            "create_order",
            p_user_id=user_id,
            p_product_key=product,
            p_provider=rest.pop("provider", "yookassa"),
            p_currency=currency,
            p_bot="assistant",
            **rest,
        )
        assert made["outcome"] == "created"
        return int(made["id"])

    def record(self, *events: dict[str, Any], key: str = "", provider: str = "yookassa", **rest: Any) -> Any:
        """Record one webhook event; without a key it is a new event."""
        return self.call(
            "record_payment_event",
            p_provider=provider,
            p_event_key=key or f"event-{next(_numbers)}",
            p_type="test",
            p_body="{}",
            p_events=list(events),
            **rest,
        )

    def payment(self, number: str, provider: str = "yookassa") -> dict[str, Any]:
        (row,) = self.sql(
            "select * from payments where provider = %s and provider_payment_id = %s", provider, number
        )
        return row

    def user_row(self, user_id: int) -> dict[str, Any]:
        (row,) = self.sql("select * from users where id = %s", user_id)
        return row

    def ends_at(self, user_id: int) -> Any:
        """Return the end of the purchased subscription, None without an active one."""
        rows = self.sql(
            "select ends_at from subscriptions "
            "where user_id = %s and source = 'purchase' and status = 'active'",
            user_id,
        )
        assert len(rows) <= 1
        return rows[0]["ends_at"] if rows else None

    def inconsistencies(self) -> list[dict[str, Any]]:
        """Return what check_payments() reports."""
        return self.sql("select * from check_payments()")


@pytest.fixture
def money(sql: Sql, call: Callable[..., Any]) -> Iterator[Money]:
    money = Money(sql, call)
    yield money
    assert money.inconsistencies() == []


def unique_id() -> str:
    """Return a new id: of a payment at its provider, an event or a reference."""
    return f"pay-{next(_numbers)}"


def paid(
    payment: str, order: int | None, amount: str = "149.00", currency: str = "RUB", **rest: Any
) -> dict[str, Any]:
    """Return a payment event of kind paid."""
    event = {
        "kind": "paid",
        "payment_id": payment,
        "order_id": order,
        "amount": amount,
        "currency": currency,
    }
    return {name: value for name, value in (event | rest).items() if value is not None}


def refunded(payment: str, amount: str, operation: str = "r1", **rest: Any) -> dict[str, Any]:
    return {"kind": "refunded", "payment_id": payment, "operation_id": operation, "amount": amount, **rest}


def message_keys(outgoing: list[dict[str, Any]]) -> list[str]:
    """Return the text keys of enqueued messages."""
    return [message["parameters"]["key"] for message in outgoing]


PRICE = Decimal("149.00")


@pytest.fixture
def boss(database_url: str, sql: Sql) -> int:
    """Configure one admin, who has written to the assistant; return the Telegram id."""
    telegram_id = new_telegram_id()
    admins.write(database_url, {"ADMIN_EMAILS": "boss@example.com", "ADMIN_TELEGRAM_IDS": str(telegram_id)})
    sql("insert into users (telegram_id, first_name) values (%s, 'Boss')", telegram_id)
    sql(
        "insert into bot_sessions (user_id, bot, chat_id) "
        "select id, 'assistant', telegram_id from users where telegram_id = %s",
        telegram_id,
    )
    return telegram_id


@pytest.fixture
def connect(backend_url: str) -> Callable[[], psycopg.Connection]:
    return lambda: psycopg.connect(backend_url, autocommit=True, prepare_threshold=None)


@pytest.fixture
def adjust(connect: Callable[[], psycopg.Connection]) -> Callable[..., dict[str, Any]]:
    """Call adjust_balance as the backend role, each time over its own connection."""

    def call(telegram_id: int | None, amount: Any, reference: str, reason: str = "test") -> dict[str, Any]:
        with connect() as connection:
            row = connection.execute(
                "select public.adjust_balance(%s, %s, %s, %s)", (telegram_id, amount, reason, reference)
            ).fetchone()
        assert row is not None
        return dict(row[0])

    return call


@pytest.fixture
def buyer(connect: Callable[[], psycopg.Connection]) -> Callable[[], SqlUser]:
    """Return `buyer()`, which creates a user who has written to the assistant."""

    def new() -> SqlUser:
        user = SqlUser(connect, name="Annabella the Buyer")
        user.receive(next_update())
        return user

    return new


@pytest.fixture
def alive(stack: Stack, sql: Sql) -> Iterator[None]:
    """Restart every killed function after the test and check the payments."""
    yield
    for function in stack.functions.values():
        function.start()
    assert sql("select * from check_payments()") == []
