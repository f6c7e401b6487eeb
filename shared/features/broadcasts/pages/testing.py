"""Sends a message to the admin who writes it, in each language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.core.errors import ConfigError, TelegramError
from shared.features import xp

if TYPE_CHECKING:
    from shared.core.json_types import JsonObject
    from shared.core.sql_types import GetBroadcast
    from shared.web.visit import Visit


def send(visit: Visit, row: GetBroadcast) -> tuple[str, str]:
    """Send the message to the acting admin; return what was done, and why it was not."""
    from shared.features.broadcasts import links, rendering, sending  # import telebot, unlike other pages
    from shared.telegram import api

    tester, media = row["tester"], row["media"]
    bot = tester["bot"]
    if bot is None or (row["bot"] is not None and row["bot"] != bot):
        return "", _no_chat(visit, row["bot"])
    content: JsonObject = row["content"]
    written = sorted(content.get("texts") or {})
    if not written and media is None:
        return "", visit.text("broadcast_empty")
    kind = media["kind"] if media else ""
    file_id = media["file_ids"].get(bot) if media else None
    click = links.Click(row["id"], visit.user.user_id, 0)
    try:
        for language in written or [visit.language]:
            user = {"chat_id": tester["chat_id"], "name": tester["name"], "languages": [language]}
            parameters = rendering.parameters(content, row["kind"], kind, user, click=click, file_id=file_id)
            if kind and not file_id:
                sent = sending.upload(bot, row["id"], rendering.METHODS[kind], parameters)
                file_id = sending.file_id_of(kind, sent)
            else:
                api.call(bot, rendering.METHODS[kind], parameters)
    except TelegramError as error:
        return "", visit.text("broadcast_test_refused", why=error.description)
    except ConfigError:
        return "", _no_chat(visit, bot)
    return visit.text("broadcast_tested", bot=xp.bot_title(visit, bot)), ""


def _no_chat(visit: Visit, bot: str | None) -> str:
    """Return why there is no test: the admin has no chat with the bot, or with any."""
    if bot is None:
        return visit.text("broadcast_test_no_bot")
    return visit.text("broadcast_test_no_chat", bot=xp.bot_title(visit, bot))
