"""The pages that a user shares: their links, and an end to sharing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel

from shared.features.common import console_bot
from shared.features.conversations import sharing
from shared.telegram import configured
from shared.web import forms
from shared.web.access import Access
from shared.web.page import Page

if TYPE_CHECKING:
    from flask import Response

    from shared.web.visit import Visit

PATH = "/account/shared"


class _Chosen(BaseModel):
    id: forms.RowId


def show(visit: Visit) -> Response:
    """List the pages that the user shares."""
    found = [sharing.pages_of(visit.user.user_id, bot) for bot in configured.with_command("chats")]
    return visit.render(
        "conversations/shared.html",
        bot=console_bot.address_with("chats"),
        most=max((one["most"] for one in found), default=0),
        pages=[
            {
                "id": page["id"],
                "path": f"{sharing.PATH}{page['token']}",
                "name": page["title"] or visit.text("chats_main"),
                "messages": page["messages"],
                "date": visit.date(page["created_at"]),
                "until": visit.date(page["open_until"]),
            }
            for one in found
            for page in one["pages"]
        ],
    )


def stop(visit: Visit) -> Response:
    """Withdraw a page."""
    is_withdrawn = sharing.withdraw(visit.user.user_id, visit.form(_Chosen).id)
    return visit.redirect(PATH, "chatshare_stopped_notice" if is_withdrawn else "chatshare_gone_notice")


pages = (
    Page(PATH, show, access=Access.USER),
    Page(f"{PATH}/stop", stop, methods=("POST",), max_body=2_000, access=Access.USER),
)
