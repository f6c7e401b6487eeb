"""Takes backups, restores them, verifies them, and deletes those that are no longer kept."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from tools.database import bookkeeping, connections, identity, migrate, migration_files
from tools.database.backups import archive, places, sealing
from tools.database.environments import Environment
from tools.database.errors import BackupError

Progress = Callable[[str], None]
MIGRATION_DAYS = 30  # for which a backup before a migration is kept


@dataclass(frozen=True)
class Backup:
    """A backup that was taken."""

    name: str
    place: str
    bytes: int
    sha256: str
    version: str
    seconds: float


def take(environment: Environment, kept_for: str = "daily", to: str | None = None) -> Backup:
    """Back up an environment and record it. Raises BackupError and psycopg.Error; then nothing is kept.

    Rows are read in one snapshot, which delays vacuum for as long as it takes; writers and readers go on.
    """
    rules = environment.rules.backup
    address = to or (rules.to if rules else "")
    if not (rules and address):
        raise BackupError(f"{environment.name} has no place for backups. {next_step(environment)}")
    url, begun = environment.require_url(), time.monotonic()
    with tempfile.TemporaryDirectory() as folder, connections.connect(url, "backup") as connection:
        identity.require(connection, environment)
        version = (bookkeeping.applied_versions(connection) or [""])[-1]
        if not version:
            raise BackupError(f"{environment.name} is empty: there is nothing to back up.")
        taken_at = datetime.now(UTC)
        name = f"{environment.name}-{taken_at:%Y%m%d-%H%M%S}-{version}.age"
        path = Path(folder) / name
        header = {"environment": environment.name, "version": version, "taken_at": taken_at.isoformat()}
        with connection.transaction():
            connection.execute("set transaction isolation level repeatable read, read only")
            connection.execute("set local statement_timeout = 0")
            connection.execute("set local idle_in_transaction_session_timeout = 0")
            try:
                sealing.seal(archive.write(connection, header), rules.recipient, path)
            except OSError as error:  # of this machine: its disk is full
                raise BackupError(f"The backup cannot be written to {folder}: {error.strerror}") from None
        backup = Backup(
            name, places.place(address).put(path, name), path.stat().st_size, _sha256(path), version,
            time.monotonic() - begun,
        )  # fmt: skip
        if _has_table(connection):  # it comes with a migration, before which a backup is taken as well
            connection.execute(
                "insert into private.backups (taken_at, version, place, bytes, sha256, kept_for)"
                " values (%s, %s, %s, %s, %s, %s)",
                [taken_at, version, backup.place, backup.bytes, backup.sha256, kept_for],
            )
    return backup


def next_step(environment: Environment) -> str:
    """Return what to do where an environment has no place for backups."""
    return (
        f"Set the variables that {environment.name}.backup names in supabase/environments.toml, or write"
        " backup = { to, recipient } there (docs/database.md: Backups)."
    )


def verify(path: Path, secret: str, progress: Progress) -> archive.Reader:
    """Restore a backup into a scratch server and compare rows and hashes of every table.

    Return what was read.
    """
    from tools.database import schema_drift

    with schema_drift.scratch() as server:
        url = server.create_database("restored")
        return restore(path, secret, url, server.url("restored", "supabase_admin"), progress)


def restore(path: Path, secret: str, url: str, loading_url: str, progress: Progress) -> archive.Reader:
    """Fill an empty database from a backup, and compare every table with it.

    `url` is that of the owner; `loading_url` that of a role that may set session_replication_role (the same
    on Supabase). Raises BackupError; the rows are one transaction, so a failed restore leaves none.
    """
    with sealing.opened(path, secret) as stream:
        reader = archive.Reader(stream)
        version = str(reader.header["version"])
        if version not in {one.version for one in migration_files.migrations()}:
            raise BackupError(f"The backup is of version {version}, which is not in supabase/migrations.")
        with connections.connect(url, "restore") as connection:
            if bookkeeping.applied_versions(connection):
                raise BackupError("The database is not empty. A backup is restored into an empty one.")
        migrate.sync(url, to_version=version)
        with connections.connect(loading_url, "restore") as connection:
            with connection.transaction():
                connection.execute("set local statement_timeout = 0")
                archive.load(connection, reader, progress)
            _compare(connection, reader)
    return reader


def mark_verified(connection: psycopg.Connection, path: Path) -> bool:
    """Record that a restore of this file was equal; return whether the database knows the file."""
    changed = connection.execute(
        "update private.backups set verified_at = private.clock() where sha256 = %s", [_sha256(path)]
    )
    return bool(changed.rowcount)


def erase_again(connection: psycopg.Connection, erased: Iterable[tuple[int, str | None]]) -> int:
    """Erase the users who were erased since the backup; return how many were there."""
    count = 0
    for user_id, user_hash in erased:
        row = connection.execute(
            "select private.erase_restored_user(%s, %s)", [user_id, user_hash]
        ).fetchone()
        count += bool(row and row[0])
    return count


def discard_outbox(connection: psycopg.Connection) -> int:
    """Delete the messages that waited when the backup was taken; return how many.

    Most were sent since then: sending them would repeat old messages to users.
    """
    return connection.execute("delete from public.telegram_outbox").rowcount


def erasures(connection: psycopg.Connection, since: str) -> list[tuple[int, str | None]]:
    """Return number and hash of the users who were erased since a time."""
    rows = connection.execute(
        "select user_id, encode(user_hash, 'hex') from private.erasures where erased_at >="
        " %s::timestamptz order by 1",
        [since],
    )
    return [(int(user_id), user_hash) for user_id, user_hash in rows]


def expire(environment: Environment, now: datetime | None = None) -> list[str]:
    """Delete backups that are no longer kept and return their places.

    Kept are those of the last `keep_days`, the first of each of the last `keep_months` months, those before
    migrations for 30 days, and the newest one that was verified, whatever its age. Nothing is deleted before
    a newer one was verified.
    """
    rules = environment.rules.backup
    if rules is None:
        return []
    moment, deleted = now or datetime.now(UTC), []
    with connections.connect(environment.require_url(), "backup") as connection:
        identity.require(connection, environment)
        rows = connection.execute(
            "select id, taken_at, place, verified_at is not null, kept_for = 'migration' from private.backups"
            " where deleted_at is null order by taken_at"
        ).fetchall()
        verified = max((taken for _, taken, _, is_verified, _ in rows if is_verified), default=None)
        months: set[str] = set()
        for number, taken, kept_at, _, is_migration in rows:
            if is_migration:
                is_kept = taken > moment - timedelta(days=MIGRATION_DAYS)
            else:
                month = f"{taken.astimezone(UTC):%Y-%m}"
                is_monthly = month not in months and taken > moment - timedelta(days=31 * rules.keep_months)
                months.add(month)
                is_kept = is_monthly or taken > moment - timedelta(days=rules.keep_days)
            if is_kept or verified is None or taken >= verified:
                continue
            folder, _, name = kept_at.rpartition("/")
            places.place(folder).delete(name)
            connection.execute(
                "update private.backups set deleted_at = private.clock() where id = %s", [number]
            )
            deleted.append(kept_at)
    return deleted


@contextmanager
def fetched(address: str) -> Iterator[Path]:
    """Give a backup as a local file: a path as it is, gs:// downloaded and deleted afterwards."""
    if not address.startswith("gs://"):
        path = Path(address)
        if not path.is_file():
            raise BackupError(f"{address} is no file.")
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        parent, _, name = address.rpartition("/")
        path = Path(folder) / name
        places.place(parent).get(name, path)
        yield path


def secret_identity() -> str:
    """Return the identity that opens backups: BACKUP_IDENTITY, or in the file of BACKUP_IDENTITY_FILE."""
    file = os.environ.get("BACKUP_IDENTITY_FILE")
    if file:
        try:
            lines = Path(file).read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise BackupError(f"BACKUP_IDENTITY_FILE: {error.strerror}") from None
        return next((line for line in lines if line.startswith("AGE-SECRET-KEY-")), "")
    value = os.environ.get("BACKUP_IDENTITY", "")
    if not value:
        raise BackupError("A backup is opened with its identity: BACKUP_IDENTITY_FILE names the file.")
    return value


def _compare(connection: psycopg.Connection, reader: archive.Reader) -> None:
    """Raise BackupError unless every table has the rows of the backup, as this server reads them back."""
    for table, expected in zip(reader.tables, reader.contents, strict=True):
        found = archive.contents(connection, table)
        if found != expected:
            raise BackupError(f"{table} differs after the restore: {found.rows} rows of {expected.rows}.")


def _has_table(connection: psycopg.Connection) -> bool:
    row = connection.execute("select to_regclass('private.backups') is not null").fetchone()
    return bool(row and row[0])


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
