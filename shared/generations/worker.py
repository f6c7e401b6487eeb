"""Works on due jobs: each is leased by one worker, which does every step that it can.

Safe to run any number of times at once: leases and the states keep workers apart.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from threading import BoundedSemaphore
from time import monotonic
from typing import TYPE_CHECKING

from shared.ai.media import providers
from shared.core import db, log
from shared.core.errors import DatabaseUnavailable, SwitchboardError
from shared.generations import copying, ending, polling, submission, user_keys, wakeup
from shared.generations.job import Job, claim

if TYPE_CHECKING:
    from shared.core.sql_types import NextGeneration, PostponeGeneration

THREADS = 8  # jobs of a process at once; each waits for its provider most of the time
CLAIM_TIME = 30.0  # seconds in which a run begins jobs; those that it began end a while later
_PAUSE_AFTER_ERROR = 60.0  # seconds
MAX_TIME = 90.0  # seconds that a job's polling and copying may take
_places = BoundedSemaphore(THREADS)


def generations() -> dict[str, int]:
    """Run the job `generations` once and return counts.

    Raises:
        DatabaseUnavailable: the scheduler must retry.
    """
    done = {
        "worked": work_due(monotonic() + CLAIM_TIME),
        "expired": ending.expire(),
        "deleted": ending.delete_old(),
    }
    if any(done.values()):
        log.info("generations finished", action="generations", **done)
    return done


def work_due(until: float) -> int:
    """Work on due jobs, several at once, beginning none after `until`; return their number.

    All runs of this process together work on THREADS jobs at once, which bounds its memory.
    """
    first = _claim_one(until)
    if first is None:
        _wake_for_next()
        return 0
    with ThreadPoolExecutor(THREADS - 1) as pool:
        others = [pool.submit(copy_context().run, _drain, until) for _ in range(THREADS - 1)]
        _work_and_release(first)
        return _drain(until, 1) + sum(other.result() for other in others)


def work(job: Job, deadline: float | None = None) -> None:
    """Do every step of a leased job that can be done now."""
    try:
        _work(job, deadline or monotonic() + MAX_TIME)
    except DatabaseUnavailable:
        # What was committed stays; the lease ends by itself, and another worker goes on from there.
        log.warning("a job waits for the database", action="generation_interrupted", job=job.id)
    except Exception as error:  # one job must not stop the others
        log.alert(
            "a job could not be worked on", action="generation_error", job=job.id,
            provider=job.provider, error=f"{type(error).__name__}: {error}",
        )  # fmt: skip
        _give_back(job, error)


def _work(job: Job, deadline: float) -> None:
    if not job.request.get("user_api_key") or job.state in ("copied", "succeeded"):
        return _step(job, deadline)
    with user_keys.use(job) as is_there:
        if is_there:
            return _step(job, deadline)
    return ending.fail(job, user_keys.GONE, "the user's key is gone")


def _step(job: Job, deadline: float) -> None:
    provider = providers.load(job.provider)
    match job.state:
        case "reserved":
            submission.submit(provider, job)
        case "submitted" | "failed" | "expired":
            polling.poll(provider, job, deadline)
        case "copied" | "succeeded":
            copying.resume(provider, job)


def _drain(until: float, count: int = 0) -> int:
    """Work on due jobs after `count` others, and return the number of all; a worker is woken for the next."""
    while job := _claim_one(until):
        _work_and_release(job)
        count += 1
    if count:
        _wake_for_next()
    return count


def _claim_one(until: float) -> Job | None:
    """Lease a due job, once one of the process's places is free; `_work_and_release` frees it again."""
    if monotonic() >= until or not _places.acquire(timeout=until - monotonic()):
        return None
    try:
        jobs = claim(providers.names(), 1)
    except BaseException:
        _places.release()
        raise
    if not jobs:
        _places.release()
        return None
    return jobs[0]


def _work_and_release(job: Job) -> None:
    try:
        work(job)
    finally:
        _places.release()


def _wake_for_next() -> None:
    """Let a worker be woken when the next job is due, where there is a queue."""
    if not wakeup.is_enabled():
        return
    found: NextGeneration = db.call(
        "next_generation", p_providers=list(providers.names()), p_seconds=wakeup.HORIZON
    )
    if found["milliseconds"] is not None:
        wakeup.wake_in(found["milliseconds"] / 1000)


def _give_back(job: Job, error: Exception) -> None:
    """Let a job whose step failed in our own code wait: one whose request was sent waits for its deadline."""
    try:
        result: PostponeGeneration = db.call(
            "postpone_generation",
            p_id=job.id,
            p_attempt=job.attempt,
            p_seconds=_PAUSE_AFTER_ERROR,
            p_error=type(error).__name__,
        )
        log.debug(result["outcome"], action="generation_postponed", job=job.id)
    except SwitchboardError:
        return
