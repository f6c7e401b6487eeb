"""The job of courses: lessons that opened, reminders of idle learners, notices before access ends."""

from __future__ import annotations

from time import monotonic, sleep
from typing import TYPE_CHECKING

from shared.core import db, log
from shared.telegram import outbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.core.sql_types import EnqueueCourseEndings, EnqueueCourseReminders, EnqueueLessonReleases

BATCH = 25  # messages a second: Telegram takes about 30 from a bot
TIME = 45.0  # seconds of one run; the next run continues
_DELIVERY = 10.0  # seconds that delivering a batch may take


def courses() -> dict[str, int]:
    """Run once and return counts. Safe to run twice at once: rows are locked, and taken once.

    Raises:
        DatabaseUnavailable: the scheduler must retry.
    """
    deadline = monotonic() + TIME
    sent = {
        "releases": _send(_releases, deadline),
        "endings": _send(_endings, deadline),
        "reminders": _send(_reminders, deadline),
    }
    if any(sent.values()):
        log.info("course messages sent", action="courses_job", **sent)
    return sent


def _releases() -> EnqueueLessonReleases:
    batch: EnqueueLessonReleases = db.call("enqueue_lesson_releases", p_limit=BATCH)
    return batch


def _endings() -> EnqueueCourseEndings:
    batch: EnqueueCourseEndings = db.call("enqueue_course_endings", p_limit=BATCH)
    return batch


def _reminders() -> EnqueueCourseReminders:
    batch: EnqueueCourseReminders = db.call("enqueue_course_reminders", p_limit=BATCH)
    return batch


def _send(
    enqueue: Callable[[], EnqueueCourseEndings | EnqueueCourseReminders | EnqueueLessonReleases],
    deadline: float,
) -> int:
    """Enqueue and deliver the messages of one kind, batch by batch; return how many."""
    sent = 0
    while True:
        started = monotonic()
        batch = enqueue()
        outbox.deliver_outgoing(batch["outgoing"], _DELIVERY)
        sent += len(batch["outgoing"])
        if batch["checked"] < BATCH or monotonic() > deadline:
            return sent
        sleep(max(started + 1 - monotonic(), 0))
