"""The backup before a protected environment is migrated: taken and named in the history, or refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyrage
import pytest

from tests.tools.database.two_environments import CONFIRMED, World
from tools.database import migrate
from tools.database.backups import expiry
from tools.database.environments import Environment
from tools.database.payloads import BackupRules, Rules

pytestmark = pytest.mark.database
LAST = "select outcome, backup from private.migration_runs order by id desc limit 1"


def files(world: World) -> list[Path]:
    return sorted((world.folder.parent / "backups").glob("*.age"))


def pending(world: World) -> None:
    """Leave one migration that only production lacks."""
    world.both()
    world.add("create table public.one ()")
    assert world.run("sync")[0] == 0
    assert files(world) == []  # nothing was pending in production, and development is not protected


def is_migrated(world: World) -> bool:
    return world.on(world.production, "select to_regclass('public.one') is not null") == [(True,)]


def test_production_is_backed_up_before_its_migration_and_the_run_says_where(world: World) -> None:
    pending(world)
    status, _, error = world.run("sync", *CONFIRMED)
    assert status == 0, error
    (file,) = files(world)
    assert world.on(world.production, LAST) == [("done", str(file))]
    rows = world.on(world.production, "select kept_for, place, version like '2099%' from private.backups")
    assert rows == [("migration", str(file), False)]  # of the version before
    assert "backup before it: " in world.run("history", "--on", "production")[1]
    assert world.run("sync", *CONFIRMED)[0] == 0
    assert files(world) == [file]
    assert world.on(world.production, LAST) == [("done", None)]


@pytest.mark.parametrize("missing", [("BACKUP_PLACE", "BACKUP_RECIPIENT"), ("BACKUP_RECIPIENT",)])
def test_without_a_place_or_a_key_nothing_is_migrated(world: World, monkeypatch, missing) -> None:
    pending(world)
    for name in missing:
        monkeypatch.delenv(name)
    status, _, error = world.run("sync", *CONFIRMED)
    assert status == 1
    if len(missing) == 2:
        assert "Set the variables that production.backup names" in error
        assert '--without-backup "the reason"' in error
    else:
        assert "[production.backup]: BACKUP_RECIPIENT is not set" in error
    assert not is_migrated(world)


def test_a_reason_stands_in_for_the_backup_and_is_kept(world: World, monkeypatch) -> None:
    pending(world)
    monkeypatch.delenv("BACKUP_PLACE")
    monkeypatch.delenv("BACKUP_RECIPIENT")
    status, _, error = world.run("sync", *CONFIRMED, "--without-backup", "  ")
    assert (status, is_migrated(world)) == (1, False), error
    assert world.run("sync", *CONFIRMED, "--without-backup", "no users yet")[0] == 0
    assert world.on(world.production, LAST) == [("done", "none: no users yet")]
    assert "backup before it: none: no users yet" in world.run("history", "--on", "production")[1]


def test_a_backup_that_fails_stops_the_migration_and_names_both_ways_on(world: World) -> None:
    pending(world)
    (world.folder.parent / "backups").write_text("not a folder")
    status, _, error = world.run("sync", *CONFIRMED)
    assert status == 1
    assert "Nothing was migrated" in error
    assert "--without-backup" in error
    assert not is_migrated(world)
    outcome, backup = world.on(world.production, LAST)[0]
    assert (outcome, backup) == ("failed", None)


def test_a_production_older_than_the_table_of_backups_is_backed_up(world: World) -> None:
    world.server.drop_database("production")
    migrate.sync(world.server.create_database("production"), to_version="20261130091958")
    world.on(world.production, "comment on database production is null")
    world.on(world.production, "insert into private.database_identity values ('production', true)")
    assert world.run("sync")[0] == 0
    status, _, error = world.run("sync", *CONFIRMED)
    assert status == 0, error
    (file,) = files(world)
    assert world.on(world.production, LAST) == [("done", str(file))]


def test_an_empty_production_needs_none(world: World, monkeypatch) -> None:
    pending(world)
    world.server.drop_database("production")
    world.server.create_database("production")
    world.on(world.production, "comment on database production is null")
    monkeypatch.delenv("BACKUP_PLACE")
    monkeypatch.delenv("BACKUP_RECIPIENT")
    status, _, error = world.run("sync", *CONFIRMED)
    assert status == 0, error
    assert is_migrated(world)


def test_those_before_migrations_are_kept_for_30_days(world: World, tmp_path: Path) -> None:
    world.both()
    now = datetime.now(UTC)
    kept = BackupRules(
        to=str(tmp_path), recipient=str(pyrage.x25519.Identity.generate().to_public()),
        keep_days=7, keep_months=12,
    )  # fmt: skip
    environment = Environment(
        "production", Rules(url="env:DATABASE_ADMIN_URL", backup=kept), world.production, True
    )
    for age, kind in ((40, "migration"), (29, "migration"), (8, "daily"), (9, "daily"), (1, "daily")):
        world.on(
            world.production,
            "insert into private.backups"
            " (taken_at, version, place, bytes, sha256, kept_for, verified_at, stored_at)"
            " values (%s, '1', %s, 1, repeat('a', 64), %s, %s, now())",
            now - timedelta(days=age), f"{tmp_path}/{age}.age", kind, now if age == 1 else None,
        )  # fmt: skip
    deleted = {Path(place).stem for place in expiry.expire(environment, now)}
    assert "40" in deleted
    assert not {"29", "1"} & deleted
