"""Names in a database that hold SQL, line breaks or control characters; changes no scratch server has."""

from __future__ import annotations

import shlex

import pytest

from tests.tools.database.two_environments import CONFIRMED, World

pytestmark = pytest.mark.database

NAMES = ('a"; drop table public.orders; --', "a\ndrop table public.orders;", "a\x1b[31mred")


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_name_becomes_no_statement_of_a_written_migration(world: World, name: str) -> None:
    world.both()
    world.on(
        world.production,
        f"set role postgres; create index {quoted(name + 'i')} on public.users (created_at);"
        f" create table public.{quoted(name)} (id int);"
        f" alter table public.users add column {quoted(name)} int",
    )
    status, out, error = world.run("drift", "--on", "production", "--write", "hands")
    assert status == 5, error
    assert "\x1b" not in out
    assert "Not written" not in out
    (path,) = world.folder.glob("*_hands.sql")
    header, *_ = path.read_text().split("\n\n")
    assert header.startswith("-- Adopts")
    assert "\n" not in header
    assert world.run("sync")[0] == 0
    assert world.on(world.development, "select to_regclass('public.orders') is not null") == [(True,)]
    flags = shlex.split(out[out.index("--despite-drift") :])
    status, _, error = world.run("sync", *CONFIRMED, *flags)
    assert status == 0, error
    assert world.run("drift", "--on", "production", "--against", "development")[:2] == (0, "0 differences.\n")


def test_what_a_scratch_server_cannot_have_is_named_as_not_undone(world: World) -> None:
    world.both()
    world.on(world.production, "create role visitor; grant select on public.users to visitor")
    world.on(world.production, "create publication mirror for table public.users")
    try:
        status, out, error = world.run("drift", "--on", "production", "--undo")
    finally:
        world.on(world.production, "drop owned by visitor; drop role visitor")
    assert status == 5
    assert "Not undone: publication mirror of public.users" in error
    assert "Not undone: rights table public.users" in error
    assert "visitor" not in out
