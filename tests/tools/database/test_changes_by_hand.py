"""Changes by hand: named, and in the way of the next sync unless one is named."""

from __future__ import annotations

import pytest

from tests.tools.database.two_environments import CONFIRMED, World
from tools.database import connections, migrate

pytestmark = pytest.mark.database


BY_HAND = {
    "alter table public.users add column note text": "added    column public.users.note",
    "create index users_by_hand on public.users (created_at)": "added    index public.users_by_hand",
    "grant select on public.users to authenticated": "changed  rights table public.users",
    "alter table public.users disable row level security": "changed  row level security public.users",
    "drop function public.count_users": "missing  function public.count_users",
    "alter table public.users alter column balance drop not null": "missing  not null public.users.balance",
    "create or replace function private.clock() returns timestamptz language sql as 'select now()'":
        "changed  function private.clock()",
    "drop trigger closed_runs_are_immutable on private.migration_runs":
        "missing  trigger closed_runs_are_immutable on private.migration_runs",
}  # fmt: skip


@pytest.mark.parametrize("statement", BY_HAND)
def test_a_change_by_hand_is_named_and_stops_the_next_sync(world: World, statement: str) -> None:
    world.both()
    world.on(world.production, statement)
    status, out, _ = world.run("status")
    assert status == 5
    assert BY_HAND[statement] in out
    status, out, _ = world.run("drift", "--on", "production")
    assert (status, BY_HAND[statement] in out) == (5, True)
    world.add("create table public.one ()")
    assert world.run("sync")[0] == 0
    status, _, error = world.run("sync", *CONFIRMED)
    assert (status, BY_HAND[statement] in error) == (5, True)
    assert world.on(world.production, "select to_regclass('public.one') is null") == [(True,)]


def test_one_named_change_may_stay_and_is_then_known(world: World) -> None:
    world.both()
    world.on(world.production, "create index users_by_hand on public.users (created_at)")
    world.add("create table public.one ()")
    assert world.run("sync")[0] == 0
    status, _, error = world.run("sync", *CONFIRMED, "--despite-drift", "index public.users_by_hand")
    assert status == 0, error
    assert world.run("drift", "--on", "production")[0] == 0
    status, out, _ = world.run("drift", "--on", "production", "--against", "development")
    assert status == 5
    assert "added    index public.users_by_hand" in out


def test_partitions_the_backends_login_and_the_platforms_roles_are_no_changes_by_hand(world: World) -> None:
    world.both()
    world.on(world.production, "create role platform_tool; alter role anon set statement_timeout = '4s'")
    world.on(world.production, "alter default privileges in schema public grant select on tables to anon")
    world.on(
        world.production,
        "create table public.api_usage_2099_01 partition of public.api_usage"
        " for values from ('2099-01-01') to ('2099-02-01')",
    )
    with connections.connect(world.production) as connection:
        migrate.let_in(connection, "bot_backend", "another password of the backend")
    assert world.run("status")[0] == 0
    world.on(world.production, "drop role platform_tool; alter role anon set statement_timeout = '3s'")
