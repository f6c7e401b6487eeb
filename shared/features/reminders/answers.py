"""The button below an answer of the AI: asks when to remind of its question, and sets the reminder.

The buttons name the update that the answer came from. A menu of moments sets one reminder, however often it
is tapped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telebot.types import CallbackQuery

from shared.core import db
from shared.features.reminders import choices, setting
from shared.telegram import current_context, reply
from shared.telegram.context import StateUnavailable, UpdateContext
from shared.telegram.feature import REMIND_BUTTON
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import QuestionOfAnswer

router = Router()

_NUMBER = "[0-9]{1,19}"


@router.callback_query_handler(data=f"{REMIND_BUTTON}:{_NUMBER}", private_only=True, page="remind")
def ask_moment(call: CallbackQuery) -> None:
    """Ask when to remind of the question that an answer replies to."""
    context = current_context()
    answer = int(str(call.data).rpartition(":")[2])
    if _question(context, answer) is None:
        return context.answer_callback(context.text("remind_no_question"), alert=True)
    now = setting.local_now(setting.read(context))
    buttons = choices.keyboard(context, now, f"remind_menu:{{choice}}:{answer}")
    return reply(context.rich("remind_when_answer"), buttons)


@router.callback_query_handler(data=f"remind_menu:[a-z]{{1,8}}:{_NUMBER}", private_only=True, page="remind")
def set_reminder(call: CallbackQuery) -> None:
    """Set the reminder at the moment that was chosen."""
    context = current_context()
    _, choice, answer = str(call.data).split(":")
    if choice == choices.CANCEL:
        return context.show(context.rich("remind_canceled"))
    question = _question(context, int(answer))
    if question is None:
        return context.show(context.rich("remind_no_question"))
    moment = choices.moment(choice, setting.local_now(setting.read(context)))
    if moment is None:
        return context.answer_callback(context.text("button_old"), alert=True)
    menu = f"remind_menu:{context.bot.name}:{context.update.message['message_id']}"
    return context.show(*setting.create(context, question, moment, menu))


def _question(context: UpdateContext, answer: int) -> str | None:
    if context.is_offline:
        raise StateUnavailable
    found: QuestionOfAnswer = db.call(
        "question_of_answer",
        p_user_id=context.user.id,
        p_bot=context.bot.name,
        p_chat_id=context.update.chat_id,
        p_thread=context.update.thread_id,
        p_answer=answer,
    )
    return found["question"]
