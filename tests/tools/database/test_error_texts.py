"""Errors of Postgres quote rows of users in DETAIL, CONTEXT and values: no command prints those unasked."""

from __future__ import annotations

import pytest

from tests.tools.database.two_environments import World

pytestmark = pytest.mark.database

USER = "insert into public.users (telegram_id, first_name) values (4711, 'Anna Secret')"
FAILING = (
    ("create unique index one on public.users ((first_name || 'x'))", "could not create unique index"),
    ("insert into public.users (telegram_id, first_name) select 4712, null from public.users", "not-null"),
    ("do $$ begin perform first_name::int from public.users; end $$", "invalid input syntax"),
    ("do $$ begin perform first_name::date from public.users; end $$", "invalid input syntax"),
    ("create function pg_temp.f(text) returns int language sql as 'select $1::int';"
     " select pg_temp.f(first_name) from public.users", "invalid input syntax"),
)  # fmt: skip


@pytest.mark.parametrize(("statement", "says"), FAILING)
def test_rows_stay_out_of_errors_and_of_the_history(world: World, statement: str, says: str) -> None:
    world.both()
    world.on(world.development, f"{USER}; insert into public.users (telegram_id, first_name)"
             " values (4713, 'Anna Secret')")  # fmt: skip
    world.add(statement)
    status, out, error = world.run("sync")
    assert status == 1
    assert says in error
    for text in (out, error, *world.run("history"), *world.run("status", "--json")):
        assert "Secret" not in str(text)
        assert "4712" not in str(text)
    kept = "select count(*) from private.migration_runs where error ~ 'Secret'"
    assert world.on(world.development, kept) == [(0,)]
    status, _, error = world.run("sync", "--detail")
    assert status == 1
    assert "Secret" in error or "4712" in error
    assert "hidden" not in error
