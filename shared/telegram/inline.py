"""Inline mode: what a user who has not started the bot gets.

Their question costs nothing, and nothing of it is stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.core import db, texts
from shared.telegram.bot import Bot
from shared.telegram.messages import inline_edit
from shared.telegram.responses import WebhookResponse
from shared.telegram.update import Update

if TYPE_CHECKING:
    from shared.core.sql_types import InlineUser

START = "inline"  # the payload of the link to the private chat


def invitation(bot: Bot, update: Update) -> WebhookResponse | None:
    """Return an edit that leads a user to the private chat; None where they have started the bot.

    A repeated delivery edits the message to the same text.

    Raises:
        DatabaseUnavailable: Telegram must deliver the update again.
    """
    sender = update.user or {}
    found: InlineUser = db.call("inline_user", p_bot=bot.name, p_telegram_id=update.chat_id)
    if found["outcome"] == "started":
        return None
    language = texts.choose(sender.get("language_code"))
    link = f"https://t.me/{bot.user.username}?start={START}"
    button = {"text": texts.text(language, "inline_open"), "url": link}
    edit = inline_edit(update, texts.rich(language, "inline_start_first"), [[button]])
    return WebhookResponse(body={"method": "editMessageText", **edit})
