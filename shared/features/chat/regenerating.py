"""The buttons below an answer: "Regenerate" puts another in its place, "Continue" goes on where it ended.

They work below the latest answer only, which they name by the update that it came from. Each counts as a
question in the current mode, reserved with the tap. The history keeps one answer to a question: the newest,
or the joined one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telebot.types import CallbackQuery

from shared.core import db
from shared.features.chat import asking
from shared.features.chat.answers import with_pictures
from shared.features.chat.question import Question, Replaced
from shared.features.common.user_key import open_key
from shared.telegram import current_context
from shared.telegram.context import UpdateContext
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import ClaimTurn

router = Router()

_GO_ON = "[Your answer was cut off. Continue exactly where it ended; repeat nothing and introduce nothing.]"


@router.callback_query_handler(data=r"again:[0-9]{1,19}")
def regenerate(call: CallbackQuery) -> None:
    """Answer the latest question once more."""
    context, replaced = current_context(), _named(call)
    turn = _claim(context, replaced)
    if turn is None:
        return
    question = turn["question"] or ""
    _leave_out(context, question, turn["answer"])
    _ask(context, with_pictures(context, question), Replaced(replaced))


@router.callback_query_handler(data=r"more:[0-9]{1,19}")
def go_on(call: CallbackQuery) -> None:
    """Continue the latest answer."""
    context, replaced = current_context(), _named(call)
    turn = _claim(context, replaced)
    if turn is not None:
        _ask(context, Question(_GO_ON), Replaced(replaced, turn["answer"]))


def _named(call: CallbackQuery) -> int:
    return int((call.data or "").partition(":")[2])


def _claim(context: UpdateContext, update_id: int) -> ClaimTurn | None:
    """Return the latest question and answer; None where a toast says why the button is of no use."""
    conversation = context.conversation
    turn: ClaimTurn = db.call(
        "claim_turn",
        p_bot=context.bot.name,
        p_update_id=context.update.update_id,
        p_attempt=context.attempt,
        p_answer=update_id,
        p_conversation=0 if conversation is None or conversation.is_main else conversation.id,
    )
    if turn["outcome"] == "claimed":
        return turn
    context.release()
    if turn["outcome"] == "busy":
        context.answer_callback(context.text("answer_in_progress"))
    elif turn["outcome"] == "elsewhere":
        context.answer_callback(context.text("answer_elsewhere"))
    else:
        context.answer_callback(context.text("answer_old"))
        _remove_buttons(context)
    return None


def _leave_out(context: UpdateContext, *turn: str) -> None:
    """Remove the latest question and answer from the history that the AI gets; it may hold less than both."""
    for content in reversed(turn):
        if context.history and context.history[-1]["content"] == content:
            context.history = context.history[:-1]


def _ask(context: UpdateContext, question: Question, replaced: Replaced) -> None:
    own = open_key(context)
    if asking.admit(context, own) and asking.answer(context, question, own, replaced):
        _remove_buttons(context)


def _remove_buttons(context: UpdateContext) -> None:
    """Remove the buttons below the message whose button was tapped; a message of over 48 hours keeps them."""
    message = context.update.message
    if message.get("date") and "reply_markup" in message:
        parameters = {"chat_id": context.update.chat_id, "message_id": message["message_id"]}
        context.call("editMessageReplyMarkup", parameters)
