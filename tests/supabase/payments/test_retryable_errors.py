"""Deadlocks, lock timeouts and serialization failures end the call, and the caller repeats it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from tests.supabase.payments.conftest import Money, paid, unique_id
from tests.support import eventually

Sql = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def rival(database_url: str) -> Iterator[psycopg.Connection]:
    """Open another transaction that Postgres does not choose as the deadlock's victim first."""
    with psycopg.connect(database_url, prepare_threshold=None) as connection:
        connection.execute("set deadlock_timeout = '1min'")
        connection.commit()
        yield connection
        connection.rollback()


def record(url: str, event_key: str, pay: str, order: int, setting: str = "") -> Any:
    """Record a payment of an order over a connection with an additional setting."""
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection:
        if setting:
            connection.execute(setting)
        row = connection.execute(
            "select public.record_payment_event('yookassa', %s, 'test', '{}', %s::jsonb)",
            (event_key, psycopg.types.json.Jsonb([paid(pay, order)])),
        ).fetchone()
    return row and row[0]


def known_payment(money: Money, order: int) -> str:
    """Create an order and a payment that already has a row."""
    pay = unique_id()
    money.record({"kind": "pending", "payment_id": pay, "order_id": order})
    return pay


def waits(sql: Sql, text: str = "record_payment_event") -> bool:
    return bool(
        sql(
            "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like %s "
            "and pid <> pg_backend_pid()",
            f"%{text}%",
        )
    )


def assert_then_given_once(money: Money, anna: int, event_key: str, pay: str, order: int) -> None:
    """Check that the failed call stored nothing and that the repeated call fulfils the order once."""
    assert money.user_row(anna)["bonus_credits"] == 0
    assert money.sql("select 1 from payment_events where event_key = %s", event_key) == []
    assert money.record(paid(pay, order), key=event_key)["outcome"] == "applied"
    assert money.record(paid(pay, order), key=event_key) == {"outcome": "known"}
    assert money.user_row(anna)["bonus_credits"] == 100
    (event,) = money.sql("select error, attempts from payment_events where event_key = %s", event_key)
    assert event == {"error": None, "attempts": 2}


def test_a_deadlock_ends_the_call_for_a_retry(
    money: Money, sql: Sql, backend_url: str, rival: psycopg.Connection
) -> None:
    anna = money.user()
    order = money.order(anna)
    pay, event_key = known_payment(money, order), f"deadlock-{order}"
    rival.execute("select 1 from public.payments where provider_payment_id = %s for update", (pay,))
    with ThreadPoolExecutor(2) as pool:
        recording = pool.submit(record, backend_url, event_key, pay, order)
        eventually(lambda: waits(sql))
        # The call has locked its event and waits for the payment, the rival the other way round.
        pool.submit(
            rival.execute,
            "insert into public.payment_events (provider, event_key, body, events) "
            "values ('yookassa', %s, '', '[]')",
            (event_key,),
        )
        with pytest.raises(psycopg.errors.DeadlockDetected):
            recording.result(30)
    rival.rollback()
    assert_then_given_once(money, anna, event_key, pay, order)


def test_a_lock_timeout_ends_the_call_for_a_retry(
    money: Money, backend_url: str, rival: psycopg.Connection
) -> None:
    anna = money.user()
    order = money.order(anna)
    pay, event_key = known_payment(money, order), f"timeout-{order}"
    rival.execute("select 1 from public.payments where provider_payment_id = %s for update", (pay,))
    with pytest.raises(psycopg.errors.LockNotAvailable):
        record(backend_url, event_key, pay, order, "set lock_timeout = '100ms'")
    rival.rollback()
    assert_then_given_once(money, anna, event_key, pay, order)


def test_a_serialization_failure_ends_the_call_for_a_retry(
    money: Money, sql: Sql, backend_url: str, rival: psycopg.Connection
) -> None:
    anna = money.user()
    order = money.order(anna)
    pay, event_key = known_payment(money, order), f"serialization-{order}"
    rival.execute("update public.payments set has_failed = true where provider_payment_id = %s", (pay,))
    setting = "set default_transaction_isolation = 'repeatable read'"
    with ThreadPoolExecutor(1) as pool:
        recording: Future[Any] = pool.submit(record, backend_url, event_key, pay, order, setting)
        eventually(lambda: waits(sql))
        rival.commit()
        with pytest.raises(psycopg.errors.SerializationFailure):
            recording.result(30)
    assert_then_given_once(money, anna, event_key, pay, order)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("40P01", True), ("40001", True), ("53300", True), ("55P03", True), ("57014", True), ("57P01", True),
        ("M0001", False), ("M0002", False), ("22003", False), ("23505", False), ("P0001", False),
        ("42883", False), ("54001", False),
    ],
)  # fmt: skip
def test_which_errors_are_retryable(sql: Sql, code: str, expected: bool) -> None:
    assert sql("select private.is_retryable(%s) as it", code) == [{"it": expected}]
