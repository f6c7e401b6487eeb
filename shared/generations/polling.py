"""Read the state of a submitted job at its provider."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from shared.ai.media.contract import Failed, Finished, Refused, Submitted
from shared.core import log
from shared.core.errors import ConfigError
from shared.core.setting_values import SHORTEST_PAUSE
from shared.generations import copying, ending, progress, wakeup
from shared.generations.job import Job

if TYPE_CHECKING:
    from shared.ai.media.contract import MediaProvider

READ_TIME = 15.0  # seconds
MAX_POLL = 60.0  # seconds


def poll(provider: MediaProvider, job: Job, deadline: float) -> None:
    """Read a job's state and go on with what it is."""
    try:
        outcome = provider.read(job.provider_job_id or "", min(deadline, monotonic() + READ_TIME))
    except ConfigError as error:
        log.alert(f"a setting is wrong: {error}", action="config_error")
        job.postpone(None if job.is_late else MAX_POLL, str(error))
        return
    match outcome:
        case Submitted():
            # A late result that is not there yet: its next callback looks again.
            wanted = job.poll_seconds or outcome.poll_after_s
            postponed = job.keep_waiting(None if job.is_late else pause(job.polls, wanted))
            progress.show(job, postponed)
        case Finished():
            copying.copy(provider, job, outcome, deadline)
        case Refused():
            ending.refuse(job, outcome)
        case Failed(spent=False) if not job.is_late and ending.switch(job, outcome.message):
            return
        case Failed():
            ending.fail(job, outcome.cause, outcome.message)


def pause(polls: int, wanted: float = 0) -> float:
    """Return the seconds to the next read of a job's state: 10, 15, 22 … up to 60.

    `wanted` is what the provider or a setting asks for: longer, or with a queue also shorter, as 2, 3, 4.5 ….
    Each pause is half as long again, so a result waits a third of the time that it took at most.
    """
    shortest = wanted if wanted and wakeup.is_enabled() else SHORTEST_PAUSE
    return min(max(shortest * 1.5 ** min(polls, 20), wanted), MAX_POLL)
