"""`rollback`: the newest migration goes back with its down; no row is lost unless that was accepted."""

from __future__ import annotations

import pytest

from tests.tools.database.two_environments import LATER, World
from tools.database import applying, binaries, connections, downs, losses, migration_files, runs

pytestmark = pytest.mark.database
ON = ("--on", "production", "--confirm", "production")
TABLE = "-- Later.\ncreate table public.later (id int primary key, note text);\n"


@pytest.fixture
def later(world: World) -> World:
    """Both environments have a migration that made a table, and its down is written."""
    world.add(TABLE)
    world.add_down("-- Take it back.\ndrop table public.later;\n")
    world.both()
    return world


def exists(world: World, name: str = "public.later") -> bool:
    return bool(world.on(world.production, f"select to_regclass('{name}') is not null")[0][0])


def record_backup(
    world: World, *, age: str = "1 hour", verified: bool = True, version: int = LATER + 1
) -> None:
    world.on(
        world.production,
        "insert into private.backups (taken_at, version, place, bytes, sha256, kept_for, verified_at)"
        f" values (now() - interval '{age}', '{version}', '/backups/one.age', 1, repeat('a', 64), 'daily',"
        f" case when {verified} then now() end)",
    )


@pytest.mark.parametrize("major", [15, 18])
def test_every_written_down_leads_back(major: int) -> None:
    programs = binaries.embedded() if major == binaries.EMBEDDED_MAJOR else binaries.debian(major)
    found = downs.try_all(programs)
    assert found == {name: [] for name in found}, "\n".join(
        f"{name}: {one}" for name, differences in found.items() for one in differences
    )
    assert len(found) == len(list(migration_files.DOWNS.glob("*.sql")))


def test_the_newest_migration_goes_back_and_can_come_again(later: World) -> None:
    newest = migration_files.migrations()[-2].version
    status, out, error = later.run("rollback", *ON)
    assert status == 0, error
    assert f"production: {LATER + 1}_later_1 was taken back; the database is at {newest}." in out
    assert not exists(later)
    assert later.on(
        later.production,
        "select kind, outcome, actor, from_version, to_version from private.migration_runs"
        " order by id desc limit 1",
    ) == [("rollback", "done", runs.actor(), f"{LATER + 1}_later_1", newest)]  # fmt: skip
    status, out, _ = later.run("status", "--on", "production")
    assert (status, f"pending {LATER + 1}_later_1: production" in out) == (3, True)
    assert later.run("rollback", *ON)[0] == 1
    status, _, error = later.run("sync", *ON, "--plan", "current")
    assert status == 0, error
    assert exists(later)
    assert later.run("status", "--on", "production")[0] == 0


def test_without_a_down_the_way_is_forward(later: World) -> None:
    later.add("-- Two.\ncreate table public.two ();\n", 2)
    later.both()
    status, _, error = later.run("rollback", *ON)
    assert status == 1
    assert f"{LATER + 2}_later_2 has no down (supabase/downs/{LATER + 2}_later_2.sql)" in error
    assert "Roll forward" in error
    assert exists(later, "public.two")


@pytest.mark.parametrize("confirm", [(), ("--confirm", "development"), ("--confirm", "prod")])
def test_a_protected_environment_asks_for_its_name(later: World, confirm: tuple[str, ...]) -> None:
    assert later.run("rollback", "--on", "production", *confirm)[0] == 1
    assert exists(later)


def test_rows_are_lost_only_where_that_is_accepted_and_a_verified_backup_has_them(later: World) -> None:
    later.on(later.production, "insert into public.later values (1, 'a'), (2, null)")
    status, _, error = later.run("rollback", *ON)
    assert (status, "table public.later: 2 rows" in error, "--accept-loss" in error) == (1, True, True)
    for wrong in ({}, {"verified": False}, {"age": "25 hours"}, {"version": LATER}):
        if wrong:
            record_backup(later, **wrong)
        status, _, error = later.run("rollback", *ON, "--accept-loss")
        assert (status, "No backup of the last 24 hours" in error) == (1, True), wrong
    assert exists(later)
    record_backup(later)
    status, out, error = later.run("rollback", *ON, "--accept-loss")
    assert status == 0, error
    assert "lost table public.later: 2 rows" in out
    assert later.on(
        later.production, "select backup from private.migration_runs order by id desc limit 1"
    ) == [("/backups/one.age",)]


def test_an_environment_that_is_not_protected_needs_no_backup(later: World) -> None:
    later.on(later.development, "insert into public.later values (1, 'a')")
    assert later.run("rollback")[0] == 1
    assert later.run("rollback", "--accept-loss")[0] == 0


