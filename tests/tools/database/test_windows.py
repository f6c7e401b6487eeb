"""The hours for statements that work on a whole large table."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.tools.database.two_environments import CONFIRMED, World
from tools.database import environments, hours, statements, windows
from tools.database.errors import EnvironmentFileError
from tools.database.migration_files import Migration

pytestmark = pytest.mark.database


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 7, 1, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(("text", "now", "is_within"), [
    ("01:00-05:00 UTC", at(1), True),
    ("01:00-05:00 UTC", at(4, 59), True),
    ("01:00-05:00 UTC", at(5), False),
    ("01:00-05:00 Europe/Moscow", at(22), True),
    ("01:00-05:00 Europe/Moscow", at(3), False),
    ("23:00-02:00 UTC", at(23, 30), True),
    ("23:00-02:00 UTC", at(1, 59), True),
    ("23:00-02:00 UTC", at(2), False),
    ("02:30-03:30 Europe/Berlin", datetime(2026, 3, 29, 1, 15, tzinfo=UTC), True),
])  # fmt: skip
def test_a_window_is_hours_in_a_zone(text: str, now: datetime, is_within: bool) -> None:
    assert hours.read(text).contains(now) is is_within


@pytest.mark.parametrize(
    "text", ["1:00-5:00 UTC", "01:00-25:00 UTC", "01:00-05:00", "01:00-01:00 UTC", "01:00-05:00 ../etc"]
)
def test_a_wrong_window_is_refused_with_the_file(tmp_path: Path, text: str) -> None:
    file = tmp_path / "environments.toml"
    file.write_text(f'[production]\nurl = "env:X"\nwindow = "{text}"')
    with pytest.raises(EnvironmentFileError, match=r"\[production\]: window is malformed"):
        environments.read(file, {})


@pytest.mark.parametrize(("sql", "does"), [
    ("alter table public.a alter column b type bigint", ["rewrites public.a"]),
    ("alter table a add column b uuid default gen_random_uuid()", ["rewrites public.a"]),
    ("alter table a add column b bigint generated always as identity", ["rewrites public.a"]),
    ("alter table a add column b integer not null default 0", []),
    ("alter table a alter column b set not null", ["reads all of public.a"]),
    ("alter table a add check (b > 0)", ["reads all of public.a"]),
    ("alter table a add check (b > 0) not valid", []),
    ("alter table a validate constraint c", ["reads all of public.a"]),
    ("create index concurrently i on private.a (b)", ["reads all of private.a"]),
    ("update a set b = 1", ["may change many rows of public.a"]),
    ("delete from a where b = 1", ["may change many rows of public.a"]),
    ("vacuum (full) a", ["rewrites public.a"]),
    ("vacuum a", []),
    ("cluster a using i", ["rewrites public.a"]),
    ("reindex table a", ["rewrites public.a"]),
    ("refresh materialized view m", ["rewrites public.m"]),
    ("create function f() returns void language sql as 'delete from a'", []),
])  # fmt: skip
def test_what_a_statement_does_to_a_whole_table(sql: str, does: list[str]) -> None:
    (statement,) = statements.read(Migration("20990101000000", "one", sql))
    assert [f"{one.does} {one.table}" for one in windows.works_on(statement)] == does


def test_a_large_table_waits_for_its_hours(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.add("alter table public.users alter column username set not null;")
    rules = environments.read()["production"].rules
    closed = f"{(datetime.now(UTC).hour + 2) % 24:02}:00-{(datetime.now(UTC).hour + 3) % 24:02}:00 UTC"
    known = environments.read()
    production = environments.Environment(
        "production", rules.model_copy(update={"window": closed, "after": None}), world.production, True
    )
    monkeypatch.setattr(environments, "read", lambda: {**known, "production": production})
    assert world.run("sync", "--on", "development")[0] == 0
    world.on(world.production, "update pg_class set reltuples = 100000 where relname = 'users'")
    status, _, error = world.run("sync", *CONFIRMED, "--without-backup", "a test")
    assert status == 1
    assert "reads all of public.users (100,000 rows)" in error
    assert closed in error and "--outside-window" in error
    world.on(world.production, "update pg_class set reltuples = 99999 where relname = 'users'")
    assert world.run("plan", "--on", "production")[0] == 3, "nothing was applied"
    world.on(world.production, "update pg_class set reltuples = 100000 where relname = 'users'")
    status, out, error = world.run("sync", *CONFIRMED, "--without-backup", "a test", "--outside-window")
    assert status == 0, error
    assert "applied 20990101000001_later_1" in out
