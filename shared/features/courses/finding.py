"""Finds courses and lessons by the numbers that buttons carry: a slug would not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared.core import db, texts
from shared.core.config import settings
from shared.telegram.context import StateUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.core.sql_types import CourseCard, LessonCard, ReadCourse, ReadLesson
    from shared.telegram.context import UpdateContext

ID = "[0-9]{1,18}"
_LABEL = 40  # characters of a title on a button


class Place(NamedTuple):
    """A lesson in its course."""

    course: ReadCourse
    lesson: LessonCard
    number: int  # from 1


def overview(context: UpdateContext) -> list[CourseCard]:
    """Return the courses, the user's own first.

    Raises:
        StateUnavailable: there is no database.
    """
    if context.is_offline:
        raise StateUnavailable
    found: list[CourseCard] = db.call("course_overview", p_user_id=context.user.id)
    return found


def find_course(context: UpdateContext, course_id: str | int) -> ReadCourse | None:
    """Return a course with its lessons."""
    card = next((one for one in overview(context) if one["id"] == int(course_id)), None)
    return read_course(context, card["slug"]) if card else None


def read_course(context: UpdateContext, slug: str) -> ReadCourse | None:
    """Return a course with its lessons."""
    found: ReadCourse | None = db.call("read_course", p_user_id=context.user.id, p_slug=slug)
    return found


def find_lesson(context: UpdateContext, course_id: str | int, lesson_id: str | int) -> Place | None:
    """Return a lesson in its course."""
    course = find_course(context, course_id)
    return place(course, lambda one: one["id"] == int(lesson_id)) if course else None


def place(course: ReadCourse, is_wanted: Callable[[LessonCard], bool]) -> Place | None:
    """Return the first lesson of a course that is wanted."""
    for number, lesson in enumerate(course["all_lessons"], 1):
        if is_wanted(lesson):
            return Place(course, lesson, number)
    return None


def read_lesson(context: UpdateContext, found: Place) -> ReadLesson | None:
    """Return a lesson with its content, and note that the user is there."""
    lesson: ReadLesson | None = db.call(
        "read_lesson",
        p_user_id=context.user.id,
        p_course_slug=found.course["slug"],
        p_lesson_slug=found.lesson["slug"],
    )
    return lesson


def course_title(context: UpdateContext, course: CourseCard | ReadCourse) -> str:
    """Return a course's title."""
    return texts.pick(context.language, course["texts"])["title"]


def lesson_title(context: UpdateContext, lesson: LessonCard) -> str:
    """Return a lesson's title."""
    return title(context, lesson["titles"])


def title(context: UpdateContext, titles: Mapping[str, str]) -> str:
    """Return a title in the user's language."""
    return texts.pick(context.language, titles)


def label(words: str) -> str:
    """Shorten a title for a button."""
    return words if len(words) <= _LABEL else f"{words[: _LABEL - 1].rstrip()}…"


def web_button(context: UpdateContext, path: str) -> list[list[tuple[str, str]]]:
    """Return the row with the button that opens a page of the site; nothing where there is none."""
    address = settings().console_url
    return [[(context.text("learn_web_button"), address + path)]] if address else []
