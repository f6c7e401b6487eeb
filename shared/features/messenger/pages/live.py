"""What the script of the pages asks for: what is new, who is viewing, drafts, how far was read."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

import orjson
from pydantic import BaseModel, Field
from werkzeug.exceptions import BadRequest

from shared.core import db
from shared.features.messenger import sending
from shared.features.messenger.pages import filters, inbox, views
from shared.features.messenger.pages.inbox import CONVERSATION
from shared.features.messenger.pages.paths import PATH
from shared.web import markdown
from shared.web.access import Access
from shared.web.page import Page

if TYPE_CHECKING:
    from flask import Response

    from shared.core.json_types import JsonObject
    from shared.core.sql_types import ConversationChanges, ConversationChangesViewing
    from shared.web.visit import Visit

_LONGEST_CURSOR = 20  # digits of a transaction id


class _Presence(BaseModel):
    is_typing: bool = False


class _Draft(BaseModel):
    body: str = Field(default="", max_length=16_000)


class _Read(BaseModel):
    seq: int = Field(ge=0, lt=2**63)


def changes(visit: Visit) -> Response:
    """Return what changed since a cursor, or 304 where it is what the script has already.

    Raises:
        BadRequest: there is no cursor.
    """
    after = visit.request.args.get("after", "")
    if not (after.isascii() and after.isdecimal() and len(after) <= _LONGEST_CURSOR):
        raise BadRequest
    number, version = visit.number("conversation"), visit.number("version")
    found: ConversationChanges = db.call(
        "conversation_changes",
        p_actor_id=visit.user.user_id,
        p_after=after,
        p_conversation_id=number,
        p_version=version or 0,
    )
    asked = filters.read(visit)
    changed = _list(visit, asked, number or 0) if found["conversations"] else {}
    if number is not None:
        changed |= _thread(visit, number, found)
    changed["viewing"] = _viewing(visit, found["viewing"])
    tag = sha256(orjson.dumps([_without_tokens(changed), after])).hexdigest()[:16]
    response = visit.json({"cursor": found["cursor"], **changed})
    response.set_etag(tag)
    response.make_conditional(visit.request)
    return response


def _without_tokens(changed: JsonObject) -> list[object]:
    """Return what tells two answers apart: the tokens of forms differ each time."""
    return [changed.get(name) for name in ("list", "state", "viewers", "viewing", "version")]


def _viewing(visit: Visit, rows: Sequence[ConversationChangesViewing]) -> JsonObject:
    """Return who else has which conversation open, as the rows of the list show it."""
    names: dict[str, list[str]] = {}
    for one in rows:
        names.setdefault(str(one["conversation_id"]), []).append(markdown.clean(one["name"]))
    return {number: f"👁 {', '.join(found)}" for number, found in names.items()}


def _list(visit: Visit, asked: filters.Filters, here: int) -> JsonObject:
    listed = inbox.find(visit, asked)
    values = inbox.list_values(visit, asked, listed, here)
    page = visit.render("messenger/rows.html", **values)
    return {
        "list": page.get_data(as_text=True),
        "unread": sum(1 for one in listed["conversations"] if one["is_unread"]),
    }


def _thread(visit: Visit, number: int, found: ConversationChanges) -> JsonObject:
    """Return the new and changed messages of the open conversation, and how it stands."""
    shown: JsonObject = {"viewers": views.viewers(visit, found["viewers"] or [])}
    row = next((one for one in found["conversations"] if one["id"] == number), None)
    if row is not None:
        one = views.conversation(visit, row, views.Limits(2**31, 2**31))
        shown["state"] = visit.render("messenger/state.html", one=one).get_data(as_text=True)
        actions = visit.render(
            "messenger/actions.html",
            one=one,
            kept=filters.read(visit).as_query(),
            **inbox.action_values(visit),
        )
        shown["actions"] = actions.get_data(as_text=True)
    if found["messages"]:
        name = views.user_name(row) if row is not None else ""
        ordered = sorted(found["messages"], key=lambda one: one["seq"])
        shown["version"] = max(one["version"] for one in found["messages"])
        shown["messages"] = visit.render(
            "messenger/messages.html",
            number=number,
            kept=filters.read(visit).as_query(),
            messages=views.messages(visit, number, ordered, name),
            editing=None,
            newer=(),
        ).get_data(as_text=True)
    return shown


def view(visit: Visit, number: int) -> Response:
    """Note that the operator has the conversation open; while they type, the user sees it."""
    viewed = sending.view(visit.user.user_id, number, is_typing=visit.form(_Presence).is_typing)
    return visit.json({"viewers": views.viewers(visit, viewed["viewers"])})


def keep_draft(visit: Visit, number: int) -> Response:
    """Keep what the operator is typing."""
    db.call(
        "save_conversation_draft",
        p_actor_id=visit.user.user_id,
        p_conversation_id=number,
        p_body=visit.form(_Draft).body,
    )
    return visit.json({"outcome": "saved"})


def mark_read(visit: Visit, number: int) -> Response:
    """Mark the conversation as read up to a message."""
    db.call(
        "mark_conversation_read",
        p_actor_id=visit.user.user_id,
        p_conversation_id=number,
        p_seq=visit.form(_Read).seq,
    )
    if visit.wants_json:
        return visit.json({"outcome": "read"})
    return visit.redirect(f"{PATH}/{number}", "", "", **filters.read(visit).as_query())


pages = (
    Page(f"{PATH}/changes", changes, access=Access.OPERATOR),
    *(
        Page(f"{CONVERSATION}/{name}", take, methods=("POST",), max_body=70_000, access=Access.OPERATOR)
        for name, take in {"view": view, "draft": keep_draft, "read": mark_read}.items()
    ),
)
