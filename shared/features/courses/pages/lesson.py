"""The page of a lesson: text, video, files, quiz, homework, questions, progress, and what is next."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from werkzeug.exceptions import NotFound

from shared.core import db, texts
from shared.features.common.tiers import TIERS
from shared.features.courses import lesson_files
from shared.features.courses.pages import homework, video, views
from shared.features.courses.pages.catalogue import user_id
from shared.features.courses.pages.files import LESSON
from shared.web import csrf, forms
from shared.web.access import Access
from shared.web.page import Page, Policy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask import Response

    from shared.core.json_types import JsonObject
    from shared.core.sql_types import (
        LessonResult,
        ListCourseOffers,
        ListLessonQuestions,
        QuizState,
        ReadLesson,
    )
    from shared.web.visit import Visit

_RULES = {
    "watched": "course_rule_watched",
    "quiz": "course_rule_quiz",
    "button": "course_rule_manual",
    "opened": "course_rule_opened",
}


def show(visit: Visit, course: str, lesson: str) -> Response:
    """Show a lesson, or why it is not open yet."""
    found: ReadLesson | None = db.call(
        "read_lesson", p_user_id=user_id(visit), p_course_slug=course, p_lesson_slug=lesson
    )
    if found is None:
        raise NotFound
    head: JsonObject = {
        "course_title": texts.pick(visit.language, found["course"]["titles"], course),
        "course_address": visit.url(f"/courses/{course}"),
        "title": texts.pick(visit.language, found["lesson"]["titles"], lesson),
        "is_published": found["lesson"]["is_published"],
        "place": visit.text("course_lesson_number", n=found["number"], of=found["of"]),
        "previous": views.lesson_address(visit, course, found["previous"]),
    }
    if found["content"] is None:
        return _closed(visit, course, found, head)
    card, progress = found["lesson"], found["progress"]
    words = views.words(visit, found["content"]["texts"])
    player = video.player(visit, course, lesson, found)
    return visit.render(
        "courses/lesson.html",
        **head,
        at=f"/courses/{course}/{lesson}",
        body=views.prose(visit, words.get("body", ""), course),
        player=player,
        files=_files(visit, course, lesson, found),
        quiz=_quiz(visit, found["content"]["quiz"]),
        homework=homework.view(visit, course, lesson, found),
        questions=_questions(visit, card["id"]),
        rule=visit.text(_RULES[card["completion"]], percent=card["watch_percent"]),
        completion=card["completion"],
        is_completed=card["completed_at"] is not None,
        percent=(progress["watched_percent"] or 0) if progress and player else None,
        next=_next(visit, course, progress),
        course_completed=bool(progress and progress["course_completed"]),
        reference=forms.new_reference(),
        notice_part=_notice_part(visit),
        beat=_beat(visit, card["id"], progress),
    )


def _notice_part(visit: Visit) -> str:
    """Return the section whose form the shown notice is about; empty for the lesson as a whole."""
    subject = visit.request.args.get("notice", "").removeprefix("course_").partition("_")[0]
    return subject if subject in ("quiz", "homework", "question") else ""


def _closed(visit: Visit, course: str, found: ReadLesson, head: JsonObject) -> Response:
    """Show why a lesson is not open: a date, a tier with its price, or no access at all."""
    lesson = found["lesson"]
    offers: list[ListCourseOffers] = []
    if lesson["state"] in ("upgrade", "no_access"):
        offers = db.call("list_course_offers", p_user_id=user_id(visit), p_slug=course)
    fitting = [one for one in offers if TIERS.index(one["tier"]) >= TIERS.index(lesson["tier"])]
    return visit.render(
        "courses/closed.html",
        **head,
        at=f"/courses/{course}/{lesson['slug']}",
        why=views.why_closed(visit, lesson["state"], lesson["opens_at"], lesson["tier"]),
        offers=[views.offer(visit, one) for one in fitting],
    )


def _files(visit: Visit, course: str, lesson: str, found: ReadLesson) -> list[JsonObject]:
    """Return the files of a lesson."""
    content = found["content"]
    assert content is not None
    shown = []
    for number, file in lesson_files.of_language(visit.language, content["files"]):
        size = file.get("size")
        kind = file["reference"].rpartition(".")[2].upper()
        shown.append(
            {
                "name": file["name"],
                "address": visit.url(f"/courses/{course}/{lesson}/files/{number}"),
                "about": f"{kind}, {visit.text('course_file_size', size=-(-size // 1024))}" if size else kind,
            }
        )
    return shown


def _quiz(visit: Visit, quiz: QuizState | None) -> JsonObject | None:
    if quiz is None:
        return None
    left = quiz["attempts_left"]
    questions = []
    for question in quiz["questions"]:
        wording = texts.pick(visit.language, question["texts"], None)
        if wording is None:
            continue
        right = question.get("correct")
        questions.append(
            {
                "question": wording["question"],
                "is_multiple": question["is_multiple"],
                "options": [
                    {"text": option, "is_right": right is not None and place in right}
                    for place, option in enumerate(wording["options"])
                ],
                "explanation": wording.get("explanation", ""),
            }
        )
    total = len(questions)
    needed = -(-quiz["pass_percent"] * total // 100)
    return {
        "version": quiz["version"],
        "is_passed": quiz["is_passed"],
        "is_open": not quiz["is_passed"] and left != 0,
        "rule": visit.text("course_quiz_needed", needed=needed, total=total),
        "left": visit.text("course_quiz_left", count=left)
        if left is not None and not quiz["is_passed"]
        else "",
        "best": visit.text("course_quiz_best", right=quiz["best_right"], total=total)
        if quiz["best_right"] is not None
        else "",
        "questions": questions,
    }


def _questions(visit: Visit, lesson_id: int) -> Sequence[JsonObject]:
    """Return what the learner asked about a lesson."""
    if visit.session is None:
        return []
    found: list[ListLessonQuestions] = db.call(
        "list_lesson_questions", p_user_id=visit.session.user_id, p_lesson_id=lesson_id
    )
    return [
        {
            "text": one["text"],
            "date": visit.date(one["created_at"], with_time=True),
            "answer": one["answer"],
            "answered": visit.date(one["answered_at"], with_time=True) if one["answered_at"] else "",
        }
        for one in found
    ]


def _next(visit: Visit, course: str, progress: LessonResult | None) -> JsonObject | None:
    """Return the way to the next lesson; None after the last one, and for visitors."""
    if progress is None or progress["next"] is None:
        return None
    following = progress["next"]
    when = ""
    if following["state"] == "scheduled" and following["opens_at"]:
        when = visit.text("course_opens_at", date=visit.date(following["opens_at"], with_time=True))
    return {
        "address": views.lesson_address(visit, course, following["slug"]),
        "when": when,
    }


def _beat(visit: Visit, lesson_id: int, progress: LessonResult | None) -> JsonObject | None:
    """Return what the script of the page needs to report progress; None for visitors."""
    if visit.session is None or progress is None:
        return None
    return {
        "address": visit.url(f"/courses/lessons/{lesson_id}/watching"),
        "csrf": csrf.token(visit.session),
        "playback": secrets.token_urlsafe(12),
        "position": progress["position_seconds"],
    }


pages = (Page(LESSON, show, Policy(has_scripts=True), access=Access.VISITOR),)
