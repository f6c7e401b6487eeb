"""The three steps of an update: receive ─▶ work ─▶ answer; each knows nothing of how the next is called.

State changes exactly once: `receive_update` and `finish_update` are one transaction each, and a worker whose
lease is gone changes nothing. Explicit messages go out at least once: they are stored with the change they
tell of before the first is sent. What the sender gets is the status that makes it do the right thing next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from os import urandom
from time import monotonic
from typing import Any

from telebot.apihelper import ApiTelegramException

from shared.core import db, log, texts
from shared.core.config import settings
from shared.core.errors import DatabaseUnavailable, ExternalServiceError, Refusal, TelegramError
from shared.core.http import RequestError
from shared.telegram import api, bans, outbox
from shared.telegram.bot import Bot
from shared.telegram.context import Ban, BotApiCall, UpdateContext, Usage, User, UserApiKey, use_context
from shared.telegram.update import InvalidPayload, Update

LEASE_MARGIN = 10  # seconds a worker keeps its lease after RESPONSE_TIMEOUT: to commit and to record
SENDING_TIME = 8.0  # seconds for explicit calls after RESPONSE_TIMEOUT; Telegram waits 60 in all
MAX_TEXT = 16_000  # characters of one message that the AI is given
_OVERTAKEN = ("Y0001", "Y0002")  # refusals to erase: the next delivery asks the user anew
# Seconds before Telegram delivers again, in every answer that makes it do so: longer than the age up to which
# fallback.py takes a delivery for the first, so that it never answers what another instance has stored.
SHORTEST_PAUSE = 4
LONGEST_PAUSE = 5  # the chat waits meanwhile


@dataclass(frozen=True)
class WebhookResponse:
    """What the sender of an update is told. `body` is one call of the Bot API, made by Telegram itself."""

    status: int = 200
    body: dict[str, Any] | None = None
    retry_after: int | None = None  # seconds


DONE = WebhookResponse()


def retry_later(seconds: float = SHORTEST_PAUSE) -> WebhookResponse:
    """Ask the sender to deliver the update again in some seconds, within the two pauses."""
    return WebhookResponse(503, retry_after=max(SHORTEST_PAUSE, min(int(seconds), LONGEST_PAUSE)))


def process(bot: Bot, update: Update, *, has_response: bool = True) -> WebhookResponse:
    """Take one update all the way.

    `has_response` False: nobody waits for our HTTP response (the sweep), so every answer is an explicit call.

    Raises:
        DatabaseUnavailable: the update could not be received; `maybe_executed` says whether it may have been.
    """
    started = monotonic()
    received = receive(bot, update, can_hold=has_response)
    answer = _next_step(bot, update, received, started, has_response)
    log.info(
        "update handled",
        action="update_finished",
        bot=bot.name,
        update_id=update.update_id,
        kind=update.kind,
        outcome=received["outcome"],
        status=answer.status,
        ms=round((monotonic() - started) * 1000, 1),
    )
    return answer


def receive(bot: Bot, update: Update, *, can_hold: bool = False) -> dict[str, Any]:
    """Store the update, take its lease and load what a handler may want to know, in one round trip.

    With `can_hold`, no request is reserved for a text that may go on in the next message.
    """
    goes_to_ai = (
        bot.answers_text_with_ai
        and update.is_plain_text
        and not update.has_secret
        and len(update.text) <= MAX_TEXT
        and not (can_hold and update.may_be_continued)
    )
    received: dict[str, Any] = db.call(
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
        p_history=settings().max_history_length if goes_to_ai else 0,
        p_thread=update.thread_id,
        p_history_characters=settings().max_history_characters,
        p_cost=str(bot.question_cost()) if goes_to_ai else "0",
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


def _next_step(
    bot: Bot, update: Update, received: dict[str, Any], started: float, has_response: bool
) -> WebhookResponse:
    match received["outcome"]:
        case "work":
            return _work(_context(bot, update, received, started, has_response), has_response)
        case "finished":
            outbox.deliver(bot.name, received["outgoing"], started + SENDING_TIME)
            return WebhookResponse(body=received["answer"])
        case "crash_limit":
            return _dead_letter_crashed(bot, update, received)
        case _:  # busy: another delivery of the same update is being worked on
            return retry_later(received["retry_after"])


def _context(
    bot: Bot, update: Update, received: dict[str, Any], started: float, can_hold: bool
) -> UpdateContext:
    user, usage, session = received["user"], received["usage"], received["session"]
    return UpdateContext(
        bot=bot,
        update=update,
        user=User(
            id=user["id"],
            telegram_id=user["telegram_id"],
            name=update.sender_name,
            is_new=user["is_new"],
            balance=Decimal(user["balance"]),
            currency=user["currency"],
            created_at=datetime.fromisoformat(user["created_at"]),
            is_admin=user["is_admin"],
            admin_email=user["admin_email"] or "",
            ban=Ban(user["ban"]["reason"], user["ban"]["notified"]) if user["ban"] else None,
            price_currency=user["price_currency"],
        ),
        usage=Usage(
            plan=usage["plan"],
            requests=usage["requests"],
            daily_requests=usage["daily_requests"],
            resets_at=datetime.fromisoformat(usage["resets_at"]),
            timezone=usage["timezone"],
            month_requests=usage["month_requests"],
            monthly_requests=usage["monthly_requests"],
            month_resets_at=datetime.fromisoformat(usage["month_resets_at"]),
            bonus_credits=usage["bonus_credits"],
            features=frozenset(usage["features"]),
        ),
        language=texts.choose(user["language"], user["language_code"]),
        mode=session["mode"],
        data=_session_data(update, session["data"]),
        history=received["history"],
        reservation=received["reservation"],
        attempt=received["attempt"],
        failures=received["failures"],
        deadline=started + settings().response_timeout,
        can_hold=can_hold,
        user_api_key=UserApiKey(**received["user_api_key"]) if received.get("user_api_key") else None,
        releases_left=1 if received.get("releases_left") is None else received["releases_left"],
        edited_question=received.get("edited_question"),
    )


def _session_data(update: Update, data: dict[str, Any]) -> dict[str, Any]:
    """Return the session's facts; words that were passed on never answer a question of ours."""
    if not update.is_relayed:
        return data
    return {key: value for key, value in data.items() if key != "awaiting"}


