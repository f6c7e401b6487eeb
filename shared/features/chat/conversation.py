"""/clear erases the conversation; /cancel leaves a mode."""

from __future__ import annotations

from telebot.types import Message

from shared.core.texts import Text
from shared.telegram import current_context, reply
from shared.telegram.context import UpdateContext
from shared.telegram.router import Router

router = Router()


@router.message_handler(commands=["clear"])
def clear(_message: Message) -> None:
    """Erase the conversation of this chat from the database."""
    context = current_context()
    context.forget()
    for key in ("pictures", "late_pictures"):
        if key in context.data:
            context.set_data(key, None)
    reply(context.rich("clear_done"))


@router.message_handler(commands=["voice"])
def voice(_message: Message) -> None:
    """Turn answers as voice messages on or off in this chat."""
    from shared.features.chat import speaking

    speaking.switch(current_context())


@router.cancel_handler
def leave_mode(context: UpdateContext) -> Text | None:
    """Return to the default mode."""
    if context.mode == "chat":
        return None
    context.set_mode("chat")
    return context.rich("cancel_mode")
