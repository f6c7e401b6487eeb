"""Delivers outbox items: Bot API calls that were stored in the database before the first attempt.

Items that cannot be delivered now stay in the database for the sweep, which retries them for a day.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from time import monotonic, sleep
from typing import TYPE_CHECKING, Literal, NotRequired, TypedDict

from shared.core import db, log
from shared.core.config import settings
from shared.core.errors import ConfigError, DatabaseUnavailable, TelegramError
from shared.core.json_types import JsonObject, JsonValue
from shared.telegram import api, templates
from shared.telegram.messages import without_ordering

if TYPE_CHECKING:
    from shared.core.sql_types import (
        ClaimOutbox,
        OutboxItem,
        OutgoingItem,
        RecordDeliveries,
        SaveGenerationMessage,
    )

# Error descriptions of a chat or topic in which the bot may not write.
_NO_RIGHTS = re.compile(
    r"not enough rights|have no rights to send|CHAT_WRITE_FORBIDDEN"
    r"|CHAT_RESTRICTED|CHAT_SEND_\w{1,32}_FORBIDDEN|TOPIC_CLOSED|CHAT_ADMIN_REQUIRED|USER_BANNED_IN_CHANNEL",
    re.IGNORECASE,
)
# The topic was deleted, or the group no longer has topics (tucnak/telebot 762, BetterForward 58).
_NO_TOPIC = re.compile(r"message thread not found|TOPIC_DELETED", re.IGNORECASE)
# The message already has this text, was deleted, or can no longer be edited or deleted.
_NO_EDIT = re.compile(
    r"message is not modified|message to edit not found|message can't be edited|MESSAGE_ID_INVALID"
    r"|message to delete not found|message can't be deleted",
    re.IGNORECASE,
)
_EDITS = ("editMessageText", "editMessageReplyMarkup", "deleteMessage")
_MIN_TIME = 1.0  # seconds that must be left for another attempt
DELIVERY_TIME = 3.0  # seconds for the messages of one SQL function; the sweep delivers what is left
_CHAT_TIME = 5.0  # seconds per chat in one sweep, so that a rate-limited chat does not delay the others


class DeliveryResult(TypedDict):
    """The result of one delivery, as `record_deliveries` takes it. `retry_after` is in seconds."""

    id: int
    outcome: Literal["sent", "refused", "blocked", "later"]
    retry_after: NotRequired[float]
    error: NotRequired[str]
    message_id: NotRequired[int]
    notice: NotRequired[JsonObject]


def deliver(bot: str, items: Sequence[OutboxItem], deadline: float, *, notes_messages: bool = False) -> None:
    """Deliver items in order until `deadline` (monotonic seconds) and record the results.

    With `notes_messages`, the results name the messages that Telegram made, for the conversation of the
    messenger.

    An item that must be retried postpones the items behind it: parts of an answer never arrive out of order.
    No delivery starts after `deadline`: claimed items are leased for one minute.
    """
    if not items:
        return
    results: list[DeliveryResult] = []
    for item in items:
        if results and results[-1]["outcome"] == "later":
            results.append({**results[-1], "id": item["id"], "error": "behind another"})
        elif monotonic() > deadline:
            results.append(_postponed(item, 0, "no time left"))
        else:
            results.append(_deliver_one(bot, item, deadline, notes_messages))
    _record(results)


def deliver_outgoing(outgoing: Iterable[OutgoingItem], seconds: float = DELIVERY_TIME) -> None:
    """Deliver messages that a SQL function enqueued and returned as due; the sweep delivers what is left."""
    deadline = monotonic() + seconds
    for message in outgoing:  # one call per message: a blocked chat delays no other
        bot = message["bot"]
        deliver(bot, [message], deadline, notes_messages=_has_messenger(bot))


def postpone(outgoing: Iterable[OutgoingItem], seconds: float) -> None:
    """Leave messages that a SQL function enqueued to the sweep, at the earliest after `seconds`."""
    _record([_postponed(message, seconds, "the bot has no room") for message in outgoing])


def deliver_due(limit: int, deadline: float) -> int:
    """Claim up to `limit` due items, deliver them grouped by chat, and return their number."""
    due: list[ClaimOutbox] = db.call("claim_outbox", p_limit=limit)
    groups: dict[tuple[str, int], list[OutboxItem]] = {}
    for item in due:
        groups.setdefault((item["bot"], item["parameters"]["chat_id"]), []).append(item)
    for (bot, _chat), items in groups.items():
        until = min(deadline, monotonic() + _CHAT_TIME)
        deliver(bot, items, until, notes_messages=_has_messenger(bot))
    return len(due)


def send(bot: str, method: str, parameters: JsonObject, deadline: float) -> JsonValue:
    """Make one Bot API call and return its result; retry while Retry-After fits into the time left.

    Raises:
        TelegramError: the call was refused, or the retry must wait beyond `deadline`.
    """
    keeps_topic = "returns" in parameters  # an admins' topic: elsewhere, others might read it
    method, parameters = _to_bot_api(method, parameters)
    while True:
        try:
            return api.call(bot, method, parameters, timeout=_timeout(deadline))
        except TelegramError as error:
            if error.status == 0:
                # Telegram may have processed the call; this retry is how a message can arrive twice.
                log.warning(
                    "no response to a Bot API call",
                    action="answer_lost",
                    bot=bot,
                    method=method,
                    reason=str(error),
                )
            if changed := _corrected(bot, parameters, error, keeps_topic):
                parameters = changed
            elif error.is_temporary and monotonic() + (error.retry_after or 0.5) + _MIN_TIME < deadline:
                sleep(error.retry_after or 0.5)
            else:
                raise


def may_not_write(error: TelegramError) -> bool:
    """Return whether a call was refused because the bot may not write in the chat."""
    return error.status == 400 and bool(_NO_RIGHTS.search(error.description))


def is_topic_gone(error: TelegramError) -> bool:
    """Return whether a call was refused because the chat no longer has the topic."""
    return bool(_NO_TOPIC.search(error.description))


def _has_messenger(bot: str) -> bool:
    if not settings().messenger_bots:
        return False
    from shared.telegram.messenger.incoming import has_messenger

    return has_messenger(bot)


def _deliver_one(bot: str, item: OutboxItem, deadline: float, notes_messages: bool) -> DeliveryResult:
    try:
        sent = send(bot, item["method"], item["parameters"], deadline)
        if "order_id" in item["parameters"]:
            _save_invitation(item["parameters"]["order_id"], sent)
        if "generation_id" in item["parameters"]:
            _save_status_message(item["parameters"]["generation_id"], sent)
        if notes_messages and isinstance(sent, dict) and "message_id" in sent:
            result: DeliveryResult = {"id": item["id"], "outcome": "sent", "message_id": sent["message_id"]}
            if item["method"] == templates.METHOD and (notice := _notice(item, sent)):
                result["notice"] = notice
            return result
        return {"id": item["id"], "outcome": "sent"}
    except TelegramError as error:
        return _failure_result(bot, item, error)
    except ConfigError as error:  # a bot without a token must not delay the other bots
        log.alert(f"a setting is wrong: {error}", action="config_error")
        return _postponed(item, 0, str(error))
    except KeyError as error:  # enqueued by a newer revision whose text does not exist here yet
        log.alert(f"a template names an unknown text: {error}", action="template_unknown", bot=bot)
        return _postponed(item, 0, f"no text {error}")


def _notice(item: OutboxItem, sent: JsonObject) -> JsonObject | None:
    """Return what the conversation of the messenger shows of a template; None outside of private chats."""
    if not isinstance(chat := sent.get("chat"), dict) or chat.get("type") != "private":
        return None
    from shared.telegram.messenger.outgoing import describe_notice

    described = describe_notice(sent)
    return {**described, "is_edit": True} if "message_id" in item["parameters"] else described


def _save_invitation(order_id: int, sent: JsonValue) -> None:
    """Save the id of the message that invites to pay an order, so that it can be edited later."""
    try:
        db.call("save_invitation", p_order_id=order_id, p_message_id=sent["message_id"])
    except (DatabaseUnavailable, KeyError, TypeError) as error:
        log.warning(
            "the id of a payment message was not saved", action="invitation_not_saved", reason=str(error)
        )


def _save_status_message(generation_id: int, sent: JsonValue) -> None:
    """Save the id of the message about a job in progress; when the job is over, it is deleted at once."""
    try:
        saved: SaveGenerationMessage = db.call(
            "save_generation_message", p_id=generation_id, p_message_id=sent["message_id"]
        )
        deliver_outgoing(saved["outgoing"])
    except (DatabaseUnavailable, KeyError, TypeError) as error:
        log.warning("the id of a message was not saved", action="status_message_not_saved", reason=str(error))


def _postponed(item: OutboxItem, retry_after: float, error: str) -> DeliveryResult:
    return {"id": item["id"], "outcome": "later", "retry_after": retry_after, "error": error}


def _failure_result(bot: str, item: OutboxItem, error: TelegramError) -> DeliveryResult:
    """Classify a failed delivery: retry it, or drop the item because a retry cannot succeed."""
    method = item["method"]
    if error.is_temporary:
        log.warning(
            "a Bot API call was postponed",
            action="call_postponed",
            bot=bot,
            method=method,
            reason=str(error),
        )
        return _postponed(item, error.retry_after or 0, str(error))
    if error.status == 403 and "inline_message_id" not in item["parameters"]:
        log.info(
            "the user blocked the bot", action="bot_blocked", bot=bot, chat_id=item["parameters"]["chat_id"]
        )
        return {"id": item["id"], "outcome": "blocked", "error": error.description}
    if method in (*_EDITS, templates.METHOD) and _NO_EDIT.search(error.description):
        log.info("a message was not edited", action="edit_refused", bot=bot, reason=str(error))
        return {"id": item["id"], "outcome": "refused"}
    if _NO_RIGHTS.search(error.description):
        log.info("the bot may not write in a chat", action="chat_restricted", bot=bot, reason=str(error))
        return {"id": item["id"], "outcome": "refused", "error": error.description}
    log.alert(
        "Telegram refused a Bot API call", action="call_refused", bot=bot, method=method, reason=str(error)
    )
    return {"id": item["id"], "outcome": "refused", "error": error.description}


def _corrected(
    bot: str, parameters: JsonObject, error: TelegramError, keeps_topic: bool
) -> JsonObject | None:
    """Return changed parameters with which a refused call may succeed; None if no change can help."""
    if error.migrate_to_chat_id and error.migrate_to_chat_id != parameters.get("chat_id"):
        return {**parameters, "chat_id": error.migrate_to_chat_id}
    if parameters.get("message_thread_id") and _NO_TOPIC.search(error.description):
        if keeps_topic:
            return None
        return {key: value for key, value in parameters.items() if key != "message_thread_id"}
    is_about_chat = _NO_EDIT.search(error.description) or _NO_RIGHTS.search(error.description)
    if error.status == 400 and parameters.get("entities") and not is_about_chat:
        # Unformatted text is better than no answer.
        log.error("Telegram refused the entities", action="entities_refused", bot=bot, reason=str(error))
        return {key: value for key, value in parameters.items() if key != "entities"}
    return None


def _to_bot_api(method: str, parameters: JsonObject) -> tuple[str, JsonObject]:
    """Render a template; drop parameters that only the outbox uses: orders, jobs, a chat_id for ordering."""
    if method == templates.METHOD:
        return templates.render(parameters)
    internal = {"order_id", "generation_id"} | ({"chat_id"} if method == "setMyCommands" else set())
    return method, without_ordering({key: value for key, value in parameters.items() if key not in internal})


def _timeout(deadline: float) -> float:
    return min(max(deadline - monotonic(), _MIN_TIME), api.TIMEOUT)


def _record(results: list[DeliveryResult]) -> None:
    try:
        recorded: RecordDeliveries = db.call("record_deliveries", p_results=results)
    except DatabaseUnavailable:
        # Delivered items will be delivered again: at-least-once delivery.
        return
    if recorded["dropped"]:
        log.alert(
            "Bot API calls were dropped after a day of retries",
            action="calls_dropped",
            count=recorded["dropped"],
        )
