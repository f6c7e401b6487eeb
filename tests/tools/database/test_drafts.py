"""`drift --write` and `--undo`: a change by hand becomes a migration, or is taken back."""

from __future__ import annotations

import re
import shlex

import pytest

from tests.tools.database.two_environments import CONFIRMED, World
from tools.database import migration_files

pytestmark = pytest.mark.database

BY_HAND = (
    "alter table public.users add column note text not null default 'it''s'",
    "create index users_by_hand on public.users (created_at)",
    "grant select on public.users to authenticated",
    "alter table public.orders disable row level security",
    "drop function public.count_users",
    "alter table public.users alter column balance drop not null, alter column balance set default 1",
    "create or replace function private.clock() returns timestamptz language sql as $$ select now() $$",
    "drop trigger closed_runs_are_immutable on private.migration_runs",
    "create type public.mood as enum ('good', 'it''s bad')",
    "create table public.by_hand (id bigint generated always as identity primary key, mood public.mood,"
    " note text not null unique check (note <> ''), user_id bigint references public.users (id))",
    "create index on public.by_hand (note, mood); comment on table public.by_hand is 'By hand';"
    "comment on column public.by_hand.note is 'A note'",
    "alter table public.by_hand enable row level security;"
    "create policy own on public.by_hand for select to authenticated using (user_id = 1)",
    "create view public.hands with (security_invoker = true) as select id, mood from public.by_hand",
    "create function public.hand_count(p_more int default 2) returns bigint language sql stable"
    " as $$ select count(*) from public.by_hand $$",
    "create trigger keep before update on public.by_hand for each row"
    " execute function suppress_redundant_updates_trigger()",
    "alter table public.orders drop constraint orders_pkey cascade",
)


def by_hand(world: World, *statements: str) -> None:
    for statement in statements:
        world.on(world.production, f"set role postgres; {statement}")


def test_changes_by_hand_become_a_migration_that_both_can_apply(world: World) -> None:
    world.both()
    migration_files.freeze(world.folder.parent)
    by_hand(world, *BY_HAND)
    status, out, error = world.run("drift", "--on", "production", "--write", "hands")
    assert status == 5, error
    assert "Not written" not in out, out
    (path,) = world.folder.glob("*_hands.sql")
    text = path.read_text()
    assert text.startswith("-- Adopts what was changed by hand in production: ")
    assert migration_files.hashes(world.folder.parent) == migration_files.digests(world.folder.parent)
    assert world.run("sync")[0] == 0, text
    flags = shlex.split(out[out.index("--despite-drift") :])
    status, _, error = world.run("sync", *CONFIRMED, *flags)
    assert status == 0, error + text
    status, out, _ = world.run("drift", "--on", "production", "--against", "development")
    assert (status, out) == (0, "0 differences.\n")
    assert world.run("status")[0] == 0


def test_changes_by_hand_are_taken_back(world: World) -> None:
    world.both()
    by_hand(world, *BY_HAND)
    status, out, error = world.run("drift", "--on", "production", "--undo")
    assert status == 5
    assert "Not undone" not in error, error
    world.on(world.production, f"set role postgres; {out}")
    status, out, _ = world.run("drift", "--on", "production")
    assert (status, out) == (0, "0 differences.\n")
    assert list(world.folder.glob("*by_hand*")) == []


def test_what_cannot_be_written_is_named(world: World) -> None:
    world.both()
    by_hand(
        world, "create table public.parts (at date) partition by range (at)",
        "create index users_by_hand on public.users (created_at)",
        "create domain public.short as text check (length(value) < 5)",
    )  # fmt: skip
    status, out, _ = world.run("drift", "--on", "production", "--write")
    assert status == 5
    left = set(re.findall(r"Not written: (.*)", out))
    assert {"table public.parts", "type public.short"} <= left
    assert "index public.users_by_hand" not in left
    (path,) = world.folder.glob("*_changed_by_hand.sql")
    assert path.read_text() == (
        "-- Adopts what was changed by hand in production: index public.users_by_hand.\n\n"
        "create index if not exists users_by_hand ON public.users USING btree (created_at);\n"
    )
    assert "--despite-drift 'index public.users_by_hand'" in out
    assert "--despite-drift 'table public.parts'" not in out


def test_a_draft_has_a_name_of_its_own_and_is_for_changes_by_hand(world: World) -> None:
    world.both()
    assert world.run("drift", "--on", "production", "--write")[:2] == (0, "0 differences.\n")
    by_hand(world, "create index users_by_hand on public.users (created_at)")
    status, _, error = world.run("drift", "--on", "production", "--write", "Bad Name")
    assert (status, "lower case letters" in error) == (1, True)
    status, _, error = world.run("drift", "--on", "production", "--against", "development", "--undo")
    assert (status, "without --against" in error) == (1, True)
