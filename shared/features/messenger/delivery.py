"""Delivers messages of the team: each is claimed, sent once, and its result recorded.

A message whose sender dies between the claim and the record becomes unknown, and so does one for which
Telegram gave no answer: it may have arrived, so only a member of the team sends it again.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from shared.core import db, log
from shared.core.errors import ConfigError, DatabaseUnavailable, TelegramError
from shared.core.json_types import JsonObject, JsonValue
from shared.telegram import api
from shared.telegram.messenger.incoming import describe_message

if TYPE_CHECKING:
    from shared.core.sql_types import ClaimConversationDelivery

_METHODS = {
    "text": ("sendMessage", "text"),
    "photo": ("sendPhoto", "photo"),
    "video": ("sendVideo", "video"),
    "voice": ("sendVoice", "voice"),
    "audio": ("sendAudio", "audio"),
    "document": ("sendDocument", "document"),
    "animation": ("sendAnimation", "animation"),
}
_LEASE_MARGIN = 30  # seconds of a lease beyond the longest call
_DEACTIVATED = "deactivated"


class Upload(NamedTuple):
    """A file that only this request has: it cannot wait in the queue."""

    message_id: int
    name: str
    content: bytes
    mime: str


def deliver(deadline: float, *, conversation_id: int | None = None, upload: Upload | None = None) -> int:
    """Deliver what is due, of one conversation or of all, until `deadline` (monotonic seconds).

    Returns how many messages were tried.

    Raises:
        DatabaseUnavailable: nothing more can be claimed.
    """
    count = 0
    while monotonic() < deadline:
        claimed: ClaimConversationDelivery | None = db.call(
            "claim_conversation_delivery",
            p_conversation_id=conversation_id,
            p_message_id=upload.message_id if upload else None,
            p_lease_seconds=int(api.FILE_TIMEOUT) + _LEASE_MARGIN,
        )
        if claimed is None:
            break
        _deliver(claimed, upload)
        count += 1
    return count


def _deliver(claimed: ClaimConversationDelivery, upload: Upload | None) -> None:
    result: JsonObject
    try:
        sent = _send(claimed, upload)
        result = {"p_outcome": "sent", **_of_sent(claimed, sent)}
    except TelegramError as error:
        result = failure(error)
        log.info(
            "a message of the team was not delivered",
            action="messenger_not_delivered",
            bot=claimed["bot"],
            outcome=result["p_outcome"],
            reason=str(error),
        )
    except ConfigError as error:  # a bot without a token
        log.alert(f"a setting is wrong: {error}", action="config_error")
        result = {"p_outcome": "failed", "p_error": "no token"}
    try:
        _record(claimed, result)
    except DatabaseUnavailable as error:
        # The lease runs out, and the message becomes unknown.
        log.warning("the result of a delivery was lost", action="messenger_result_lost", reason=str(error))


def _record(claimed: ClaimConversationDelivery, result: JsonObject) -> None:
    db.call(
        "record_conversation_delivery",
        p_message_id=claimed["message_id"],
        p_lease=claimed["lease"],
        p_outcome=result["p_outcome"],
        p_telegram_message_id=result.get("p_telegram_message_id"),
        p_error=result.get("p_error"),
        p_retry_after=result.get("p_retry_after", 0),
        p_media=result.get("p_media"),
    )


def failure(error: TelegramError) -> JsonObject:
    """Return how a refused call is recorded. Only a rate limit has sent nothing for certain."""
    if error.status == 429:
        return {"p_outcome": "later", "p_retry_after": error.retry_after or 5, "p_error": "rate limit"}
    if error.is_temporary:
        return {"p_outcome": "unknown", "p_error": error.description}
    if error.status == 403:
        reason = _DEACTIVATED if _DEACTIVATED in error.description else "blocked"
        return {"p_outcome": "failed", "p_error": reason}
    return {"p_outcome": "failed", "p_error": error.description}


def _send(claimed: ClaimConversationDelivery, upload: Upload | None) -> JsonValue:
    method, field = _METHODS[claimed["kind"]]
    parameters: JsonObject = {"chat_id": claimed["chat_id"]}
    if claimed["connection"]:
        parameters["business_connection_id"] = claimed["connection"]
    if claimed["reply_to"] is not None:
        parameters["reply_parameters"] = {
            "message_id": claimed["reply_to"],
            "allow_sending_without_reply": True,
        }
    if claimed["buttons"]:
        parameters["reply_markup"] = keyboard(claimed["buttons"])
    if claimed["kind"] == "text":
        return api.call(claimed["bot"], method, {**parameters, field: claimed["body"]})
    if claimed["body"]:
        parameters["caption"] = claimed["body"]
    media: JsonObject = claimed["media"] if isinstance(claimed["media"], dict) else {}
    if upload is not None and upload.message_id == claimed["message_id"]:
        file = (upload.name, upload.content, upload.mime)
        return api.upload(claimed["bot"], method, parameters, {field: file}, timeout=api.FILE_TIMEOUT)
    return api.call(claimed["bot"], method, {**parameters, field: media.get("file_id")})


def _of_sent(claimed: ClaimConversationDelivery, sent: JsonValue) -> JsonObject:
    """Return what is recorded of Telegram's message."""
    if not isinstance(sent, dict) or type(sent.get("message_id")) is not int:
        return {}
    described = describe_message(sent) or {}
    media = described.get("media") if claimed["kind"] != "text" else None
    return {"p_telegram_message_id": sent["message_id"], "p_media": media}


def keyboard(buttons: JsonValue) -> JsonObject:
    """Return rows of {text, url} or {text, data} as the Bot API takes them."""
    return {
        "inline_keyboard": [
            [
                {"text": button["text"], "url": button["url"]}
                if "url" in button
                else {"text": button["text"], "callback_data": button["data"]}
                for button in row
            ]
            for row in buttons
        ]
    }