def _work(context: UpdateContext, has_response: bool) -> WebhookResponse:
    try:
        if bans.is_blocked(context):
            bans.notify_banned(context)
        else:
            run_handler(context)
        return _answer(context, has_response)
    except Exception as error:
        return _fail(context, error)


def run_handler(context: UpdateContext) -> None:
    """Run the handler of the unit's update. A person who blocked the bot is noted, not an error.

    Raises:
        Exception: whatever the handler raised.
    """
    try:
        with use_context(context):
            context.bot.handle(context.update)
    except ApiTelegramException as error:
        if error.error_code != 403:
            raise
        context.calls.clear()
        if context.update.is_private:  # thrown out of a group, the bot may still write to the person
            context.set_active(False)


def _answer(context: UpdateContext, has_response: bool) -> WebhookResponse:
    """Commit all that the handler changed, then send what does not fit into the response."""
    body, outgoing = split_calls(context, has_response)
    finished = db.call(
        "finish_update",
        p_bot=context.bot.name,
        p_update_id=context.update.update_id,
        p_attempt=context.attempt,
        p_session=context.changes,
        p_messages=context.messages,
        p_reservation=context.settlement,
        p_answer=body,
        p_outgoing=outgoing,
        p_usage=context.ai_calls,
    )
    if finished["outcome"] == "superseded":
        # Our lease ran out and another delivery took over: its answer counts.
        return retry_later()
    answer_callback_query(context)
    items = [{"id": id_, **call} for id_, call in zip(finished["outgoing"], outgoing, strict=False)]
    outbox.deliver(context.bot.name, items, context.deadline + SENDING_TIME)
    if finished.get("referral_message"):  # a repeated call is not told of it again: the sweep sends it
        outbox.deliver(context.bot.name, [finished["referral_message"]], context.deadline + SENDING_TIME)
    return DONE if finished.get("withheld") else WebhookResponse(body=body)


