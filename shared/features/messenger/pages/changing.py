"""What an operator does with a conversation: assign, label, snooze, close, hand over, mark as unread."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field, field_validator

from shared.core import clock, db
from shared.features.messenger import sending
from shared.features.messenger.pages import filters
from shared.features.messenger.pages.inbox import CONVERSATION
from shared.features.messenger.pages.paths import PATH
from shared.web import forms
from shared.web.access import Access
from shared.web.page import Page

if TYPE_CHECKING:
    from flask import Response

    from shared.web.visit import Visit

_MORNING = 9  # o'clock, when a snooze of days ends
_NOTICES = {
    "bot": "messenger_to_bot_notice",
    "human": "messenger_to_human_notice",
    "paused": "messenger_paused_notice",
}


class _Assignee(BaseModel):
    """A member of the staff; empty gives the conversation back to all."""

    assignee: int | None = Field(default=None, ge=1, lt=2**63)

    @field_validator("assignee", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return value if value != "" else None


class _Label(BaseModel):
    label: forms.RowId
    is_on: bool


class _Snooze(BaseModel):
    """How long: one of the choices, else a time in the operator's zone; empty ends a snooze."""

    how_long: Literal["", "hour", "hours", "tomorrow", "week"] = ""
    until: str = Field(default="", max_length=32)


class _Handler(BaseModel):
    handler: Literal["bot", "human", "paused"]


def _back(visit: Visit, number: int, notice: str) -> Response:
    return visit.redirect(f"{PATH}/{number}", notice, "", **filters.read(visit).as_query())


def assign(visit: Visit, number: int) -> Response:
    """Assign the conversation to a member of the staff, or give it back to all."""
    sent = visit.form(_Assignee)
    db.call(
        "assign_conversation",
        p_actor_id=visit.user.user_id,
        p_conversation_id=number,
        p_assignee_id=sent.assignee,
    )
    return _back(
        visit, number, "messenger_assigned_notice" if sent.assignee else "messenger_unassigned_notice"
    )


def label(visit: Visit, number: int) -> Response:
    """Give the conversation a label, or take it away."""
    sent = visit.form(_Label)
    db.call(
        "label_conversation",
        p_actor_id=visit.user.user_id,
        p_conversation_id=number,
        p_label_id=sent.label,
        p_is_on=sent.is_on,
    )
    return _back(visit, number, "messenger_saved_notice")


def snooze(visit: Visit, number: int) -> Response:
    """Take the conversation out of the open ones for some time, or put it back."""
    sent = visit.form(_Snooze)
    until = _until(visit, sent)
    db.call(
        "snooze_conversation",
        p_actor_id=visit.user.user_id,
        p_conversation_id=number,
        p_until=until.isoformat() if until else None,
    )
    return _back(visit, number, "messenger_snoozed_notice" if until else "messenger_unsnoozed_notice")


def _until(visit: Visit, sent: _Snooze) -> datetime | None:
    """Return the end of a snooze.

    Raises:
        FormError: a time in the past, or none.
    """
    zone = ZoneInfo(visit.user.time_zone)
    now = clock.now().astimezone(zone)
    if sent.until:
        try:
            until = datetime.fromisoformat(sent.until).replace(tzinfo=zone)
        except ValueError:
            raise forms.FormError({"until": "messenger_wrong_time"}) from None
        if not now < until < now + timedelta(days=366):
            raise forms.FormError({"until": "messenger_wrong_time"})
        return until
    if not sent.how_long:
        return None
    if sent.how_long in ("hour", "hours"):
        return now + timedelta(hours=1 if sent.how_long == "hour" else 3)
    day = now + timedelta(days=1 if sent.how_long == "tomorrow" else 7)
    return day.replace(hour=_MORNING, minute=0, second=0, microsecond=0)


def close(visit: Visit, number: int) -> Response:
    """Close the conversation; the user is asked how it was."""
    sending.close(visit.user.user_id, number, asks=True)
    return _back(visit, number, "messenger_closed_notice")


def reopen(visit: Visit, number: int) -> Response:
    """Open the conversation again."""
    db.call("reopen_conversation", p_actor_id=visit.user.user_id, p_conversation_id=number)
    return _back(visit, number, "messenger_reopened_notice")


def hand_over(visit: Visit, number: int) -> Response:
    """Decide who answers: the bot, a human, or neither."""
    handler = visit.form(_Handler).handler
    sending.switch_handler(visit.user.user_id, number, handler)
    return _back(visit, number, _NOTICES[handler])


def mark_unread(visit: Visit, number: int) -> Response:
    """Mark the conversation as unread, and go back to the list."""
    db.call("mark_conversation_unread", p_actor_id=visit.user.user_id, p_conversation_id=number)
    return visit.redirect(PATH, "messenger_unread_notice", "", **filters.read(visit).as_query())


pages = tuple(
    Page(f"{CONVERSATION}/{name}", take, methods=("POST",), max_body=4_000, access=Access.OPERATOR)
    for name, take in {
        "assign": assign,
        "label": label,
        "snooze": snooze,
        "close": close,
        "reopen": reopen,
        "handler": hand_over,
        "unread": mark_unread,
    }.items()
)
