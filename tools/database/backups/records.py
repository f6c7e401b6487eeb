"""The rows of private.backups, written before a file is stored: a killed command leaves none unknown."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import psycopg

from tools.database import bookkeeping, presence
from tools.database.backups import places
from tools.database.errors import BackupError

if TYPE_CHECKING:
    from tools.database.payloads import BackupRules

TABLE = "private.backups"  # it comes with a migration, and its column stored_at with a later one
LOCK = bookkeeping.LOCK + 1  # held by the command that takes a backup


def begin(
    connection: psycopg.Connection, kept_for: str, taken_at: datetime, version: str, place: str,
    size: int, sha256: str,
) -> int | None:  # fmt: skip
    """Write that a backup is about to be stored; None where the database is older than the table."""
    if not presence.has_table(connection, TABLE):
        return None
    row = connection.execute(
        "insert into private.backups (taken_at, version, place, bytes, sha256, kept_for)"
        " values (%s, %s, %s, %s, %s, %s) returning id",
        [taken_at, version, place, size, sha256, kept_for],
    ).fetchone()
    return int(row[0]) if row else None


def finish(connection: psycopg.Connection, record: int | None, rules: BackupRules) -> None:
    """Write that a backup is whole in its place, and how long erased users stay in backups, for /privacy."""
    if record is None:
        return
    with connection.transaction():
        if presence.has_column(connection, TABLE, "stored_at"):
            connection.execute(
                "update private.backups set stored_at = private.clock() where id = %s", [record]
            )
        connection.execute(
            "update private.settings set value = to_jsonb(%s::int) where key = 'retention_backups_days'",
            [rules.longest_days],
        )


def forget(connection: psycopg.Connection, record: int | None) -> None:
    """Delete the row of a backup that was not stored."""
    if record is not None:
        connection.execute("delete from private.backups where id = %s", [record])


def remove_leftovers(connection: psycopg.Connection) -> list[str]:
    """Delete what killed commands left in their places, and return where.

    The caller holds the lock, so no file is being written now. Where a place refuses, the row stays for the
    next time.
    """
    if not presence.has_column(connection, TABLE, "stored_at"):
        return []
    removed = []
    rows = connection.execute(
        "select id, place from private.backups where stored_at is null and deleted_at is null"
    ).fetchall()
    for number, address in rows:
        folder, _, name = address.rpartition("/")
        try:
            places.place(folder).delete(name)
        except BackupError:
            continue
        forget(connection, number)
        removed.append(address)
    return removed
