"""Changes by hand around schemas public and private: publications, extensions, buckets, policies, jobs."""

from __future__ import annotations

import pytest

from tests.tools.database.two_environments import World

pytestmark = pytest.mark.database

STORAGE = """
create schema storage;
create table storage.buckets (
  id text primary key, public boolean default false, file_size_limit bigint, allowed_mime_types text[]
);
create table storage.objects (id bigint, bucket_id text);
alter table storage.objects enable row level security;
insert into storage.buckets (id) values ('generations');
create schema cron;
create table cron.job (
  jobid bigint, jobname text, schedule text, command text, active boolean, database text
);
insert into cron.job values (1, 'nightly', '0 3 * * *', 'select secret_key', true, current_database());
grant usage on schema storage, cron to postgres;
grant select on all tables in schema storage, cron to postgres;
"""


@pytest.fixture
def production(world: World) -> str:
    world.on(world.production, STORAGE)
    world.both()
    assert world.run("drift", "--on", "production")[0] == 0
    return world.production


@pytest.mark.parametrize(("by_hand", "is_named"), [
    ("create publication mirror for table public.users", "added    publication mirror of public.users"),
    ("update storage.buckets set public = true", "changed  storage bucket generations"),
    ("insert into storage.buckets (id) values ('open')", "added    storage bucket open"),
    ("delete from storage.buckets", "missing  storage bucket generations"),
    ("create policy anyone on storage.objects using (true)", "added    storage policy objects anyone"),
    ("update cron.job set command = 'select 1'", "changed  scheduled job nightly"),
    ("update cron.job set active = false", "changed  scheduled job nightly"),
    ("create extension vector", "added    installed extension vector"),
    ("create function private.look() returns event_trigger language plpgsql as 'begin end';"
     " create event trigger looks on ddl_command_end execute function private.look()",
     "added    event trigger looks"),
])  # fmt: skip
def test_a_change_by_hand_is_named(world: World, production: str, by_hand: str, is_named: str) -> None:
    try:
        world.on(production, by_hand)
        status, out, _ = world.run("drift", "--on", "production")
    finally:
        world.on(production, "drop event trigger if exists looks")
    assert status == 5
    assert is_named in out
    assert "secret_key" not in out


def test_what_the_migrations_cannot_make_is_no_difference_to_them(world: World, production: str) -> None:
    world.on(production, "delete from private.catalogue_snapshots")
    status, _, error = world.run("init", "--on", "production")
    assert status == 0, error
