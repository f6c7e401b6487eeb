"""Takes the newest migration of an environment back, with its written down.

What would be lost is counted first. A loss must be accepted, and a protected environment must have a backup
that was restored on trial and has it. Without a down: roll forward, or restore.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import psycopg

from tools.database import (
    applying,
    bookkeeping,
    connections,
    downs,
    identity,
    losses,
    migration_files,
    statements,
    states,
    syncing,
)
from tools.database.environments import Environment
from tools.database.errors import DatabaseToolError, RollbackError
from tools.database.losses import Loss
from tools.database.migration_files import Migration
from tools.database.output import progress
from tools.database.runs import Run

OLDEST_BACKUP = "24 hours"
BACKUP = """
select place from private.backups where verified_at is not null and deleted_at is null and version = %s
    and taken_at > private.clock() - %s::interval order by taken_at desc limit 1
"""


@dataclass(frozen=True)
class RolledBack:
    """A migration that was taken back."""

    migration: Migration
    version: str | None  # where the database is now
    lost: list[Loss]
    seconds: float


def rollback(environment: Environment, confirmed: str | None, *, accept_loss: bool) -> RolledBack:
    """Take the newest migration back. Raises RollbackError, other DatabaseToolErrors and psycopg.Error."""
    url = environment.require_url()
    with connections.connect(url, "rollback") as connection:
        identity.require(connection, environment)
        state = states.of(connection, environment.name)
        syncing.require_sound(state)
        migration = _newest(connection, environment)
        parts = downs.read(migration)
        if not parts:
            raise RollbackError(
                f"{migration} has no down (supabase/downs/{migration}.sql), so it is not taken back. Roll"
                " forward: write the next migration, which mends it. Where rows are lost, restore a backup"
                " into a second environment and copy them."
            )
        lost = losses.find(connection, parts)
        backup = _accepted(connection, environment, migration, lost, accept_loss=accept_loss)
        syncing.require_name(environment, confirmed)
        begun = time.monotonic()
        with syncing.recorded(connection, url, "rollback", state.version) as run:
            if backup:
                run.note_backup(backup)
            _take_back(connection, url, run, migration, parts, accept_loss=accept_loss)
            syncing.finish(connection, environment, True)
        left = bookkeeping.applied_versions(connection)
        return RolledBack(migration, left[-1] if left else None, lost, time.monotonic() - begun)


def _newest(connection: psycopg.Connection, environment: Environment) -> Migration:
    applied = bookkeeping.applied_versions(connection)
    if not applied:
        raise DatabaseToolError(f"{environment.name} is empty: there is nothing to take back.")
    known = {one.version: one for one in migration_files.migrations()}
    return known[applied[-1]]  # an unknown version is not sound


def _accepted(
    connection: psycopg.Connection,
    environment: Environment,
    migration: Migration,
    lost: list[Loss],
    *,
    accept_loss: bool,
) -> str | None:
    """Return the place of the backup that has what would be lost.

    Raises RollbackError where the loss was not accepted, or where no backup has it.
    """
    if not lost:
        return None
    listed = "\n".join(f"  {loss}" for loss in lost)
    if not accept_loss:
        raise RollbackError(
            f"Taking {migration} back would lose\n{listed}\nNothing was changed. Roll forward (the next"
            " migration mends it), or accept the loss: --accept-loss"
        )
    row = connection.execute(BACKUP, [migration.version, OLDEST_BACKUP]).fetchone()
    if row is None and environment.is_protected:
        on = f"--on {environment.name}"
        raise RollbackError(
            f"Taking {migration} back would lose\n{listed}\nNo backup of the last {OLDEST_BACKUP} at this"
            " version was restored on trial. Nothing was changed. Take one:"
            f" ./switchboard database backup {on} --check"
        )
    return str(row[0]) if row else None


def _take_back(
    connection: psycopg.Connection,
    url: str,
    run: Run,
    migration: Migration,
    parts: list[statements.Statement],
    *,
    accept_loss: bool,
) -> None:
    def work() -> None:
        with connections.as_owner(connection):
            applying.take_turn(connection)
            if bookkeeping.applied_versions(connection)[-1:] != [migration.version]:
                raise RollbackError(f"{migration} is no longer the newest migration. Nothing was changed.")
            applying.limit_waits(connection)
            if not accept_loss and (found := losses.lock_and_find(connection, parts)):
                raise RollbackError(
                    f"Rows were written meanwhile: {', '.join(found)}. Nothing was changed. Run it again."
                )
            downs.run(connection, migration, parts)

    down = migration_files.down(migration)
    assert down is not None  # its statements were read
    with run.step(migration.version, statements.checksum(down.text), len(parts)) as waits:
        applying.retrying(connection, url, f"the down of {migration}", work, waits, progress)
