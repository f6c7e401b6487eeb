"""The backup before a protected environment is migrated.

A migration that harms rows is mended from it. Where there is no place for it, the operator says why none is
needed, and the history keeps the reason.
"""

from __future__ import annotations

from tools.database.backups import keeping
from tools.database.environments import Environment
from tools.database.errors import BackupError
from tools.database.output import progress, size
from tools.database.runs import Run
from tools.database.states import State

SKIPPED = "none: "  # what the history has before the reason


def require(environment: Environment, state: State, reason: str | None) -> None:
    """Raise BackupError where a backup is due, none is configured and no reason was given."""
    if reason is not None and not reason.strip():
        raise BackupError('--without-backup takes the reason, which the history keeps: "no users yet"')
    if _is_due(environment, state) and reason is None and environment.rules.backup is None:
        raise BackupError(
            f"{environment.name} is protected, so it is backed up before it is migrated, and it has no"
            f" place for backups. {keeping.next_step(environment)} To migrate without one:"
            ' --without-backup "the reason".'
        )


def take(environment: Environment, state: State, run: Run, reason: str | None) -> None:
    """Back up a protected environment that has rows, and write into the run where.

    Raises BackupError and psycopg.Error; then nothing was migrated.
    """
    if not _is_due(environment, state):
        return
    if reason is not None:
        run.note_backup(f"{SKIPPED}{reason.strip()}")
        return
    try:
        taken = keeping.take(environment, "migration")
    except BackupError as error:
        error.add_note(
            f"Nothing was migrated. Repair that and run the command again, or go on with --without-backup"
            f' "the reason": {environment.name} has no backup of this moment then.'
        )
        raise
    run.note_backup(taken.place)
    progress(f"  backup {taken.place}: {size(taken.bytes)} in {taken.seconds:.1f} s")


def _is_due(environment: Environment, state: State) -> bool:
    return environment.is_protected and state.version is not None
