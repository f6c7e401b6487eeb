"""Two environments in step: names, confirmation, order, edits, records of other programs."""

from __future__ import annotations

import json
import sys

import pytest

from tests.tools.database.two_environments import CONFIRMED, LATER, World
from tools.database import environments, migration_files, syncing

pytestmark = pytest.mark.database


# What environments are ----------------------------------------------------------------------------------


def test_both_are_shown_side_by_side_and_equal(world: World) -> None:
    world.both()
    status, out, _ = world.run("status")
    assert status == 0
    newest = str(migration_files.migrations()[-1])
    assert [line.split() for line in out.splitlines()][:3] == [
        ["development", "production"], ["version", newest, newest], ["pending", "-", "-"],
    ]  # fmt: skip


def test_status_is_one_json_object_for_programs(world: World) -> None:
    world.both()
    world.add("create table public.one ()")
    status, out, _ = world.run("status", "--json")
    found = json.loads(out)
    assert status == 3
    assert found["production"]["pending"] == [f"{LATER + 1}_later_1"]
    assert found["production"]["last_run"]["outcome"] == "done"
    assert found["development"]["changed_by_hand"] == []


@pytest.mark.parametrize("command", [
    ("sync", *CONFIRMED), ("plan", "--on", "production"), ("drift", "--on", "production"),
    ("history", "--on", "production"), ("adopt", "--on", "production"), ("init", "--on", "production"),
    ("resume", "--on", "production"), ("abandon", "--on", "production"), ("settings", "--on", "production"),
    ("health", "--on", "production"), ("status", "--on", "production"), ("doctor", "--on", "production"),
])  # fmt: skip
def test_no_command_touches_another_environment_than_it_names(
    world: World, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    world.both()
    before = world.on(world.development, "select * from private.migration_runs order by id")
    monkeypatch.setenv("DATABASE_ADMIN_URL", world.development)
    world.add("create table public.one ()")
    status, out, error = world.run(*command)
    assert status == 1
    assert "development" in out + error
    assert world.on(world.development, "select * from private.migration_runs order by id") == before
    assert world.on(world.development, "select to_regclass('public.one') is null") == [(True,)]


def test_health_shows_figures_with_their_limits_and_ends_with_10_when_one_is_reached(world: World) -> None:
    world.both()
    world.on(world.production, "update private.settings set value = '0' where starts_with(key, 'health_')")
    status, out, _ = world.run("health", "--on", "production")
    assert status == 0, out
    lines = {line[2:].split("  ")[0]: line for line in out.splitlines()}
    assert "not available" in lines["backup"]
    assert "MB" in lines["size"]
    world.on(world.production, "create table public.by_hand ()")
    world.on(world.production, "update private.settings set value = '1' where key = 'health_size_megabytes'")
    status, out, _ = world.run("health", "--on", "production")
    assert status == 10
    assert [line.split()[1] for line in out.splitlines() if line.startswith("✘")] == ["size", "changes"]
    status, out, _ = world.run("health", "--on", "production", "--json")
    found = json.loads(out)
    assert status == 10
    assert found["size_megabytes"]["limit"] == 1
    assert found["size_megabytes"]["is_bad"] is True
    assert found["backup_hours"] == {"value": None, "limit": None, "is_bad": False, "names": []}
    assert "table public.by_hand" in found["changes_by_hand"]["names"]


def test_health_asks_for_a_sync_where_the_figures_are_younger(world: World) -> None:
    world.both()
    world.on(world.production, "drop function private.health_figures()")
    status, _, error = world.run("health", "--on", "production")
    assert status == 1
    assert "./switchboard database sync --on production" in error


def test_reset_refuses_a_protected_environment_and_a_foreign_database(world: World, monkeypatch) -> None:
    assert "is protected: it is never emptied" in world.run("reset", "--on", "production")[2]
    monkeypatch.setenv("DEVELOPMENT_DATABASE_URL", world.production)
    assert "does not bear the emulator's marker" in world.run("reset")[2]
    assert world.on(world.production, "select count(*) > 0 from private.settings") == [(True,)]


def test_a_database_in_use_without_a_name_is_named_by_init_alone(world: World) -> None:
    world.on(world.production, "delete from private.database_identity")
    status, _, error = world.run("sync", *CONFIRMED)
    assert (status, "database init --on production" in error) == (1, True)
    assert world.run("init", "--on", "production")[:2] == (0, "The database is production.\n")
    assert world.run("init", "--on", "production")[1] == "The database was already production.\n"
    assert world.run("sync", *CONFIRMED)[0] == 0
    assert world.on(world.production, "select environment, is_protected from private.database_identity") == [
        ("production", True)
    ]


def test_a_database_without_a_history_gets_one_where_it_is_what_the_migrations_make(world: World) -> None:
    newest = migration_files.migrations()[-1].version
    world.on(
        world.production, "drop schema supabase_migrations cascade; delete from private.database_identity"
    )
    world.on(world.production, "create index users_by_hand on public.users (created_at)")
    status, _, error = world.run("init", "--on", "production", "--baseline", newest)
    assert (status, "added    index public.users_by_hand" in error) == (1, True)
    world.on(world.production, "drop index public.users_by_hand")
    assert world.run("init", "--on", "production", "--baseline", "20260101000000")[0] == 1
    status, out, error = world.run("init", "--on", "production", "--baseline", newest)
    assert (status, out) == (0, "The database is production.\n"), error
    assert world.run("status", "--on", "production")[0] == 0
    assert "a history already" in world.run("init", "--on", "production", "--baseline", newest)[2]


def test_an_unreachable_environment_leaves_the_other_readable(world: World, monkeypatch) -> None:
    monkeypatch.setenv("DEVELOPMENT_DATABASE_URL", "postgresql://postgres:geheim-7@127.0.0.1:1/x")
    status, out, error = world.run("status")
    assert status == 7
    assert "development: Postgres: connection failed" in out
    assert str(migration_files.migrations()[-1]) in out
    assert "geheim" not in out + error


# What sync asks before it changes anything -----------------------------------------------------------------


def test_production_asks_for_its_name_and_for_the_plan_that_was_reviewed(world: World) -> None:
    world.both()
    world.add("create table public.one ()")
    assert world.run("sync")[0] == 0
    status, out, _ = world.run("plan", "--on", "production")
    reviewed = out.split("plan ")[1].split()[0]
    assert (status, f"{LATER + 1}_later_1" in out) == (3, True)
    for wrong in (
        (), ("--confirm", "production"), ("--confirm", "prod", "--plan", reviewed),
        ("--confirm", "production", "--plan", "000000000000"),
    ):  # fmt: skip
        status, _, error = world.run("sync", "--on", "production", *wrong)
        assert status == 1, error
        assert reviewed in error or "--confirm says 'prod'" in error
    world.add("create table public.two ()", 2)
    assert world.run("sync")[0] == 0
    assert (
        "review it again"
        in world.run("sync", "--on", "production", "--confirm", "production", "--plan", reviewed)[2]
    )
    assert world.on(world.production, "select to_regclass('public.one') is null") == [(True,)]
    reviewed = world.run("plan", "--on", "production")[1].split("plan ")[1].split()[0]
    status, out, _ = world.run("sync", "--on", "production", "--confirm", "production", "--plan", reviewed)
    assert (status, out.count("applied 2099")) == (0, 2)
    assert world.on(
        world.production, "select outcome, plan from private.migration_runs order by id desc limit 1"
    ) == [("done", reviewed)]


def test_on_a_terminal_the_name_is_typed(world: World, monkeypatch) -> None:
    world.both()
    world.add("create table public.one ()")
    assert world.run("sync")[0] == 0
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    for typed, status in (("development", 1), ("yes", 1), (" production ", 0)):
        monkeypatch.setattr("builtins.input", lambda _, typed=typed: typed)
        monkeypatch.setattr(syncing, "ask_for_name", lambda _, typed=typed: typed.strip())
        assert world.run("sync", "--on", "production")[0] == status


def test_a_migration_is_applied_to_development_first(world: World) -> None:
    world.add("create table public.one ()")
    status, _, error = world.run("sync", *CONFIRMED)
    assert status == 1
    assert f"development comes before production and lacks {LATER + 1}_later_1" in error
    assert world.on(world.production, "select to_regclass('public.one') is null") == [(True,)]


def test_all_goes_through_them_in_order_and_says_where_it_stopped(world: World) -> None:
    world.add("create table public.one ()")
    status, out, _ = world.run("sync", "--all", "--confirm", "production", "--plan", "current")
    assert (status, out.count(f"applied {LATER + 1}_later_1")) == (0, 2)
    world.on(world.production, "create index users_two on public.users (created_at)")
    world.add("create index users_two on public.users (created_at)", 2)
    status, out, error = world.run(
        "sync", "--all", "--confirm", "production", "--plan", "current", "--despite-drift",
        "index public.users_two",
    )  # fmt: skip
    assert status == 1
    assert f"applied {LATER + 2}_later_2" in out
    assert "already exists" in error
    assert "Stopped at production; nothing after it was touched." in error


def test_an_edited_migration_is_refused_and_a_comment_is_not_an_edit(world: World) -> None:
    path = world.add("create table public.one (a int);")
    world.both()
    path.write_text("-- A reason that was missing.\ncreate table public.one (\n  a int\n);\n")
    assert world.run("status")[0] == 0
    assert world.run("sync")[0] == 0
    path.write_text("create table public.one (a bigint);")
    status, out, _ = world.run("status", "--verbose")
    assert status == 4
    assert "-create table public.one (a int);" in out
    assert "+create table public.one (a bigint);" in out
    world.add("create table public.two ()", 2)
    status, _, error = world.run("sync")
    assert (status, "Applied migrations were edited: 20990101000001_later_1" in error) == (4, True)
    assert world.on(world.development, "select to_regclass('public.two') is null") == [(True,)]


def test_a_migration_that_is_gone_from_the_folder_is_unknown(world: World) -> None:
    path = world.add("create table public.one ()")
    world.both()
    path.unlink()
    assert world.run("status")[0] == 4
    status, _, error = world.run("sync")
    assert status == 4
    assert f"not in supabase/migrations: {LATER + 1}" in error


# Records of other programs ---------------------------------------------------------------------------------


def test_records_under_other_numbers_are_taken_over_by_their_content(world: World) -> None:
    world.both()
    text = "create table public.one (a int);"
    world.add(text)
    world.on(world.development, f"{text} alter table public.one owner to postgres")
    world.on(
        world.development,
        "insert into supabase_migrations.schema_migrations (version, name, statements) values"
        " ('20990202101112', 'one', array['create table public.one (a int)', '-- source: POST /mcp'])",
    )
    assert world.run("sync")[0] == 4
    status, out, _ = world.run("adopt")
    assert (status, f"20990202101112 is {LATER + 1}_later_1" in out) == (0, True)
    assert world.run("adopt")[1] == "0 renamed in the history; no table was touched.\n"
    assert world.run("status", "--on", "development")[0] == 5  # the table itself was made by hand
    assert world.run("sync", "--despite-drift", "table public.one")[0] == 5
    version = world.on(world.development, "select max(version) from supabase_migrations.schema_migrations")
    assert version == [(str(LATER + 1),)]


def test_a_record_that_no_file_has_is_not_renamed(world: World) -> None:
    world.both()
    world.on(
        world.development,
        "insert into supabase_migrations.schema_migrations (version, name, statements) values"
        " ('20990202101112', 'one', array['create table public.one (a int)'])",
    )
    status, _, error = world.run("adopt")
    assert (status, "No file of supabase/migrations does what 20990202101112 did" in error) == (1, True)


def test_the_environment_variables_are_the_only_place_of_an_address() -> None:
    assert environments.FILE.read_text().count("postgresql://") == 0
