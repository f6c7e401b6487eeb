"""Processes an update in three steps: receive, work, answer.

State changes exactly once: `receive_update` and `finish_update` are one transaction each, and a worker
whose lease has expired changes nothing. Explicit messages are delivered at least once: the outbox stores
them in the transaction of the change that they report. The HTTP status tells Telegram whether to deliver
again.
"""

from __future__ import annotations

from os import urandom
from time import monotonic
from typing import TYPE_CHECKING

from telebot.apihelper import ApiTelegramException

from shared.core import db, log
from shared.core.config import settings
from shared.core.errors import TelegramError
from shared.core.json_types import JsonObject
from shared.telegram import api, bans, failures, gate, outbox
from shared.telegram.bot import Bot
from shared.telegram.context import BotApiCall, UpdateContext, use_context
from shared.telegram.context_loading import load_context
from shared.telegram.responses import DONE, WebhookResponse, retry_later
from shared.telegram.update import Update

if TYPE_CHECKING:
    from shared.core.sql_types import FinishUpdate, OutboxItem, ReceiveUpdate

LEASE_MARGIN = 10  # seconds of a lease beyond RESPONSE_TIMEOUT, to commit and to record deliveries
SENDING_TIME = 8.0  # seconds for explicit calls beyond RESPONSE_TIMEOUT; Telegram waits 60 in all
MAX_TEXT = 16_000  # characters of one message that are sent to the AI


def process(bot: Bot, update: Update, *, has_response: bool = True) -> WebhookResponse:
    """Receive an update, run its handler, commit and answer.

    Args:
        has_response: False when no HTTP response reaches Telegram (the sweep): every answer is an explicit
            call.

    Raises:
        DatabaseUnavailable: the update was not received; `reached` is True if it may have been.
    """
    started = monotonic()
    received = receive(bot, update, can_hold=has_response)
    response = _next_step(bot, update, received, started, has_response)
    log.info(
        "update handled",
        action="update_finished",
        bot=bot.name,
        update_id=update.update_id,
        kind=update.kind,
        outcome=received["outcome"],
        status=response.status,
        ms=round((monotonic() - started) * 1000, 1),
    )
    return response


def receive(bot: Bot, update: Update, *, can_hold: bool = False) -> ReceiveUpdate:
    """Store the update, take its lease and load user, session and history, in one round trip.

    With `can_hold`, no AI request is reserved for a text or an album that the next message may continue.
    """
    is_media = (
        not update.is_plain_text
        and bot.answers_media_with_ai
        and (update.is_media_question or (update.has_media and not can_hold))
    )
    goes_to_ai = (
        bot.answers_text_with_ai
        and (update.is_question or is_media or bot.asks_ai(update))
        and not update.has_secret
        and len(update.text) <= MAX_TEXT
        and not (can_hold and update.may_be_continued)
    )
    # Its last item is answered at once; the others are too few to make a difference.
    may_complete_album = can_hold and bot.answers_media_with_ai and update.is_album_item
    needs_history = (goes_to_ai and not update.inline_message_id) or may_complete_album
    received: ReceiveUpdate = db.call(
        "receive_update",
        p_bot=bot.name,
        p_update_id=update.update_id,
        p_delivery=urandom(16).hex(),
        p_kind=update.kind,
        p_chat_id=update.chat_id,
        p_telegram_user={**(update.user or {}), "hash": update.user_hash},
        p_payload=update.redacted_json,
        p_lease_seconds=int(settings().response_timeout) + LEASE_MARGIN,
        p_reserve=goes_to_ai,
        p_history=settings().max_history_length if needs_history else 0,
        p_thread=update.thread_id,
        p_history_characters=settings().max_history_characters,
        p_cost=str(bot.question_cost(is_media=is_media)) if goes_to_ai else "0",
        p_answer_tokens=settings().chat_max_tokens,
        p_message=_message(bot, update),
    )
    if log.is_debug():
        log.debug(
            f"received: {received['outcome']}",
            action="update_received",
            bot=bot.name,
            update_id=update.update_id,
            kind=update.kind,
            outcome=received["outcome"],
        )
    return received


def _message(bot: Bot, update: Update) -> JsonObject | None:
    """Return what the conversation of the messenger shows of an update; None for a bot without messenger."""
    if not settings().messenger_bots:
        return None
    from shared.telegram.messenger import incoming

    return incoming.describe(update) if incoming.has_messenger(bot.name) else None