def split_calls(context: UpdateContext, has_response: bool) -> tuple[dict[str, Any] | None, list[BotApiCall]]:
    """Divide the unit's calls: a single one for the response's body, several to be made by us.

    The last of several in the response would overtake the others when they must wait. Without a database
    nothing can wait, and one call is spared.
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
    """Take the waiting sign off the button that was tapped, with a short text if the handler set one."""
    if context.update.kind != "callback_query":
        return
    callback_answer = context.callback_answer["parameters"] if context.callback_answer else {}
    parameters = {"callback_query_id": context.update.content["id"], **callback_answer}
    try:
        api.call(context.bot.name, "answerCallbackQuery", parameters, timeout=5)
    except TelegramError as error:
        # A query older than some minutes cannot be answered any more; nothing is lost but the text.
        log.info(
            "a button was not answered",
            action="callback_answer_failed",
            bot=context.bot.name,
            reason=str(error),
        )


def is_own_failure(error: Exception) -> bool:
    """Return whether our own code failed, and not the database, the network or another service.

    Nor did it fail where money came, or a renewal began, between an erasure's question and its commit.
    """
    if isinstance(error, ApiTelegramException):
        return bool(error.error_code != 429 and error.error_code < 500)
    if isinstance(error, TelegramError):
        return not error.is_temporary
    if isinstance(error, Refusal):
        return error.sqlstate not in _OVERTAKEN
    return not isinstance(error, DatabaseUnavailable | ExternalServiceError | RequestError)


def _fail(context: UpdateContext, error: Exception) -> WebhookResponse:
    """Give lease and request back. After the third failure of our own the person gets an apology, and at once
    when the update cannot be read at all."""
    ours = is_own_failure(error)
    name = f"{type(error).__name__}: {error}"
    log.error(
        "the handler failed",
        action="handler_failed",
        bot=context.bot.name,
        counts=ours,
        error=name,
        update_id=context.update.update_id,
    )
    context.calls.clear()
    context.reply(context.rich("failed"))
    apology = context.calls[-1]
    failed = _record_failure(
        context.bot,
        context.update,
        context.attempt,
        name,
        counts=ours,
        final=isinstance(error, InvalidPayload),
        apology=apology,
        failures=context.failures + 1,
        ai_calls=context.ai_calls,
    )
    return failed if failed is not None else retry_later()


def _dead_letter_crashed(bot: Bot, update: Update, received: dict[str, Any]) -> WebhookResponse:
    """Put an update aside whose workers vanish one after another (out of memory, most likely)."""
    language = texts.choose(received["user"]["language"], received["user"]["language_code"])
    text, entities = texts.rich(language, "failed")
    parameters: dict[str, Any] = {"chat_id": update.chat_id, "text": text, "entities": entities}
    if update.thread_id:
        parameters["message_thread_id"] = update.thread_id
    apology = {"method": "sendMessage", "parameters": parameters}
    failed = _record_failure(
        bot,
        update,
        received["attempt"],
        "its workers vanished",
        counts=False,
        final=True,
        apology=apology,
        failures=received["failures"],
    )
    return failed if failed is not None else retry_later(5)


def _record_failure(
    bot: Bot,
    update: Update,
    attempt: int,
    error: str,
    *,
    counts: bool,
    apology: BotApiCall,
    failures: int,
    final: bool = False,
    ai_calls: Sequence[Mapping[str, Any]] = (),
) -> WebhookResponse | None:
    """Record a failure; returns what to answer, or None when not even that could be recorded."""
    error = log.redact_secrets(error)
    try:
        failed = db.call(
            "fail_update",
            p_bot=bot.name,
            p_update_id=update.update_id,
            p_attempt=attempt,
            p_error=error,
            p_counts=counts,
            p_final=final,
            p_answer={"method": apology["method"], **apology["parameters"]},
            p_alert={
                "bot": bot.name,
                "update_id": update.update_id,
                "failures": failures,
                "error": error[:300],
            },
            p_usage=list(ai_calls),
        )
    except DatabaseUnavailable:
        return None
    if failed["outcome"] != "dead_lettered":
        # Without Retry-After, Telegram delivers the second time at once: a transient cause needs a moment.
        return (
            WebhookResponse(500, retry_after=SHORTEST_PAUSE if failures == 1 else LONGEST_PAUSE)
            if counts
            else retry_later()
        )
    log.alert(
        "an update was put aside",
        action="update_dead_lettered",
        bot=bot.name,
        error=error,
        update_id=update.update_id,
    )
    return WebhookResponse(body=failed["answer"])
