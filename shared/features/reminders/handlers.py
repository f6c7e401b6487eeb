"""/remind: set, list and delete reminders; the buttons under one that was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telebot.types import CallbackQuery, Message

from shared.core import db, user_input
from shared.core.texts import Text
from shared.features import chat, xp
from shared.features.common.menu import back
from shared.features.reminders import LONGEST, answers, choices, setting, when
from shared.telegram import current_context, reply, waits
from shared.telegram.context import UpdateContext
from shared.telegram.messages import Keyboard
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import (
        ClaimReminderQuestion,
        SnoozeReminder,
    )

router = Router(answers.router)

_WORDS = "remind"  # the key of the session's data: words that wait for a moment
_STATE = "remind"  # remind:<the words of the moment>
_LONGEST_MOMENT = 200  # characters
_LISTED = 10  # reminders that have a line and a button
_SHORT = 60  # characters of a line of the list
_SPANS = {"hour": 3_600}  # seconds of the buttons of a sent reminder that count from now
_ID = "[0-9]{1,18}"


@router.message_handler(commands=["remind"], private_only=True)
def remind(message: Message) -> None:
    """Set the reminder that the message or the one it replies to holds; without words, list them."""
    context = current_context()
    if context.update.has_secret:
        return reply(context.rich("secret_seen"))
    words, quoted = user_input.command_argument(message.text or ""), _quoted(context)
    if not words and not quoted:
        return reply(*_list(context))
    now = setting.local_now(setting.read(context))
    found = when.find(words, now)
    what = (found[1] if found else words) or quoted
    if found is None or not what:
        if found is not None:
            return _ask_words(context, words)
        context.set_data(_WORDS, what[:LONGEST])
        return reply(context.rich("remind_when"), choices.keyboard(context, now, "remind:in:{choice}"))
    return reply(*setting.create(context, what, found[0]))


@router.message_handler(state=_STATE)
def take_words(message: Message) -> None:
    """Take what to remind of; the moment came with the command."""
    context = current_context()
    if context.update.has_secret:
        return reply(context.rich("secret_seen"))
    moment = waits.current(context).partition(":")[2]
    words = f"{moment} {(message.text or '').strip()}"
    found = when.find(words, setting.local_now(setting.read(context)))
    if found is None or not found[1]:  # more of the moment: "tomorrow", then "at 9"
        return _ask_words(context, words if found else moment)
    waits.end(context)
    return reply(*setting.create(context, found[1], found[0]))


@router.callback_query_handler(data="remind", private_only=True, page="remind")
def show_reminders(_call: CallbackQuery) -> None:
    """List the reminders under a button."""
    context = current_context()
    context.show(*_list(context))


@router.callback_query_handler(data="remind:in:[a-z]{1,8}", private_only=True, page="remind")
def choose_moment(call: CallbackQuery) -> None:
    """Set a reminder of the words that wait for a moment."""
    context = current_context()
    words, choice = context.data.get(_WORDS), str(call.data).rpartition(":")[2]
    if not isinstance(words, str):
        context.answer_callback(context.text("remind_old"), alert=True)
        return context.show(*_list(context))
    if choice == choices.CANCEL:
        context.set_data(_WORDS, None)
        return context.show(context.rich("remind_canceled"))
    moment = choices.moment(choice, setting.local_now(setting.read(context)))
    if moment is None:
        return context.answer_callback(context.text("button_old"), alert=True)
    context.set_data(_WORDS, None)
    return context.show(*setting.create(context, words, moment))


@router.callback_query_handler(data=f"remind:delete:{_ID}", private_only=True, page="remind")
def delete_reminder(call: CallbackQuery) -> None:
    """Delete a reminder and list the others."""
    context = current_context()
    is_deleted = setting.delete(context.user.id, _number(call))
    context.answer_callback(context.text("remind_deleted" if is_deleted else "remind_gone"))
    context.show(*_list(context))


@router.callback_query_handler(data=f"remind:(hour|tomorrow):{_ID}", private_only=True, page="remind")
def snooze(call: CallbackQuery) -> None:
    """Send a reminder once more, later."""
    context = current_context()
    seconds = _SPANS.get(str(call.data).split(":")[1])
    done: SnoozeReminder = db.call(
        "snooze_reminder", p_user_id=context.user.id, p_id=_number(call), p_seconds=seconds
    )
    if done["due_at"] is None:
        return context.answer_callback(context.text("remind_gone"), alert=True)
    moment = setting.shown(context, done["due_at"], done["time_zone"])
    return context.answer_callback(context.text("remind_snoozed", moment=moment))


@router.callback_query_handler(data=f"remind:ask:{_ID}", private_only=True, page="remind")
def ask_again(call: CallbackQuery) -> None:
    """Ask the words of a reminder as a question, which costs a request."""
    context = current_context()
    done: ClaimReminderQuestion = db.call(
        "claim_reminder_question",
        p_user_id=context.user.id,
        p_id=_number(call),
        p_reference=context.reference,
    )
    if done["words"] is None:
        key = "remind_gone" if done["outcome"] == "gone" else "remind_asked"
        return context.answer_callback(context.text(key), alert=True)
    return chat.ask(context, done["words"])


def _ask_words(context: UpdateContext, moment: str) -> None:
    waits.begin(context, f"{_STATE}:{moment[:_LONGEST_MOMENT]}")
    reply(context.rich("remind_what"), waits.cancel_button(context, _STATE))


def _list(context: UpdateContext) -> tuple[Text, Keyboard]:
    state = setting.read(context)
    found = state["reminders"]
    if not found:
        return context.rich("remind_none"), [*map(list, back(context))]
    lines = [
        f"{number}. {setting.shown(context, one['due_at'], state['time_zone'])} — {_line(one['words'])}"
        for number, one in enumerate(found[:_LISTED], 1)
    ]
    if len(found) > _LISTED:
        lines.append(context.text("remind_more", count=len(found) - _LISTED))
    buttons = [
        (context.text("remind_button_delete", number=number), f"remind:delete:{one['id']}")
        for number, one in enumerate(found[:_LISTED], 1)
    ]
    rows = [buttons[start : start + 5] for start in range(0, len(buttons), 5)]
    zone = xp.time_zone_name(context, state["time_zone"])
    text = context.rich("remind_list", lines="\n".join(lines), zone=zone)
    return text, [*rows, [(context.text("remind_button_zone"), "zone")], *map(list, back(context))]


def _quoted(context: UpdateContext) -> str:
    """Return the text of the message that this one replies to, or the part that it quotes."""
    message = context.update.message
    original = message.get("reply_to_message") or {}
    quote = message.get("quote") or {}
    return str(quote.get("text") or original.get("text") or original.get("caption") or "").strip()


def _line(words: str) -> str:
    return setting.cut(" ".join(words.split()), _SHORT)


def _number(call: CallbackQuery) -> int:
    return int(str(call.data).rpartition(":")[2])
