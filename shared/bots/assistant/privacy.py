"""/privacy: what is kept of a person and for how long, in a few words."""

from __future__ import annotations

from telebot.types import Message

from shared.bots.assistant import bot
from shared.core import db
from shared.core.config import settings
from shared.telegram import current, reply
from shared.telegram.unit import Keyboard, StateUnavailable, Unit


@bot.message_handler(commands=["privacy"], works_offline=True)
def privacy(_message: Message) -> None:
    """Say what is kept, how long, and what a person can do about it."""
    unit = current()
    if not settings().database_enabled:
        return reply(unit.rich("privacy_without_database"), _policy(unit))
    if unit.is_offline:
        raise StateUnavailable
    periods = db.call("retention_periods")
    return reply(unit.rich("privacy", **periods), _policy(unit))


def _policy(unit: Unit) -> Keyboard | None:
    url = settings().privacy_url
    return [[(unit.text("privacy_policy"), url)]] if url else None
