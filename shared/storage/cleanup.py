"""The job `storage`: deletes files whose retention has ended, and the files of erased users."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from shared.core import db, log
from shared.core.errors import StorageError
from shared.storage.client import MAX_DELETIONS, Storage, storage

if TYPE_CHECKING:
    from shared.core.sql_types import FinishStorageDeletions

BATCH = 500  # keys in one call; Storage takes 1000
TIME = 45.0  # seconds of one run; the next run continues
ALERT_AFTER = 3  # failed attempts: the owner must look


def clean_up() -> dict[str, int]:
    """Run once and return counts: {expired, deleted, failed}.

    Safe to run concurrently: keys are leased, and deleting an object twice does no harm.

    Raises:
        DatabaseUnavailable: the scheduler must retry.
    """
    deadline = monotonic() + TIME
    done = {"expired": 0, "deleted": 0, "failed": 0}
    target = storage()
    while monotonic() < deadline:
        expired: int = db.call("expire_files", p_limit=MAX_DELETIONS)
        done["expired"] += expired
        if expired < MAX_DELETIONS:
            break
    while monotonic() < deadline:
        keys: list[str] = db.call("claim_storage_deletions", p_limit=BATCH)
        if keys:
            done["deleted" if _delete(target, keys) else "failed"] += len(keys)
        if len(keys) < BATCH:
            break
    if any(done.values()):
        log.info("storage job finished", action="storage_job", **done)
    return done


def _delete(target: Storage | None, keys: list[str]) -> bool:
    """Delete claimed objects and record the result; return whether they are gone."""
    failure = None
    try:
        if target is None:
            failure = "SUPABASE_URL and SUPABASE_SECRET_KEY are not set"
        else:
            target.delete(keys)
    except StorageError as error:
        failure = str(error)
    recorded: FinishStorageDeletions = db.call("finish_storage_deletions", p_keys=keys, p_error=failure)
    if failure is not None:
        is_alert = target is None or recorded["attempts"] >= ALERT_AFTER
        report = log.alert if is_alert else log.warning
        report("files could not be deleted from Storage", action="storage_deletion_failed", reason=failure)
    return failure is None
