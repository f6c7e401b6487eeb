"""One tier of a learner: where it comes from, another cohort, and its withdrawal, on confirmation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, Field
from werkzeug.exceptions import NotFound

from shared.core import db
from shared.features.courses.pages.admin import COURSE, COURSES, SMALL_FORM, account, read_course, title_of
from shared.features.courses.pages.learners import enrollment
from shared.web import forms
from shared.web.access import Access
from shared.web.page import Page, row_id

if TYPE_CHECKING:
    from flask import Response

    from shared.core.sql_types import AdminGetEnrollment, AdminMoveLearner, AdminWithdrawEnrollment
    from shared.web.visit import Visit

_NOTICES = {"moved": "course_moved_notice", "unchanged": "course_unchanged_notice"}


class _Withdrawal(BaseModel):
    reason: str = Field(default="", max_length=200)
    reference: forms.Reference


class _Move(BaseModel):
    cohort: str = Field(max_length=64)
    reference: forms.Reference


def show(visit: Visit, course: str, number: int) -> Response:
    """Show a tier of a learner."""
    row = read_course(visit, course)
    found = _found(visit, course, number)
    return visit.render(
        "courses/admin_enrollment.html",
        slug=course,
        title=title_of(visit, row),
        at=f"{COURSES}/{course}/enrollments/{number}",
        who=found["name"] or str(found["telegram_id"]),
        username=f"@{found['username']}" if found["username"] else "",
        telegram_id=found["telegram_id"],
        since=visit.date(found["enrollment"]["enrolled_at"]),
        one=enrollment(visit, course, found["enrollment"]),
        cohorts=[
            (one["key"], f"{one['key']} · {visit.date(one['starts_at'], with_time=True)}")
            for one in row["cohorts"]
        ],
        move_reference=forms.new_reference(),
        withdraw_reference=forms.new_reference(),
    )


def _found(visit: Visit, course: str, number: int) -> AdminGetEnrollment:
    found: AdminGetEnrollment | None = db.call(
        "admin_get_enrollment", p_enrollment_id=number, p_admin_email=account(visit, "admin")
    )
    if found is None or found["course"] != course:
        raise NotFound
    return found


def withdraw(visit: Visit, course: str, number: int) -> Response:
    """Take a tier from a learner."""
    sent = visit.form(_Withdrawal)
    _found(visit, course, number)
    done: AdminWithdrawEnrollment | None = db.call(
        "admin_withdraw_enrollment",
        p_enrollment_id=number,
        p_admin_email=account(visit, "admin"),
        p_reference=f"console:{sent.reference}",
        p_reason=sent.reason or None,
    )
    if done is None:
        raise NotFound
    return visit.redirect(f"{COURSES}/{course}/learners", "course_withdrawn_notice")


def move(visit: Visit, course: str, number: int) -> Response:
    """Move a learner to another cohort, or out of cohorts."""
    sent = visit.form(_Move)
    _found(visit, course, number)
    done: AdminMoveLearner = db.call(
        "admin_move_learner",
        p_enrollment_id=number,
        p_cohort_key=sent.cohort or None,
        p_admin_email=account(visit, "admin"),
        p_reference=f"console:{sent.reference}",
    )
    if done["outcome"] == "none":
        raise NotFound
    here = f"{COURSES}/{course}/enrollments/{number}"
    return visit.redirect(here, _NOTICES.get(done["outcome"], ""))


_ONE = f"{COURSE}/enrollments/{row_id('number')}"

pages = (
    Page(_ONE, show, access=Access.ADMIN),
    Page(f"{_ONE}/withdraw", withdraw, methods=("POST",), max_body=SMALL_FORM, access=Access.ADMIN),
    Page(f"{_ONE}/move", move, methods=("POST",), max_body=SMALL_FORM, access=Access.ADMIN),
)
