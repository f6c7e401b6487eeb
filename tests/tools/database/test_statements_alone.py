"""Statements that no transaction can hold: half a migration is resumed or abandoned."""

from __future__ import annotations

import pytest

from tests.tools.database.two_environments import LATER, World

pytestmark = pytest.mark.database


def test_an_index_is_built_while_the_table_is_in_use(world: World) -> None:
    world.both()
    world.add("create index concurrently users_later on public.users (created_at);"
              " create index concurrently users_later_2 on public.users (updated_at)")  # fmt: skip
    status, out, error = world.run("sync")
    assert status == 0, error
    assert f"applied {LATER + 1}_later_1" in out
    assert "statement 2 of 2: create index concurrently" in error
    assert world.on(
        world.development,
        "select statement, outcome from private.migration_steps where statement is not null",
    ) == [(1, "done"), (2, "done")]
    assert world.run("status", "--on", "development")[0] == 0


@pytest.fixture
def half_done(world: World) -> World:
    """Development with the second of three indexes invalid, because the rows are not unique."""
    world.on(
        world.development,
        "create table public.codes (a int, b int); alter table public.codes owner to postgres;"
        " insert into public.codes values (1, 1), (2, 1)",
    )
    world.both()
    world.add("create index concurrently codes_a on public.codes (a);"
              " create unique index concurrently if not exists codes_b on public.codes (b);"
              " create index concurrently codes_ab on public.codes (a, b);")  # fmt: skip
    status, _, error = world.run("sync")
    assert status == 6, error
    assert "statement 2 of 3 failed" in error
    assert "SQLSTATE 23505" in error
    return world


def indexes(world: World) -> list[tuple]:
    return world.on(
        world.development,
        "select c.relname::text, i.indisvalid from pg_index i join pg_class c on c.oid = i.indexrelid"
        " where i.indrelid = 'public.codes'::regclass order by 1",
    )


def test_a_half_migration_stops_everything_else_until_it_is_resumed(half_done: World) -> None:
    assert indexes(half_done) == [("codes_a", True), ("codes_b", False)]
    status, out, _ = half_done.run("status", "--on", "development")
    assert (status, "resume --on development" in out) == (6, True)
    assert half_done.run("sync")[0] == 6
    assert half_done.run("resume")[0] == 6  # the rows are still not unique
    half_done.on(half_done.development, "delete from public.codes where a = 2")
    status, out, error = half_done.run("resume")
    assert (status, out) == (0, f"applied {LATER + 1}_later_1\n"), error
    assert indexes(half_done) == [("codes_a", True), ("codes_ab", True), ("codes_b", True)]
    assert half_done.on(
        half_done.development,
        "select count(*) from private.migration_steps where statement = 1 and version like '2099%'",
    ) == [(1,)]
    assert half_done.run("status", "--on", "development")[0] == 0
    assert half_done.run("sync")[0] == 0


def test_a_half_migration_can_be_taken_back_and_written_anew(half_done: World) -> None:
    status, out, _ = half_done.run("abandon")
    assert status == 0
    assert "dropped the invalid index codes_b" in out
    assert "stays in the database: create index concurrently codes_a" in out
    assert indexes(half_done) == [("codes_a", True)]
    assert half_done.run("abandon")[0] == 1
    half_done.add("create index concurrently codes_b on public.codes (b);")
    assert half_done.run("sync")[0] == 0
    assert indexes(half_done) == [("codes_a", True), ("codes_b", True)]
