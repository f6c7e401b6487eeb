"""Wakes the sweep for an update that was held, where a queue of Cloud Tasks can: else it runs each minute."""

from __future__ import annotations

from math import ceil

from shared.core import clock, cloud_tasks
from shared.core.config import settings

_MARGIN = 1.0  # seconds after the end of the hold


def wake_sweep_in(seconds: float) -> None:
    """Let the sweep run in so many seconds. All calls for one second are one task."""
    queue = settings().generations_queue
    if not queue:
        return
    at = ceil(clock.timestamp() + seconds + _MARGIN)
    audience = f"{settings().public_url}/scheduled"
    task = cloud_tasks.Task(
        name=f"held-{at}",
        url=f"{settings().scheduled_url or audience}/sweep",
        account=settings().scheduler_service_account,
        audience=audience,
        at=at,
    )
    cloud_tasks.create(queue, task)
