"""Drops, renames and changed signatures say since when they are unused; the rest needs no word."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools.database.two_environments import CONFIRMED, LATER, World
from tools.database import contracts, migration_files

FIRST, SECOND = f"{LATER + 1}", f"{LATER + 2}"
BEFORE = """-- Before.
create table public.things (id int primary key, note text);
create type public.mood as enum ('good');
create view public.seen as select id from public.things;
create function public.greet(p_name text, p_times int default 1) returns jsonb language sql as 'select null::jsonb';
create function private.inner(p_name text) returns int language sql as 'select 1';
create procedure public.tidy() language sql as '';
"""  # noqa: E501


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(migration_files, "MIGRATIONS", tmp_path)
    (tmp_path / f"{FIRST}_before.sql").write_text(BEFORE)
    return tmp_path


def findings(folder: Path, text: str) -> list[str]:
    (folder / f"{SECOND}_after.sql").write_text(f"-- After.\n\n{text}\n")
    return [str(one) for one in contracts.check(migration_files.migrations()[-1])]


GREET = "create function public.greet({}) returns {} language sql as 'select null::jsonb'"
DROP_GREET = "drop function public.greet(p_name text, p_times integer);"
GONE = "drops function public.greet"
REMOVALS = {
    "drop table public.things": "drops table public.things",
    "drop table things, public.others": "drops table public.others",
    "drop view public.seen": "drops view public.seen",
    "drop type public.mood": "drops type public.mood",
    "drop domain if exists public.amount": "drops type public.amount",
    "drop schema private cascade": "drops schema private",
    "drop sequence public.numbers": "drops sequence public.numbers",
    "alter table public.things drop column if exists note": "drops column public.things.note",
    "alter table only public.things add column a int, drop column note": "drops column public.things.note",
    "alter table public.things rename column note to remark": "renames column public.things.note",
    "alter table public.things rename to objects": "renames table public.things",
    "alter view public.seen rename to visible": "renames view public.seen",
    "alter type public.mood rename to temper": "renames type public.mood",
    "alter type public.mood rename value 'good' to 'fine'": "renames value public.mood.good",
    "alter function public.greet(text, integer) rename to hello": "renames function public.greet",
    "alter table public.things set schema private": "moves public.things",
    "drop procedure public.tidy()": "drops function public.tidy",
    "drop routine public.tidy": "drops function public.tidy",
    DROP_GREET: GONE,
    DROP_GREET + GREET.format("p_name text, p_count int default 1", "jsonb"): GONE,
    DROP_GREET + GREET.format("p_times int default 1, p_name text default ''", "jsonb"): GONE,
    DROP_GREET + GREET.format("p_name text, p_times int", "jsonb"): GONE,
    DROP_GREET + GREET.format("p_name text, p_times int default 1, p_more int default 2", "text"):
        GONE,
    DROP_GREET + GREET.format("p_name text, p_times bigint default 1", "jsonb"): GONE,
    DROP_GREET + GREET.format("p_name text", "jsonb"): GONE,
    DROP_GREET + GREET.format("p_name text, p_times int default 1", "setof jsonb"): GONE,
}  # fmt: skip


@pytest.mark.parametrize("text", REMOVALS)
def test_what_is_taken_away_needs_its_comment(folder: Path, text: str) -> None:
    found = findings(folder, text)
    assert found, "nothing was seen"
    assert any(REMOVALS[text] in one and "-- unused since VERSION" in one for one in found)
    assert found[0].startswith("3: unused-since: ")
    assert findings(folder, f"-- unused since {FIRST}: the trainer no longer reads it\n{text}") == []
    (wrong, *_) = findings(folder, f"-- unused since 20200101000000\n{text}")
    assert "no earlier migration has the version 20200101000000" in wrong
    assert findings(folder, f"-- unused since {SECOND}\n{text}") != []
    assert findings(folder, f"select '-- unused since {FIRST}';\n{text}") != []


@pytest.mark.parametrize("text", [
    "create table public.more (); alter table public.things add column b int; drop index public.things_idx",
    "alter table public.things drop constraint things_check; drop trigger t on public.things",
    "drop policy p on public.things; alter table public.things rename constraint a to b",
    "alter index public.a rename to b; alter table public.things alter column note drop not null",
    "drop function private.inner(p_name text)",
    "alter function private.inner(text) rename to outer_one",
    "create or replace function public.greet(p_name text) returns jsonb language sql as ''",
    DROP_GREET + GREET.format("p_name text, p_times int default 2, p_more text default ''", "jsonb"),
    DROP_GREET + GREET.format("p_name text default 'x', p_times integer default 1", "jsonb"),
])  # fmt: skip
def test_what_live_code_does_not_notice_needs_none(folder: Path, text: str) -> None:
    assert findings(folder, text) == []


def test_each_statement_has_its_own_comment(folder: Path) -> None:
    found = findings(
        folder, f"-- unused since {FIRST}\ndrop view public.seen;\n\ndrop table public.things;"
    )  # fmt: skip
    assert [one.partition(":")[0] for one in found] == ["6"]


def test_released_migrations_are_exempt(folder: Path) -> None:
    (folder / f"{contracts.LAST_WITHOUT}_old.sql").write_text("-- Old.\ndrop table public.things;\n")
    (old,) = [one for one in migration_files.migrations() if one.version == contracts.LAST_WITHOUT]
    assert contracts.check(old) == []
    assert old.version in {path.name[:14] for path in (migration_files.SUPABASE / "migrations").iterdir()}


@pytest.mark.database
def test_production_loses_nothing_before_the_release_that_does_without_is_live(world: World) -> None:
    world.add("-- Two columns.\nalter table public.users add column one text, add column two text;\n")
    world.both()
    world.add("-- The last use of one is gone.\nselect 1;\n", 2)
    world.add(f"-- Less.\n\n-- unused since {LATER + 2}\nalter table public.users drop column one;\n", 3)
    assert world.run("sync")[0] == 0
    status, _, error = world.run("sync", *CONFIRMED)
    assert status == 1
    assert f"alter table public.users drop column one is unused since {LATER + 2}" in error
    assert f"sync --on production --to {LATER + 2}" in error
    assert world.run("sync", *CONFIRMED, "--to", f"{LATER + 2}")[0] == 0
    status, _, error = world.run("sync", *CONFIRMED)
    assert status == 0, error
