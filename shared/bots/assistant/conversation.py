"""/clear and /cancel: let go of the conversation, or of what was begun."""

from __future__ import annotations

from telebot.types import CallbackQuery, Message

from shared.bots.assistant import bot
from shared.telegram import current_context, reply


@bot.message_handler(commands=["clear"])
def clear(_message: Message) -> None:
    """Erase the conversation of this chat: the AI is shown nothing of it any more, and it is not kept."""
    context = current_context()
    context.forget()
    reply(context.rich("clear_done"))


@bot.message_handler(commands=["cancel"])
def cancel(_message: Message) -> None:
    """Leave a question that awaits its answer, and the special mode."""
    context = current_context()
    if context.data.get("awaiting") is None and context.mode == "chat":
        return reply(context.rich("cancel_nothing"))
    context.set_data("awaiting", None)
    context.set_mode("chat")
    return reply(context.rich("cancel_done"))


def _is_command(message: Message) -> bool:
    return (message.text or "").startswith("/") and not current_context().update.is_relayed


@bot.message_handler(func=_is_command, content_types=["text"])
def unknown_command(_message: Message) -> None:
    """Point to the help."""
    reply(current_context().rich("unknown_command"))


@bot.callback_query_handler(func=lambda _call: True)
def old_button(_call: CallbackQuery) -> None:
    """Answer a button that no handler knows (any more)."""
    context = current_context()
    context.answer_callback(context.text("button_old"), alert=True)
