"""Quiz polls in groups: a round of native polls, and the answers to them, which name no chat."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from telebot.types import PollAnswer

from shared.core import db, log
from shared.core.errors import TelegramError
from shared.core.json_types import JsonObject, JsonValue
from shared.features.quiz import library
from shared.telegram import current_context, outbox
from shared.telegram.context import UpdateContext
from shared.telegram.messages import message_parameters
from shared.telegram.router import Router

if TYPE_CHECKING:
    from shared.core.sql_types import BeginQuizRound, RecordPollAnswer
    from shared.features.quiz.bank_models import Question

router = Router()

SIZE = 5  # polls of a round: a group takes 20 messages a minute
SECONDS = 600  # for which the polls are open
_SENDING = 2.0  # seconds of the time limit that are reserved for the answer


def begin(context: UpdateContext) -> None:
    """Post a round of polls in the group of the update; a repeated delivery posts those that are missing.

    Raises:
        TelegramError: a temporary failure; the update will be delivered again.
    """
    chosen = library.choose(library.matching(context.language, "", 0), context.reference, SIZE)
    begun: BeginQuizRound = db.call(
        "begin_quiz_round",
        p_user_id=context.user.id,
        p_bot=context.bot.name,
        p_chat_id=context.update.chat_id,
        p_thread=context.update.thread_id,
        p_language=context.language,
        p_questions=chosen,
        p_seconds=SECONDS,
        p_reference=context.reference,
    )
    if begun["outcome"] == "running":
        return context.reply(context.rich("quiz_group_running"))
    # A deployment between two deliveries may have another bank: questions that it lacks are left out.
    known = library.questions()
    posted = {n: known[id_] for n, id_ in enumerate(begun["questions"], 1) if id_ in known}
    intro: JsonValue = None
    try:
        if not begun["sent"]:
            words = context.rich("quiz_group_begun", total=len(posted), minutes=SECONDS // 60)
            parameters = message_parameters(context.update, words, None, is_first=True)
            intro = _send(context, "sendMessage", parameters)
        for n, question in posted.items():
            if n not in begun["sent"]:
                _post(context, begun["round_id"], n, question)
    except TelegramError as error:
        if error.is_temporary:
            raise
        log.info("a group takes no polls", action="quiz_polls_refused", reason=str(error))
        db.call("enqueue_quiz_summary", p_round_id=begun["round_id"], p_parameters=None)
        refused = context.rich("quiz_group_refused")
        if intro is None:
            return context.reply(refused)
        parameters = message_parameters(context.update, refused, None, is_first=False)
        return context.call("editMessageText", {**parameters, "message_id": intro["message_id"]})
    return None


def _send(context: UpdateContext, method: str, parameters: JsonObject) -> JsonValue:
    return outbox.send(context.bot.name, method, parameters, max(context.deadline - _SENDING, monotonic()))


def _post(context: UpdateContext, round_id: int, n: int, question: Question) -> None:
    parameters = poll_parameters(question, context.language) | {"chat_id": context.update.chat_id}
    if context.update.thread_id:
        parameters["message_thread_id"] = context.update.thread_id
    sent = _send(context, "sendPoll", parameters)
    db.call(
        "record_quiz_poll",
        p_round_id=round_id,
        p_n=n,
        p_poll_id=sent["poll"]["id"],
        p_message_id=sent["message_id"],
        p_version=question.version,
        p_right=question.right,
    )


def poll_parameters(question: Question, language: str) -> JsonObject:
    """Return a question as parameters of sendPoll, without the chat."""
    wording = question.wording(language)
    return {
        "question": wording.text,
        "options": [{"text": option} for option in wording.options],
        "type": "quiz",
        "is_anonymous": False,  # Telegram reports no answers to anonymous polls
        "allows_multiple_answers": question.multiple,
        "correct_option_ids": question.right,
        "explanation": wording.explanation,
        "open_period": SECONDS,
    }


@router.update_handler("poll_answer")
def poll_answered(_answer: PollAnswer) -> None:
    """Record an answer to a poll, once; polls that this bot did not post are ignored."""
    context = current_context()
    answer, user = context.update.content, context.update.user or {}
    done: RecordPollAnswer = db.call(
        "record_poll_answer",
        p_bot=context.bot.name,
        p_poll_id=answer["poll_id"],
        p_telegram_user={**user, "hash": context.update.user_hash},
        p_choice=answer["option_ids"],
    )
    outbox.deliver_outgoing(done["outgoing"])