def run_handler(context: UpdateContext) -> None:
    """Run the handler of the context's update. A user who blocked the bot is recorded; it is not an error.

    Raises:
        Exception: any error of the handler.
    """
    try:
        with use_context(context):
            context.bot.handle(context.update)
    except ApiTelegramException as error:
        if error.error_code != 403:
            raise
        context.calls.clear()
        if context.update.is_private:  # a bot removed from a group may still write to the user
            context.set_active(False)


def split_calls(context: UpdateContext, has_response: bool) -> tuple[JsonObject | None, list[BotApiCall]]:
    """Return the call for the response body, if any, and the calls to make explicitly.

    Of several calls, all are explicit: one in the response would overtake those that must be retried.
    Without a database there are no retries, so the last one travels in the response.
    """
    if (
        not context.calls
        or context.needs_delivery_result
        or not has_response
        or (len(context.calls) > 1 and not context.is_offline)
    ):
        return None, context.calls
    last = context.calls[-1]
    return {"method": last["method"], **last["parameters"]}, context.calls[:-1]


def answer_callback_query(context: UpdateContext) -> None:
    """Answer the callback query, with the text that the handler set; this ends the progress bar."""
    if context.update.kind != "callback_query":
        return
    answer = context.callback_answer["parameters"] if context.callback_answer else {}
    parameters = {"callback_query_id": context.update.content["id"], **answer}
    try:
        api.call(context.bot.name, "answerCallbackQuery", parameters, timeout=5)
    except TelegramError as error:
        # A callback query expires after some minutes. Only the toast is lost.
        log.info(
            "a callback query was not answered",
            action="callback_answer_failed",
            bot=context.bot.name,
            reason=str(error),
        )


def _next_step(
    bot: Bot, update: Update, received: ReceiveUpdate, started: float, has_response: bool
) -> WebhookResponse:
    match received["outcome"]:
        case "work":
            return _work(load_context(bot, update, received, started, has_response), has_response)
        case "finished":
            outbox.deliver(bot.name, received["outgoing"], started + SENDING_TIME)
            return WebhookResponse(body=received["answer"])
        case "crash_limit":
            return failures.workers_crashed(bot.name, update, received)
        case _:  # busy: another delivery of the same update is in progress
            return retry_later(received["retry_after"])


def _work(context: UpdateContext, has_response: bool) -> WebhookResponse:
    try:
        if bans.is_blocked(context):
            bans.notify_banned(context)
        elif gate.is_closed(context):
            gate.explain(context)
        elif context.messenger is None:
            run_handler(context)
        else:
            _run_beside_human(context)
        return _answer(context, has_response)
    except Exception as error:
        return failures.handler_failed(context, error)


def _run_beside_human(context: UpdateContext) -> None:
    """Run the handler, unless a human answers the update."""
    from shared.telegram.messenger import handover

    if handover.admits(context):
        run_handler(context)


def _answer(context: UpdateContext, has_response: bool) -> WebhookResponse:
    """Commit the handler's changes, then deliver the calls that the response cannot carry."""
    body, outgoing = split_calls(context, has_response)
    finished: FinishUpdate = db.call(
        "finish_update",
        p_bot=context.bot.name,
        p_update_id=context.update.update_id,
        p_attempt=context.attempt,
        p_session=_session(context, body, outgoing),
        p_messages=context.messages,
        p_reservation=context.settlement,
        p_answer=body,
        p_outgoing=outgoing,
        p_usage=context.ai_calls,
    )
    if finished["outcome"] == "superseded":
        # The lease expired and another delivery took over; its answer counts.
        return retry_later()
    answer_callback_query(context)
    deadline = context.deadline + SENDING_TIME
    items: list[OutboxItem] = [
        {"id": id_, "method": call["method"], "parameters": call["parameters"]}
        for id_, call in zip(finished["outgoing"], outgoing, strict=False)
    ]
    outbox.deliver(context.bot.name, items, deadline, notes_messages=context.messenger is not None)
    # A redelivery does not get them again: the sweep delivers them.
    if messages := finished.get("follow_up"):
        outbox.deliver_outgoing(messages, deadline - monotonic())
    for action in context.after_commit:
        action()
    return DONE if finished.get("withheld") else WebhookResponse(body=body)


def _session(
    context: UpdateContext, body: JsonObject | None, outgoing: list[BotApiCall]
) -> dict[str, object]:
    """Return the changes for `finish_update`, with what the messenger shows of the answer."""
    if context.messenger is None:
        return context.changes
    from shared.telegram.messenger.outgoing import session_part

    return {**context.changes, "messenger": session_part(context, context.messenger, body, outgoing)}
