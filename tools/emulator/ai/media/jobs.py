"""Jobs and files of the fake media providers: they end after some reads, when a test says so, or by time."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tools.emulator.ai.media.behaviour import MediaBehaviour

Notify = Callable[["Job"], int]


@dataclass
class Job:
    """One job. `request` is the body that started it."""

    id: str
    provider: str
    model: str
    request: dict[str, Any]
    behaviour: MediaBehaviour
    created: float  # Unix time
    callback_url: str | None = None
    notify: Notify | None = None  # posts one callback and returns its status
    reads: int = 0
    ended: float | None = None
    links: list[str] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)  # the statuses with which callbacks were answered
    forged_secret: str = ""  # signs its callbacks instead of the provider's
    signed_ago: float = 0.0  # seconds since its callbacks were signed

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self.ended is None


class Jobs:
    """All jobs of a stack by id, and the files behind links."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._files: dict[str, tuple[bytes, Job, str]] = {}

    def add(self, job: Job) -> Job:
        """Store a new job, and end it in time if it ends by itself."""
        with self._lock:
            self._jobs[job.id] = job
        if job.behaviour.seconds is not None:
            timer = threading.Timer(job.behaviour.seconds, self.report, [job])
            timer.daemon = True
            timer.start()
        return job

    def all(self) -> list[Job]:
        """Return all jobs, oldest first."""
        with self._lock:
            return list(self._jobs.values())

    def get(self, job: str, provider: str) -> Job | None:
        """Return a job of a provider."""
        with self._lock:
            found = self._jobs.get(job)
        return found if found is not None and found.provider == provider else None

    def read(self, job: Job) -> None:
        """Count a read of its state, which ends the job after `behaviour.reads` of them."""
        with self._lock:
            job.reads += 1
            is_timed = job.behaviour.seconds is not None
            is_over = job.is_running and not is_timed and job.reads > job.behaviour.reads
        if is_over:
            self.end(job)

    def end(self, job: Job) -> None:
        """End a job. Its callbacks are sent by `report` and `call_back`."""
        with self._lock:
            job.ended = job.ended or self._now()

    def report(self, job: Job) -> list[int]:
        """Send the callbacks of a job that ended, and return how they were answered."""
        self.end(job)
        for _ in range(job.behaviour.callbacks if job.callback_url else 0):
            self.call_back(job)
        return job.sent

    @staticmethod
    def call_back(job: Job, *, forged_secret: str = "", signed_ago: float = 0.0) -> int:
        """Send one callback of a job, and return how it was answered."""
        assert job.notify is not None
        job.forged_secret, job.signed_ago = forged_secret, signed_ago
        status = job.notify(job)
        job.sent.append(status)
        return status

    def link(self, job: Job, data: bytes, suffix: str, base: str, key: str = "") -> str:
        """Return the address of a file. `key`: the value of the header that it needs."""
        name = f"{secrets.token_hex(12)}.{suffix}"
        with self._lock:
            self._files[name] = (data, job, key)
        return f"{base}/{name}"

    def file(self, name: str) -> tuple[bytes, Job, str] | None:
        """Return a file, its job and the key that it needs."""
        with self._lock:
            return self._files.get(name)

    def clear(self) -> None:
        """Forget all jobs and files."""
        with self._lock:
            self._jobs.clear()
            self._files.clear()
