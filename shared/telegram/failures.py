"""Records failed updates. After three failures of our own code an update is dead-lettered with an apology."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from telebot.apihelper import ApiTelegramException

from shared.core import db, log, texts
from shared.core.errors import DatabaseUnavailable, ExternalServiceError, Refusal, TelegramError
from shared.core.http import RequestError
from shared.core.json_types import JsonObject
from shared.telegram.context import BotApiCall, UpdateContext
from shared.telegram.messages import inline_edit
from shared.telegram.responses import LONGEST_PAUSE, SHORTEST_PAUSE, WebhookResponse, retry_later
from shared.telegram.update import Update
from shared.telegram.update_parsing import InvalidPayload

if TYPE_CHECKING:
    from shared.core.sql_types import FailUpdate, ReceiveUpdate

# Erasure was refused because money arrived or a renewal began after the question; the user is asked again.
_ERASURE_CONFLICTS = ("Y0001", "Y0002")


def is_own_failure(error: Exception) -> bool:
    """Return whether our own code failed, not the database, the network or another service.

    An erasure that conflicts with a concurrent payment is no failure of our own either.
    """
    if isinstance(error, ApiTelegramException):
        return bool(error.error_code != 429 and error.error_code < 500)
    if isinstance(error, TelegramError):
        return not error.is_temporary
    if isinstance(error, Refusal):
        return error.sqlstate not in _ERASURE_CONFLICTS
    return not isinstance(error, DatabaseUnavailable | ExternalServiceError | RequestError)


@contextmanager
def own_failures_invalid(bot: str, update: Update, what: str, action: str) -> Iterator[None]:
    """Turn failures of our own code into InvalidPayload, for updates that no row counts the failures of.

    Args:
        what: the update in words.
        action: of the line in the log.

    Raises:
        InvalidPayload: our own code failed; the update is to be dead-lettered.
    """
    try:
        yield
    except Exception as error:
        if not is_own_failure(error):
            raise
        log.error(f"a {what} failed", action=action, bot=bot, error=str(error), update_id=update.update_id)
        raise InvalidPayload(f"{what}: {type(error).__name__}", update.update_id) from None


def handler_failed(context: UpdateContext, error: Exception) -> WebhookResponse:
    """Record a failed handler: release its lease and reservation, and return the response for Telegram.

    The third failure of our own code dead-letters the update and apologizes to the user. An update that
    cannot be parsed is dead-lettered at once.
    """
    is_own = is_own_failure(error)
    name = f"{type(error).__name__}: {error}"
    log.error(
        "the handler failed",
        action="handler_failed",
        bot=context.bot.name,
        counts=is_own,
        error=name,
        update_id=context.update.update_id,
    )
    context.calls.clear()
    context.reply(context.rich("failed"))
    return _record(
        context.bot.name,
        context.update,
        context.attempt,
        name,
        counts=is_own,
        final=isinstance(error, InvalidPayload),
        apology=context.calls[-1],
        failures=context.failures + 1,
        ai_calls=context.ai_calls,
    )


def workers_crashed(bot: str, update: Update, received: ReceiveUpdate) -> WebhookResponse:
    """Dead-letter an update whose workers crashed repeatedly (most likely out of memory)."""
    language = texts.choose(received["user"]["language"], received["user"]["language_code"])
    apology = texts.rich(language, "failed")
    parameters: JsonObject = {"chat_id": update.chat_id, "text": apology.text, "entities": apology.entities}
    if update.thread_id:
        parameters["message_thread_id"] = update.thread_id
    method = "sendMessage"
    if update.inline_message_id:
        method, parameters = "editMessageText", inline_edit(update, apology, [])
    return _record(
        bot,
        update,
        received["attempt"],
        "its workers vanished",
        counts=False,
        final=True,
        apology={"method": method, "parameters": parameters},
        failures=received["failures"],
    )


def _record(
    bot: str,
    update: Update,
    attempt: int,
    error: str,
    *,
    counts: bool,
    final: bool,
    apology: BotApiCall,
    failures: int,
    ai_calls: Sequence[Mapping[str, object]] = (),
) -> WebhookResponse:
    """Record a failure. `counts`: it counts towards the limit of three; `final`: dead-letter at once."""
    error = log.redact_secrets(error)
    try:
        failed: FailUpdate = db.call(
            "fail_update",
            p_bot=bot,
            p_update_id=update.update_id,
            p_attempt=attempt,
            p_error=error,
            p_counts=counts,
            p_final=final,
            p_answer={"method": apology["method"], **apology["parameters"]},
            p_alert={"bot": bot, "update_id": update.update_id, "failures": failures, "error": error[:300]},
            p_usage=list(ai_calls),
        )
    except DatabaseUnavailable:
        return retry_later(LONGEST_PAUSE)
    if failed["outcome"] != "dead_lettered":
        # Without Retry-After, Telegram retries the first time at once, too soon for a transient cause.
        pause = SHORTEST_PAUSE if failures == 1 else LONGEST_PAUSE
        return WebhookResponse(500, retry_after=pause) if counts else retry_later()
    log.alert(
        "an update was dead-lettered",
        action="update_dead_lettered",
        bot=bot,
        error=error,
        update_id=update.update_id,
    )
    return WebhookResponse(body=failed["answer"])
