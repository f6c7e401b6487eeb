"""/here: the address of a group or topic, for the settings that send alarms and purchases there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telebot.types import Message

from shared.core import db
from shared.core.errors import Refusal
from shared.telegram import current_context, reply
from shared.telegram.context import StateUnavailable
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import AdminHere

router = Router()


@router.message_handler(commands=["here"], admin=True, in_groups=True)
def here(_message: Message) -> None:
    """Show the lines for the settings. Messages that could not be sent here come here again."""
    context = current_context()
    if context.update.is_private:
        return reply(context.rich("admin_here_private"))
    if context.is_offline:
        raise StateUnavailable
    try:
        found: AdminHere = db.call(
            "admin_here",
            p_admin_email=context.user.admin_email,
            p_bot=context.bot.name,
            p_chat_id=context.update.chat_id,
            p_thread_id=context.update.thread_id,
        )
    except Refusal as refusal:
        if refusal.sqlstate != "N0001":
            raise
        return reply(context.rich("unknown_command"))
    used = [
        *([context.text("admin_here_alarms")] if found["has_alarms"] else []),
        *([context.text("admin_here_purchases")] if found["has_purchases"] else []),
    ]
    state = ", ".join(used) or context.text("admin_here_none")
    return reply(context.rich("admin_here", address=found["address"], state=state))
