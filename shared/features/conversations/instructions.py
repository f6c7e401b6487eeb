"""/prompt: what the user wants of each answer in this conversation.

In a group only its admins may set instructions, for their own questions there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import log
from shared.core.errors import TelegramError
from shared.core.texts import Text, concat
from shared.core.user_input import command_argument
from shared.features.conversations import settings
from shared.telegram import current_context, reply, waits
from shared.telegram.context import StateUnavailable
from shared.telegram.membership import is_administrator
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.telegram.context import UpdateContext
    from shared.telegram.messages import Keyboard

router = Router()

_STATE = "prompt"  # prompt:<id of the conversation>


@router.message_handler(commands=["prompt"])
def prompt(message: Message) -> None:
    """Show the instructions of this conversation, or set those that follow the command."""
    context = current_context()
    if not _may_set(context):
        return reply(context.rich("prompt_admins_only"))
    words = command_argument(message.text or "")
    if words:
        return _set(context, settings.current_id(context), words)
    return reply(*_screen(context, _instructions(context)))


@router.callback_query_handler(data="prompt")
def show_prompt(_call: CallbackQuery) -> None:
    """Show the instructions under a button."""
    context = current_context()
    if _is_admitted(context):
        context.show(*_screen(context, _instructions(context)))


@router.callback_query_handler(data="prompt:change")
def ask_for_prompt(_call: CallbackQuery) -> None:
    """Ask for the instructions in the next message."""
    context = current_context()
    if not _is_admitted(context):
        return None
    most = settings.list_all(context)["instructions_characters"]
    if most == 0:
        return context.answer_callback(context.text("prompt_not_included"), alert=True)
    waits.begin(context, f"{_STATE}:{settings.current_id(context)}")
    return context.show(context.rich("prompt_ask", limit=most), waits.cancel_button(context, _STATE))


@router.callback_query_handler(data="prompt:delete")
def delete_prompt(_call: CallbackQuery) -> None:
    """Delete the instructions."""
    context = current_context()
    if not _is_admitted(context):
        return
    settings.change(context, settings.current_id(context), instructions=None)
    context.answer_callback(context.text("prompt_deleted"))
    context.show(*_screen(context, None))


@router.message_handler(state=_STATE)
def take_prompt(message: Message) -> None:
    """Take the instructions."""
    context = current_context()
    if not _may_set(context):
        waits.end(context)
        return reply(context.rich("prompt_admins_only"))
    number = waits.current(context).partition(":")[2]
    return _set(context, int(number or 0), (message.text or "").strip())


def _set(context: UpdateContext, conversation: int, words: str) -> None:
    if context.update.has_secret:
        return reply(context.rich("secret_seen"))
    changed = settings.change(context, conversation, instructions=words)
    if changed["outcome"] == "too_long":
        if changed["most"] == 0:
            return reply(context.rich("prompt_not_included"))
        text = context.rich("prompt_too_long", length=len(words), limit=changed["most"])
        return reply(text, waits.cancel_button(context, _STATE) if waits.current(context) else None)
    waits.end(context)
    if changed["outcome"] == "none":
        return reply(context.rich("chats_gone"))
    return reply(context.rich("prompt_set"), [[(context.text("prompt_show"), "prompt")]])


def _instructions(context: UpdateContext) -> str | None:
    return context.conversation.instructions if context.conversation is not None else None


def _screen(context: UpdateContext, instructions: str | None) -> tuple[Text, Keyboard]:
    to_chats = [[(context.text("chats_back"), "chats")]] if context.update.is_private else []
    if not instructions:
        return context.rich("prompt_empty"), [[(context.text("prompt_add"), "prompt:change")], *to_chats]
    # A message holds 4,096 characters; the screen needs some of them.
    shown = instructions if len(instructions) <= 3_500 else instructions[:3_500] + "…"
    text = concat(context.rich("prompt_current"), Text(shown, []), separator="\n\n")
    return text, [
        [(context.text("prompt_change"), "prompt:change"), (context.text("prompt_delete"), "prompt:delete")],
        *to_chats,
    ]


def _is_admitted(context: UpdateContext) -> bool:
    """Return whether a button's user may set instructions here; else a toast says why not."""
    is_admitted = _may_set(context)
    if not is_admitted:
        context.answer_callback(context.text("prompt_admins_only"), alert=True)
    return is_admitted


def _may_set(context: UpdateContext) -> bool:
    if context.is_offline:
        raise StateUnavailable
    if context.update.is_private:
        return True
    try:
        return is_administrator(context.bot.name, context.update.chat_id, context.user.telegram_id)
    except TelegramError as error:
        log.info("an admin of a group was not recognized", action="admin_unknown", reason=str(error))
        return False
