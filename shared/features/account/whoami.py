"""/whoami: the user's Telegram ID, for ADMIN_TELEGRAM_IDS and for support."""

from __future__ import annotations

from telebot.types import Message

from shared.telegram import current_context, reply
from shared.telegram.router import Router

router = Router()


@router.message_handler(commands=["whoami"], works_offline=True)
def whoami(_message: Message) -> None:
    """Show the id in a form that a tap copies."""
    context = current_context()
    reply(context.rich("whoami", id=context.user.telegram_id))
