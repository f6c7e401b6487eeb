"""Works on due jobs: each is leased by one worker, which does every step that it can.

Safe to run any number of times at once: leases and the states keep workers apart.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from time import monotonic
from typing import TYPE_CHECKING

from shared.ai.media import providers
from shared.core import db, log
from shared.core.errors import DatabaseUnavailable, SwitchboardError
from shared.generations import copying, delivery, ending, polling, submission
from shared.generations.job import Job, claim

if TYPE_CHECKING:
    from shared.core.sql_types import PostponeGeneration

THREADS = 8  # jobs of one run at once; each waits for its provider most of the time
CLAIM_TIME = 30.0  # seconds in which a run begins jobs; those that it began end a while later
_PAUSE_AFTER_ERROR = 60.0  # seconds
MAX_TIME = 90.0  # seconds that a job's polling and copying may take


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
    """Work on due jobs, several at once, beginning none after `until`; return their number."""
    first = claim(providers.names(), 1)
    if not first:
        return 0
    with ThreadPoolExecutor(THREADS) as pool:
        others = [pool.submit(copy_context().run, _drain, until) for _ in range(THREADS - 1)]
        count = len(first)
        work(first[0])
        return count + _drain(until) + sum(other.result() for other in others)


def work_one(job_id: int, deadline: float) -> None:
    """Work on one job if it is due, reading and copying until `deadline`."""
    for job in claim(providers.names(), 1, job_id):
        work(job, deadline)


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
    provider = providers.load(job.provider)
    match job.state:
        case "reserved":
            submission.submit(provider, job)
        case "submitted" | "failed" | "expired":
            polling.poll(provider, job, deadline)
        case "copied":
            copying.settle(provider, job)
        case "succeeded":
            delivery.deliver(provider, job)


def _drain(until: float) -> int:
    count = 0
    while monotonic() < until and (jobs := claim(providers.names(), 1)):
        work(jobs[0])
        count += 1
    return count


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
