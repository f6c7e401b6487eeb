"""Where the files of jobs are kept until they are delivered: Supabase Storage, where it is configured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid5

from shared.core import log
from shared.core.errors import StorageError
from shared.core.json_types import JsonObject
from shared.generations.job import BytesOfFile, Job

_TIME = 45.0  # seconds for each file


@dataclass(frozen=True)
class StoredFile:
    """A file that was read from Storage."""

    data: bytes
    mime: str | None
    width: int | None
    height: int | None
    duration_s: float | None


def store(job: Job, files: Sequence[BytesOfFile]) -> list[JsonObject] | None:
    """Keep the files and return what describes them; None when Storage failed.

    A repeated call stores nothing twice: the names of the files follow from the job.
    """
    from shared.storage import store_file  # heavy, and needed for finished jobs only

    described = []
    try:
        for number, file in enumerate(files):
            stored = store_file(
                job.user_id,
                job.bot,
                kind="images" if job.kind == "image" else "videos",
                name=uuid5(UUID(job.token), str(number)),
                data=file.data or b"",
                mime_type=file.mime or "application/octet-stream",
                timeout=_TIME,
            )
            described.append(describe(stored.key if stored else None, file))
    except StorageError as error:
        log.warning("files were not stored", action="generation_not_stored", job=job.id, reason=str(error))
        return None
    if any(one["key"] is None for one in described):
        log.info("no storage: files stay in memory", action="generation_not_stored", job=job.id)
    return described


def load(job: Job) -> list[BytesOfFile]:
    """Return the files that were kept; none when one was not, or cannot be read."""
    from shared.storage import storage

    target = storage()
    if target is None or not all(one["key"] for one in job.files):
        return []
    try:
        return [
            StoredFile(
                target.get(one["key"], timeout=_TIME),
                one["mime"],
                one["width"],
                one["height"],
                one["duration"],
            )
            for one in job.files
        ]
    except StorageError as error:
        log.warning("files were not read", action="generation_not_read", job=job.id, reason=str(error))
        return []


def describe(key: str | None, file: BytesOfFile) -> JsonObject:
    """Return what public.generations.files holds of a file."""
    return {
        "key": key,
        "mime": file.mime,
        "width": file.width,
        "height": file.height,
        "duration": file.duration_s,
    }
