"""The cohorts of a course: learners who begin on the same day."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pydantic import BaseModel, Field
from werkzeug.exceptions import NotFound

from shared.core import db
from shared.features.courses.pages import editing
from shared.features.courses.pages.admin import (
    COURSE,
    COURSES,
    SLUG,
    SMALL_FORM,
    account,
    read_course,
    title_of,
)
from shared.web.access import Access
from shared.web.forms import FormError, FormView
from shared.web.page import Page

if TYPE_CHECKING:
    from flask import Response

    from shared.core.json_types import JsonObject
    from shared.core.sql_types import AdminChangeCohort, AdminListCohorts, AdminSaveCohort
    from shared.web.visit import Visit


class _Cohort(BaseModel):
    key: str = Field(pattern=SLUG)
    starts_at: str = Field(min_length=1, max_length=30)
    enrolls_until: str = Field(default="", max_length=30)


class _Dates(NamedTuple):
    """Dates with an offset, as Postgres reads them."""

    starts_at: str
    enrolls_until: str | None


def show(visit: Visit, course: str) -> Response:
    """List the cohorts of a course."""
    return _list(visit, course, FormView())


def _list(visit: Visit, slug: str, form: FormView, status: int = 200) -> Response:
    row = read_course(visit, slug)
    return visit.render(
        "courses/admin_cohorts.html",
        status,
        slug=slug,
        title=title_of(visit, row),
        zone=visit.user.time_zone,
        form=form,
        cohorts=[_cohort(visit, slug, one) for one in _read(visit, slug)],
    )


def _read(visit: Visit, slug: str) -> list[AdminListCohorts]:
    found: list[AdminListCohorts] | None = db.call(
        "admin_list_cohorts", p_slug=slug, p_admin_email=account(visit)
    )
    return found or []


def _cohort(visit: Visit, slug: str, row: AdminListCohorts) -> JsonObject:
    until = row["enrolls_until"]
    return {
        "key": row["key"],
        "address": visit.url(f"{COURSES}/{slug}/cohorts/{row['key']}"),
        "learners_at": visit.url(f"{COURSES}/{slug}/learners", cohort=row["key"]),
        "starts": visit.text("course_cohort_starts", date=visit.date(row["starts_at"], with_time=True)),
        "until": visit.text("course_admin_sold_until", date=visit.date(until, with_time=True))
        if until
        else "",
        "learners": visit.text("course_learners", count=row["learners"]),
    }


def create(visit: Visit, course: str) -> Response:
    """Create a cohort."""
    try:
        sent = visit.form(_Cohort)
        dates = _dates(visit, sent)
        saved: AdminSaveCohort = db.call(
            "admin_save_cohort",
            p_slug=course,
            p_key=sent.key,
            p_starts_at=dates.starts_at,
            p_admin_email=account(visit),
            p_enrolls_until=dates.enrolls_until,
            p_is_new=True,
        )
        _check(saved["outcome"])
    except FormError as error:
        return _list(visit, course, editing.faulty(visit, error), 422)
    return visit.redirect(f"{COURSES}/{course}/cohorts", "course_saved_notice")


def show_one(visit: Visit, course: str, cohort: str) -> Response:
    """Show the form of a cohort."""
    return _one(visit, course, cohort)


def _one(visit: Visit, slug: str, key: str, form: FormView | None = None, status: int = 200) -> Response:
    row = next((one for one in _read(visit, slug) if one["key"] == key), None)
    if row is None:
        raise NotFound
    known = {
        "key": key,
        "starts_at": editing.local_time(visit, row["starts_at"]),
        "enrolls_until": editing.local_time(visit, row["enrolls_until"]),
    }
    return visit.render(
        "courses/admin_cohort.html",
        status,
        slug=slug,
        key=key,
        title=title_of(visit, read_course(visit, slug)),
        zone=visit.user.time_zone,
        cohort=_cohort(visit, slug, row),
        form=form or FormView(known),
    )


def change(visit: Visit, course: str, cohort: str) -> Response:
    """Change the dates of a cohort, and its name."""
    try:
        sent = visit.form(_Cohort)
        dates = _dates(visit, sent)
        done: AdminChangeCohort = db.call(
            "admin_change_cohort",
            p_slug=course,
            p_key=cohort,
            p_new_key=sent.key,
            p_starts_at=dates.starts_at,
            p_admin_email=account(visit),
            p_enrolls_until=dates.enrolls_until,
        )
        _check(done["outcome"])
    except FormError as error:
        return _one(visit, course, cohort, editing.faulty(visit, error), 422)
    return visit.redirect(f"{COURSES}/{course}/cohorts", "course_saved_notice")


def _dates(visit: Visit, sent: _Cohort) -> _Dates:
    """Return the dates of a form.

    Raises:
        FormError: one is invalid.
    """
    until = sent.enrolls_until
    return _Dates(
        editing.moment(visit, "starts_at", sent.starts_at),
        editing.moment(visit, "enrolls_until", until) if until else None,
    )


def _check(outcome: str) -> None:
    """Check that a cohort was saved.

    Raises:
        FormError: another cohort has this name.
        NotFound: there is no such course or cohort.
    """
    if outcome == "none":
        raise NotFound
    if outcome == "exists":
        raise FormError({"key": "course_admin_taken"})


_LIST = f"{COURSE}/cohorts"
_ONE = f"{_LIST}/<string(maxlength=64):cohort>"

pages = (
    Page(_LIST, show, access=Access.AUTHOR),
    Page(f"{COURSE}/new_cohort", create, methods=("POST",), max_body=SMALL_FORM, access=Access.AUTHOR),
    Page(_ONE, show_one, access=Access.AUTHOR),
    Page(f"{_ONE}/save", change, methods=("POST",), max_body=SMALL_FORM, access=Access.AUTHOR),
)
