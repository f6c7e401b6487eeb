"""/privacy: what is stored about a user, for how long, in a few words."""

from __future__ import annotations

from telebot.types import Message

from shared.core import db
from shared.core.config import settings
from shared.core.texts import concat
from shared.telegram import current_context, reply
from shared.telegram.context import StateUnavailable, UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

router = Router()


@router.message_handler(commands=["privacy"], allowed_while_banned=True, works_offline=True)
def privacy(_message: Message) -> None:
    """Show what is stored, for how long, and what the user can do about it."""
    context = current_context()
    if not settings().database_enabled:
        return reply(context.rich("privacy_without_database"), _policy(context))
    if context.is_offline:
        raise StateUnavailable
    periods: dict[str, int] = db.call("retention_periods")
    text = context.rich("privacy", **periods)
    if periods.get("backups_days"):
        text = concat(text, context.rich("privacy_backups", **periods), separator="\n\n")
    return reply(text, _policy(context))


def _policy(context: UpdateContext) -> Keyboard | None:
    url = settings().privacy_url
    return [[(context.text("privacy_policy"), url)]] if url else None
