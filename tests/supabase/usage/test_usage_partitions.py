"""Partitions of api_usage are created ahead, filled from the default partition, and dropped when old."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.first_server import create_synced
from tests.supabase.usage.users import Sql
from tests.support import in_parallel
from tools.database.embedded import Server

PARTITIONS = """
    select c.relname, c.relrowsecurity, exists (
        select from unnest(array['anon', 'authenticated', 'bot_backend', 'service_role']) as role,
            unnest(array['select', 'insert', 'delete']) as privilege
        where has_table_privilege(role, c.oid, privilege)
    ) as is_open
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'public.api_usage'::regclass order by 1
"""
ROW = (
    "insert into api_usage (user_id, bot, provider, model, kind, status, ms, request_bytes, response_bytes, "
    "is_user_api_key, created_at) values (1, 'assistant', 'openai', 'm', 'chat', 'ok', 1, 1, 1, false, %s)"
)


@pytest.fixture(scope="module")
def url(server: Server) -> Iterator[str]:
    """Return a database of this test only, because it changes the clock and the partitions."""
    create_synced(server, "months")
    yield server.url("months", "supabase_admin")
    server.drop_database("months")


@pytest.fixture
def run(url: str) -> Iterator[Sql]:
    with psycopg.connect(
        url, autocommit=True, prepare_threshold=None, row_factory=psycopg.rows.dict_row
    ) as connection:

        def execute(statement: str, *values: Any) -> list[dict[str, Any]]:
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

        yield execute
        for name in names(execute):
            execute(
                f"drop table if exists public.api_usage_{name}" if name != "default" else "truncate api_usage"
            )
        execute("update private.settings set value = '13' where key = 'retention_usage_months'")


def at(run: Sql, moment: str) -> None:
    run(
        "create or replace function private.clock() returns timestamptz language sql volatile "
        f"set search_path = pg_catalog, pg_temp as $$ select timestamptz '{moment}' $$"
    )


def names(run: Sql) -> list[str]:
    return [row["relname"].removeprefix("api_usage_") for row in run(PARTITIONS)]


def test_partitions_are_created_ahead_once_and_no_role_may_access_them(run: Sql) -> None:
    at(run, "2026-11-30 23:30+00")
    assert run("select private.maintain_usage_partitions() as n") == [{"n": 3}]
    assert run("select private.maintain_usage_partitions() as n") == [{"n": 0}]
    assert names(run) == ["2026_11", "2026_12", "2027_01", "default"]
    assert all(row["relrowsecurity"] and not row["is_open"] for row in run(PARTITIONS))
    run(ROW, "2026-12-01 00:00+00")
    assert run("select tableoid::regclass::text as t from api_usage") == [{"t": "api_usage_2026_12"}]


def test_rows_of_the_default_partition_are_moved(run: Sql) -> None:
    at(run, "2026-11-15 12:00+00")
    for moment in ("2026-11-02 10:00+00", "2026-11-15 11:00+00", "2026-08-31 23:59:59+00"):
        run(ROW, moment)
    before = run("select * from api_usage order by id")
    assert run("select private.maintain_usage_partitions() as n") == [{"n": 4}]
    assert run("select * from api_usage order by id") == before
    assert names(run) == ["2026_08", "2026_11", "2026_12", "2027_01", "default"]
    assert run("select count(*) as n from api_usage_default") == [{"n": 0}]
    run(ROW, "2026-11-16 00:00+00")
    assert len(run("select id from api_usage_2026_11")) == 3
    assert run("select max(id) > %s as is_next from api_usage", before[-1]["id"]) == [{"is_next": True}]


def test_months_past_their_retention_are_dropped_by_the_sweep(run: Sql) -> None:
    at(run, "2025-10-10 00:00+00")
    run("select private.maintain_usage_partitions()")
    run(ROW, "2025-10-10 00:00+00")
    run(ROW, "2025-11-10 00:00+00")
    at(run, "2026-12-31 23:00+00")
    assert run("select sweep() ->> 'months' as n") == [{"n": "4"}]
    assert names(run) == ["2025_11", "2025_12", "2026_12", "2027_01", "2027_02", "default"]
    assert len(run("select id from api_usage")) == 1
    run("update private.settings set value = '1' where key = 'retention_usage_months'")
    assert run("select sweep() ->> 'months' as n") == [{"n": "2"}]
    assert names(run) == ["2026_12", "2027_01", "2027_02", "default"]


def test_a_table_in_use_postpones_the_partition_without_blocking_writers(run: Sql, url: str) -> None:
    at(run, "2025-01-10 00:00+00")
    run("select private.maintain_usage_partitions()")
    with psycopg.connect(url) as reader:  # such as a backup: it locks the tables it has read until it ends
        reader.execute("select count(*) from api_usage")
        at(run, "2026-11-10 00:00+00")
        assert run("select private.maintain_usage_partitions() as n") == [{"n": 0}]
        run(ROW, "2026-11-10 00:00+00")
    assert run("select private.maintain_usage_partitions() as n") == [{"n": 6}]
    assert names(run) == ["2026_11", "2026_12", "2027_01", "default"]


def test_two_sweeps_and_writers_at_once_create_each_partition_once(run: Sql, url: str) -> None:
    at(run, "2026-11-10 00:00+00")

    def work(n: int) -> int:
        with psycopg.connect(url, autocommit=True) as connection:
            if n % 4:
                for _ in range(10):
                    connection.execute(ROW, ("2026-11-10 00:00+00",))  # type: ignore[arg-type]
                return 0
            row = connection.execute("select private.maintain_usage_partitions()").fetchone()
            assert row is not None
            return int(row[0])

    in_parallel(8, work)
    run("select private.maintain_usage_partitions()")
    assert names(run) == ["2026_11", "2026_12", "2027_01", "default"]
    assert run("select count(*) as n from api_usage_2026_11") == [{"n": 60}]
