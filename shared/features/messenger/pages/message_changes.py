"""What an operator does with one message: send it again, edit it, delete it, read its earlier texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from shared.core import db
from shared.core.errors import TelegramError
from shared.features.messenger import sending
from shared.features.messenger.pages import filters
from shared.features.messenger.pages.inbox import CONVERSATION
from shared.features.messenger.pages.paths import PATH
from shared.web import markdown
from shared.web.access import Access
from shared.web.page import Page, row_id

if TYPE_CHECKING:
    from flask import Response

    from shared.core.sql_types import MessageRevisions
    from shared.web.visit import Visit

_MESSAGE = f"{CONVERSATION}/messages/{row_id('message')}"
_NOTICES = {
    "too_late": "messenger_late_notice",
    "canceled": "messenger_canceled_notice",
    "edited": "messenger_edited_notice",
    "deleted": "messenger_deleted_notice",
}


class _Text(BaseModel):
    body: str = Field(max_length=16_000)


def _back(visit: Visit, number: int, notice: str) -> Response:
    return visit.redirect(f"{PATH}/{number}", notice, "composer", **filters.read(visit).as_query())


def retry(visit: Visit, number: int, message: int) -> Response:
    """Send a message again that failed, or whose outcome is unknown."""
    sending.retry(visit.user.user_id, message, number)
    return _back(visit, number, "messenger_retried_notice")


def edit(visit: Visit, number: int, message: int) -> Response:
    """Edit a message, at Telegram too."""
    body = visit.form(_Text).body.strip()
    try:
        outcome = sending.edit(visit.user.user_id, message, body)["outcome"]
    except sending.SecretInText:
        return _back(visit, number, "messenger_secret_notice")
    except TelegramError:
        return _back(visit, number, "messenger_edit_failed_notice")
    return _back(
        visit, number, "messenger_late_notice" if outcome == "too_late" else "messenger_edited_notice"
    )


def delete(visit: Visit, number: int, message: int) -> Response:
    """Delete a message in the user's chat; one that waits is canceled."""
    try:
        outcome = sending.delete(visit.user.user_id, message)["outcome"]
    except TelegramError:
        return _back(visit, number, "messenger_delete_failed_notice")
    return _back(
        visit, number, f"messenger_{outcome}_notice" if outcome != "too_late" else "messenger_late_notice"
    )


def revisions(visit: Visit, number: int, message: int) -> Response:
    """Show the earlier texts of a message."""
    found: list[MessageRevisions] = db.call(
        "message_revisions", p_actor_id=visit.user.user_id, p_message_id=message
    )
    return visit.render(
        "messenger/revisions.html",
        back=visit.url(f"{PATH}/{number}", **filters.read(visit).as_query()),
        revisions=[
            (visit.date(one["replaced_at"], with_time=True), markdown.clean(one["body"])) for one in found
        ],
    )


pages = (
    Page(f"{_MESSAGE}/revisions", revisions, access=Access.OPERATOR),
    Page(f"{_MESSAGE}/retry", retry, methods=("POST",), max_body=2_000, access=Access.OPERATOR),
    Page(f"{_MESSAGE}/edit", edit, methods=("POST",), max_body=64_000, access=Access.OPERATOR),
    Page(f"{_MESSAGE}/delete", delete, methods=("POST",), max_body=2_000, access=Access.OPERATOR),
)
