"""The pages that a user shares: their links, a new one, and an end to sharing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, Field
from werkzeug.exceptions import ServiceUnavailable

from shared.core.errors import TelegramError
from shared.features import xp
from shared.features.common import console_bot
from shared.features.conversations import settings, sharing
from shared.telegram import configured
from shared.web import forms
from shared.web.access import Access
from shared.web.page import Page, Policy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask import Response

    from shared.web.visit import Visit

PATH = "/account/shared"


class _New(BaseModel):
    """A conversation as `bot:id`; `reference` makes a repeated form share it once."""

    conversation: str = Field(pattern="^[a-z0-9_]{1,32}:[0-9]{1,18}$")
    reference: forms.Reference


class _Chosen(BaseModel):
    id: forms.RowId


def show(visit: Visit, failure: str = "", status: int = 200) -> Response:
    """List the pages that the user shares, and the conversations to share."""
    bots = configured.with_command("chats")
    found = [sharing.pages_of(visit.user.user_id, bot) for bot in bots]
    most = max((one["most"] for one in found), default=0)
    return visit.render(
        "conversations/shared.html",
        status,
        failure=failure,
        conversations=_conversations(visit, bots) if most and sharing.is_offered() else [],
        reference=forms.new_reference(),
        bot=console_bot.address_with("chats"),
        most=most,
        pages=[
            {
                "id": page["id"],
                "path": f"{sharing.PATH}{page['token']}",
                "address": visit.address(f"{sharing.PATH}{page['token']}"),
                "name": page["title"] or visit.text("chats_main"),
                "messages": page["messages"],
                "date": visit.date(page["created_at"]),
                "until": visit.date(page["open_until"]),
            }
            for one in found
            for page in one["pages"]
        ],
    )


def _conversations(visit: Visit, bots: Sequence[str]) -> list[tuple[str, str]]:
    """Return the conversations in the chats with bots: the value for the form, and the name."""
    listed = []
    for bot in bots:
        name = f"{xp.bot_title(visit, bot)} · " if len(bots) > 1 else ""
        found = settings.list_in(visit.user.user_id, bot, visit.user.telegram_id, 0)["conversations"]
        listed.append((f"{bot}:0", name + visit.text("chats_main")))
        listed += [
            (f"{bot}:{one['id']}", name + (one["name"] or visit.text("chats_unnamed")))
            for one in found
            if not one["is_main"]
        ]
    return listed


def share(visit: Visit) -> Response:
    """Share a conversation as far as it goes now."""
    new = visit.form(_New)
    bot, _, number = new.conversation.partition(":")
    if bot not in configured.with_command("chats") or not sharing.is_offered():
        return show(visit, visit.text("web_field_wrong"), 422)
    try:
        username = console_bot.username(bot)
    except TelegramError:
        raise ServiceUnavailable from None
    user = visit.user
    place = sharing.Place(user.user_id, bot, user.telegram_id, 0, username)
    done = sharing.share_conversation(place, int(number), f"web:{user.user_id}:{new.reference}")
    if done["outcome"] == "empty":
        return show(visit, visit.text("chatexport_empty"), 422)
    if done["outcome"] == "limit":
        return show(visit, visit.text("chatshare_page_limit", limit=done["most"]), 422)
    return visit.redirect(PATH, "chatshare_shared_notice")


def stop(visit: Visit) -> Response:
    """Withdraw a page."""
    is_withdrawn = sharing.withdraw(visit.user.user_id, visit.form(_Chosen).id)
    return visit.redirect(PATH, "chatshare_stopped_notice" if is_withdrawn else "chatshare_gone_notice")


pages = (
    Page(PATH, show, Policy(has_scripts=True), access=Access.USER),
    Page(f"{PATH}/new", share, methods=("POST",), max_body=2_000, access=Access.USER),
    Page(f"{PATH}/stop", stop, methods=("POST",), max_body=2_000, access=Access.USER),
)
