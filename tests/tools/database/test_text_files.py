"""Files in another encoding, empty ones, and addresses that name no file: one line that says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools.database.two_environments import World
from tools.database import environments, migration_files, statements
from tools.database.backups import keeping
from tools.database.errors import BackupError, EnvironmentFileError, MigrationError, StatementError

FILES = (
    (b"select 1;\n-- caf\xe9", "line 2 is not UTF-8"),
    (b"\xef\xbb\xbfselect 1;", "begins with a byte order mark"),
    (b"select 1;\n\n\0", "line 3 has a NUL character"),
)


@pytest.mark.parametrize(("written", "says"), FILES)
def test_a_file_that_is_no_plain_utf_8_is_named(
    written: bytes, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "20990101000000_x.sql").write_bytes(written)
    with pytest.raises(MigrationError, match=f"20990101000000_x.sql.*{says}"):
        migration_files.migrations(tmp_path)
    file = tmp_path / "environments.toml"
    file.write_bytes(written)
    with pytest.raises(EnvironmentFileError, match=f"environments.toml.*{says}"):
        environments.read(file, {})
    monkeypatch.setenv("BACKUP_IDENTITY_FILE", str(file))
    with pytest.raises(BackupError, match=f"BACKUP_IDENTITY_FILE.*{says}"):
        keeping.secret_identity()


def test_a_folder_and_a_missing_file_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EnvironmentFileError, match="cannot be read: Is a directory"):
        environments.read(tmp_path, {})
    monkeypatch.setenv("BACKUP_IDENTITY_FILE", str(tmp_path / "none"))
    with pytest.raises(BackupError, match="names no file"):
        keeping.secret_identity()


@pytest.mark.parametrize(
    "address", ["gs://", "gs://bucket", "gs://bucket/", "supabase://project", "gs://bucket/.."]
)
def test_an_address_without_a_file_is_refused(address: str) -> None:
    with pytest.raises(BackupError, match="names no file"), keeping.fetched(address):
        pass


def test_an_empty_migration_is_refused_before_it_counts_as_applied() -> None:
    with pytest.raises(StatementError, match="is empty"):
        statements.read(migration_files.Migration("20990101000000", "x", " \n"))
    assert statements.read(migration_files.Migration("20990101000000", "x", "-- nothing")) == []


@pytest.mark.database
def test_sync_names_an_empty_file_and_applies_it_once_it_is_written(world: World) -> None:
    world.both()
    world.add("")
    status, _, error = world.run("sync")
    assert (status, "is empty" in error) == (1, True)
    world.add("create table public.one ()")
    assert world.run("sync")[0] == 0


@pytest.mark.database
def test_sync_refuses_a_version_that_no_file_has_and_says_what_it_knows(world: World) -> None:
    status, out, error = world.run("sync", "--to", "123")
    assert (status, "There is no migration 123" in error) == (1, True)
    world.both()
    first = migration_files.migrations()[0].version
    status, out, _ = world.run("sync", "--to", first)
    assert status == 0
    assert f"0 applied; the database has everything up to {first}." in out


@pytest.mark.database
def test_a_report_that_cannot_be_written_is_one_line(world: World, tmp_path: Path) -> None:
    status, _, error = world.run("report", "--html", str(tmp_path))
    assert (status, error.count("\n"), "cannot be written: Is a directory" in error) == (1, 1, True)
