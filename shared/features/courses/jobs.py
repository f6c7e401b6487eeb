"""The job of courses: lessons that opened, reminders of idle learners, notices before access ends."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from shared.core import db, log
from shared.telegram import bulk

if TYPE_CHECKING:
    from shared.core.sql_types import EnqueueCourseEndings, EnqueueCourseReminders, EnqueueLessonReleases

TIME = 45.0  # seconds of one run; the next run continues


def courses() -> dict[str, int]:
    """Run once and return counts. Safe to run twice at once: rows are locked, and taken once.

    Raises:
        DatabaseUnavailable: the scheduler must retry.
    """
    deadline = monotonic() + TIME
    sent = {
        "releases": bulk.send(_releases, deadline),
        "endings": bulk.send(_endings, deadline),
        "reminders": bulk.send(_reminders, deadline),
    }
    if any(sent.values()):
        log.info("course messages sent", action="courses_job", **sent)
    return sent


def _releases(limit: int) -> bulk.Batch:
    batch: EnqueueLessonReleases = db.call("enqueue_lesson_releases", p_limit=limit)
    return {"checked": batch["checked"], "outgoing": batch["outgoing"]}


def _endings(limit: int) -> bulk.Batch:
    batch: EnqueueCourseEndings = db.call("enqueue_course_endings", p_limit=limit)
    return {"checked": batch["checked"], "outgoing": batch["outgoing"]}


def _reminders(limit: int) -> bulk.Batch:
    batch: EnqueueCourseReminders = db.call("enqueue_course_reminders", p_limit=limit)
    return {"checked": batch["checked"], "outgoing": batch["outgoing"]}
