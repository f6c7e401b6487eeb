"""Commands that are killed anywhere leave what one command mends, on Postgres 15 and 18."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pyrage
import pytest

from tests.support import eventually
from tests.tools.database.killing import Point, die, start
from tests.tools.database.two_environments import CONFIRMED, LATER, World
from tools.database import binaries, migrate, migration_files
from tools.database.embedded import Server, free_port
from tools.database.errors import ServerError

pytestmark = [pytest.mark.slow, pytest.mark.database]
IDENTITY = pyrage.x25519.Identity.generate()
RUNS, STEPS = "insert into private.migration_runs", "insert into private.migration_steps"
STEPPED, CLOSED = "update private.migration_steps", "update private.migration_runs set finished"
HISTORY, SNAPSHOT = "insert into supabase_migrations", "insert into private.catalogue_snapshots"
INDEX = "create (unique )?index concurrently"
BACKUPS = "tools.database.backups"
SYNC = [
    Point("sql", RUNS, "before"), Point("sql", RUNS, "after"),
    Point("sql", STEPS, "before"), Point("sql", STEPS, "after"),
    Point("sql", "create table public.two", "before"),  # in the middle of a file
    Point("sql", HISTORY, "before"), Point("sql", HISTORY, "after"),
    Point("sql", STEPPED, "before"), Point("sql", STEPPED, "after"),  # between two files
    Point("sql", INDEX, "before"), Point("sql", INDEX, "after"), Point("sql", INDEX, "after", 2),
    Point("sql", HISTORY, "before", 2), Point("sql", HISTORY, "after", 2),
    Point("sql", SNAPSHOT, "before"), Point("sql", SNAPSHOT, "after"),
    Point("sql", CLOSED, "before"), Point("sql", CLOSED, "after"),
]  # fmt: skip
RESUME = [Point("sql", STEPS, "after"), Point("sql", INDEX, "after"), Point("sql", HISTORY, "after")]
PUT, BEGIN = f"{BACKUPS}.places:Folder.put", f"{BACKUPS}.records:begin"
BACKUP = [
    Point("call", f"{BACKUPS}.sealing:seal", "before"),
    Point("call", f"{BACKUPS}.archive:copied", "before", 20),
    Point("call", f"{BACKUPS}.sealing:seal", "after"),
    Point("call", BEGIN, "after"),
    Point("call", "shutil:copyfileobj", "after"),  # the whole file, under its name of an unfinished one
    Point("call", PUT, "after"),
    Point("call", f"{BACKUPS}.records:finish", "after"),
]
RESTORE = [
    Point("sql", HISTORY, "after", 3),
    Point("call", "tools.database.migrate:sync", "after"),
    Point("call", f"{BACKUPS}.archive:load", "after"),
    Point("call", f"{BACKUPS}.keeping:erase_again", "after"),
    Point("call", "tools.database.syncing:finish", "after"),
    Point("call", f"{BACKUPS}.keeping:restore", "after"),
]


@pytest.fixture(scope="module", params=[15, 18])
def any_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    try:
        programs = None if request.param == binaries.EMBEDDED_MAJOR else binaries.debian(request.param)
    except ServerError as missing:
        pytest.skip(str(missing))
    directory = Path(tempfile.mkdtemp(prefix="switchboard-kills-"))
    server = Server(directory, free_port(), programs=programs, durable=False, generous=True)
    try:
        server.start()
        migrate.sync(server.create_database("template_of_kills"))
        yield server
    finally:
        server.remove()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def world(any_server: Server, tmp_path: Path, monkeypatch, capsys) -> Iterator[World]:
    folder = tmp_path / "supabase" / "migrations"
    shutil.copytree(migration_files.SUPABASE, folder.parent, ignore=shutil.ignore_patterns("tests", ".temp"))
    for name in ("development", "production"):
        any_server.create_database(name, "template_of_kills")
    made = World(any_server, folder, monkeypatch, capsys)
    monkeypatch.setenv("BACKUP_RECIPIENT", str(IDENTITY.to_public()))
    monkeypatch.setenv("BACKUP_IDENTITY", str(IDENTITY))
    made.on(made.production, "comment on database production is null")
    made.on(made.production, "insert into private.database_identity values ('production', true)")
    made.on(made.production, "grant set on parameter session_replication_role to postgres")
    made.both()
    yield made
    for name in ("development", "production"):
        any_server.drop_database(name)


def write_migrations(world: World) -> None:
    """Add three: a transaction, two indexes that no transaction can hold, a transaction."""
    world.add("create table public.one (a int); create table public.two (b int);", 1)
    world.add("create index concurrently one_a on public.one (a);"
              " create unique index concurrently if not exists two_b on public.two (b);", 2)  # fmt: skip
    world.add("create table public.three (c int);", 3)


def mend(world: World, on: str = "development") -> list[str]:
    """Do what `status` says, and then bring the rest; return the commands."""
    done = []
    confirmed = ("--confirm", on, "--plan", "current") if on == "production" else ()
    status, out, _ = world.run("status", "--on", on)
    if f"resume --on {on}" in out:
        assert status == 6
        status, _, error = world.run("resume", "--on", on, *confirmed[:2])
        assert status == 0, error
        done.append("resume")
    status, _, error = world.run("sync", "--on", on, *confirmed)
    assert status == 0, error
    return [*done, "sync"]


def assert_whole(world: World, url: str, on: str = "development") -> None:
    """Check that the database has all, knows it, and no run that died is still said to be running."""
    applied = "select version from supabase_migrations.schema_migrations where version > %s"
    versions = world.on(url, applied, str(LATER))
    assert versions == [(str(LATER + number),) for number in (1, 2, 3)]
    indexes = world.on(
        url,
        "select c.relname::text, i.indisvalid from pg_index i join pg_class c on c.oid = i.indexrelid"
        " where c.relname in ('one_a', 'two_b') order by 1",
    )
    assert indexes == [("one_a", True), ("two_b", True)]
    assert world.on(url, "select to_regclass('public.three') is not null") == [(True,)]
    assert world.on(url, "select count(*) from private.migration_runs where outcome = 'running'") == [(0,)]
    status, out, _ = world.run("status", "--on", on)
    assert status == 0, out
    assert "unknown until" not in out
    assert world.run("drift", "--on", on)[0] == 0


@pytest.mark.parametrize("point", SYNC, ids=str)
def test_a_killed_sync_is_mended_by_the_command_that_status_names(world: World, point: Point) -> None:
    write_migrations(world)
    die(world, point, "sync")
    assert len(mend(world)) <= 2
    assert_whole(world, world.development)


def test_a_sync_that_is_killed_while_an_index_is_built(world: World) -> None:
    write_migrations(world)
    first = Point("sql", INDEX, "before")
    die(world, first, "sync")
    with psycopg.connect(world.development, application_name="in the way") as writer:
        writer.execute("insert into public.one values (1)")  # the build waits for its end
        process = start(world, Point("sql", "nothing like this", "before"), "resume")
        try:
            eventually(lambda: is_building(world), seconds=60)
        finally:
            process.kill()
            process.communicate()
        eventually(lambda: not is_building(world), seconds=60)
    invalid = "select count(*) from pg_index where not indisvalid"
    assert world.on(world.development, invalid) == [(1,)]
    assert mend(world) == ["resume", "sync"]
    assert_whole(world, world.development)


def test_an_index_that_was_dropped_before_a_kill_is_not_dropped_again(world: World) -> None:
    write_migrations(world)
    assert world.run("sync")[0] == 0
    world.add("drop index concurrently public.one_a", 4)
    die(world, Point("sql", "drop index concurrently", "after"), "sync")
    assert mend(world) == ["resume", "sync"]
    assert world.on(world.development, "select to_regclass('public.one_a') is null") == [(True,)]
    assert world.run("status", "--on", "development")[0] == 0


def is_building(world: World) -> bool:
    return bool(world.on(
        world.development,
        "select 1 from pg_stat_activity where datname = 'development' and state = 'active'"
        " and query like '%create%index concurrently%' and wait_event_type = 'Lock'"
        " and application_name like 'switchboard%'",
    ))  # fmt: skip


@pytest.mark.parametrize("point", RESUME, ids=str)
def test_a_killed_resume_is_mended_by_the_next_one(world: World, point: Point) -> None:
    write_migrations(world)
    die(world, Point("sql", INDEX, "before", 1), "sync")
    die(world, point, "resume")
    mend(world)
    assert_whole(world, world.development)


@pytest.mark.parametrize("point", BACKUP, ids=str)
def test_a_killed_backup_leaves_no_file_that_the_next_one_does_not_know(world: World, point: Point) -> None:
    die(world, point, "backup", "--on", "production")
    status, _, error = world.run("backup", "--on", "production")
    assert status == 0, error
    rows = world.on(world.production, "select place from private.backups where stored_at is not null")
    unfinished = "select count(*) from private.backups where stored_at is null"
    assert world.on(world.production, unfinished) == [(0,)]
    kept = [str(path) for path in (world.folder.parent / "backups").iterdir()]
    assert sorted(kept) == sorted(place for (place,) in rows)
    status, out, error = world.run("restore", kept[-1])
    assert (status, "Restored and equal" in out) == (0, True), error


@pytest.mark.parametrize("point", [
    Point("call", BEGIN, "after"), Point("call", PUT, "after"),
    Point("sql", "update private.migration_runs set backup", "before"),
], ids=str)  # fmt: skip
def test_a_sync_that_is_killed_at_its_backup_takes_another_one(world: World, point: Point) -> None:
    write_migrations(world)
    assert world.run("sync")[0] == 0
    die(world, point, "sync", *CONFIRMED)
    mend(world, "production")
    assert_whole(world, world.production, "production")
    rows = world.on(world.production, "select place from private.backups")
    kept = {str(path) for path in (world.folder.parent / "backups").iterdir()}
    assert {place for (place,) in rows} == kept
    newest = "select backup from private.migration_runs order by id desc limit 1"
    ((named,),) = world.on(world.production, newest)
    assert named in kept


@pytest.mark.parametrize("point", RESTORE, ids=str)
def test_a_killed_restore_brings_no_erased_user_back(world: World, point: Point) -> None:
    world.on(
        world.production,
        "insert into public.users (telegram_id, first_name)"
        " select 1000 + g, 'n' from generate_series(1, 20) g",
    )
    assert world.run("backup", "--on", "production")[0] == 0
    ((file,),) = world.on(world.production, "select place from private.backups")
    ((erased,),) = world.on(world.production, "select id from users where telegram_id = 1007")
    world.server.drop_database("development")
    world.server.create_database("development")
    restoring = ("restore", file, "--into", "development", "--erased-ids", str(erased))
    die(world, point, *restoring)
    status, _, error = world.run(*restoring)
    is_complete = point.what.endswith((":restore",))
    assert (status, "not empty" in error) == ((1, True) if is_complete else (0, False)), error
    assert world.on(world.development, "select count(*) from users") == [(19,)]
    assert world.on(world.development, "select count(*) from users where telegram_id = 1007") == [(0,)]
    named = "select environment from private.database_identity"
    assert world.on(world.development, named) == [("development",)]
    assert world.run("sync")[0] == 0
    assert world.run("status", "--on", "development")[0] == 0
