"""Sends what an operator typed: a message to the user, now or later, with a file or buttons, or a note."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field, field_validator

from shared.core import clock, db
from shared.features.messenger import sending, write_note
from shared.features.messenger.pages import filters, inbox
from shared.features.messenger.pages.paths import PATH
from shared.features.messenger.pages.uploads import LARGEST, Attachment, TooLarge, attachment
from shared.web import forms
from shared.web.access import Access
from shared.web.forms import FormError
from shared.web.page import Page, Policy

if TYPE_CHECKING:
    from flask import Response

    from shared.core.json_types import JsonObject
    from shared.core.sql_types import SendConversationMessage
    from shared.web.visit import Visit

_LONGEST = {"text": 4_096, "note": 4_096, "file": 1_024}  # characters, of Telegram
_MOST_BUTTONS = 10
_BUTTON = re.compile(r"([^|]{1,64})\|\s*((?:https?|tg)://\S{1,1000})")
_LATEST = timedelta(days=366)


class _Sent(BaseModel):
    """A message as its form sends it; `reference` makes a repeated form send it once."""

    body: str = Field(default="", max_length=16_000)
    mode: Literal["reply", "note"] = "reply"
    seen_seq: int = Field(ge=0, lt=2**63)
    reference: forms.Reference
    reply_to: int | None = Field(default=None, ge=1, lt=2**63)
    canned: int | None = Field(default=None, ge=1, lt=2**63)
    send_at: str = Field(default="", max_length=32)
    buttons: str = Field(default="", max_length=4_000)

    @field_validator("reply_to", "canned", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return value if value != "" else None


class _Refused(Exception):
    """What was typed cannot be sent: the key of the reason, and its values."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key)
        self.key = key
        self.values = values


class _Content(NamedTuple):
    body: str
    later: datetime | None
    buttons: list[list[JsonObject]] | None
    file: Attachment | None


def send(visit: Visit, number: int) -> Response:
    """Send a message or write a note; a message that came meanwhile is shown first, and nothing is sent."""
    try:
        sent = visit.form(_Sent)
        content = _content(visit, sent)
        if sent.mode == "note":
            if not write_note(visit.user.user_id, number, content.body, _own(visit, sent.reference)):
                raise sending.SecretInText
            return _done(visit, number)
        if content.body or content.file:
            outcome = _deliver(visit, number, sent, content)
            if outcome["outcome"] == "conflict":
                return _conflict(visit, number, [one["seq"] for one in outcome["messages"]])
    except FormError:
        return _again(visit, number, visit.text("web_error_fields"))
    except _Refused as refused:
        return _again(visit, number, visit.text(refused.key, **refused.values))
    except sending.SecretInText:
        return _again(visit, number, visit.text("messenger_secret"))
    if sent.canned is not None:
        db.call(
            "use_canned_reply",
            p_actor_id=visit.user.user_id,
            p_conversation_id=number,
            p_reply_id=sent.canned,
        )
    return _done(visit, number)


def _content(visit: Visit, sent: _Sent) -> _Content:
    """Return what is to be sent.

    Raises:
        _Refused: it cannot be.
    """
    body = sent.body.strip()
    try:
        file = attachment(visit.request) if sent.mode == "reply" else None
    except TooLarge:
        raise _Refused("messenger_file_large", size=LARGEST // 1_000_000) from None
    kind = "note" if sent.mode == "note" else "file" if file else "text"
    if len(body) > _LONGEST[kind]:
        raise _Refused("messenger_long", most=_LONGEST[kind])
    if not body and not file and (sent.mode == "note" or sent.canned is None):
        raise _Refused("messenger_empty_message")
    if sent.mode == "note":
        return _Content(body, None, None, None)
    later = _later(visit, sent.send_at)
    if file is not None and later is not None:
        raise _Refused("messenger_file_later")  # only this request has the file
    return _Content(body, later, _keyboard(sent.buttons), file)


def _later(visit: Visit, written: str) -> datetime | None:
    """Return when to send a message, of a field of type datetime-local in the operator's zone; None: now."""
    if not written:
        return None
    try:
        when = datetime.fromisoformat(written).replace(tzinfo=ZoneInfo(visit.user.time_zone))
    except ValueError:
        raise _Refused("messenger_wrong_time") from None
    if not clock.now() < when < clock.now() + _LATEST:
        raise _Refused("messenger_wrong_time")
    return when


def _keyboard(written: str) -> list[list[JsonObject]] | None:
    """Return the buttons of a message; each line of the field is one: text | address."""
    lines = [line.strip() for line in written.splitlines() if line.strip()]
    found = [_BUTTON.fullmatch(line) for line in lines]
    if len(lines) > _MOST_BUTTONS or not all(found):
        raise _Refused("messenger_wrong_buttons", most=_MOST_BUTTONS)
    rows: list[list[JsonObject]] = [[{"text": one[1].strip(), "url": one[2]}] for one in found if one]
    return rows or None


def _own(visit: Visit, reference: str) -> str:
    return f"web:{visit.user.user_id}:{reference}"


def _deliver(visit: Visit, number: int, sent: _Sent, content: _Content) -> SendConversationMessage:
    file = content.file
    return sending.send(
        visit.user.user_id,
        number,
        content.body,
        sent.seen_seq,
        _own(visit, sent.reference),
        send_after=content.later,
        reply_to=sent.reply_to,
        buttons=content.buttons,
        kind=file.kind if file else "text",
        file=(file.name, file.content, file.mime) if file else None,
    )


def _done(visit: Visit, number: int) -> Response:
    if visit.wants_json:
        return visit.json({"outcome": "sent", "reference": forms.new_reference()})
    return visit.redirect(f"{PATH}/{number}", "", "composer", **filters.read(visit).as_query())


def _conflict(visit: Visit, number: int, newer: list[int]) -> Response:
    """Show what came meanwhile, with what was typed; sending again then sends it."""
    words = visit.text("messenger_conflict")
    if visit.wants_json:
        return visit.json({"outcome": "conflict", "message": words, "newer": newer}, 409)
    return inbox.conversation_page(
        visit, number, form=visit.typed({}), failure=inbox.Failure(words, newer), status=409
    )


def _again(visit: Visit, number: int, words: str) -> Response:
    if visit.wants_json:
        return visit.json({"outcome": "invalid", "message": words}, 422)
    return inbox.conversation_page(
        visit, number, form=visit.typed({}), failure=inbox.Failure(words), status=422
    )


pages = (
    Page(
        f"{inbox.CONVERSATION}/send",
        send,
        Policy(has_scripts=True),
        methods=("POST",),
        max_body=LARGEST + 100_000,
        access=Access.OPERATOR,
    ),
)
