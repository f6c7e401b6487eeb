"""Takes backups, restores them, and verifies them."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from tools.database import (
    addresses,
    bookkeeping,
    connections,
    identity,
    migrate,
    migration_files,
    text_files,
)
from tools.database.backups import archive, places, records, sealing
from tools.database.backups.pacing import paced
from tools.database.environments import Environment
from tools.database.errors import BackupError

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Backup:
    """A backup that was taken."""

    name: str
    place: str
    bytes: int
    sha256: str
    version: str
    seconds: float


def take(
    environment: Environment, kept_for: str = "daily", to: str | None = None, check: Progress | None = None
) -> Backup:
    """Back up an environment and record it. Raises BackupError and psycopg.Error; then nothing is kept.

    Rows are read in one snapshot, which delays vacuum for as long as it takes; writers and readers go on.
    What a killed command left behind is deleted first. With `check`, the file is restored on trial before it
    is stored: with a key of this process alone, because the owner's identity is not here.
    """
    rules = environment.rules.backup
    if rules is None:
        raise BackupError(f"{environment.name} has no place for backups. {next_step(environment)}")
    if rules.to.startswith(f"supabase://{environment.rules.project or '?'}/"):
        raise BackupError(
            f"{environment.name} would be backed up into its own project, which takes its backups along when"
            " it is deleted: take another project, or a bucket of Google Cloud Storage."
        )
    place = places.place(to or rules.to)
    url, begun = environment.require_url(), time.monotonic()
    with tempfile.TemporaryDirectory() as folder, connections.connect(url, "backup") as connection:
        identity.require(connection, environment)
        version = (bookkeeping.applied_versions(connection) or [""])[-1]
        if not version:
            raise BackupError(f"{environment.name} is empty: there is nothing to back up.")
        with _alone(connection, url):
            taken_at = datetime.now(UTC)
            name = (
                f"{environment.name}-{taken_at:%Y%m%d-%H%M%S}{taken_at.microsecond // 1000:03}-{version}.age"
            )
            path = Path(folder) / name
            header = {"environment": environment.name, "version": version, "taken_at": taken_at.isoformat()}
            key = sealing.PassingKey.make() if check else None
            _write(connection, header, [rules.recipient, *([key.recipient] if key else [])], path)
            if key and check:
                verify(path, key.identity, check)
            size, sha256 = path.stat().st_size, _sha256(path)
            # Before the file is there: a kill leaves no file that nothing knows.
            record = records.begin(connection, kept_for, taken_at, version, place.address(name), size, sha256)
            try:
                address = place.put(path, name)
            except BackupError:
                records.forget(connection, record)
                raise
            records.finish(connection, record, rules)
            if check:
                mark_verified(connection, path)
    return Backup(name, address, size, sha256, version, time.monotonic() - begun)


def _write(
    connection: psycopg.Connection, header: dict[str, str], recipients: Sequence[str], path: Path
) -> None:
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        connection.execute("set local statement_timeout = 0")
        connection.execute("set local idle_in_transaction_session_timeout = 0")
        try:
            sealing.seal(paced(archive.write(connection, header)), recipients, path)
        except OSError as error:  # of this machine: its disk is full
            raise BackupError(f"The backup cannot be written to {path.parent}: {error.strerror}") from None


@contextmanager
def _alone(connection: psycopg.Connection, url: str) -> Iterator[None]:
    """Delete what killed commands left, unless another backup is being taken."""
    if addresses.is_transaction_pooler(url):  # it keeps no session that could hold the lock
        yield
        return
    row = connection.execute("select pg_try_advisory_lock(%s)", [records.LOCK]).fetchone()
    try:
        if row and row[0]:
            records.remove_leftovers(connection)
        yield
    finally:
        with suppress(psycopg.Error):
            connection.execute("select pg_advisory_unlock(%s)", [records.LOCK])


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


def restore(
    path: Path,
    secret: str,
    url: str,
    loading_url: str,
    progress: Progress,
    then: Callable[[psycopg.Connection], None] | None = None,
) -> archive.Reader:
    """Fill a database without users from a backup, compare every table with it, and do what `then` does.

    `url` is that of the owner; `loading_url` that of a role that may set session_replication_role (the same
    on Supabase). Raises BackupError. Rows, comparison and `then` are one transaction, so that a restore that
    fails or is killed leaves no rows, and the same command does it again.
    """
    with sealing.opened(path, secret) as stream:
        reader = archive.Reader(stream)
        version = str(reader.header["version"])
        if version not in {one.version for one in migration_files.migrations()}:
            raise BackupError(f"The backup is of version {version}, which is not in supabase/migrations.")
        with connections.connect(url, "restore") as connection:
            _require_unused(connection, version)
        migrate.sync(url, to_version=version)
        with connections.connect(loading_url, "restore") as connection, connection.transaction():
            connection.execute("set local statement_timeout = 0")
            connection.execute("set local idle_in_transaction_session_timeout = 0")
            archive.load(connection, reader, progress)
            _compare(connection, reader)
            if then is not None:
                connection.execute("set local session_replication_role = origin")
                then(connection)
    return reader


def _require_unused(connection: psycopg.Connection, version: str) -> None:
    """Raise BackupError where the database has users, or more migrations than the backup.

    One that has migrations alone may be what a killed restore left.
    """
    applied = bookkeeping.applied_versions(connection)
    if not applied:
        return
    used = connection.execute("select exists (select from public.users)").fetchone()
    if (used and used[0]) or applied[-1] > version:
        raise BackupError("The database is not empty. A backup is restored into an empty one.")


def taken_at(path: Path, secret: str) -> str:
    """Return when a backup was taken. Raises BackupError."""
    with sealing.opened(path, secret) as stream:
        return str(archive.Reader(stream).header["taken_at"])


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


def settle_records(connection: psycopg.Connection) -> None:
    """Count a backup that was being stored at the time of this one as stored, so that it is not deleted."""
    connection.execute("update private.backups set stored_at = taken_at where stored_at is null")


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


@contextmanager
def fetched(address: str) -> Iterator[Path]:
    """Give a backup as a local file: a path as it is, another place downloaded and deleted afterwards."""
    if "://" not in address:
        path = Path(address)
        if not path.is_file():
            raise BackupError(f"{address} is no file.")
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        parent, _, name = address.rpartition("/")
        if not name or parent.endswith(":/") or name in (".", ".."):
            raise BackupError(f"{address} names no file: gs://BUCKET/NAME or supabase://PROJECT/BUCKET/NAME")
        path = Path(folder) / name
        places.place(parent).get(name, path)
        yield path


def secret_identity() -> str:
    """Return the identity that opens backups: BACKUP_IDENTITY, or in the file of BACKUP_IDENTITY_FILE."""
    file = os.environ.get("BACKUP_IDENTITY_FILE")
    if file:
        try:
            lines = text_files.read(Path(file), BackupError, "BACKUP_IDENTITY_FILE").splitlines()
        except FileNotFoundError:
            raise BackupError("BACKUP_IDENTITY_FILE names no file.") from None
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


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
