"""`down` writes what takes a migration back, tries it forth and back, and names what it cannot say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools.database.two_environments import CONFIRMED, LATER, World
from tools.database import migration_files

pytestmark = pytest.mark.database
MIGRATION = """-- Later.
create type public.mood as enum ('good');
create table public.later (id int primary key, mood public.mood not null default 'good', note text);
insert into public.later (id, note) values (1, 'it''s'), (2, null);
insert into private.settings (key, value, about) values ('later_limit', '3', 'Later');
create index later_note on public.later (note);
alter table public.users add column later_id int references public.later (id);
drop function public.count_users;
create function public.count_users(p_more bigint default 0) returns bigint language sql stable
  security definer set search_path = pg_catalog, pg_temp as $$ select count(*) + p_more from public.users $$;
create or replace function private.clock() returns timestamptz language sql stable as $$ select now() $$;
alter table public.users disable row level security;
"""


def down_of(world: World, number: int = 1) -> Path:
    return world.folder.parent / "downs" / f"{LATER + number}_later_{number}.sql"


def test_a_migration_gets_its_way_back(world: World) -> None:
    world.add(MIGRATION)
    migration_files.freeze(world.folder.parent)
    status, out, error = world.run("down")
    assert status == 0, out + error
    assert "It went forth and back: equal." in out
    text = down_of(world).read_text()
    assert 'delete from "private"."settings" where "key" = \'later_limit\';' in text
    assert "drop table public.later;" in text
    known = migration_files.hashes(world.folder.parent)
    assert known == migration_files.digests(world.folder.parent)
    assert f"downs/{down_of(world).name}" in known
    assert "is there already" in world.run("down", "later_1")[2]
    world.both()
    status, out, _ = world.run("rollback", *CONFIRMED[:4])
    assert status == 1, "the rows of the migration are rows"
    assert world.run("rollback", "--on", "development", "--accept-loss")[0] == 0
    # Production is the same with and without it.
    status, out, _ = world.run("drift", "--on", "production", "--against", "development")
    assert (status, "table public.later" in out) == (5, True)
    assert world.run("sync")[0] == 0
    status, out, _ = world.run("drift", "--on", "production", "--against", "development")
    assert (status, out) == (0, "0 differences.\n")


def test_what_it_cannot_say_is_named(world: World) -> None:
    world.add(
        "-- Rows.\nupdate private.settings set value = '77' where key = 'quota_timezone';\n"
        "create table public.one ();\n"
    )
    status, out, _ = world.run("down")
    assert status == 1
    assert "It does not lead back yet" in out
    assert "changed  row private.settings (quota_timezone)" in out
    assert down_of(world).read_text().endswith("drop table public.one;\n")


def test_a_migration_of_rows_alone_is_written_by_hand(world: World) -> None:
    world.add("-- Rows.\nupdate private.settings set value = '77' where key = 'quota_timezone';\n")
    status, _, error = world.run("down", str(LATER + 1))
    assert (status, "Write it by hand" in error) == (1, True)
    assert not down_of(world).exists()
    assert "called 'absent'" in world.run("down", "absent")[2]
