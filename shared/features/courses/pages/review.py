"""Homework that waits for an admin: accept it, or return it with a comment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, Field
from werkzeug.exceptions import NotFound, UnprocessableEntity

from shared.core import db, texts
from shared.core.log import redact_secrets
from shared.features.courses.pages import views
from shared.features.courses.pages.admin import account
from shared.features.courses.pages.homework import FILE_SECONDS
from shared.web import outgoing, stored_media
from shared.web.access import Access
from shared.web.page import Page, row_id

if TYPE_CHECKING:
    from flask import Response

    from shared.core.json_types import JsonObject
    from shared.core.sql_types import AdminListHomework, AdminListHomeworkSubmissions, AdminReviewHomework
    from shared.web.visit import Visit

HOMEWORK = "/admin/homework"
_PAGE = 20  # submissions


class _Review(BaseModel):
    decision: Literal["accept", "return"]
    comment: str = Field(default="", max_length=10_000)


def waiting(visit: Visit, after: int | None, limit: int) -> AdminListHomework:
    """Return homework that waits for review, and how much there is."""
    found: AdminListHomework = db.call(
        "admin_list_homework", p_admin_email=account(visit), p_state="submitted", p_after=after, p_limit=limit
    )
    return found


def show_homework(visit: Visit) -> Response:
    """List homework that waits for review."""
    found = waiting(visit, visit.number("after"), _PAGE)
    sent = found["submissions"]
    return visit.render(
        "courses/admin_homework.html",
        waiting=found["waiting"],
        after=sent[-1]["id"] if len(sent) == _PAGE else None,
        submissions=[_submission(visit, one) for one in sent],
    )


def _submission(visit: Visit, sent: AdminListHomeworkSubmissions) -> JsonObject:
    task = texts.pick(visit.language, sent["homework"] or {}, "")
    return {
        "id": sent["id"],
        "who": f"{sent['name']} (@{sent['username']})" if sent["username"] else sent["name"],
        "title": texts.pick(visit.language, sent["titles"], sent["lesson"]),
        "lesson": visit.url(f"/courses/{sent['course']}/{sent['lesson']}"),
        "n": sent["n"],
        "date": visit.date(sent["created_at"], with_time=True),
        "text": sent["text"],
        "file": visit.url(f"{HOMEWORK}/{sent['id']}/file") if sent["file"] else "",
        "task": views.prose(visit, task, sent["course"], 3),
    }


def show_homework_file(visit: Visit, number: int) -> Response:
    """Lead to the file of homework that waits for review."""
    sent = waiting(visit, number - 1, 1)["submissions"]
    if not sent or sent[0]["id"] != number or sent[0]["file"] is None:
        raise NotFound
    return stored_media.lead_to(visit, sent[0]["file"], FILE_SECONDS)


def review(visit: Visit, number: int) -> Response:
    """Accept homework, or return it with a comment.

    Raises:
        UnprocessableEntity: a comment is missing.
    """
    sent = visit.form(_Review)
    if sent.decision == "return" and not sent.comment.strip():
        raise UnprocessableEntity("course_admin_comment_missing")
    done: AdminReviewHomework | None = db.call(
        "admin_review_homework",
        p_submission_id=number,
        p_is_accepted=sent.decision == "accept",
        p_comment=redact_secrets(sent.comment.strip()) or None,
        p_admin_email=account(visit),
    )
    if done is None:
        raise NotFound
    outgoing.deliver(done["outgoing"])
    known = done["outcome"] == "known"
    return visit.redirect(HOMEWORK, "course_review_known_notice" if known else "course_reviewed_notice")


_ONE = f"{HOMEWORK}/{row_id('number')}"

pages = (
    Page(HOMEWORK, show_homework, access=Access.AUTHOR),
    Page(f"{_ONE}/file", show_homework_file, access=Access.AUTHOR),
    # A letter may take twelve characters in a form.
    Page(f"{_ONE}/review", review, methods=("POST",), max_body=130_000, access=Access.AUTHOR),
)
