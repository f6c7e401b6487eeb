"""Pages of authors and admins: the list of courses, a new course, and what all of these pages need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, Field
from werkzeug.exceptions import Forbidden, NotFound

from shared.core import db, texts
from shared.features.common.tiers import TIERS
from shared.features.courses.pages import views
from shared.web.access import Access
from shared.web.forms import FormError, FormView
from shared.web.page import Page

if TYPE_CHECKING:
    from flask import Response

    from shared.core.sql_types import (
        AdminGetCourse,
        AdminListHomework,
        AdminSaveCourse,
        CourseCard,
        LessonQuestionsOfTeam,
        StaffAccount,
    )
    from shared.web.visit import Visit

COURSES = "/admin/courses"
COURSE = f"{COURSES}/<string(maxlength=64):course>"
SLUG = r"^[a-z0-9][a-z0-9-]{0,63}$"
SMALL_FORM = 4_000  # bytes


class NewItem(BaseModel):
    """A course or a lesson that begins."""

    slug: str = Field(pattern=SLUG)
    title: str = Field(min_length=1, max_length=200, pattern=r"\S")


def account(visit: Visit, role: str = "author") -> str:
    """Return the account under which the user acts in a role.

    Raises:
        Forbidden: the user has no such role any more.
    """
    found: StaffAccount = db.call("staff_account", p_user_id=visit.user.user_id, p_role=role)
    if found["account"] is None:
        raise Forbidden
    return found["account"]


def read_course(visit: Visit, slug: str) -> AdminGetCourse:
    """Return a course with its lessons, cohorts and offers.

    Raises:
        NotFound: there is none.
    """
    found: AdminGetCourse | None = db.call("admin_get_course", p_slug=slug, p_admin_email=account(visit))
    if found is None:
        raise NotFound
    return found


def title_of(visit: Visit, row: AdminGetCourse) -> str:
    """Return the title of a course in the admin's language."""
    return views.words(visit, row["course"]["texts"]).get("title", row["course"]["slug"])


def tiers(visit: Visit) -> list[tuple[str, str]]:
    """Return key and name of each tier, for a field of choices."""
    return [(tier, visit.text(f"course_tier_{tier}")) for tier in TIERS]


def languages() -> list[tuple[str, str]]:
    """Return code and name of the languages in which authors write."""
    return [(code, texts.language(code).NAME.partition(" ")[2]) for code in sorted(texts.codes())]


def show_courses(visit: Visit) -> Response:
    """List all courses."""
    return _courses_page(visit, FormView())


def _courses_page(visit: Visit, form: FormView, status: int = 200) -> Response:
    found: list[CourseCard] = db.call("course_overview", p_user_id=visit.user.user_id)
    waiting: AdminListHomework = db.call(
        "admin_list_homework", p_admin_email=account(visit), p_state="submitted", p_after=None, p_limit=1
    )
    questions: LessonQuestionsOfTeam = db.call(
        "lesson_questions_of_team", p_actor_id=visit.user.user_id, p_limit=1
    )
    return visit.render(
        "courses/admin_courses.html",
        status,
        courses=[views.card(visit, one) for one in found],
        waiting=waiting["waiting"],
        questions=questions["waiting"],
        form=form,
    )


def create(visit: Visit) -> Response:
    """Begin a course, unpublished."""
    try:
        sent = visit.form(NewItem)
    except FormError as error:
        return _courses_page(visit, visit.typed(error.fields), 422)
    saved: AdminSaveCourse = db.call(
        "admin_save_course",
        p_slug=sent.slug,
        p_values={"texts": {visit.language: {"title": sent.title.strip()}}},
        p_admin_email=account(visit),
        p_version=None,
    )
    if saved["outcome"] == "exists":
        return _courses_page(visit, visit.typed({"slug": "course_admin_taken"}), 409)
    return visit.redirect(f"{COURSES}/{sent.slug}", "course_saved_notice")


pages = (
    Page(COURSES, show_courses, access=Access.AUTHOR, menu="course_admin_menu"),
    Page("/admin/new_course", create, methods=("POST",), max_body=SMALL_FORM, access=Access.AUTHOR),
)
