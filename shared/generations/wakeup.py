"""Wakes a worker within seconds: without a queue of Cloud Tasks, jobs wait for the next minute.

A task calls the job `generations` of the function `scheduled`, which authorizes it as it does the scheduler.
Nothing depends on a task: the job runs each minute anyway.
"""

from __future__ import annotations

from math import ceil

from shared.core import clock, cloud_tasks
from shared.core.config import settings

HORIZON = 60  # seconds; what is due later is left to the run of each minute


def wake(job_id: int, attempt: int = 0) -> bool:
    """Let a worker look for due jobs now, because of this one; return whether that was queued.

    Repetitions within one second are one task. `attempt` is the number of the job's latest lease: a task that
    was sent within this second, but before that lease ended, does not count.
    """
    return _create(f"{job_id}-{attempt}-{int(clock.timestamp())}", None)


def wake_in(seconds: float) -> bool:
    """Let a worker look for due jobs in so many seconds. All calls for one second are one task."""
    at = ceil(clock.timestamp() + seconds)
    return _create(f"due-{at}", at)


def is_enabled() -> bool:
    """Whether there is a queue."""
    return bool(settings().generations_queue)


def _create(name: str, at: float | None) -> bool:
    if not is_enabled():
        return False
    audience = f"{settings().public_url}/scheduled"
    task = cloud_tasks.Task(
        name=name,
        url=f"{settings().scheduled_url or audience}/generations",
        account=settings().scheduler_service_account,
        audience=audience,
        at=at,
    )
    return cloud_tasks.create(settings().generations_queue, task)
