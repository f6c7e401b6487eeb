"""Learners' questions about lessons: for those who answer them, with or without the messenger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, Field
from werkzeug.exceptions import NotFound

from shared.core import db, texts
from shared.core.log import redact_secrets
from shared.web import outgoing
from shared.web.access import Access
from shared.web.page import Page, row_id

if TYPE_CHECKING:
    from flask import Response

    from shared.core.json_types import JsonObject
    from shared.core.sql_types import (
        AnswerLessonQuestion,
        LessonQuestionsOfTeam,
        LessonQuestionsOfTeamQuestions,
    )
    from shared.web.visit import Visit

QUESTIONS = "/admin/questions"
LONGEST = 3_000  # characters of an answer
_PAGE = 20  # questions


class _Answer(BaseModel):
    text: str = Field(min_length=1, max_length=LONGEST, pattern=r"\S")


def to_answer(visit: Visit, *, is_answered: bool, after: int | None, limit: int) -> LessonQuestionsOfTeam:
    """Return a page of questions, and how many wait for an answer."""
    found: LessonQuestionsOfTeam = db.call(
        "lesson_questions_of_team",
        p_actor_id=visit.user.user_id,
        p_is_answered=is_answered,
        p_after=after,
        p_limit=limit,
    )
    return found


def show(visit: Visit) -> Response:
    """List questions that wait for an answer, or those that have one."""
    is_answered = visit.request.args.get("show") == "answered"
    found = to_answer(visit, is_answered=is_answered, after=visit.number("after"), limit=_PAGE)
    asked = found["questions"]
    return visit.render(
        "courses/team_questions.html",
        at=QUESTIONS,
        waiting=found["waiting"],
        is_answered=is_answered,
        after=asked[-1]["id"] if len(asked) == _PAGE else None,
        longest=LONGEST,
        questions=[_question(visit, one) for one in asked],
    )


def _question(visit: Visit, one: LessonQuestionsOfTeamQuestions) -> JsonObject:
    answered = ""
    if one["answered_at"]:
        date = visit.date(one["answered_at"], with_time=True)
        key = "course_team_by" if one["author"] else "course_team_by_unknown"
        answered = visit.text(key, name=one["author"] or "", date=date)
    return {
        "id": one["id"],
        "who": f"{one['name']} (@{one['username']})" if one["username"] else one["name"],
        "title": texts.pick(visit.language, one["titles"], one["lesson"]),
        "lesson": visit.url(f"/courses/{one['course']}/{one['lesson']}"),
        "date": visit.date(one["created_at"], with_time=True),
        "text": one["text"],
        "answer": one["answer"],
        "answered": answered,
    }


def answer(visit: Visit, number: int) -> Response:
    """Answer a question.

    Raises:
        NotFound: there is no such question.
    """
    sent = visit.form(_Answer)
    done: AnswerLessonQuestion | None = db.call(
        "answer_lesson_question",
        p_actor_id=visit.user.user_id,
        p_question_id=number,
        p_text=redact_secrets(sent.text),
    )
    if done is None:
        raise NotFound
    outgoing.deliver(done["outgoing"])
    is_known = done["outcome"] == "known"
    if visit.wants_json:
        return visit.json({"outcome": done["outcome"], "answer": done["answer"]}, 409 if is_known else 200)
    return visit.redirect(QUESTIONS, "course_answer_known_notice" if is_known else "course_answered_notice")


_ANSWER = f"{QUESTIONS}/{row_id('number')}/answer"
# A letter may take twelve characters in a form.
_FORM = 40_000  # bytes

pages = (
    Page(QUESTIONS, show, access=Access.AUTHOR),
    Page(_ANSWER, answer, methods=("POST",), max_body=_FORM, access=Access.AUTHOR),
)
