"""`verify`: pending migrations on a scratch server, with what each statement locks, rewrites and blocks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pyrage
import pytest

from tests.tools.database.two_environments import LATER, World
from tools.database import binaries, connections, schema_drift, statements, tracing
from tools.database.backups import keeping
from tools.database.embedded import Server
from tools.database.environments import Environment
from tools.database.migration_files import Migration
from tools.database.payloads import BackupRules, Rules

pytestmark = pytest.mark.database
HEAD = "create table public.later (id bigint generated always as identity primary key, note text);"
TABLE = (
    f"-- Later.\n{HEAD}\nalter table public.later enable row level security;\n"
    "revoke all on table public.later from public, anon, authenticated, service_role;\n"
    "comment on table public.later is 'Later';\n"
)


@pytest.fixture(scope="module", params=[15, 18])
def scratch(request: pytest.FixtureRequest) -> Iterator[Server]:
    programs = binaries.embedded() if request.param == binaries.EMBEDDED_MAJOR else binaries.debian(15)
    with schema_drift.scratch(programs) as server:
        yield server


@pytest.fixture
def used(scratch: Server) -> Iterator[psycopg.Connection]:
    """A table with rows, which is in use."""
    with connections.connect(scratch.url()) as connection:
        connection.execute(
            "drop schema public cascade; create schema public;"
            "create table public.used (id int primary key, note text, born int);"
            "insert into public.used select g, 'note ' || g, g from generate_series(1, 2000) g;"
            "create table public.other (id int primary key); create view public.seen as select id from used;"
            "create index used_born on public.used (born)"
        )
        yield connection


def traced(connection: psycopg.Connection, text: str) -> tracing.Trace:
    tracer = tracing.Tracer(connection)
    parts = statements.read(Migration("20260101000001", "step", text))
    if statements.is_transactional(parts):
        with connection.transaction():
            for part in parts:
                tracer.run(part, lambda text: connection.execute(text.encode()))
    else:
        for part in parts:
            tracer.run(part, lambda text: connection.execute(text.encode()))
    return tracer.trace


BOTH, WRITES = tracing.READS_AND_WRITES, tracing.WRITES
EFFECTS = {
    "create table public.fresh (id int primary key); create index on public.fresh (id)": ([], [], [], []),
    "alter table public.used add column more text": ([("public.used", BOTH)], [], [], []),
    "alter table public.used alter column born type bigint": (
        [("public.used", BOTH)], ["public.used"], ["public.used_born", "public.used_pkey"], [],
    ),
    "alter table public.used alter column born set not null": (
        [("public.used", BOTH)], [], [], ["public.used"],
    ),
    "create index on public.used (note)": ([("public.used", WRITES)], [], [], ["public.used"]),
    "create index concurrently on public.used (note)": ([], [], [], ["public.used"]),
    "reindex index public.used_born": ([("public.used", WRITES)], [], ["public.used_born"], []),
    "update public.used set note = '' where id = 3; select * from public.used": ([], [], [], []),
    "alter table public.other add foreign key (id) references public.used": (
        [("public.other", WRITES), ("public.used", WRITES)], [], [], ["public.other"],
    ),
    "alter table public.used add check (born > 0) not valid": ([("public.used", BOTH)], [], [], []),
    "lock table public.used in share mode; drop view public.seen": (
        [("public.seen", BOTH), ("public.used", WRITES)], [], [], [],
    ),
    "truncate public.other": ([("public.other", BOTH)], ["public.other"], ["public.other_pkey"], []),
    "vacuum public.used": ([], [], [], []),
    "vacuum full public.used": (
        [("public.used", BOTH)], ["public.used"], ["public.used_born", "public.used_pkey"], [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("text", EFFECTS)
def test_the_effects_of_a_statement_on_what_is_in_use(used: psycopg.Connection, text: str) -> None:
    trace = traced(used, text)
    held = sorted((one.relation, one.blocks) for one in trace.held())
    rewritten = sorted({name for step in trace.steps for name in step.rewritten})
    rebuilt = sorted({name for step in trace.steps for name in step.rebuilt})
    read = sorted({name for step in trace.steps for name in step.read if name not in rewritten})
    expected = EFFECTS[text]
    if "concurrently" in text:
        read = expected[3]  # it is outside of the transaction that counts
    assert (held, rewritten, rebuilt, read) == expected


def test_a_lock_is_held_until_the_end_and_the_strongest_is_named(used: psycopg.Connection) -> None:
    trace = traced(
        used, "lock table public.used in share mode; alter table public.used add column more text;"
        " create table public.fresh (); select pg_sleep(0.05)",
    )  # fmt: skip
    (held,) = trace.held()
    assert (held.relation, held.blocks) == ("public.used", BOTH)
    assert held.seconds >= trace.steps[3].seconds
    assert [lock.mode for lock in trace.steps[0].locks] == ["ShareLock"]
    assert trace.steps[3].locks == []


def verified(world: World, *arguments: str) -> tuple[int, dict, str]:
    status, out, error = world.run("verify", *arguments, "--json")
    return status, json.loads(out), error


def test_nothing_is_pending_and_the_schema_files_make_the_same(world: World) -> None:
    world.both()
    status, out, error = world.run("verify", "--on", "production")
    assert (status, error) == (0, "")
    assert "production: nothing to apply" in out
    assert "The database is what supabase/schemas makes" in out


def test_a_pending_migration_is_run_and_says_whom_it_blocks(world: World) -> None:
    world.both()
    world.on(world.production, "insert into public.users (telegram_id, first_name) values (7, 'A')")
    world.on(world.production, "analyze public.users")
    world.add(TABLE)
    world.schema("tables/xp/later.sql", TABLE)
    world.add("-- More.\nalter table public.users add column later text;\n", 2)
    world.schema("tables/xp/later.sql", "alter table public.users add column later text;\n")
    world.add(
        "-- An index.\ncreate index concurrently if not exists users_later on public.users (created_at);\n", 3
    )
    world.schema("tables/xp/later.sql", "create index users_later on public.users (created_at);\n")
    status, out, error = world.run("verify", "--on", "production")
    assert status == 3, out + error
    assert f"✔ 1/3 {LATER + 1}_later_1   4 statements" in out
    assert "blocks nothing" in out
    assert "blocks reads and writes of public.users for" in out
    assert "AccessExclusiveLock on public.users: blocks reads and writes" in out
    assert "With them, the database is what supabase/schemas makes" in out
    status, found, _ = verified(world, "--on", "production")
    assert [one["blocks"] and one["blocks"][0]["relation"] for one in found["migrations"]] == [
        [], "public.users", [],
    ]  # fmt: skip
    assert found["hash"] == world.run("plan", "--on", "production")[1].split("plan ")[1].split()[0]
    assert world.on(world.production, "select to_regclass('public.later') is null") == [(True,)]


def test_what_is_wrong_ends_with_8_and_is_named(world: World) -> None:
    world.both()
    world.add("-- One.\ncreate table public.one (a text not null);\nselect 1 / 0;\n")
    world.add("-- Two.\ncreate index users_two on public.users (created_at);\n", 2)
    world.add("-- Three.\nbegin;\n", 3)
    status, out, _ = world.run("verify", "--on", "production")
    assert status == 8
    assert "statement 2: division by zero (SQLSTATE 22012)" in out
    assert "line 2: require-concurrent-index-creation" in out
    assert "begin, commit and rollback are not for migrations" in out
    assert "not compared with supabase/schemas" in out
    (world.folder / f"{LATER + 1}_later_1.sql").unlink()
    (world.folder / f"{LATER + 3}_later_3.sql").unlink()
    status, found, _ = verified(world, "--on", "production")
    assert status == 8
    assert found["differences"] == [
        "index public.users_two: only in migrations/:"
        " CREATE INDEX users_two ON public.users USING btree (created_at)"
    ]


def test_rows_of_a_backup_tell_how_long_it_takes(world: World, tmp_path: Path, monkeypatch) -> None:
    world.both()
    identity = pyrage.x25519.Identity.generate()
    monkeypatch.setenv("BACKUP_IDENTITY", str(identity))
    rules = Rules(
        url="env:DATABASE_ADMIN_URL", protected=True,
        backup=BackupRules(to=str(tmp_path / "kept"), recipient=str(identity.to_public())),
    )  # fmt: skip
    world.on(
        world.production, "insert into public.users (telegram_id, first_name) values (7, 'Secret'), (8, 'B')"
    )
    taken = keeping.take(Environment("production", rules, world.production, True))
    world.add("-- Unique.\nalter table public.users add column later text;"
              "\nalter table public.users alter column telegram_id set not null;\n")  # fmt: skip
    world.add("-- Fails.\ncreate unique index on public.users ((1)); -- squawk-ignore", 2)
    status, found, error = verified(world, "--on", "production", "--from-backup", taken.place)
    assert status == 8, error
    first, second = found["migrations"]
    assert first["failure"] is None, first
    assert second["failure"]["sqlstate"] == "23505"
    assert "Secret" not in json.dumps(found)
    assert found["backup"]


def test_a_down_goes_back_and_forth(world: World) -> None:
    world.both()
    world.add(TABLE)
    world.schema("tables/xp/later.sql", TABLE)
    world.add_down("-- Take it back.\ndrop table public.later;\n")
    status, out, error = world.run("verify", "--on", "production")
    assert (status, "its down went back and forth: equal" in out) == (3, True), out + error
    world.add_down("-- Take it back.\nalter table public.later disable row level security;\n")
    status, out, _ = world.run("verify", "--on", "production")
    assert status == 8
    assert "its down of 20990101000001_later_1 fails" in out or "already exists" in out
    world.add_down("-- Take it back.\ndrop table public.later; create table public.rest ();\n")
    status, out, _ = world.run("verify", "--on", "production")
    assert (status, "its down does not lead back" in out, "table public.rest" in out) == (8, True, True)
