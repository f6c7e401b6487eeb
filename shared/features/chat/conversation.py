"""/clear erases the conversation; /cancel leaves a pending question or a mode."""

from __future__ import annotations

from telebot.types import Message

from shared.telegram import current_context, reply
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


@router.message_handler(commands=["cancel"])
def cancel(_message: Message) -> None:
    """Stop waiting for an answer, and return to the default mode."""
    context = current_context()
    if context.data.get("awaiting") is None and context.mode == "chat":
        return reply(context.rich("cancel_nothing"))
    context.set_data("awaiting", None)
    context.set_mode("chat")
    return reply(context.rich("cancel_done"))
