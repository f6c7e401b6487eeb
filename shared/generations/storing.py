"""Where the files of jobs are kept until they are delivered: Supabase Storage, where it is configured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from shared.ai.media.sniff import sniff
from shared.core import log
from shared.core.errors import StorageError
from shared.core.json_types import JsonObject
from shared.generations.job import BytesOfFile, Job

if TYPE_CHECKING:
    from shared.ai.media.contract import MediaFile, MediaProvider
    from shared.storage import Storage

LARGE_TIME = 120.0  # seconds to pass on a file that is too large to be sent
LINK_DAYS = 7
_TIME = 45.0  # seconds for each file
_TOO_LARGE = "EntityTooLarge"


@dataclass(frozen=True)
class StoredFile:
    """A file that was read from Storage."""

    data: bytes
    mime: str | None
    width: int | None
    height: int | None
    duration_s: float | None


@dataclass(frozen=True)
class LinkedFile:
    """A file in Storage that a bot cannot send: the user gets a link to it."""

    key: str
    mime: str | None = None
    width: int | None = None
    height: int | None = None
    duration_s: float | None = None
    data: None = None


def pass_on(provider: MediaProvider, job: Job, file: MediaFile, number: int) -> LinkedFile | None:
    """Store a file while it arrives from its provider; None when that is not possible, as without a storage.

    Raises:
        DownloadError: it did not arrive.
        StorageError: Storage did not take it now.
    """
    from shared.storage import MAX_LARGE_BYTES, reader, storage, store_file

    if storage() is None:
        return None
    source = provider.open(file, monotonic() + LARGE_TIME)
    try:
        begin = source.read()
        facts = sniff(begin)
        if facts is None or source.size is None or source.size > MAX_LARGE_BYTES:
            return None
        stored = store_file(
            job.user_id,
            job.bot,
            kind="videos",
            name=uuid5(UUID(job.token), str(number)),
            data=reader(source.read, begin, source.size),
            mime_type=facts.mime,
            size=source.size,
            timeout=LARGE_TIME,
        )
    except StorageError as error:
        if error.code == _TOO_LARGE:  # the project's own limit, which is 50 MB on the free plan
            return None
        raise
    finally:
        source.close()
    return LinkedFile(stored.key, facts.mime) if stored is not None else None


def link(key: str) -> str | None:
    """Return an address of a stored file that ends after LINK_DAYS; None when there is none now."""
    from shared.storage import storage

    target = storage()
    try:
        return target.signed_url(key, LINK_DAYS * 86_400) if target is not None else None
    except StorageError as error:
        log.warning("there is no link", action="generation_not_read", reason=str(error))
        return None


def store(job: Job, files: Sequence[BytesOfFile]) -> list[JsonObject] | None:
    """Keep the files and return what describes them; None when Storage failed.

    A repeated call stores nothing twice: the names of the files follow from the job.
    """
    from shared.storage import store_file  # heavy, and needed for finished jobs only

    described = []
    try:
        for number, file in enumerate(files):
            if isinstance(file, LinkedFile):  # it is there already
                described.append(describe(file.key, file))
                continue
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
        return [_read(target, one) for one in job.files]
    except StorageError as error:
        log.warning("files were not read", action="generation_not_read", job=job.id, reason=str(error))
        return []


def _read(target: Storage, stored: JsonObject) -> BytesOfFile:
    facts = stored["mime"], stored["width"], stored["height"], stored["duration"]
    try:
        return StoredFile(target.get(stored["key"], timeout=_TIME), *facts)
    except StorageError as error:
        if error.code != _TOO_LARGE:
            raise
        return LinkedFile(stored["key"], *facts)


def describe(key: str | None, file: BytesOfFile) -> JsonObject:
    """Return what public.generations.files holds of a file."""
    return {
        "key": key,
        "mime": file.mime,
        "width": file.width,
        "height": file.height,
        "duration": file.duration_s,
    }