def test_a_column_with_nothing_but_its_default_is_no_loss(world: World) -> None:
    world.add(
        "-- Columns.\nalter table public.users add column empty text, add column rank int not null default 3,"
        " add column twice int generated always as (vip_level * 2) stored;\n"
    )
    world.add_down(
        "-- Back.\nalter table public.users drop column empty, drop column rank, drop column twice;\n"
    )
    world.both()
    world.on(world.production, "insert into public.users (telegram_id, first_name, rank) values (7, 'A', 4)")
    status, _, error = world.run("rollback", *ON)
    assert (status, "column public.users.rank: 1 row" in error, "empty" in error) == (1, True, False)
    assert "twice" not in error
    world.on(world.production, "update public.users set rank = 3")
    status, _, error = world.run("rollback", *ON)
    assert status == 0, error


@pytest.mark.parametrize(("down", "what"), [
    ("delete from public.later where id > 1", "a delete from public.later: an unknown number of rows"),
    ("update public.later set note = ''", "an update of public.later: an unknown number of rows"),
    ("truncate public.later", "table public.later: 1 row"),
    ("drop type public.mood cascade", "type public.mood in table public.later: 1 row"),
    ("drop schema extra cascade", "table extra.deep: 1 row"),
])  # fmt: skip
def test_what_a_down_would_lose(world: World, down: str, what: str) -> None:
    world.add(
        TABLE
        + "create type public.mood as enum ('good'); alter table public.later add column mood public.mood;"
        "create schema extra; create table extra.deep (id int); insert into extra.deep values (1);"
        "insert into public.later values (1, 'a', 'good');\n"
    )
    path = world.add_down(f"-- Back.\n{down};\n")
    world.both()
    status, _, error = world.run("rollback", *ON)
    assert (status, what in error) == (1, True), error
    path.unlink()


def test_a_row_that_comes_meanwhile_is_not_lost(later: World, monkeypatch) -> None:
    find = losses.find

    def found(connection, parts):
        before = find(connection, parts)
        later.on(later.production, "insert into public.later values (1, 'meanwhile')")
        return before

    monkeypatch.setattr(losses, "find", found)
    status, _, error = later.run("rollback", *ON)
    assert (status, "Rows were written meanwhile: table public.later" in error) == (1, True)
    assert later.on(later.production, "select note from public.later") == [("meanwhile",)]
    assert later.on(
        later.production, "select kind, outcome from private.migration_runs order by id desc limit 1"
    ) == [("rollback", "failed")]


def test_a_down_that_fails_changes_nothing(later: World) -> None:
    later.add_down("-- Back.\ndrop table public.later; drop table public.absent;\n")
    status, _, error = later.run("rollback", *ON)
    assert (status, "statement 2 of 2" in error, "42P01" in error) == (1, True, True)
    assert exists(later)
    assert later.run("status", "--on", "production")[0] == 0


def test_a_reader_in_the_way_is_named(later: World, monkeypatch) -> None:
    monkeypatch.setattr(applying, "LOCK_TIMEOUT", "100ms")
    monkeypatch.setattr(applying, "TRIES", 2)
    with connections.connect(later.production) as reader, reader.transaction():
        reader.execute("select from public.later")
        status, _, error = later.run("rollback", *ON)
    assert (status, "is in the way" in error) == (9, True)
    assert exists(later)


def test_a_changed_database_is_not_taken_back(later: World) -> None:
    later.on(later.production, "alter table public.later add column by_hand int")
    assert later.run("rollback", *ON)[0] == 5
    assert exists(later)


def test_an_index_that_was_built_concurrently_goes_back_and_comes_again(world: World) -> None:
    world.add("-- Index.\ncreate index concurrently if not exists users_later on public.users (created_at);")
    world.add_down("-- Back.\ndrop index public.users_later;\n")
    world.both()
    assert world.run("rollback", *ON)[0] == 0
    assert not exists(world, "public.users_later")
    assert world.run("status", "--on", "production")[0] == 3
    status, _, error = world.run("sync", *ON, "--plan", "current")
    assert status == 0, error
    assert exists(world, "public.users_later")
    assert world.run("status", "--on", "production")[0] == 0


def test_a_down_is_one_transaction(later: World) -> None:
    later.add_down("-- Back.\ndrop index concurrently public.later_pkey;\n")
    status, _, error = later.run("rollback", *ON)
    assert (status, "a down is one transaction" in error) == (1, True)
