"""What learners do in a lesson: finish it, answer its quiz, ask about it, watch it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field
from werkzeug.exceptions import NotFound

from shared.core import db
from shared.core.log import redact_secrets
from shared.features.courses import questions
from shared.features.courses.pages import files
from shared.features.courses.pages.files import LESSON
from shared.web import forms
from shared.web.access import Access
from shared.web.forms import FormError
from shared.web.page import Page, row_id

if TYPE_CHECKING:
    from flask import Response

    from shared.core.sql_types import (
        AnswerLessonQuiz,
        AskLessonQuestion,
        CompleteLesson,
        RecordWatching,
    )
    from shared.web.visit import Visit

_ANSWER = re.compile("q([0-9]{1,2})(?:_([0-9]{1,2}))?")
_LONGEST_QUESTION = 4_000
_DAY = 86_400  # seconds


class _Quiz(BaseModel):
    version: int = Field(ge=1, lt=2**31)
    reference: forms.Reference
    questions: int = Field(ge=1, le=100)  # private.is_quiz


class _Question(BaseModel):
    text: str = Field(min_length=1, max_length=_LONGEST_QUESTION, pattern=r"\S")
    reference: forms.Reference


class _Beat(BaseModel):
    """What a player has played since its last report, in seconds of the video."""

    start: int = Field(ge=0, le=_DAY)
    end: int = Field(ge=0, le=_DAY)
    position: int = Field(ge=0, le=_DAY)
    playback: str = Field(min_length=1, max_length=64)


def finish(visit: Visit, course: str, lesson: str) -> Response:
    """Mark a lesson as done.

    Raises:
        NotFound: it was closed at this moment, by a refund for example.
    """
    done: CompleteLesson = db.call(
        "complete_lesson", p_user_id=visit.user.user_id, p_lesson_id=_id(visit, course, lesson)
    )
    if done["outcome"] == "no_access":
        raise NotFound("course_lesson_closed")
    notice = "course_other_rule_notice" if done["outcome"] == "other_rule" else "course_lesson_done_notice"
    return visit.redirect(f"/courses/{course}/{lesson}", notice)


def answer_quiz(visit: Visit, course: str, lesson: str) -> Response:
    """Check the answers to a quiz.

    Raises:
        FormError: a field has no number of an option.
        NotFound: the lesson was closed at this moment.
    """
    sent = visit.form(_Quiz)
    answers: list[list[int]] = [[] for _ in range(sent.questions)]
    for name, value in visit.request.form.items():
        if found := _ANSWER.fullmatch(name):
            option = found[2] or value
            if int(found[1]) >= sent.questions or not re.fullmatch("[0-9]{1,2}", option):
                raise FormError({name: "web_field_wrong"})
            answers[int(found[1])].append(int(option))
    if not all(answers):
        return visit.redirect(f"/courses/{course}/{lesson}", "course_quiz_unanswered_notice", "quiz")
    result: AnswerLessonQuiz = db.call(
        "answer_lesson_quiz",
        p_user_id=visit.user.user_id,
        p_lesson_id=_id(visit, course, lesson),
        p_answers=[sorted(set(one)) for one in answers],
        p_reference=sent.reference,
        p_version=sent.version,
    )
    if result["outcome"] == "no_access":
        raise NotFound("course_lesson_closed")
    return visit.redirect(f"/courses/{course}/{lesson}", f"course_quiz_{result['outcome']}_notice", "quiz")


def ask(visit: Visit, course: str, lesson: str) -> Response:
    """Store a question about a lesson."""
    sent = visit.form(_Question)
    asked: AskLessonQuestion = db.call(
        "ask_lesson_question",
        p_user_id=visit.user.user_id,
        p_lesson_id=_id(visit, course, lesson),
        p_text=redact_secrets(sent.text),
        p_reference=sent.reference,
        p_messenger_bots=questions.messenger_bots(),
    )
    return visit.redirect(
        f"/courses/{course}/{lesson}", f"course_question_{asked['outcome']}_notice", "questions"
    )


def watch(visit: Visit, lesson: int) -> Response:
    """Credit what the player of a lesson has played. Called by lesson.js, also while the page is closed.

    The outcome `no_access` says that the lesson is not open to the user, for example since a refund.
    """
    beat = visit.form(_Beat)
    result: RecordWatching = db.call(
        "record_watching",
        p_user_id=visit.user.user_id,
        p_lesson_id=lesson,
        p_from=beat.start,
        p_to=beat.end,
        p_position=beat.position,
        p_playback_id=beat.playback,
    )
    return visit.json(
        {
            "outcome": result["outcome"],
            "completed": result.get("completed"),
            "percent": result.get("watched_percent"),
        }
    )


def _id(visit: Visit, course: str, lesson: str) -> int:
    return files.opened(visit, course, lesson)["lesson_id"]


_FORM = 4_000  # bytes
_WATCHING = f"/courses/lessons/{row_id('lesson')}/watching"

pages = (
    Page(f"{LESSON}/done", finish, methods=("POST",), max_body=_FORM, access=Access.USER),
    Page(f"{LESSON}/quiz", answer_quiz, methods=("POST",), max_body=60_000, access=Access.USER),
    # A letter may take twelve characters in a form.
    Page(f"{LESSON}/questions", ask, methods=("POST",), max_body=60_000, access=Access.USER),
    Page(_WATCHING, watch, methods=("POST",), max_body=_FORM, access=Access.USER),
)
