"""The homework of a lesson: its form and what the learner has sent."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from uuid import UUID

from pydantic import BaseModel, Field
from werkzeug.exceptions import NotFound, RequestEntityTooLarge, ServiceUnavailable, UnprocessableEntity

from shared.core import db, texts
from shared.core.log import redact_secrets
from shared.features.courses.pages import files, uploads, views
from shared.features.courses.pages.files import LESSON
from shared.web import forms, stored_media
from shared.web.access import Access
from shared.web.page import Page, Policy

if TYPE_CHECKING:
    from flask import Response

    from shared.core.json_types import JsonObject
    from shared.core.sql_types import ReadLesson, SubmitHomework
    from shared.web.visit import Visit

MAX_FILE = 10 * 1024 * 1024  # bytes
FILE_SECONDS = 600  # that a link to a file lasts
_MAX_TEXT = 20_000
_TYPES = ("application/pdf", "image/png", "image/jpeg", "text/plain")


class _Homework(BaseModel):
    text: str = Field(default="", max_length=_MAX_TEXT)
    reference: forms.Reference


def view(visit: Visit, course: str, lesson: str, found: ReadLesson) -> JsonObject | None:
    """Return the homework of a lesson as the template shows it; None where there is none."""
    homework = found["content"]["homework"] if found["content"] else None
    if homework is None:
        return None
    return {
        "task": views.prose(visit, texts.pick(visit.language, homework["texts"], ""), course, 3),
        "can_submit": homework["can_submit"],
        "needs": ""
        if homework["can_submit"] or homework["submissions"]
        else visit.text("course_homework_tier", tier=visit.text(f"course_tier_{homework['tier']}")),
        "takes_files": stored_media.is_configured(),
        "limit": visit.text("course_homework_file_hint", size=MAX_FILE // 1024 // 1024),
        "submissions": [
            {
                "state": visit.text(f"course_homework_{one['state']}"),
                "is_returned": one["state"] == "returned",
                "is_accepted": one["state"] == "accepted",
                "date": visit.date(one["created_at"], with_time=True),
                "text": one["text"],
                "file": visit.url(f"/courses/{course}/{lesson}/homework/{one['n']}") if one["file"] else "",
                "comment": views.plain_prose(visit, one["comment"]) if one["comment"] else "",
            }
            for one in homework["submissions"]
        ],
    }


def submit(visit: Visit, course: str, lesson: str) -> Response:
    """Store a learner's homework: a text, a file, or both.

    Raises:
        UnprocessableEntity: both are missing, or the file is of another type.
        RequestEntityTooLarge: the file is too large.
        ServiceUnavailable: Storage takes no file now.
    """
    sent = visit.form(_Homework)
    found = files.opened(visit, course, lesson)
    upload = visit.request.files.get("file")
    content = upload.read(MAX_FILE + 1) if upload else b""
    if len(content) > MAX_FILE:
        raise RequestEntityTooLarge
    if not content and not sent.text.strip():
        raise UnprocessableEntity("course_homework_empty")
    homework = found["homework"]
    key = None
    if content and homework is not None and homework["can_submit"]:
        key = _store(visit.user.user_id, content, sent.reference)
    result: SubmitHomework = db.call(
        "submit_homework",
        p_user_id=visit.user.user_id,
        p_lesson_id=found["lesson_id"],
        p_text=redact_secrets(sent.text.strip()),
        p_reference=sent.reference,
        p_file_key=key,
    )
    if result["outcome"] == "no_access":
        raise NotFound("course_lesson_closed")
    notice = f"course_homework_{result['outcome']}_notice"
    return visit.redirect(f"/courses/{course}/{lesson}", notice, "homework")


def _store(user_id: int, content: bytes, reference: str) -> str:
    """Upload a file and return its key. A form that is sent again uploads nothing twice."""
    mime_type = uploads.mime_type(content)
    if mime_type not in _TYPES:
        raise UnprocessableEntity("course_homework_file_type")
    name = UUID(bytes=hashlib.sha256(f"homework:{user_id}:{reference}".encode()).digest()[:16])
    key = stored_media.store(user_id, "homework", name, content, mime_type)
    if not key:
        raise ServiceUnavailable
    return key


def download(visit: Visit, course: str, lesson: str, number: int) -> Response:
    """Lead to a file that the learner has sent."""
    homework = files.opened(visit, course, lesson)["homework"]
    sent = homework["submissions"] if homework else []
    key = next((one["file"] for one in sent if one["n"] == number), None)
    if key is None:
        raise NotFound
    return stored_media.lead_to(visit, key, FILE_SECONDS)


pages = (
    Page(
        f"{LESSON}/homework", submit, methods=("POST",), access=Access.USER,
        max_body=MAX_FILE + 12 * _MAX_TEXT + 10_000,
    ),
    Page(
        f"{LESSON}/homework/<int(max=9999):number>", download, Policy(referrer="no-referrer"),
        access=Access.USER,
    ),
)  # fmt: skip
