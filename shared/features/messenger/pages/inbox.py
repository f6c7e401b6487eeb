"""The list of conversations, and one conversation between the list and its user's card."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import orjson

from shared.core import db
from shared.features import xp
from shared.features.messenger.pages import card, filters, replies, views
from shared.features.messenger.pages.paths import PATH
from shared.telegram import configured
from shared.telegram.messenger.incoming import has_messenger
from shared.web import forms
from shared.web.access import Access
from shared.web.page import Page, Policy, row_id

if TYPE_CHECKING:
    from collections.abc import Collection

    from flask import Response

    from shared.core.json_types import JsonObject
    from shared.core.sql_types import (
        FindConversations,
        ListMessengerLabels,
        ListOperators,
        ReadConversation,
    )
    from shared.features.messenger.pages.filters import Filters
    from shared.web.forms import FormView
    from shared.web.visit import Visit

CONVERSATION = f"{PATH}/{row_id('number')}"
SIZE = 40  # conversations on a page of the list
_MESSAGES = 50
_SNOOZES = ("hour", "hours", "tomorrow", "week")


class Failure(NamedTuple):
    """Why a message was not sent, with what to show.

    Attributes:
        words: the reason.
        newer: numbers of messages that came meanwhile.
    """

    words: str
    newer: Collection[int] = ()


def find(visit: Visit, asked: Filters, cursor: list[object] | None = None) -> FindConversations:
    """Return a page of the list.

    Raises:
        Forbidden: the user is no operator any more.
    """
    found: FindConversations = db.call(
        "find_conversations",
        p_actor_id=visit.user.user_id,
        p_filters=asked.as_json(),
        p_query=asked.query or None,
        p_cursor=cursor,
        p_limit=SIZE,
    )
    return found


def list_values(visit: Visit, asked: Filters, found: FindConversations, here: int = 0) -> JsonObject:
    """Return what the template of the list needs."""
    limits = views.Limits(found["warn_minutes"], found["late_minutes"])
    following = orjson.dumps(found["next"]).decode() if found["next"] else ""
    return {
        "rows": [views.conversation(visit, one, limits) for one in found["conversations"]],
        "kept": asked.as_query(),
        "here": here,
        "more": visit.url(PATH, **asked.as_query(), cursor=following) if following else "",
    }


def _frame_values(visit: Visit, asked: Filters, found: FindConversations, here: int = 0) -> JsonObject:
    """Return what the column with the list needs besides its rows."""
    labels: list[ListMessengerLabels] = db.call("list_messenger_labels", p_actor_id=visit.user.user_id)
    return {
        **list_values(visit, asked, found, here),
        "asked": asked,
        "tabs": [
            (one, visit.text(f"messenger_view_{one}"), visit.url(PATH, **asked.as_query(view=_plain(one))))
            for one in filters.VIEWS
        ],
        "bots": [(one, xp.bot_title(visit, one)) for one in configured.names() if has_messenger(one)],
        "bands": [(one, visit.text(f"messenger_band_{one}")) for one in filters.BANDS],
        "labels": labels,
        "cursor": found["cursor"],
        "limits": (found["warn_minutes"], found["late_minutes"]),
    }


def _plain(view: str) -> str:
    return "" if view == "open" else view


def show(visit: Visit) -> Response:
    """Show the list; a script gets the next page of it as a part."""
    asked = filters.read(visit)
    found = find(visit, asked, _cursor(visit))
    if visit.wants_json:
        part = visit.render("messenger/rows.html", **list_values(visit, asked, found))
        values = list_values(visit, asked, found)
        return visit.json({"html": part.get_data(as_text=True), "more": values["more"]})
    return visit.render("messenger/list.html", at="list", **_frame_values(visit, asked, found))


def _cursor(visit: Visit) -> list[object] | None:
    """Return where a page of the list begins: time and id of the row before it."""
    try:
        found = orjson.loads(visit.request.args.get("cursor", "") or "null")
    except orjson.JSONDecodeError:
        return None
    is_cursor = (
        isinstance(found, list)
        and len(found) == 2
        and isinstance(found[0], str)
        and views.is_time(found[0])
        and type(found[1]) is int
    )
    return found if is_cursor else None


def read(
    visit: Visit, number: int, *, before: int | None = None, after: int | None = None
) -> ReadConversation:
    """Return a page of a conversation's messages.

    Raises:
        Forbidden: the user is no operator any more.
        NotFound: there is no such conversation.
    """
    found: ReadConversation = db.call(
        "read_conversation",
        p_actor_id=visit.user.user_id,
        p_conversation_id=number,
        p_before=before,
        p_after=after,
        p_limit=_MESSAGES,
    )
    return found


def show_conversation(visit: Visit, number: int) -> Response:
    """Show a conversation; a script gets earlier messages as a part."""
    if visit.wants_json:
        return _earlier(visit, number)
    return conversation_page(visit, number)


def show_card(visit: Visit, number: int) -> Response:
    """Show a conversation with its user's card in front, where there is no room for both."""
    return conversation_page(visit, number, at="card")


