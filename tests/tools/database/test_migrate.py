"""Migrations: once each, in order, in one transaction, with the bookkeeping of the Supabase CLI."""

import secrets
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from tests.support import eventually
from tests.tools.database.plain_server import plain_server
from tools.database import applying, migrate, migration_files
from tools.database.embedded import Server
from tools.database.errors import Locked, MigrationError, PrepareError

pytestmark = pytest.mark.database

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes migrations, numbered from 20260101000001, and returns their folder."""

    def write(*texts: str, start: int = 1) -> Path:
        for number, text in enumerate(texts, start):
            (tmp_path / f"{20260101000000 + number}_step_{number}.sql").write_text(text)
        return tmp_path

    return write


def rows(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, prepare_threshold=None) as connection:
        return connection.execute(query.encode()).fetchall()


def bookkeeping(url: str) -> list[tuple[object, ...]]:
    return rows(url, "select version, name, statements from supabase_migrations.schema_migrations order by 1")


def test_applies_in_order_and_records_like_the_cli(empty_url: str, write: Write) -> None:
    folder = write("-- Why: 100% needed.\ncreate table one ();", "create table two (like one)")
    applied = migrate.sync(empty_url, folder=folder)
    assert [str(migration) for migration in applied] == ["20260101000001_step_1", "20260101000002_step_2"]
    assert bookkeeping(empty_url) == [
        ("20260101000001", "step_1", ["-- Why: 100% needed.\ncreate table one ();"]),
        ("20260101000002", "step_2", ["create table two (like one)"]),
    ]


def test_a_second_run_does_nothing(empty_url: str, write: Write) -> None:
    folder = write("create table one ()")
    migrate.sync(empty_url, folder=folder)
    assert migrate.sync(empty_url, folder=folder) == []


def test_only_what_is_missing_is_applied(empty_url: str, write: Write) -> None:
    migrate.sync(empty_url, folder=write("create table one ()"))
    applied = migrate.sync(empty_url, folder=write("create table two ()", start=2))
    assert [migration.name for migration in applied] == ["step_2"]


def test_two_at_once_apply_each_migration_once(empty_url: str, write: Write) -> None:
    folder = write("select pg_sleep(0.3); create table one ()", "create table two ()")
    applied: list[str] = []
    failed: list[Exception] = []

    def run() -> None:
        try:
            applied.extend(migration.name for migration in migrate.sync(empty_url, folder=folder))
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert sorted(applied) == ["step_1", "step_2"]


def test_a_failing_migration_leaves_nothing_of_itself(empty_url: str, write: Write) -> None:
    folder = write("create table one ()", "create table two (); select 1 / 0")
    with pytest.raises(psycopg.errors.DivisionByZero) as failure:
        migrate.sync(empty_url, folder=folder)
    assert failure.value.__notes__ == ["in migration 20260101000002_step_2, statement 2 of 2"]
    assert [version for version, *_ in bookkeeping(empty_url)] == ["20260101000001"]
    assert rows(empty_url, "select to_regclass('one') is null, to_regclass('two') is null") == [(False, True)]


def test_a_newer_database_is_refused(empty_url: str, write: Write) -> None:
    folder = write("create table one ()", "create table two ()")
    migrate.sync(empty_url, folder=folder)
    (folder / "20260101000002_step_2.sql").unlink()
    with pytest.raises(
        MigrationError, match=r"not in supabase/migrations: 20260101000002\..*update the code first"
    ):
        migrate.sync(empty_url, folder=folder)
    (folder / "20260101000001_step_1.sql").unlink()
    with pytest.raises(MigrationError, match="20260101000001, 20260101000002"):
        migrate.sync(empty_url, folder=folder)


def test_a_migration_slipped_in_before_the_last_is_refused(empty_url: str, write: Write) -> None:
    folder = write("create table two ()", start=2)
    migrate.sync(empty_url, folder=folder)
    write("create table one ()")
    with pytest.raises(MigrationError, match="past 20260101000001 without having applied it"):
        migrate.sync(empty_url, folder=folder)
    assert rows(empty_url, "select to_regclass('one')") == [(None,)]


@pytest.mark.parametrize("name", ["1_short.sql", "20260101000001_Upper.sql", "20260101000001.sql"])
def test_a_file_name_the_cli_would_skip_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("select 1")
    with pytest.raises(MigrationError, match="a migration is called"):
        migration_files.migrations(tmp_path)


def test_two_migrations_of_one_time_are_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"20260101000001_{name}.sql").write_text("select 1")
    with pytest.raises(MigrationError, match="same 14 digits"):
        migration_files.migrations(tmp_path)


def test_objects_applied_by_a_superuser_belong_to_postgres(
    server: Server, empty_url: str, write: Write
) -> None:
    migrate.sync(server.url("empty", "supabase_admin"), folder=write("create table one ()"))
    owners = (
        "select distinct relowner::regrole::text from pg_class where relname in ('one', 'schema_migrations')"
    )
    assert rows(empty_url, owners) == [("postgres",)]


def test_waiting_for_a_lock_ends(empty_url: str, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applying, "LOCK_TIMEOUT", "200ms")
    monkeypatch.setattr(applying, "TRIES", 3)
    folder = write("create table one (a int)", "alter table one add column b int")
    (folder / "20260101000002_step_2.sql").rename(folder / "later")
    migrate.sync(empty_url, folder=folder)
    (folder / "later").rename(folder / "20260101000002_step_2.sql")
    with psycopg.connect(empty_url) as busy:
        busy.execute("select * from one")
        with pytest.raises(Locked, match=r"in 3 tries of 200ms: pid \d+ .* is in the way"):
            migrate.sync(empty_url, folder=folder)


def test_a_migration_that_loses_a_deadlock_is_repeated(server: Server, empty_url: str, write: Write) -> None:
    migrate.sync(empty_url, folder=write("create table one (a int)", "create table two (a int)"))
    folder = write("alter table one add column b int; alter table two add column b int", start=3)
    with psycopg.connect(server.url("empty", "supabase_admin"), prepare_threshold=None) as busy:
        busy.execute("set deadlock_timeout = '1min'")  # the migration looks for the deadlock, and loses it
        busy.execute("select * from two")
        with ThreadPoolExecutor() as pool:
            applied = pool.submit(migrate.sync, empty_url, folder=folder)
            eventually(lambda: rows(empty_url, "select from pg_locks where not granted"), 5)
            busy.execute("select * from one")
            busy.commit()
            assert [migration.name for migration in applied.result(10)] == ["step_3"]
    assert rows(empty_url, "select one.b, two.b from one, two") == []


# The role of the functions ------------------------------------------------------------------------------


def test_bot_backend_gets_its_password(server: Server, database_url: str) -> None:
    password = "with 'quotes' and ключ"
    migrate.sync(database_url, password)
    try:
        url = server.url("migrated", "bot_backend", password)
        assert rows(url, "select current_user::text") == [("bot_backend",)]
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(server.url("migrated", "bot_backend", "another"))
    finally:
        migrate.sync(database_url, "backend's password")


def test_the_password_itself_reaches_no_log(server: Server, database_url: str) -> None:
    password = secrets.token_urlsafe()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("alter system set log_statement = 'all'")
        connection.execute("select pg_reload_conf()")
        try:
            migrate.let_in(connection, "bot_backend", password)
            connection.execute("select 'the log is on'")
        finally:
            connection.execute("alter system reset log_statement")
            connection.execute("select pg_reload_conf()")
            migrate.let_in(connection, "bot_backend", "backend's password")
    log = server.log.read_text()
    assert "the log is on" in log
    assert "SCRAM-SHA-256$" in log
    assert password not in log


# A Postgres that Supabase never saw ---------------------------------------------------------------------


@pytest.fixture
def plain_url(tmp_path: Path) -> Iterator[str]:
    """An empty plain Postgres with superuser postgres: no role and no schema of Supabase."""
    with plain_server(tmp_path / "plain") as url:
        yield url


def test_an_empty_plain_postgres_gets_what_a_project_would_have(plain_url: str) -> None:
    applied = migrate.sync(plain_url, "secret")
    assert [str(migration) for migration in applied] == [
        str(migration) for migration in migration_files.migrations()
    ]
    roles = "select count(*) from pg_roles where rolname in ('anon', 'authenticated', 'service_role')"
    assert rows(plain_url, roles) == [(3,)]
    assert migrate.sync(plain_url, "secret") == []


def test_an_encoding_that_cannot_hold_a_message_is_refused(server: Server, write: Write) -> None:
    with psycopg.connect(server.url(user="supabase_admin"), autocommit=True) as connection:
        connection.execute("create database ascii encoding 'SQL_ASCII' locale 'C' template template0")
    try:
        with pytest.raises(PrepareError, match="has the encoding SQL_ASCII"):
            migrate.sync(server.url("ascii", "supabase_admin"), folder=write("create table one ()"))
    finally:
        server.drop_database("ascii")


def test_objects_that_need_a_superuser_are_named(plain_url: str, write: Write) -> None:
    with psycopg.connect(plain_url, autocommit=True) as connection:
        connection.execute("create role owner login")
        connection.execute("grant create on database postgres to owner")
    with pytest.raises(
        PrepareError, match=r"lacks role anon, and owner may not make it: run sync once as a superuser"
    ):
        migrate.sync(plain_url.replace("postgres@", "owner@"), folder=write("create table one ()"))
