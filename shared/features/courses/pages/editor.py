"""The editor of courses and lessons. It saves the version that it has read: no change of another is lost."""

from __future__ import annotations

from datetime import datetime
from itertools import accumulate
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

import orjson
from pydantic import BaseModel, Field
from werkzeug.exceptions import NotFound

from shared.core import db, texts
from shared.core.errors import Refusal
from shared.features.courses.pages import views
from shared.features.courses.pages.admin import COURSE, COURSES, email
from shared.web.access import Access
from shared.web.forms import FormError
from shared.web.page import Page

if TYPE_CHECKING:
    from flask import Response

    from shared.core.json_types import JsonObject
    from shared.core.sql_types import AdminGetCourse, AdminSaveCourse, AdminSaveLesson
    from shared.web.visit import Visit

Tier = Literal["basic", "accelerator", "vip"]
_SLUG = r"^[a-z0-9][a-z0-9-]{0,63}$"
_LONGEST = 100_000
_DEEPEST = 50  # levels of JSON


class _New(BaseModel):
    slug: str = Field(pattern=_SLUG)
    title: str = Field(min_length=1, max_length=200, pattern=r"\S")


class _Fields(BaseModel):
    """Fields of both editors; texts are named title_en, body_ru …"""

    model_config = {"extra": "allow"}

    version: int = Field(ge=1, lt=2**31)
    action: Literal["save", "preview"] = "save"
    position: int = Field(default=0, ge=-(2**31), lt=2**31)
    is_published: bool = False

    def by_language(self, name: str) -> dict[str, str]:
        """Return what was typed in each language; languages without a text are left out.

        Raises:
            FormError: a text is longer than a lesson may be.
        """
        sent = self.model_extra or {}
        found = {code: str(sent.get(f"{name}_{code}", "")).strip() for code in sorted(texts.codes())}
        if too_long := [code for code, value in found.items() if len(value) > _LONGEST]:
            raise FormError({f"{name}_{code}": "web_field_too_long" for code in too_long})
        return {code: value for code, value in found.items() if value}

    def wordings(self, *names: str) -> dict[str, dict[str, str]]:
        """Return the texts as the database has them; a language counts once it has a title."""
        typed = {name: self.by_language(name) for name in names}
        return {
            code: {name: typed[name][code].replace("\r\n", "\n") for name in names if code in typed[name]}
            for code in typed["title"]
        }


class _Course(_Fields):
    plan_tier: Tier | Literal[""] = ""
    shows_learner_count: bool = False


class _Lesson(_Fields):
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
    quiz: str = Field(default="", max_length=_LONGEST)
    files: str = Field(default="", max_length=20_000)


def create(visit: Visit) -> Response:
    """Begin a course, unpublished."""
    sent = visit.form(_New)
    values = {"texts": {visit.language: {"title": sent.title.strip()}}}
    saved: AdminSaveCourse = db.call(
        "admin_save_course",
        p_slug=sent.slug,
        p_values=values,
        p_admin_email=email(visit),
        p_version=None,
    )
    if saved["outcome"] == "exists":
        return visit.redirect(COURSES, "course_exists_notice")
    return visit.redirect(f"{COURSES}/{sent.slug}", "course_saved_notice")


def create_lesson(visit: Visit, course: str) -> Response:
    """Begin a lesson, unpublished."""
    sent = visit.form(_New)
    values = {"texts": {visit.language: {"title": sent.title.strip()}}, "is_published": False}
    saved: AdminSaveLesson = db.call(
        "admin_save_lesson",
        p_course_slug=course,
        p_slug=sent.slug,
        p_values=values,
        p_admin_email=email(visit),
        p_version=None,
    )
    if saved["outcome"] == "none":
        raise NotFound
    if saved["outcome"] == "exists":
        return visit.redirect(f"{COURSES}/{course}", "course_exists_notice")
    return visit.redirect(f"{COURSES}/{course}/lessons/{sent.slug}", "course_saved_notice")


def show_course(visit: Visit, course: str) -> Response:
    """Show the editor of a course."""
    found = _course(visit, course)
    return _course_page(visit, found, found["course"])


