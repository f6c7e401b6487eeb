"""Pages of admins: the list of courses, learners, enrollments, the export, and homework to review."""

from __future__ import annotations

import csv
import io
import re
import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from flask import Response
from pydantic import BaseModel, Field
from werkzeug.exceptions import Forbidden, NotFound, UnprocessableEntity

from shared.core import db
from shared.core.errors import Refusal
from shared.features.courses.localized import localized
from shared.features.courses.pages import homework, views
from shared.web import stored_media
from shared.web.access import Access
from shared.web.page import Page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.core.json_types import JsonObject
    from shared.core.sql_types import (
        AdminEmail,
        AdminEnroll,
        AdminExportLearners,
        AdminFindUser,
        AdminListHomework,
        AdminListLearners,
        AdminReviewHomework,
        AdminWithdrawEnrollment,
        CourseCard,
        LearnerRow,
        OutgoingItem,
    )
    from shared.web.visit import Visit

COURSES = "/admin/courses"
COURSE = f"{COURSES}/<string(maxlength=64):course>"
HOMEWORK = "/admin/homework"
# What a spreadsheet would take for a formula: at the beginning of a cell, or after what separates cells in
# other countries.
_FORMULA = re.compile(r"(^|[;\t\r\n|,])(?=\s{0,64}[=+\-@\uff1d\uff0b\uff0d\uff20])|^(?=[\t\r\n])")


class _Enrollment(BaseModel):
    user: str = Field(min_length=1, max_length=64, pattern=r"^(@?[A-Za-z0-9_]{4,32}|[0-9]{1,18})$")
    tier: Literal["basic", "accelerator", "vip"]
    days: str = Field(default="", pattern=r"^([1-9][0-9]{0,3})?$")
    reason: str = Field(default="", max_length=200)
    reference: str = Field(min_length=8, max_length=64)


class _Withdrawal(BaseModel):
    enrollment: int = Field(ge=1, lt=2**63)
    reference: str = Field(min_length=8, max_length=64)


class _Review(BaseModel):
    decision: Literal["accept", "return"]
    comment: str = Field(default="", max_length=10_000)


def email(visit: Visit) -> str:
    """Return the address under which the user acts as an admin.

    Raises:
        Forbidden: the user is no admin any more.
    """
    found: AdminEmail = db.call("admin_email", p_user_id=visit.user.user_id)
    if found["email"] is None:
        raise Forbidden
    return found["email"]


def show_courses(visit: Visit) -> Response:
    """List all courses."""
    found: list[CourseCard] = db.call("course_overview", p_user_id=visit.user.user_id)
    waiting: AdminListHomework = db.call(
        "admin_list_homework", p_admin_email=email(visit), p_state="submitted", p_after=None, p_limit=1
    )
    return visit.render(
        "courses/admin_courses.html",
        courses=[views.card(visit, one) for one in found],
        waiting=waiting["waiting"],
    )


def show_learners(visit: Visit, course: str) -> Response:
    """List the learners of a course."""
    page = visit.request.args.get("page", "1")
    found: AdminListLearners | None = db.call(
        "admin_list_learners",
        p_slug=course,
        p_admin_email=email(visit),
        p_page=int(page) if page.isdecimal() and len(page) < 6 else 1,
        p_size=50,
    )
    if found is None:
        raise NotFound
    return visit.render(
        "courses/admin_learners.html",
        slug=course,
        total=found["total"],
        page=found["page"],
        pages=found["pages"],
        learners=[_learner(visit, one) for one in found["learners"]],
        tiers=[(tier, visit.text(f"course_tier_{tier}")) for tier in ("basic", "accelerator", "vip")],
        reference=secrets.token_urlsafe(16),
    )


