"""The lines about what a step in a lesson brought: the lesson, the course, XP, a level, badges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.core import texts
from shared.core.texts import Text
from shared.features import xp
from shared.features.courses import finding
from shared.telegram import markdown

if TYPE_CHECKING:
    from shared.core.sql_types import AnswerLessonQuiz, CompleteLesson, LessonResult, ReadCourse
    from shared.telegram.context import UpdateContext


def award_lines(
    context: UpdateContext, course: ReadCourse, result: LessonResult | CompleteLesson | AnswerLessonQuiz
) -> list[Text]:
    """Return the lines about a step; none where it completed nothing. `course` was read after it."""
    if not result["is_new"] and not result["is_course_new"]:
        return []
    key = "learn_done_xp" if result["xp"] else "learn_done"
    lines: list[Text | None] = [context.rich(key, xp=result["xp"])]
    if result["is_course_new"]:
        lines.append(context.rich("learn_course_done", title=finding.course_title(context, course)))
        lines.append(next_step(context, course))
    award: xp.Award = {
        "leveled_up": result["new_level"] is not None,
        "new_level": result["new_level"] or 0,
        "total_xp": context.user.total_xp + result["xp"],
    }
    lines += [xp.level_up_text(context, award), xp.new_badges_text(context, result["badges"])]
    return [line for line in lines if line is not None]


def next_step(context: UpdateContext, course: ReadCourse) -> Text | None:
    """Return what the author recommends after the course."""
    if not course["next_step"]:
        return None
    return markdown.render(texts.pick(context.language, course["next_step"]))