def _course_page(
    visit: Visit,
    found: AdminGetCourse,
    row: JsonObject,
    failure: str = "",
    preview: str = "",
    status: int = 200,
) -> Response:
    slug = found["course"]["slug"]
    return visit.render(
        "courses/admin_course.html",
        status,
        slug=slug,
        row=row,
        failure=failure,
        preview=preview,
        codes=_languages(),
        lessons=[
            {
                "address": visit.url(f"{COURSES}/{slug}/lessons/{one['slug']}"),
                "title": views.words(visit, one["texts"]).get("title", one["slug"]),
                "tier": visit.text(f"course_tier_{one['tier']}"),
                "is_published": one["is_published"],
            }
            for one in found["lessons"]
        ],
        tiers=_tiers(visit),
    )


def save_course(visit: Visit, course: str) -> Response:
    """Save a course, or show how it would look."""
    sent = visit.form(_Course)
    values = {
        "position": sent.position,
        "is_published": sent.is_published,
        "plan_tier": sent.plan_tier or None,
        "shows_learner_count": sent.shows_learner_count,
        "texts": sent.wordings("title", "summary", "description"),
        "next_step": sent.by_language("next_step"),
    }
    row = {**values, "version": sent.version}
    if sent.action == "preview":
        body = views.words(visit, values["texts"]).get("description", "")  # type: ignore[arg-type]
        return _course_page(visit, _course(visit, course), row, preview=views.prose(visit, body, course, 3))
    try:
        saved: AdminSaveCourse = db.call(
            "admin_save_course",
            p_slug=course,
            p_values=values,
            p_admin_email=email(visit),
            p_version=sent.version,
        )
    except Refusal as error:
        return _course_page(
            visit,
            _course(visit, course),
            row,
            visit.text("course_admin_invalid", what=str(error)),
            status=422,
        )
    if saved["outcome"] == "none":
        raise NotFound
    if saved["outcome"] == "changed":
        return _course_page(
            visit, _course(visit, course), row, visit.text("course_admin_changed"), status=409
        )
    return visit.redirect(f"{COURSES}/{course}", "course_saved_notice")


def show_lesson(visit: Visit, course: str, lesson: str) -> Response:
    """Show the editor of a lesson."""
    row = next((one for one in _course(visit, course)["lessons"] if one["slug"] == lesson), None)
    if row is None:
        raise NotFound
    video = row["video"] or {"adapter": "", "reference": ""}
    shown = {
        **row,
        **video,
        "duration": row["duration_seconds"] or "",
        "quiz": _pretty(row["quiz"]),
        "files": _pretty(row["files"]) if row["files"] else "",
        "homework": row["homework"] or {},
        "release_days": "" if row["release_days"] is None else row["release_days"],
        "release_at": _local(visit, row["release_at"]),
    }
    return _lesson_page(visit, course, lesson, shown)


def _lesson_page(
    visit: Visit,
    course: str,
    lesson: str,
    row: JsonObject,
    failure: str = "",
    preview: str = "",
    status: int = 200,
) -> Response:
    return visit.render(
        "courses/admin_lesson.html",
        status,
        slug=course,
        lesson=lesson,
        row=row,
        failure=failure,
        preview=preview,
        codes=_languages(),
        tiers=_tiers(visit),
        completions=[
            (one, visit.text(f"course_by_{one}")) for one in ("button", "opened", "watched", "quiz")
        ],
        releases=[(one, visit.text(f"course_release_{one}")) for one in ("at_once", "days", "date")],
        adapters=[("", "—"), ("storage", "Storage"), ("youtube", "YouTube"), ("kinescope", "Kinescope")],
        zone=visit.user.time_zone,
    )


def save_lesson(visit: Visit, course: str, lesson: str) -> Response:
    """Save a lesson, or show how it would look."""
    sent = visit.form(_Lesson)
    row = {
        **sent.model_dump(include=set(_Lesson.model_fields)),
        "texts": sent.wordings("title", "body"),
        "homework": sent.by_language("homework"),
    }
    if sent.action == "preview":
        body = views.words(visit, row["texts"]).get("body", "")
        return _lesson_page(visit, course, lesson, row, preview=views.prose(visit, body, course, 3))
    try:
        values = _lesson_values(visit, sent, row)
    except ValueError as error:
        return _lesson_page(visit, course, lesson, row, visit.text(str(error)), status=422)
    try:
        saved: AdminSaveLesson = db.call(
            "admin_save_lesson",
            p_course_slug=course,
            p_slug=lesson,
            p_values=values,
            p_admin_email=email(visit),
            p_version=sent.version,
        )
    except Refusal as error:
        return _lesson_page(
            visit, course, lesson, row, visit.text("course_admin_invalid", what=str(error)), status=422
        )
    if saved["outcome"] == "none":
        raise NotFound
    if saved["outcome"] == "changed":
        return _lesson_page(visit, course, lesson, row, visit.text("course_admin_changed"), status=409)
    return visit.redirect(f"{COURSES}/{course}/lessons/{lesson}", "course_saved_notice")


