"""The page of a shared conversation. Its link is enough to read it; nothing on it names the user."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from werkzeug.exceptions import Gone, NotFound

from shared.core import db
from shared.features.common import console_bot
from shared.features.common.files import without_documents
from shared.telegram.quoting import without_quote
from shared.web import markdown
from shared.web.page import Page, Policy

if TYPE_CHECKING:
    from flask import Response

    from shared.core.sql_types import GetSharedConversation
    from shared.web.visit import Visit

_TOKEN = re.compile("[A-Za-z0-9_-]{22}")
_PICTURES = re.compile(r"\[(?:[0-9]{1,3} )?pictures?\]")


def show(visit: Visit, token: str) -> Response:
    """Show the conversation with this token."""
    if not _TOKEN.fullmatch(token):
        raise NotFound
    found: GetSharedConversation = db.call("get_shared_conversation", p_token=token)
    if found["outcome"] == "unknown":
        raise NotFound
    if found["outcome"] == "withdrawn":
        raise Gone("chatpage_withdrawn")
    title = markdown.clean(found["title"] or visit.text("chatpage_title"))
    return visit.render(
        "conversations/page.html",
        title=title,
        bot=found["bot_username"],
        chat=console_bot.chat(found["bot_username"]),
        shared_on=visit.date(found["created_at"]),
        is_cut=found["is_cut"],
        messages=[
            {
                "is_question": one["role"] == "user",
                "words": markdown.clean(_own_words(one["content"]))
                if one["role"] == "user"
                else markdown.to_html(
                    one["content"], code=visit.text("web_code"), table=visit.text("web_table")
                ),
            }
            for one in found["messages"]
        ],
    )


def _own_words(content: str) -> str:
    """Return what the user wrote: without the message replied to, and without documents."""
    return _PICTURES.sub("🖼", without_documents(without_quote(content)), count=1).strip()


page = Page("/s/<string(length=22):token>", show, Policy(referrer="no-referrer"))
