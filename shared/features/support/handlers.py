"""/terms and /paysupport: required of bots that sell (core.telegram.org/bots/payments-stars)."""

from __future__ import annotations

from telebot.types import Message

from shared.core.config import settings
from shared.core.json_types import JsonObject
from shared.core.texts import Text, utf16_length
from shared.features.common.menu import back
from shared.telegram import current_context, reply
from shared.telegram.router import Router

router = Router()


@router.message_handler(commands=["terms"])
def terms(_message: Message) -> None:
    """Show the terms of sale."""
    context = current_context()
    link = settings().terms_url
    reply(context.rich("terms_link", link=link) if link else context.rich("terms"), back(context))


@router.message_handler(commands=["paysupport"], allowed_while_banned=True)
def paysupport(_message: Message) -> None:
    """Show the support contact."""
    context = current_context()
    contact = settings().support_contact or context.text("paysupport_owner")
    text, entities = context.rich("paysupport", contact=contact)
    if not settings().support_contact:
        entities = [*entities, *_owner_link(text, contact)]
    reply(Text(text, entities), back(context))


def _owner_link(text: str, words: str) -> list[JsonObject]:
    """Link words of a text to the first admin's account, the contact if the owner has set none."""
    offset = utf16_length(text.partition(words)[0])
    length = utf16_length(words)
    return [
        {"type": "text_link", "offset": offset, "length": length, "url": f"tg://user?id={admin}"}
        for admin in settings().admin_telegram_ids[:1]
    ]
