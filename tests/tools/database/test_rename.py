"""Migrations that are merged later than newer ones: refused, and given a later time where that is safe."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.tools.database.two_environments import CONFIRMED, LATER, World
from tools.database import migration_files, released

OLDER = LATER - 1


@pytest.fixture
def late(world: World) -> World:
    """Both environments are at a migration, and a file of an older time came afterwards."""
    world.add("-- Newer.\ncreate table public.newer ();\n")
    world.both()
    (world.folder / f"{OLDER}_older.sql").write_text("-- Older.\ncreate table public.older ();\n")
    downs = world.folder.parent / "downs"
    downs.mkdir(exist_ok=True)
    (downs / f"{OLDER}_older.sql").write_text("-- Back.\ndrop table public.older;\n")
    migration_files.freeze(world.folder.parent)
    return world


@pytest.mark.database
@pytest.mark.parametrize("command", [("sync",), ("sync", *CONFIRMED), ("plan",), ("verify",)])
def test_an_older_file_is_refused_and_the_command_is_named(late: World, command: tuple[str, ...]) -> None:
    status, _, error = late.run(*command)
    assert status == 1
    assert f"past {OLDER}_older, which it has not" in error
    assert f"./switchboard database rename {OLDER}" in error
    assert f"{OLDER}_older is older than what is applied" in late.run("status")[1]
    assert late.on(late.development, "select to_regclass('public.older') is null") == [(True,)]


@pytest.mark.database
@pytest.mark.parametrize("given", ["older", str(OLDER), f"supabase/migrations/{OLDER}_older.sql"])
def test_it_gets_a_later_time_with_its_down_and_its_hash(late: World, given: str) -> None:
    edited = late.folder / f"{LATER + 1}_later_1.sql"
    edited.write_text(edited.read_text() + "-- An edit.\n")
    (late.folder / f"{LATER + 9}_mentions.sql").write_text(f"-- unused since {OLDER}\nselect 1;\n")
    status, out, error = late.run("rename", given)
    assert status == 0, error
    assert f"{OLDER}_older is now {LATER + 10}_older" in out
    assert f"migrations/{LATER + 9}_mentions.sql mentions {OLDER}: look at it." in out
    assert (late.folder / f"{LATER + 10}_older.sql").read_text().startswith("-- Older.")
    assert (late.folder.parent / "downs" / f"{LATER + 10}_older.sql").is_file()
    known, now = migration_files.hashes(late.folder.parent), migration_files.digests(late.folder.parent)
    for name in (f"migrations/{LATER + 10}_older.sql", f"downs/{LATER + 10}_older.sql"):
        assert known[name] == now[name]
    assert f"migrations/{OLDER}_older.sql" not in known
    name = f"migrations/{edited.name}"
    assert known[name] != now[name], "the edit of another file was approved along the way"
    assert late.run("sync")[0] == 0
    assert late.on(late.development, "select to_regclass('public.older') is null") == [(False,)]


@pytest.mark.database
def test_what_an_environment_has_stays(late: World, monkeypatch: pytest.MonkeyPatch) -> None:
    status, _, error = late.run("rename", "later_1")
    assert (status, f"development and production have {LATER + 1}_later_1 already" in error) == (1, True)
    assert "Write a new migration instead" in error
    late.on(late.development, "delete from supabase_migrations.schema_migrations where version like '2099%'")
    status, _, error = late.run("rename", "later_1")
    assert (status, f"production has {LATER + 1}_later_1 already" in error) == (1, True)
    assert "called 'nonsense'" in late.run("rename", "nonsense")[2]
    monkeypatch.setenv("DATABASE_ADMIN_URL", "postgresql://postgres@127.0.0.1:1/x")
    status, _, error = late.run("rename", "older")
    assert (status, "production does not answer" in error) == (7, True)
    monkeypatch.delenv("DATABASE_ADMIN_URL")
    status, _, error = late.run("rename", "older")
    assert (status, "production is not looked at: DATABASE_ADMIN_URL is not set." in error) == (0, True)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone of a repository whose main has two migrations."""
    origin, clone = tmp_path / "origin", tmp_path / "clone"
    folder = origin / "supabase" / "migrations"
    folder.mkdir(parents=True)
    for number in (2, 4):
        (folder / f"{LATER + number}_step.sql").write_text(f"select {number};\n")
    migration_files.freeze(origin / "supabase")
    git(origin, "init", "-q", "-b", "main")
    git(origin, "add", ".")
    git(origin, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "first")
    git(tmp_path, "clone", "-q", str(origin), str(clone))
    return clone / "supabase"


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


def problems(supabase: Path) -> list[str]:
    return released.problems(migration_files.digests(supabase), released.hashes(supabase) or {})


def test_files_are_compared_with_main(clone: Path) -> None:
    folder = clone / "migrations"
    assert problems(clone) == []
    (folder / f"{LATER + 5}_new.sql").write_text("select 5;\n")
    assert problems(clone) == []
    (folder / f"{LATER + 3}_late.sql").write_text("select 3;\n")
    (found,) = problems(clone)
    assert f"{LATER + 3}_late.sql is older than {LATER + 4}_step.sql of main" in found
    assert f"./switchboard database rename {LATER + 3}" in found
    (folder / f"{LATER + 2}_step.sql").write_text("select 22;\n")
    assert f"{LATER + 2}_step.sql differs from main" in problems(clone)[0]


def test_a_branch_that_is_behind_main_is_no_problem(clone: Path) -> None:
    (clone / "migrations" / f"{LATER + 4}_step.sql").unlink()
    assert problems(clone) == []


def test_what_main_has_is_not_renamed(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tools.database import renaming
    from tools.database.errors import MigrationError

    monkeypatch.setattr(migration_files, "SUPABASE", clone)
    monkeypatch.setattr(migration_files, "MIGRATIONS", clone / "migrations")
    with pytest.raises(MigrationError, match="is on main"):
        renaming.rename(f"{LATER + 4}", {})


def test_without_a_clone_there_is_no_main(tmp_path: Path) -> None:
    assert released.hashes(tmp_path) is None
