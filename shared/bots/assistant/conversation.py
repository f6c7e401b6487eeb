"""/clear and /cancel: let go of the conversation, or of what was begun."""

from __future__ import annotations

from telebot.types import CallbackQuery, Message

from shared.bots.assistant import bot
from shared.telegram import current, reply


@bot.message_handler(commands=["clear"])
def clear(_message: Message) -> None:
    """Erase the conversation of this chat: the AI is shown nothing of it any more, and it is not kept."""
    unit = current()
    unit.forget()
    reply(unit.rich("clear_done"))


@bot.message_handler(commands=["cancel"])
def cancel(_message: Message) -> None:
    """Leave a question that awaits its answer, and the special mode."""
    unit = current()
    if unit.data.get("awaiting") is None and unit.mode == "chat":
        return reply(unit.rich("cancel_nothing"))
    unit.set_data("awaiting", None)
    unit.set_mode("chat")
    return reply(unit.rich("cancel_done"))


def _is_command(message: Message) -> bool:
    return (message.text or "").startswith("/") and not current().incoming.is_passed_on


@bot.message_handler(func=_is_command, content_types=["text"])
def unknown_command(_message: Message) -> None:
    """Point to the help."""
    reply(current().rich("unknown_command"))


@bot.callback_query_handler(func=lambda _call: True)
def old_button(_call: CallbackQuery) -> None:
    """Answer a button that no handler knows (any more)."""
    unit = current()
    unit.notice(unit.text("button_old"), alert=True)