def _earlier(visit: Visit, number: int) -> Response:
    found = read(visit, number, before=visit.number("before"))
    part = visit.render("messenger/messages.html", **thread_values(visit, number, found))
    return visit.json(
        {"html": part.get_data(as_text=True), "earlier": _earlier_address(visit, number, found)}
    )


def thread_values(visit: Visit, number: int, found: ReadConversation) -> JsonObject:
    """Return what the template of messages needs."""
    return {
        "number": number,
        "kept": filters.read(visit).as_query(),
        "messages": views.messages(visit, number, found["messages"], views.user_name(found["conversation"])),
        "editing": visit.number("edit"),
        "newer": (),
    }


def _earlier_address(visit: Visit, number: int, found: ReadConversation) -> str:
    if not found["has_earlier"] or not found["messages"]:
        return ""
    kept = filters.read(visit).as_query()
    return visit.url(f"{PATH}/{number}", **kept, before=found["messages"][0]["seq"])


def conversation_page(
    visit: Visit,
    number: int,
    *,
    at: str = "thread",
    form: FormView | None = None,
    failure: Failure | None = None,
    status: int = 200,
) -> Response:
    """Return the page of a conversation.

    Args:
        at: which column a narrow screen shows: thread or card.
        form: what was typed, to show it again.
        failure: why it was not sent.
    """
    asked = filters.read(visit)
    found = read(visit, number, before=visit.number("before"))
    row = found["conversation"]
    listed = find(visit, asked)
    limits = views.Limits(listed["warn_minutes"], listed["late_minutes"])
    shown = views.conversation(visit, row, limits)
    visit.allow("media-src", "'self'")
    return visit.render(
        "messenger/conversation.html",
        status,
        at=at,
        **{
            **_frame_values(visit, asked, listed, number),
            **thread_values(visit, number, found),
            "newer": tuple(failure.newer) if failure else (),
        },
        one=shown,
        **action_values(visit),
        earlier=_earlier_address(visit, number, found),
        later=visit.url(f"{PATH}/{number}", **asked.as_query()) if found["has_later"] else "",
        viewers=views.viewers(visit, found["viewers"]),
        failure=failure.words if failure else "",
        composer=_composer(visit, found, form),
        card=card.values(visit, row),
    )


def action_values(visit: Visit) -> JsonObject:
    """Return what the template of the actions needs besides the conversation."""
    operators: list[ListOperators] = db.call("list_operators", p_actor_id=visit.user.user_id)
    return {
        "operators": operators,
        "snoozes": [(one, visit.text(f"messenger_snooze_{one}")) for one in _SNOOZES],
    }


def _composer(visit: Visit, found: ReadConversation, form: FormView | None) -> JsonObject:
    """Return what the form of a message holds: what was typed, a canned reply, the draft."""
    typed = {name: str(value) for name, value in form.values.items()} if form else {}
    row = found["conversation"]
    prepared = replies.prepared(visit, row)
    chosen = next((one for one in prepared if one["id"] == visit.number("canned")), None)
    seq = int(typed["reply_to"]) if typed.get("reply_to", "").isdecimal() else visit.number("reply")
    original = next((one for one in found["messages"] if one["seq"] == seq), None)
    body = typed.get("body", (chosen["text"] if chosen else "") or found["draft"] or "")
    return {
        "body": body,
        "mode": typed.get("mode", "note" if visit.request.args.get("mode") == "note" else "reply"),
        "buttons": typed.get("buttons", ""),
        "send_at": typed.get("send_at", ""),
        "canned": typed.get("canned", str(chosen["id"]) if chosen else ""),
        "canned_name": chosen["shortcut"] if chosen else "",
        "replies": prepared,
        "reply_to": original["seq"] if original else "",
        "quote": views.quote(visit, original) if original else "",
        "seen": row["last_seq"],
        "reference": forms.new_reference(),
        "zone": visit.user.time_zone,
    }


_SCRIPTED = Policy(has_scripts=True)

pages = (
    Page(PATH, show, _SCRIPTED, access=Access.OPERATOR, menu="messenger_menu"),
    Page(CONVERSATION, show_conversation, _SCRIPTED, access=Access.OPERATOR),
    Page(f"{CONVERSATION}/card", show_card, _SCRIPTED, access=Access.OPERATOR),
)
