"""The editor of a course. It saves the version that it has read: no change of another is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field
from werkzeug.exceptions import NotFound

from shared.core import db
from shared.core.errors import Refusal
from shared.features.common.tiers import Tier
from shared.features.courses.pages import editing, views
from shared.features.courses.pages.admin import (
    COURSE,
    COURSES,
    SMALL_FORM,
    NewItem,
    account,
    languages,
    read_course,
    tiers,
    title_of,
)
from shared.web.access import Access
from shared.web.forms import FormError, FormView
from shared.web.page import Page

if TYPE_CHECKING:
    from flask import Response

    from shared.core.json_types import JsonObject
    from shared.core.sql_types import AdminProducts, AdminSaveCourse, AdminSaveLesson
    from shared.web.visit import Visit


class _Course(editing.Fields):
    plan_tier: Tier | Literal[""] = ""
    shows_learner_count: bool = False
    next_product: str = Field(default="", max_length=64)


def show(visit: Visit, course: str) -> Response:
    """Show the editor of a course."""
    return _page(visit, course)


def _page(
    visit: Visit, slug: str, form: FormView | None = None, status: int = 200,
    *, new: FormView | None = None, preview: str = "",
) -> Response:  # fmt: skip
    """Return the editor.

    Args:
        form: the form of the course that was sent; None: the course as it is.
        new: the form of a new lesson that was sent.
        preview: HTML of the description as learners would see it.
    """
    row = read_course(visit, slug)
    return visit.render(
        "courses/admin_course.html",
        status,
        slug=slug,
        title=title_of(visit, row),
        is_published=row["course"]["is_published"],
        form=form or FormView(_values(row["course"])),
        new_form=new or FormView(),
        preview=preview,
        codes=languages(),
        lessons=[_lesson(visit, slug, one) for one in row["lessons"]],
        tiers=tiers(visit),
        products=_products(visit),
    )


def _values(row: JsonObject) -> JsonObject:
    """Return a course as the fields of its form."""
    return {
        **editing.wordings_by_field(row["texts"]),
        **editing.by_field("next_step", row["next_step"]),
        **{name: row[name] for name in ("version", "position", "is_published", "shows_learner_count")},
        "plan_tier": row["plan_tier"] or "",
        "next_product": row["next_product_key"] or "",
    }


def _lesson(visit: Visit, slug: str, row: JsonObject) -> JsonObject:
    return {
        "address": visit.url(f"{COURSES}/{slug}/lessons/{row['slug']}"),
        "title": views.words(visit, row["texts"]).get("title", row["slug"]),
        "tier": visit.text(f"course_tier_{row['tier']}"),
        "is_published": row["is_published"],
    }


def _products(visit: Visit) -> list[tuple[str, str]]:
    """Return key and title of the products that may be offered after the course."""
    found: AdminProducts = db.call("admin_products", p_admin_email=account(visit), p_key=None)
    return [
        (one["key"], f"{views.words(visit, one['texts']).get('title', one['key'])} · {one['key']}")
        for one in found["products"]
    ]


def save(visit: Visit, course: str) -> Response:
    """Save a course, or show how it would look."""
    try:
        sent = visit.form(_Course)
        values = _columns(sent)
        if sent.action == "preview":
            body = views.words(visit, values["texts"]).get("description", "")
            return _page(visit, course, visit.typed({}), preview=views.prose(visit, body, course, 3))
        saved: AdminSaveCourse = db.call(
            "admin_save_course",
            p_slug=course,
            p_values=values,
            p_admin_email=account(visit),
            p_version=sent.version,
        )
    except FormError as error:
        return _page(visit, course, editing.faulty(visit, error), 422)
    except Refusal as error:
        return _page(visit, course, editing.refused(visit, error), 422)
    if saved["outcome"] == "none":
        raise NotFound
    if saved["outcome"] == "changed":
        return _page(visit, course, editing.outdated(visit), 409)
    return visit.redirect(f"{COURSES}/{course}", "course_saved_notice")


def _columns(sent: _Course) -> JsonObject:
    """Return the columns of a course.

    Raises:
        FormError: a title is missing, or a text is too long.
    """
    return {
        "position": sent.position,
        "is_published": sent.is_published,
        "plan_tier": sent.plan_tier or None,
        "shows_learner_count": sent.shows_learner_count,
        "texts": sent.wordings("title", "summary", "description"),
        "next_step": sent.by_language("next_step"),
        "next_product_key": sent.next_product or None,
    }


def create_lesson(visit: Visit, course: str) -> Response:
    """Begin a lesson, unpublished."""
    try:
        sent = visit.form(NewItem)
    except FormError as error:
        return _page(visit, course, status=422, new=visit.typed(error.fields))
    saved: AdminSaveLesson = db.call(
        "admin_save_lesson",
        p_course_slug=course,
        p_slug=sent.slug,
        p_values={"texts": {visit.language: {"title": sent.title.strip()}}, "is_published": False},
        p_admin_email=account(visit),
        p_version=None,
    )
    if saved["outcome"] == "none":
        raise NotFound
    if saved["outcome"] == "exists":
        return _page(visit, course, status=409, new=visit.typed({"slug": "course_admin_taken"}))
    return visit.redirect(f"{COURSES}/{course}/lessons/{sent.slug}", "course_saved_notice")


pages = (
    Page(COURSE, show, access=Access.AUTHOR),
    Page(f"{COURSE}/save", save, methods=("POST",), max_body=editing.LARGE_FORM, access=Access.AUTHOR),
    Page(f"{COURSE}/new_lesson", create_lesson, methods=("POST",), max_body=SMALL_FORM, access=Access.AUTHOR),
)
