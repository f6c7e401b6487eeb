"""The editor of a lesson. It saves the version that it has read: no change of another is lost."""

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
    from shared.core.sql_types import AdminSaveLesson
    from shared.web.visit import Visit

_QUIZ_EXAMPLE = """{
  "pass_percent": 80,
  "attempts": 3,
  "questions": [{
    "correct": [0],
    "texts": {"en": {
      "question": "2 + 2?",
      "options": ["4", "5"],
      "explanation": "Count."
    }}
  }]
}"""
_FILES_EXAMPLE = '[{"name": "Script", "reference": "content/telegram-sales/offer-template.en.txt"}]'

# The fields that private.save_lesson names.
_REFUSED = {"quiz": "course_admin_wrong_quiz", "files": "course_admin_wrong_files"}


class _Lesson(editing.Fields):
    tier: Tier
    is_preview: bool = False
    is_required: bool = False
    completion: Literal["watched", "quiz", "button", "opened"]
    watch_percent: int = Field(default=80, ge=1, le=100)
    duration: str = Field(default="", pattern=r"^[0-9]{0,5}$")
    release: Literal["at_once", "days", "date"] = "at_once"
    release_days: str = Field(default="", pattern=r"^[0-9]{0,4}$")
    release_at: str = Field(default="", max_length=30)
    adapter: Literal["", "storage", "youtube", "kinescope"] = ""
    reference: str = Field(default="", max_length=200)
    homework_tier: Tier = "basic"
    quiz: str = Field(default="", max_length=editing.LONGEST)
    files: str = Field(default="", max_length=20_000)


def show(visit: Visit, course: str, lesson: str) -> Response:
    """Show the editor of a lesson."""
    return _page(visit, course, lesson)


def _page(
    visit: Visit, course: str, lesson: str, form: FormView | None = None, status: int = 200,
    *, preview: str = "",
) -> Response:  # fmt: skip
    """Return the editor.

    Args:
        form: the form that was sent; None: the lesson as it is.
        preview: HTML of the text as learners would see it.
    """
    found = read_course(visit, course)
    row = next((one for one in found["lessons"] if one["slug"] == lesson), None)
    if row is None:
        raise NotFound
    return visit.render(
        "courses/admin_lesson.html",
        status,
        slug=course,
        lesson=lesson,
        title=views.words(visit, row["texts"]).get("title", lesson),
        course_title=title_of(visit, found),
        is_published=row["is_published"],
        form=form or FormView(_values(visit, row)),
        preview=preview,
        codes=languages(),
        tiers=tiers(visit),
        completions=[
            (one, visit.text(f"course_by_{one}")) for one in ("button", "opened", "watched", "quiz")
        ],
        releases=[(one, visit.text(f"course_release_{one}")) for one in ("at_once", "days", "date")],
        adapters=[("", "—"), ("storage", "Storage"), ("youtube", "YouTube"), ("kinescope", "Kinescope")],
        zone=visit.user.time_zone,
        quiz_example=_QUIZ_EXAMPLE,
        files_example=_FILES_EXAMPLE,
    )


def _values(visit: Visit, row: JsonObject) -> JsonObject:
    """Return a lesson as the fields of its form."""
    same = (
        "version", "position", "is_published", "tier", "is_preview", "is_required", "completion",
        "watch_percent", "release", "homework_tier",
    )  # fmt: skip
    return {
        **editing.wordings_by_field(row["texts"]),
        **editing.by_field("homework", row["homework"] or {}),
        **{name: row[name] for name in same},
        **(row["video"] or {"adapter": "", "reference": ""}),
        "duration": row["duration_seconds"] or "",
        "release_days": "" if row["release_days"] is None else row["release_days"],
        "release_at": editing.local_time(visit, row["release_at"]),
        "quiz": editing.pretty(row["quiz"]),
        "files": editing.pretty(row["files"]),
    }


def save(visit: Visit, course: str, lesson: str) -> Response:
    """Save a lesson, or show how it would look."""
    try:
        sent = visit.form(_Lesson)
        if sent.action == "preview":
            body = views.words(visit, sent.wordings("title", "body")).get("body", "")
            html = views.prose(visit, body, course, 3)
            return _page(visit, course, lesson, visit.typed({}), preview=html)
        saved: AdminSaveLesson = db.call(
            "admin_save_lesson",
            p_course_slug=course,
            p_slug=lesson,
            p_values=_columns(visit, sent),
            p_admin_email=account(visit),
            p_version=sent.version,
        )
    except FormError as error:
        return _page(visit, course, lesson, editing.faulty(visit, error), 422)
    except Refusal as error:
        return _page(visit, course, lesson, _refused(visit, error), 422)
    if saved["outcome"] == "none":
        raise NotFound
    if saved["outcome"] == "changed":
        return _page(visit, course, lesson, editing.outdated(visit), 409)
    return visit.redirect(f"{COURSES}/{course}/lessons/{lesson}", "course_saved_notice")


def _refused(visit: Visit, error: Refusal) -> FormView:
    """Return the form with the fault of the field that the database refuses (private.save_lesson)."""
    for field, fault in _REFUSED.items():
        if str(error).endswith(f"is invalid: {field}"):
            return editing.faulty(visit, FormError({field: fault}))
    return editing.refused(visit, error)


def _columns(visit: Visit, sent: _Lesson) -> JsonObject:
    """Return the columns of a lesson.

    Raises:
        FormError: a field is wrong, or one that another needs is empty.
    """
    quiz = editing.parse_json("quiz", sent.quiz, "course_admin_invalid_quiz")
    _require_fields(sent, has_quiz=quiz is not None)
    is_dated = sent.release == "date"
    return {
        "position": sent.position,
        "is_published": sent.is_published,
        "tier": sent.tier,
        "is_preview": sent.is_preview,
        "is_required": sent.is_required,
        "texts": sent.wordings("title", "body"),
        "completion": sent.completion,
        "watch_percent": sent.watch_percent,
        "duration_seconds": int(sent.duration) if sent.duration else None,
        "release": sent.release,
        "release_days": int(sent.release_days or 0) if sent.release == "days" else None,
        "release_at": editing.moment(visit, "release_at", sent.release_at) if is_dated else None,
        "video": {"adapter": sent.adapter, "reference": sent.reference} if sent.adapter else None,
        "quiz": quiz,
        "files": editing.parse_json("files", sent.files, "course_admin_invalid_files") or [],
        "homework": sent.by_language("homework") or None,
        "homework_tier": sent.homework_tier,
    }


def _require_fields(sent: _Lesson, *, has_quiz: bool) -> None:
    """Require the fields that a choice needs.

    Raises:
        FormError: one is empty.
    """
    watched = sent.completion == "watched"
    needs = {
        "adapter": (watched and not sent.adapter, "course_admin_needs_video"),
        "reference": (bool(sent.adapter) and not sent.reference.strip(), "course_admin_needs_reference"),
        "duration": (watched and not int(sent.duration or 0), "course_admin_needs_duration"),
        "quiz": (sent.completion == "quiz" and not has_quiz, "course_admin_needs_quiz"),
    }
    if faults := {name: key for name, (is_missing, key) in needs.items() if is_missing}:
        raise FormError(faults)


_LESSON = f"{COURSE}/lessons/<string(maxlength=64):lesson>"

pages = (
    Page(_LESSON, show, access=Access.AUTHOR),
    Page(f"{_LESSON}/save", save, methods=("POST",), max_body=editing.LARGE_FORM, access=Access.AUTHOR),
)
