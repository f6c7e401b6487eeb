"""What a database remembers of its runs: causes without rows, closed runs stay, no role reads it."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql

from tests.tools.database.two_environments import World
from tools.database import runs

pytestmark = pytest.mark.database


def test_a_failed_run_is_remembered_with_its_cause_and_nothing_personal(world: World) -> None:
    world.both()
    world.add("create table public.one (a text unique);"
              " insert into public.one values ('+49 170 1234567'), ('+49 170 1234567');")  # fmt: skip
    status, _, error = world.run("sync")
    assert status == 1
    assert "statement 2 of 2" in error
    assert world.on(world.development, "select to_regclass('public.one') is null") == [(True,)]
    status, out, _ = world.run("history")
    assert status == 0
    assert "sync failed" in out
    assert "23505" in out
    assert "1234567" not in out
    assert runs.actor() in out


def test_a_closed_run_cannot_be_changed(world: World) -> None:
    world.add("create table public.one ()")
    world.both()
    for change in (
        "update private.migration_runs set outcome = 'failed'", "delete from private.migration_runs",
        "update private.migration_steps set milliseconds = 1", "delete from private.migration_steps",
    ):  # fmt: skip
        with pytest.raises(psycopg.DatabaseError, match="are immutable"):
            world.on(world.development, change)


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role", "bot_backend"])
def test_no_role_of_the_functions_reads_it(world: World, role: str) -> None:
    for table in ("migration_runs", "migration_steps", "catalogue_snapshots", "database_identity"):
        with (
            psycopg.connect(world.server.url("development", "supabase_admin")) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
            connection.execute(sql.SQL("select from private.{}").format(sql.Identifier(table)))