def _lesson_values(visit: Visit, sent: _Lesson, row: JsonObject) -> JsonObject:
    """Return the columns of a lesson.

    Raises:
        ValueError: the quiz or the files are not JSON, or the date is none; the key of a text.
    """
    release_at = None
    if sent.release == "date":
        try:
            moment = datetime.fromisoformat(sent.release_at)
        except ValueError:
            raise ValueError("course_admin_invalid_date") from None
        release_at = moment.replace(tzinfo=moment.tzinfo or ZoneInfo(visit.user.time_zone)).isoformat()
    return {
        "position": sent.position,
        "is_published": sent.is_published,
        "tier": sent.tier,
        "is_preview": sent.is_preview,
        "is_required": sent.is_required,
        "texts": row["texts"],
        "completion": sent.completion,
        "watch_percent": sent.watch_percent,
        "duration_seconds": int(sent.duration) if sent.duration else None,
        "release": sent.release,
        "release_days": int(sent.release_days or 0) if sent.release == "days" else None,
        "release_at": release_at,
        "video": {"adapter": sent.adapter, "reference": sent.reference} if sent.adapter else None,
        "quiz": _json(sent.quiz, "course_admin_invalid_quiz"),
        "files": _json(sent.files, "course_admin_invalid_files") or [],
        "homework": row["homework"] or None,
        "homework_tier": sent.homework_tier,
    }


def _course(visit: Visit, slug: str) -> AdminGetCourse:
    found: AdminGetCourse | None = db.call("admin_get_course", p_slug=slug, p_admin_email=email(visit))
    if found is None:
        raise NotFound
    return found


def _languages() -> list[tuple[str, str]]:
    return [(code, texts.language(code).NAME.partition(" ")[2]) for code in sorted(texts.codes())]


def _tiers(visit: Visit) -> list[tuple[str, str]]:
    return [(tier, visit.text(f"course_tier_{tier}")) for tier in ("basic", "accelerator", "vip")]


def _json(typed: str, fault: str) -> object:
    """Return the value of a field with JSON; None where it is empty.

    Raises:
        ValueError: it is no JSON, or nested too deeply; with `fault`, the key of a text.
    """
    if not typed.strip():
        return None
    if max(accumulate((character in "[{") - (character in "]}") for character in typed)) > _DEEPEST:
        raise ValueError(fault)
    try:
        return orjson.loads(typed)
    except orjson.JSONDecodeError:
        raise ValueError(fault) from None


def _pretty(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() if value else ""


def _local(visit: Visit, moment: str | None) -> str:
    """Return a moment for a field of date and time, in the admin's time zone."""
    if moment is None:
        return ""
    known = datetime.fromisoformat(moment).astimezone(ZoneInfo(visit.user.time_zone))
    return known.strftime("%Y-%m-%dT%H:%M")


_LARGE = 1_000_000  # bytes of a form with texts in two languages
_LESSON = f"{COURSE}/lessons/<string(maxlength=64):lesson>"

pages = (
    Page("/admin/new_course", create, methods=("POST",), max_body=4_000, access=Access.ADMIN),
    Page(COURSE, show_course, access=Access.ADMIN),
    Page(f"{COURSE}/save", save_course, methods=("POST",), max_body=_LARGE, access=Access.ADMIN),
    Page(f"{COURSE}/new_lesson", create_lesson, methods=("POST",), max_body=4_000, access=Access.ADMIN),
    Page(_LESSON, show_lesson, access=Access.ADMIN),
    Page(f"{_LESSON}/save", save_lesson, methods=("POST",), max_body=_LARGE, access=Access.ADMIN),
)
