"""All learners of a course as a sheet (CSV)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from werkzeug.exceptions import NotFound

from shared.core import db
from shared.features.courses.pages.admin import COURSE, account
from shared.web import spreadsheet
from shared.web.access import Access
from shared.web.page import Page

if TYPE_CHECKING:
    from flask import Response

    from shared.core.sql_types import AdminExportLearners, LearnerRow
    from shared.web.visit import Visit

_HEAD = (
    *("user_id", "telegram_id", "name", "username", "tiers", "cohorts", "lessons", "completed_lessons"),
    *("minutes", "waiting_homework", "last_active_at", "completed_at", "certificate"),
)


def export(visit: Visit, course: str) -> Response:
    """Return all learners of a course as CSV."""
    admin = account(visit, "admin")
    first = _part(course, admin, 0)
    if first is None:
        raise NotFound
    return spreadsheet.response(course, _HEAD, (_values(row) for row in _rows(course, admin, first)))


def _part(course: str, admin: str, after: int) -> AdminExportLearners | None:
    found: AdminExportLearners | None = db.call(
        "admin_export_learners", p_slug=course, p_admin_email=admin, p_after=after, p_limit=500
    )
    return found


def _rows(course: str, admin: str, first: AdminExportLearners) -> Iterator[LearnerRow]:
    part: AdminExportLearners | None = first
    while part is not None:
        yield from part["rows"]
        if part["next"] is None:
            return
        part = _part(course, admin, part["next"])


def _values(row: LearnerRow) -> tuple[object, ...]:
    """Return the cells of a learner, in the order of the head."""
    live = [one for one in row["enrollments"] if one["withdrawn_at"] is None]
    return (
        *(row["user_id"], row["telegram_id"], row["name"], row["username"]),
        " ".join(one["tier"] for one in live),
        " ".join(sorted({one["cohort"] for one in live if one["cohort"]})),
        *(row["lessons"], row["completed_lessons"], row["time_spent_seconds"] // 60, row["waiting_homework"]),
        *(row["last_active_at"], row["completed_at"], row["certificate"]),
    )


pages = (Page(f"{COURSE}/learners.csv", export, access=Access.ADMIN),)
