"""The commands on the oldest Postgres that is supported, from the first sync to a rollback."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.database.two_environments import CONFIRMED, LATER, World
from tools.database import binaries, migration_files
from tools.database.embedded import Server, free_port

pytestmark = pytest.mark.database
TABLE = (
    "create table public.later (id bigint generated always as identity primary key, note text);\n"
    "alter table public.later enable row level security;\n"
    "revoke all on table public.later from public, anon, authenticated, service_role;\n"
    "comment on table public.later is 'Later';\n"
)


@pytest.fixture
def oldest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> Iterator[World]:
    """Two empty databases on Postgres 15."""
    folder = tmp_path / "supabase" / "migrations"
    shutil.copytree(migration_files.SUPABASE, folder.parent, ignore=shutil.ignore_patterns("tests", ".temp"))
    server = Server(
        tempfile.mkdtemp(prefix="switchboard-oldest-"), free_port(), programs=binaries.debian(15),
        durable=False, generous=True,
    )  # fmt: skip
    try:
        server.start()
        for name in ("development", "production"):
            server.create_database(name)
        made = World(server, folder, monkeypatch, capsys)
        made.on(made.production, "comment on database production is null")
        yield made
    finally:
        server.remove()


def test_a_migration_is_verified_applied_taken_back_and_shown(oldest: World, tmp_path: Path) -> None:
    assert oldest.run("sync")[0] == 0
    status, _, error = oldest.run("sync", *CONFIRMED)
    assert status == 0, error
    oldest.add(f"-- Later.\n{TABLE}alter table public.users add column later text;\n")
    oldest.schema("tables/xp/later.sql", f"{TABLE}alter table public.users add column later text;\n")
    status, out, error = oldest.run("down")
    assert (status, "equal" in out) == (0, True), out + error
    status, out, error = oldest.run("verify", "--on", "production")
    assert (status, "blocks reads and writes of public.users" in out) == (3, True), out + error
    assert "its down went back and forth: equal" in out
    oldest.both()
    status, out, error = oldest.run("rollback", *CONFIRMED[:4])
    assert (status, f"{LATER + 1}_later_1 was taken back" in out) == (0, True), out + error
    status, _, error = oldest.run("sync", *CONFIRMED)
    assert status == 0, error
    oldest.on(oldest.production, "set role postgres; create index users_by_hand on public.users (created_at)")
    status, out, error = oldest.run("drift", "--on", "production", "--undo")
    assert (status, out) == (5, "drop index public.users_by_hand;\n"), error
    oldest.on(oldest.production, f"set role postgres; {out}")
    path = tmp_path / "page.html"
    assert oldest.run("report", "--html", str(path))[0] == 0
    assert "Postgres 15." in path.read_text()
    assert oldest.run("status")[0] == 0
