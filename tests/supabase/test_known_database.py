"""Every test starts from the same rows, whatever the test before it changed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests import known_database
from tests.conftest import calm
from tools.emulator.payments import Callback
from tools.emulator.stack import Stack

Sql = Callable[..., list[dict[str, Any]]]


def rows_of_all_tables(sql: Sql) -> dict[str, list[str]]:
    tables = [f"{row['schema']}.{row['name']}" for row in sql(known_database.TABLES)]
    return {
        table: [row["row"] for row in sql(f"select t::text as row from {table} as t order by 1")]
        for table in tables
    }


def test_inserted_changed_and_deleted_rows_are_restored(sql: Sql, database_url: str) -> None:
    before = rows_of_all_tables(sql)
    assert before["public.users"] == []
    assert before["public.products"]
    sql("insert into users (telegram_id) values (1)")
    sql("insert into daily_usage (user_id, bot, day) select id, 'assistant', '2026-11-29' from users")
    sql("update products set is_active = not is_active")
    sql("delete from product_prices")
    sql("delete from private.settings where key = 'quota_timezone'")
    changed = rows_of_all_tables(sql)
    different = {table for table, rows in changed.items() if rows != before[table]}
    assert different >= {"public.users", "public.products", "public.product_prices", "private.settings"}
    with psycopg.connect(database_url, autocommit=True) as connection:
        known_database.restore(connection)
    assert rows_of_all_tables(sql) == before


def test_a_row_that_is_held_is_an_error_and_not_left_over(sql: Sql, database_url: str) -> None:
    sql("insert into users (telegram_id) values (1)")
    with psycopg.connect(database_url) as other, psycopg.connect(database_url, autocommit=True) as connection:
        other.execute("select from users for update")
        connection.execute("alter function known.restore() set lock_timeout = '20ms'")
        try:
            with pytest.raises(psycopg.errors.LockNotAvailable):
                known_database.restore(connection)
            other.rollback()
            known_database.restore(connection)
        finally:
            connection.execute("alter function known.restore() set lock_timeout = '5s'")
    assert sql("select from users") == []


def test_a_callback_that_is_being_sent_is_waited_for(stack: Stack) -> None:
    begun, sent = threading.Event(), []

    def write(attempt: int) -> tuple[dict[str, str], bytes]:
        begun.set()
        time.sleep(0.2)
        sent.append(attempt)
        return {}, b""

    stack.payments["fake"].callbacks.send([Callback("slow", write, is_forged=True)])
    assert begun.wait(5)
    calm(stack)
    assert sent == [1]
