"""Fetch the files of a finished job, keep them, charge the job, and hand it to delivery."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from time import monotonic
from typing import TYPE_CHECKING

from shared.ai.media.contract import DownloadError, TooLarge
from shared.core import db, log
from shared.core.errors import StorageError
from shared.generations import delivery, ending, memory, storing
from shared.generations.job import BytesOfFile, Job

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.ai.media.contract import Finished, MediaFile, MediaProvider
    from shared.core.sql_types import RecordCopied, SettleGeneration

DOWNLOAD_TIME = 45.0  # seconds for each file
RETRY_SECONDS = 15


def copy(provider: MediaProvider, job: Job, finished: Finished, deadline: float | None = None) -> None:
    """Store the files of a job and charge it, each committed; then deliver it.

    A job whose files have no room in memory waits. Without a storage the files are delivered from memory: a
    worker that then crashes before the delivery has lost those of a provider that answers at once, and the
    price is released.
    """
    with memory.room_for(job) as has_room:
        if has_room:
            _copy(provider, job, finished, deadline)
        else:
            job.postpone(RETRY_SECONDS)


def resume(provider: MediaProvider, job: Job) -> None:
    """Charge a job whose files are stored, unless it is charged, and deliver it."""
    with memory.room_for(job) as has_room:
        if not has_room:
            job.postpone(RETRY_SECONDS)
        else:
            settle(provider, job)


def _copy(provider: MediaProvider, job: Job, finished: Finished, deadline: float | None) -> None:
    try:
        files = [
            _fetch(provider, job, file, number, min(deadline or inf, monotonic() + DOWNLOAD_TIME))
            for number, file in enumerate(finished.files)
        ]
    except (DownloadError, StorageError) as error:
        if isinstance(error, TooLarge):
            return ending.fail(job, "too_large", str(error), finished)
        if not job.provider_job_id or (isinstance(error, DownloadError) and error.is_gone):
            return ending.fail(job, "result_lost", str(error), finished)
        log.warning("a result was not fetched", action="generation_not_copied", job=job.id, error=str(error))
        return job.postpone(None if job.is_late else RETRY_SECONDS, str(error))
    stored = storing.store(job, files)
    if stored is None:  # try again later, while the provider keeps the files
        if job.provider_job_id:
            return job.postpone(None if job.is_late else RETRY_SECONDS, "Storage did not take the files")
        stored = [storing.describe(None, file) for file in files]
    recorded: RecordCopied = db.call(
        "record_copied",
        p_id=job.id,
        p_attempt=job.attempt,
        p_files=stored,
        p_cost=None if finished.cost_usd is None else str(finished.cost_usd),
        p_usage=ending.usage(finished.usage),
    )
    if recorded["outcome"] == "recorded":
        settle(provider, replace(job, files=stored), files)
    return None


def _fetch(provider: MediaProvider, job: Job, file: MediaFile, number: int, deadline: float) -> BytesOfFile:
    """Return a file with its bytes, or stored where it is too large for that.

    Raises:
        DownloadError: it was not fetched. TooLarge: nor can it be stored.
        StorageError: Storage did not take it now.
    """
    try:
        return provider.download(file, deadline)
    except TooLarge:
        linked = storing.pass_on(provider, job, file, number)
        if linked is None:
            raise
        return linked


def settle(provider: MediaProvider, job: Job, files: Sequence[BytesOfFile] = ()) -> None:
    """Charge a job whose files are stored, once, and deliver it; a late one is free, and says so."""
    settled: SettleGeneration = db.call("settle_generation", p_id=job.id, p_attempt=job.attempt)
    if settled["outcome"] == "settled":
        job = replace(job, is_muted=settled["is_muted"])
        delivery.deliver(provider, job, files, is_late=settled["is_late"])
