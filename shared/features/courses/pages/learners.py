"""The learners of a course: their progress, and enrollment by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, Field
from werkzeug.exceptions import NotFound

from shared.core import db
from shared.core.errors import Refusal
from shared.features.common.tiers import Tier
from shared.features.courses.pages.admin import (
    COURSE,
    COURSES,
    SMALL_FORM,
    account,
    read_course,
    tiers,
    title_of,
)
from shared.web import forms, outgoing
from shared.web.access import Access
from shared.web.forms import FormError, FormView
from shared.web.page import Page

if TYPE_CHECKING:
    from flask import Response

    from shared.core.json_types import JsonObject
    from shared.core.sql_types import (
        AdminEnroll,
        AdminFindUser,
        AdminListLearners,
        EnrollmentCard,
        LearnerRow,
    )
    from shared.web.visit import Visit

_PAGE = 50  # learners
_LAST_PAGE = 100_000  # fits into an int of Postgres


class _Enrollment(BaseModel):
    user: str = Field(min_length=1, max_length=64, pattern=r"^(@?[A-Za-z0-9_]{4,32}|[0-9]{1,18})$")
    tier: Tier
    days: str = Field(default="", pattern=r"^([1-9][0-9]{0,3})?$")
    cohort: str = Field(default="", max_length=64)
    reason: str = Field(default="", max_length=200)
    reference: forms.Reference


def show(visit: Visit, course: str) -> Response:
    """List the learners of a course."""
    return _page(visit, course, FormView({"tier": "basic"}))


def _page(visit: Visit, slug: str, form: FormView, status: int = 200) -> Response:
    row = read_course(visit, slug)
    cohorts = [one["key"] for one in row["cohorts"]]
    cohort = visit.request.args.get("cohort", "")
    found: AdminListLearners | None = db.call(
        "admin_list_learners",
        p_slug=slug,
        p_admin_email=account(visit),
        p_page=min(visit.number("page") or 1, _LAST_PAGE),
        p_size=_PAGE,
        p_cohort_key=cohort if cohort in cohorts else None,
    )
    if found is None:
        raise NotFound
    return visit.render(
        "courses/admin_learners.html",
        status,
        slug=slug,
        title=title_of(visit, row),
        total=found["total"],
        page=found["page"],
        pages=found["pages"],
        learners=[_learner(visit, slug, one) for one in found["learners"]],
        tiers=tiers(visit),
        cohorts=cohorts,
        cohort=cohort if cohort in cohorts else "",
        form=form,
        reference=forms.new_reference(),
    )


def _learner(visit: Visit, slug: str, row: LearnerRow) -> JsonObject:
    return {
        "name": row["name"] or str(row["telegram_id"]),
        "username": f"@{row['username']}" if row["username"] else "",
        "telegram_id": row["telegram_id"],
        "done": f"{row['completed_lessons']}/{row['lessons']}",
        "minutes": visit.text("course_admin_minutes", count=row["time_spent_seconds"] // 60),
        "active": visit.date(row["last_active_at"]) if row["last_active_at"] else "",
        "completed": visit.date(row["completed_at"]) if row["completed_at"] else "",
        "enrollments": [enrollment(visit, slug, one) for one in row["enrollments"]],
    }


def enrollment(visit: Visit, slug: str, row: EnrollmentCard) -> JsonObject:
    """Return a tier of a learner as the pages show it."""
    return {
        "address": visit.url(f"{COURSES}/{slug}/enrollments/{row['id']}"),
        "tier": visit.text(f"course_tier_{row['tier']}"),
        "source": visit.text(f"course_source_{row['source']}"),
        "cohort": row["cohort"] or "",
        "until": visit.text("course_until", date=visit.date(row["expires_at"])) if row["expires_at"] else "",
        "is_withdrawn": row["withdrawn_at"] is not None,
    }


def enroll(visit: Visit, course: str) -> Response:
    """Give a user a tier of a course."""
    try:
        sent = visit.form(_Enrollment)
        done = _enroll(course, account(visit, "admin"), sent)
    except FormError as error:
        return _page(visit, course, visit.typed(error.fields), 422)
    except Refusal:
        return _page(visit, course, visit.typed({}, visit.text("course_admin_refused")), 422)
    outgoing.deliver(done["outgoing"])
    return visit.redirect(f"{COURSES}/{course}/learners", "course_enrolled_notice")


def _enroll(course: str, admin: str, sent: _Enrollment) -> AdminEnroll:
    """Enroll the user of a form.

    Raises:
        FormError: there is no such user.
        Refusal: the database refuses a value.
    """
    identifier = sent.user if sent.user.isdecimal() or sent.user.startswith("@") else f"@{sent.user}"
    user: AdminFindUser | None = db.call("admin_find_user", p_identifier=identifier, p_admin_email=admin)
    if user is None:
        raise FormError({"user": "course_admin_no_user"})
    done: AdminEnroll = db.call(
        "admin_enroll",
        p_user_id=user["id"],
        p_slug=course,
        p_tier=sent.tier,
        p_admin_email=admin,
        p_reference=f"console:{sent.reference}",
        p_days=int(sent.days) if sent.days else None,
        p_cohort_key=sent.cohort or None,
        p_reason=sent.reason or None,
    )
    return done


pages = (
    Page(f"{COURSE}/learners", show, access=Access.AUTHOR),
    Page(f"{COURSE}/enroll", enroll, methods=("POST",), max_body=SMALL_FORM, access=Access.ADMIN),
)
