"""A database that cannot be written, or stops a statement: the error says what to do; nothing stays half."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.tools.database.two_environments import LATER, World
from tools.database import applying, migrate
from tools.database.embedded import Server, free_port

pytestmark = pytest.mark.database
ONE = "select to_regclass('public.one') is null"


def assert_untouched_and_mended(world: World) -> None:
    """Check that nothing of the migration is there, and that the same command applies it once it can."""
    assert world.on(world.development, ONE) == [(True,)]
    world.add("create table public.one ()")
    status, _, error = world.run("sync")
    assert status == 0, error
    assert world.on(world.development, ONE) == [(False,)]
    assert world.run("status", "--on", "development")[0] == 0


@pytest.mark.parametrize(("sqlstate", "says"), [
    ("53100", "The disk of the database is full"), ("53200", "no memory left"), ("53300", "All connections"),
])  # fmt: skip
def test_what_the_server_lacks_is_named_with_what_to_do(world: World, sqlstate: str, says: str) -> None:
    world.both()
    world.add(
        "create table public.one ();"
        f" do $$ begin raise exception 'no space left on device' using errcode = '{sqlstate}'; end $$;"
    )
    status, _, error = world.run("sync")
    assert status == 1
    assert says in error
    assert f"in migration {LATER + 1}_later_1, statement 2 of 2" in error
    assert "run the same command again" in error
    kept = "select outcome, sqlstate from private.migration_runs order by id desc limit 1"
    assert world.on(world.development, kept) == [("failed", sqlstate)]
    assert_untouched_and_mended(world)


def test_a_read_only_database_is_left_as_it_is(world: World) -> None:
    world.both()
    world.add("create table public.one ()")
    world.on(world.development, "alter database development set default_transaction_read_only = on")
    try:
        for command in (["sync"], ["init"], ["backup", "--on", "development"]):
            status, _, error = world.run(*command)
            assert "Traceback" not in error
            if command == ["sync"]:
                assert (status, "The database is read-only" in error) == (1, True), error
        assert world.run("status", "--on", "development")[0] == 3  # it can still be read
        assert world.run("drift", "--on", "development")[0] == 0
        status, out, _ = world.run("doctor", "--on", "development")
        assert (status, "read-only: default_transaction_read_only is on" in out) == (1, True), out
    finally:
        with psycopg.connect(world.server.url("postgres", "supabase_admin"), autocommit=True) as connection:
            connection.execute("alter database development reset default_transaction_read_only")
    assert_untouched_and_mended(world)


def test_a_read_only_production_gets_no_backup_that_it_does_not_know(world: World) -> None:
    world.both()
    world.on(world.production, "alter database production set default_transaction_read_only = on")
    try:
        status, _, error = world.run("backup", "--on", "production")
        assert (status, "The database is read-only" in error) == (1, True), error
        assert not (world.folder.parent / "backups").exists()
    finally:
        with psycopg.connect(world.server.url("postgres", "supabase_admin"), autocommit=True) as connection:
            connection.execute("alter database production reset default_transaction_read_only")
    assert world.run("backup", "--on", "production")[0] == 0


def test_a_replica_is_read_and_the_primary_is_asked_for(world: World, tmp_path: Path, monkeypatch) -> None:
    """A server that recovers for ever (standby.signal) refuses writes as a streaming replica does."""
    world.both()
    primary = Server(tmp_path / "primary", free_port(), durable=False)
    replica = Server(tmp_path / "replica", free_port(), durable=False)
    try:
        with primary:
            migrate.sync(primary.url())
        replica.copy_data(primary)
        (replica.data / "standby.signal").touch()
        replica.start()
        monkeypatch.setenv("DEVELOPMENT_DATABASE_URL", replica.url())
        world.add("create table public.one ()")
        status, out, error = world.run("status", "--on", "development")
        assert (status, f"pending {LATER + 1}_later_1" in out) == (3, True), out + error
        status, _, error = world.run("sync")
        assert (status, "If it is a replica, take the address of the primary" in error) == (1, True), error
        status, out, _ = world.run("doctor", "--on", "development")
        assert (status, "this is a replica, take the address of the primary" in out) == (1, True), out
    finally:
        primary.remove()
        replica.remove()


def test_a_missing_right_is_not_called_unreachable(world: World, tmp_path: Path, monkeypatch) -> None:
    world.both()
    world.on(world.development, "create role reader login password 'reader'")
    world.on(world.development, "grant usage on schema private, supabase_migrations to reader")
    try:
        monkeypatch.setenv("DEVELOPMENT_DATABASE_URL", world.server.url("development", "reader", "reader"))
        for command in (["status", "--on", "development"], ["history", "--on", "development"]):
            status, out, error = world.run(*command)
            assert (status, "permission denied for table" in out + error) == (1, True), out + error
        assert "refused" in world.run("status", "--on", "development")[1]
        page = tmp_path / "page.html"
        assert world.run("report", "--html", str(page))[0] == 0
        assert "permission denied for table" in page.read_text()
    finally:
        world.on(world.development, "drop owned by reader; drop role reader")


def test_a_statement_that_was_stopped_is_named(world: World) -> None:
    world.both()
    world.add("create table public.one (); set local statement_timeout = '50ms'; select pg_sleep(30)")
    status, _, error = world.run("sync")
    assert status == 1
    assert "statement 3 of 3" in error
    assert "was stopped, by statement_timeout" in error
    assert_untouched_and_mended(world)


def test_a_reader_that_never_lets_go_is_named_and_nothing_stays(world: World, monkeypatch) -> None:
    world.both()
    monkeypatch.setattr(applying, "LOCK_TIMEOUT", "100ms")
    monkeypatch.setattr(applying, "TRIES", 3)
    monkeypatch.setattr(applying, "FIRST_PAUSE", 0.3)
    world.add("create table public.one (); alter table public.users add column later int")
    with psycopg.connect(world.development, application_name="dashboard") as reader:
        reader.execute("select from public.users limit 1")
        status, _, error = world.run("sync")
    assert status == 9, error
    assert '"dashboard"' in error
    assert "pg_terminate_backend" in error
    assert_untouched_and_mended(world)