def _learner(visit: Visit, row: LearnerRow) -> JsonObject:
    return {
        "name": row["name"] or str(row["telegram_id"]),
        "username": f"@{row['username']}" if row["username"] else "",
        "telegram_id": row["telegram_id"],
        "done": f"{row['completed_lessons']}/{row['lessons']}",
        "hours": visit.text("course_admin_minutes", count=row["time_spent_seconds"] // 60),
        "active": visit.date(row["last_active_at"]) if row["last_active_at"] else "",
        "completed": visit.date(row["completed_at"]) if row["completed_at"] else "",
        "enrollments": [
            {
                "id": one["id"],
                "tier": visit.text(f"course_tier_{one['tier']}"),
                "source": visit.text(f"course_source_{one['source']}"),
                "until": visit.text("course_until", date=visit.date(one["expires_at"]))
                if one["expires_at"]
                else "",
                "is_withdrawn": one["withdrawn_at"] is not None,
            }
            for one in row["enrollments"]
        ],
    }


def enroll(visit: Visit, course: str) -> Response:
    """Give a user a tier of a course.

    Raises:
        UnprocessableEntity: there is no such user, or a value is invalid.
    """
    sent = visit.form(_Enrollment)
    admin = email(visit)
    identifier = sent.user if sent.user.isdecimal() or sent.user.startswith("@") else f"@{sent.user}"
    user: AdminFindUser | None = db.call("admin_find_user", p_identifier=identifier, p_admin_email=admin)
    if user is None:
        raise UnprocessableEntity("course_admin_no_user")
    try:
        done: AdminEnroll = db.call(
            "admin_enroll",
            p_user_id=user["id"],
            p_slug=course,
            p_tier=sent.tier,
            p_admin_email=admin,
            p_reference=f"console:{sent.reference}",
            p_days=int(sent.days) if sent.days else None,
            p_reason=sent.reason or None,
        )
    except Refusal:
        raise UnprocessableEntity("course_admin_refused") from None
    _deliver(done["outgoing"])
    return visit.redirect(f"{COURSES}/{course}/learners", "course_enrolled_notice")


def withdraw(visit: Visit, course: str) -> Response:
    """Take a tier from a learner."""
    sent = visit.form(_Withdrawal)
    done: AdminWithdrawEnrollment | None = db.call(
        "admin_withdraw_enrollment",
        p_enrollment_id=sent.enrollment,
        p_admin_email=email(visit),
        p_reference=f"console:{sent.reference}",
        p_reason=None,
    )
    if done is None:
        raise NotFound
    return visit.redirect(f"{COURSES}/{course}/learners", "course_withdrawn_notice")


def export(visit: Visit, course: str) -> Response:
    """Return all learners of a course as CSV."""
    admin = email(visit)
    first: AdminExportLearners | None = db.call(
        "admin_export_learners", p_slug=course, p_admin_email=admin, p_after=0, p_limit=500
    )
    if first is None:
        raise NotFound
    sheet = io.StringIO()
    writer = csv.writer(sheet)
    writer.writerow(
        (
            *(
                "user_id",
                "telegram_id",
                "name",
                "username",
                "tiers",
                "lessons",
                "completed_lessons",
                "minutes",
            ),
            *("waiting_homework", "last_active_at", "completed_at", "certificate"),
        )
    )
    for row in _rows(course, admin, first):
        tiers = [one["tier"] for one in row["enrollments"] if one["withdrawn_at"] is None]
        writer.writerow(
            [
                _cell(value)
                for value in (
                    *(row["user_id"], row["telegram_id"], row["name"], row["username"], " ".join(tiers)),
                    *(row["lessons"], row["completed_lessons"], row["time_spent_seconds"] // 60),
                    *(row["waiting_homework"], row["last_active_at"], row["completed_at"]),
                    row["certificate"],
                )
            ]
        )
    response = Response("\ufeff" + sheet.getvalue(), content_type="text/csv; charset=utf-8")
    response.headers.set("Content-Disposition", "attachment", filename=f"{course}.csv")
    return response


def _rows(course: str, admin: str, part: AdminExportLearners) -> Iterator[LearnerRow]:
    while True:
        yield from part["rows"]
        if part["next"] is None:
            return
        found: AdminExportLearners | None = db.call(
            "admin_export_learners", p_slug=course, p_admin_email=admin, p_after=part["next"], p_limit=500
        )
        if found is None:
            return
        part = found


def _cell(value: object) -> object:
    """Return a value that no spreadsheet takes for a formula."""
    if isinstance(value, str):
        return _FORMULA.sub(lambda found: f"{found[0]}'", value)
    return "" if value is None else value


def show_homework(visit: Visit) -> Response:
    """List homework that waits for review."""
    after = visit.request.args.get("after", "")
    found: AdminListHomework = db.call(
        "admin_list_homework",
        p_admin_email=email(visit),
        p_state="submitted",
        p_after=int(after) if after.isdecimal() and len(after) < 19 else None,
        p_limit=20,
    )
    sent = found["submissions"]
    return visit.render(
        "courses/admin_homework.html",
        waiting=found["waiting"],
        after=sent[-1]["id"] if len(sent) == 20 else None,
        submissions=[
            {
                "id": one["id"],
                "who": f"{one['name']} (@{one['username']})" if one["username"] else one["name"],
                "title": localized(visit.language, one["titles"], one["lesson"]),
                "lesson": visit.url(f"/courses/{one['course']}/{one['lesson']}"),
                "n": one["n"],
                "date": visit.date(one["created_at"], with_time=True),
                "text": one["text"],
                "file": visit.url(f"{HOMEWORK}/{one['id']}/file") if one["file"] else "",
                "task": views.prose(
                    visit, localized(visit.language, one["homework"] or {}, ""), one["course"], 3
                ),
            }
            for one in sent
        ],
    )


def show_homework_file(visit: Visit, number: int) -> Response:
    """Lead to the file of homework that waits for review."""
    found: AdminListHomework = db.call(
        "admin_list_homework",
        p_admin_email=email(visit),
        p_state="submitted",
        p_after=number - 1,
        p_limit=1,
    )
    sent = found["submissions"]
    if not sent or sent[0]["id"] != number or sent[0]["file"] is None:
        raise NotFound
    return stored_media.lead_to(visit, sent[0]["file"], homework.FILE_SECONDS)


def review(visit: Visit, number: int) -> Response:
    """Accept homework, or return it with a comment.

    Raises:
        UnprocessableEntity: a comment is missing.
    """
    sent = visit.form(_Review)
    if sent.decision == "return" and not sent.comment.strip():
        raise UnprocessableEntity("course_admin_comment_missing")
    done: AdminReviewHomework | None = db.call(
        "admin_review_homework",
        p_submission_id=number,
        p_is_accepted=sent.decision == "accept",
        p_comment=sent.comment.strip() or None,
        p_admin_email=email(visit),
    )
    if done is None:
        raise NotFound
    _deliver(done["outgoing"])
    known = done["outcome"] == "known"
    return visit.redirect(HOMEWORK, "course_review_known_notice" if known else "course_reviewed_notice")


def _deliver(messages: Sequence[OutgoingItem]) -> None:
    if messages:
        from shared.telegram import outbox  # imports telebot, which the other pages do not need

        outbox.deliver_outgoing(messages)


_FORM = 4_000  # bytes
_ID = "<int(max=9223372036854775807):number>"

pages = (
    Page(COURSES, show_courses, access=Access.ADMIN, menu="course_admin_menu"),
    Page(f"{COURSE}/learners", show_learners, access=Access.ADMIN),
    Page(f"{COURSE}/learners.csv", export, access=Access.ADMIN),
    Page(f"{COURSE}/enroll", enroll, methods=("POST",), max_body=_FORM, access=Access.ADMIN),
    Page(f"{COURSE}/withdraw", withdraw, methods=("POST",), max_body=_FORM, access=Access.ADMIN),
    Page(HOMEWORK, show_homework, access=Access.ADMIN),
    Page(f"{HOMEWORK}/{_ID}/file", show_homework_file, access=Access.ADMIN),
    # A letter may take twelve characters in a form.
    Page(f"{HOMEWORK}/{_ID}/review", review, methods=("POST",), max_body=130_000, access=Access.ADMIN),
)
