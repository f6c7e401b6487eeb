"""The HTTP edge of a bot: authenticates the webhook call, validates it, and chooses the status.

| status | when | what Telegram does |
|---|---|---|
| 200 | done, nothing to do, or dead-lettered | continues with the chat |
| 400 | the request was aborted, or its body is not valid HTTP | delivers again |
| 401 | the secret header is missing or wrong | (the caller is not Telegram) |
| 404 | no bot has this name | (a wrong URL is set) delivers again |
| 405 | not a POST | (the caller is not Telegram) |
| 500 | our own code failed | delivers again after Retry-After; the third failure dead-letters |
| 503 | in progress, or no database and no `fallback` | delivers again after Retry-After |

An authentic but invalid body gets a 200 too: Telegram would resend it for a day and block its chat meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import orjson

from shared import bots
from shared.core import db, health, log
from shared.core.config import settings
from shared.core.errors import ConfigError, DatabaseUnavailable
from shared.core.json_types import JsonObject
from shared.core.request_receiver import read_body
from shared.core.signatures import token_matches
from shared.telegram import fallback, pipeline
from shared.telegram.failures import is_own_failure
from shared.telegram.link_previews import without_preview
from shared.telegram.messages import without_ordering
from shared.telegram.responses import DONE, SHORTEST_PAUSE, WebhookResponse, retry_later
from shared.telegram.update import CHOSEN_RESULT, INLINE_KINDS, SESSIONLESS, STOPPED, Update
from shared.telegram.update_parsing import MAX_BODY, InvalidPayload, parse

if TYPE_CHECKING:
    from flask import Request

    from shared.core.sql_types import DeadLetterUpdate, MigrateChat
    from shared.telegram.bot import Bot

Response = tuple[bytes, int, dict[str, str]]
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the name of a header
_MAX_STORED = 64 * 1024  # bytes of an invalid body that are stored


def admits(_path: str, headers: Mapping[str, str]) -> bool:
    """Return whether the headers authenticate the call, so that its body is worth reading."""
    return token_matches(headers.get(SECRET_HEADER.lower()), settings().telegram_webhook_secrets)


def respond(request: Request) -> Response:
    """Answer one webhook call. Never raises: an error is logged and answered with a status that retries."""
    log.start_trace(request.headers)
    if (answer := health.respond(request)) is not None:
        return answer
    try:
        return _response(_answer(request))
    except ConfigError as error:
        log.alert(f"a setting is wrong: {error}", action="config_error")
        return _response(retry_later(5))
    except DatabaseUnavailable:
        return _response(retry_later())
    except Exception as error:
        if not is_own_failure(error):  # for example getMe
            log.warning("another service failed", action="webhook_postponed", error=str(error))
            return _response(retry_later())
        log.error("the webhook failed", action="webhook_failed", error=str(error))
        return _response(WebhookResponse(500, retry_after=SHORTEST_PAUSE))


def _response(answer: WebhookResponse) -> Response:
    headers = {"Content-Type": "application/json"} if answer.body else {"Content-Type": "text/plain"}
    if answer.retry_after:
        headers["Retry-After"] = str(answer.retry_after)
    return _json(answer.body) if answer.body else b"", answer.status, headers


def _json(body: JsonObject) -> bytes:
    return orjson.dumps(without_preview(body["method"], without_ordering(body)))


def _answer(request: Request) -> WebhookResponse:
    if request.method != "POST":
        return WebhookResponse(405)
    if not token_matches(request.headers.get(SECRET_HEADER), settings().telegram_webhook_secrets):
        log.warning("a webhook call has no valid secret", action="webhook_unauthorized", path=request.path)
        return WebhookResponse(401)
    name = bot_name(request.path)
    if name not in bots.names() or name not in settings().bot_tokens:
        log.warning("a webhook call names an unknown bot", action="unknown_bot", path=request.path)
        return WebhookResponse(404)
    body = read_body(request, MAX_BODY)
    if body is None:
        log.warning("a webhook call was aborted", action="webhook_aborted", bot=name)
        return WebhookResponse(400)
    return receive(bots.load(name), body, request.content_length or 0)


def bot_name(path: str) -> str:
    """Return the bot name of `/<bot>`, or of `/telegram/<bot>` behind a gateway that keeps the prefix."""
    parts = [part for part in path.split("/") if part]
    if parts[:1] == ["telegram"]:
        parts = parts[1:]
    return parts[0] if len(parts) == 1 else ""


def receive(bot: Bot, body: bytes, length: int = 0) -> WebhookResponse:
    """Answer the body of an authenticated call.

    Raises:
        DatabaseUnavailable: the update was not stored, and it must not be answered without.
    """
    try:
        update = parse(bot.name, body)
    except InvalidPayload as reason:
        return _dead_letter(bot, reason, body, max(length, len(body)))
    if update is None:
        return DONE
    if update.is_payment_update and bot.handles(update.kind):
        return _process_without_session(bot, update, body)
    if not (settings().database_enabled or fallback.is_answerable(update)):
        return DONE  # for example a block: no stored state to change
    if update.migration:
        return _migrate_chat(*update.migration)
    is_wanted = _may_be_handled(bot, update) or (update.is_silent_edit and _is_shown(update))
    return _process(bot, update, body) if is_wanted else _answer_unhandled(bot, update)


def _process(bot: Bot, update: Update, body: bytes) -> WebhookResponse:
    if update.kind in SESSIONLESS:
        return _process_without_session(bot, update, body)
    if (answer := fallback.previous_answer(update)) is not None:
        return answer
    if update.kind == CHOSEN_RESULT:
        from shared.telegram import inline

        if (answer := inline.invitation(bot, update)) is not None:
            return answer
    delivery = fallback.record_delivery(update)
    try:
        return pipeline.process(bot, update)
    except DatabaseUnavailable as error:
        if error.maybe_executed or not fallback.is_first_delivery(delivery):
            raise
        return fallback.process(bot, update)


def _migrate_chat(old: int, new: int) -> WebhookResponse:
    moved: MigrateChat = db.call("migrate_chat", p_old=old, p_new=new)
    log.info("a group became a supergroup", action="chat_migrated", sessions=moved["sessions"])
    return DONE


def _process_without_session(bot: Bot, update: Update, body: bytes) -> WebhookResponse:
    from shared.telegram import payment_updates, sessionless

    process = payment_updates.process if update.is_payment_update else sessionless.process
    try:
        return process(bot, update)
    except InvalidPayload as reason:
        return _dead_letter(bot, reason, body, len(body))


def _may_be_handled(bot: Bot, update: Update) -> bool:
    """Whether a handler may match; an update without one costs no round trip to the database."""
    return (
        bot.handles(update.kind)
        and (update.kind not in INLINE_KINDS or settings().has_inline_mode)
        and (update.kind != CHOSEN_RESULT or bool(update.inline_message_id))
        and not bot.has_sent(update)
        and not update.is_silent_edit
        and (update.user is not None or update.kind == STOPPED)
        and bot.is_addressed(update)
    )


def _is_shown(update: Update) -> bool:
    """Whether the conversation of the messenger shows an update that no handler takes."""
    if not settings().messenger_bots:
        return False
    from shared.telegram.messenger.incoming import is_edited_caption

    return is_edited_caption(update)


def _answer_unhandled(bot: Bot, update: Update) -> WebhookResponse:
    if not update.anonymous_sender:
        return DONE
    from shared.telegram import anonymous

    return anonymous.answer(bot, update)


def _dead_letter(bot: Bot, reason: InvalidPayload, body: bytes, length: int) -> WebhookResponse:
    """Store an invalid body for the owner and acknowledge it, so that the chat continues."""
    if not settings().database_enabled:
        log.alert("an invalid update was dropped", action="update_invalid", bot=bot.name, reason=str(reason))
        return DONE
    text = log.redact_secrets(body[:_MAX_STORED].decode("utf-8", "replace").replace("\0", ""))
    stored: DeadLetterUpdate = db.call(
        "dead_letter_update",
        p_bot=bot.name,
        p_update_id=reason.update_id,
        p_error=log.redact_secrets(str(reason))[:500],
        p_body=text,
    )
    if stored["outcome"] == "dead_lettered":
        log.alert(
            "an invalid update was dead-lettered",
            action="update_invalid",
            bot=bot.name,
            bytes=length,
            reason=str(reason),
        )
    return DONE
