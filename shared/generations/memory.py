"""How many videos a process holds at once (docs/generations.md: Memory)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.generations.job import Job

VIDEOS = 2
WAIT = 30.0  # seconds for a place; with the steps that follow less than a lease
_places = BoundedSemaphore(VIDEOS)


@contextmanager
def room_for(job: Job) -> Iterator[bool]:
    """Hold a place for the files of a job; false when there is none, and the job must wait.

    A job that its provider cannot read again waits as long as it takes.
    """
    if job.kind != "video":
        yield True
        return
    has_place = _places.acquire(timeout=WAIT if job.provider_job_id else None)
    try:
        yield has_place
    finally:
        if has_place:
            _places.release()
