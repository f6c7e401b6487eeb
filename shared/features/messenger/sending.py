"""Sends, edits and deletes messages of the team at once; the job delivers what is left or comes later."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING

from shared.core import clock, db, log, texts
from shared.core.errors import DatabaseUnavailable, SwitchboardError, TelegramError
from shared.core.json_types import JsonObject
from shared.core.redaction import looks_like_secret
from shared.features.messenger import delivery
from shared.telegram import api

if TYPE_CHECKING:
    from shared.core.sql_types import (
        CloseConversation,
        DeleteConversationMessage,
        DeleteConversationMessageCall,
        EditConversationMessage,
        EditConversationMessageCall,
        RetryConversationMessage,
        SendConversationMessage,
        SwitchConversationHandler,
        ViewConversation,
    )

_DELIVERY_TIME = 25.0  # seconds that a page waits for Telegram; the job delivers what is left
_UNCHANGED = "message is not modified"
_GONE = "message to delete not found"
RATINGS = ("😡", "🙁", "😐", "🙂", "😀")  # buttons of the question after closing, 1 to 5


class SecretInText(SwitchboardError):
    """A text looks like a credential, which is never stored in clear."""


def notice(key: str) -> dict[str, str]:
    """Return a text in every language, of which SQL takes the user's."""
    return {language: texts.text(language, key) for language in texts.languages()}


def send(
    actor_id: int,
    conversation_id: int,
    body: str,
    seen_seq: int,
    reference: str,
    *,
    send_after: datetime | None = None,
    reply_to: int | None = None,
    buttons: Sequence[Sequence[JsonObject]] | None = None,
    kind: str = "text",
    media: JsonObject | None = None,
    file: tuple[str, bytes, str] | None = None,
) -> SendConversationMessage:
    """Queue a message of a member of the team and deliver it, unless it is to be sent later.

    Args:
        seen_seq: number of the newest message that the sender has seen; a newer one is a conflict.
        reference: idempotency key of the form.
        reply_to: number of the message that it replies to.
        buttons: rows of {text, url}.
        kind: with `media` or `file`: photo, video, voice, audio, document or animation.
        media: {file_id} of the same bot.
        file: name, content and media type of an uploaded file.

    Raises:
        SecretInText: the text looks like a credential.
        Refusal: N0009, I0001 or I0002, see the SQL function.
        DatabaseUnavailable: nothing was queued, or what was queued stays for the job.
    """
    if looks_like_secret(body):
        raise SecretInText
    if file is not None:
        media = {"upload": True, "name": file[0], "mime": file[2], "size": len(file[1])}
    sent: SendConversationMessage = db.call(
        "send_conversation_message",
        p_actor_id=actor_id,
        p_conversation_id=conversation_id,
        p_body=body,
        p_seen_seq=seen_seq,
        p_reference=reference,
        p_send_after=send_after.isoformat() if send_after else None,
        p_reply_to=reply_to,
        p_buttons=buttons,
        p_kind=kind,
        p_media=media,
        p_notice=notice("messenger_taken_over"),
    )
    if sent["outcome"] == "sent_to_queue" and (send_after is None or send_after <= clock.now()):
        upload = delivery.Upload(sent["message"]["id"], *file) if file is not None else None
        _deliver(conversation_id, upload)
    return sent


def retry(actor_id: int, message_id: int, conversation_id: int) -> RetryConversationMessage:
    """Send a message again that failed or whose outcome is unknown.

    Raises:
        Refusal: N0009, I0001 or I0002.
    """
    queued: RetryConversationMessage = db.call(
        "retry_conversation_message", p_actor_id=actor_id, p_message_id=message_id
    )
    _deliver(conversation_id, None)
    return queued


def edit(actor_id: int, message_id: int, body: str) -> EditConversationMessage:
    """Edit a message of the team, here and at Telegram.

    Raises:
        SecretInText: the text looks like a credential.
        Refusal: N0009, I0001 or I0002.
        TelegramError: Telegram did not edit it; nothing changed.
    """
    if looks_like_secret(body):
        raise SecretInText
    edited: EditConversationMessage = db.call(
        "edit_conversation_message", p_actor_id=actor_id, p_message_id=message_id, p_body=body
    )
    if edited["outcome"] != "call":
        return edited
    call = edited["call"]
    field = "text" if call["kind"] == "text" else "caption"
    parameters: JsonObject = {**_address(call), field: body}
    if call["buttons"]:
        parameters["reply_markup"] = delivery.keyboard(call["buttons"])
    method = "editMessageText" if call["kind"] == "text" else "editMessageCaption"
    _call(call["bot"], method, parameters, harmless=_UNCHANGED)
    done: EditConversationMessage = db.call(
        "edit_conversation_message",
        p_actor_id=actor_id,
        p_message_id=message_id,
        p_body=body,
        p_is_done=True,
    )
    return done


def delete(actor_id: int, message_id: int) -> DeleteConversationMessage:
    """Delete a message of the team from the user's chat; here its text stays.

    Raises:
        Refusal: N0009 or I0001.
        TelegramError: Telegram did not delete it; nothing changed.
    """
    deleted: DeleteConversationMessage = db.call(
        "delete_conversation_message", p_actor_id=actor_id, p_message_id=message_id
    )
    if deleted["outcome"] != "call":
        return deleted
    call = deleted["call"]
    _call(call["bot"], "deleteMessage", _address(call), harmless=_GONE)
    done: DeleteConversationMessage = db.call(
        "delete_conversation_message", p_actor_id=actor_id, p_message_id=message_id, p_is_done=True
    )
    return done


def close(actor_id: int, conversation_id: int, *, asks: bool) -> CloseConversation:
    """Close a conversation; with `asks`, the user is asked how it was.

    Raises:
        Refusal: N0009 or I0001.
    """
    closed: CloseConversation = db.call(
        "close_conversation",
        p_actor_id=actor_id,
        p_conversation_id=conversation_id,
        p_question=notice("messenger_rating") if asks else None,
        p_ratings=list(RATINGS) if asks else None,
    )
    if asks:
        _deliver(conversation_id, None)
    return closed


def switch_handler(actor_id: int, conversation_id: int, handler: str) -> SwitchConversationHandler:
    """Let the bot, a human or neither (paused) answer; the user is notified where that changes much.

    Raises:
        Refusal: N0009, I0001 or I0002.
    """
    key = {"bot": "bot_is_back", "human": "messenger_taken_over"}.get(handler)
    switched: SwitchConversationHandler = db.call(
        "switch_conversation_handler",
        p_actor_id=actor_id,
        p_conversation_id=conversation_id,
        p_handler=handler,
        p_notice=notice(key) if key else None,
    )
    _deliver(conversation_id, None)
    return switched


def view(actor_id: int, conversation_id: int, *, is_typing: bool) -> ViewConversation:
    """Note that a member of the team has a conversation open; show the user "typing…" while they type."""
    viewed: ViewConversation = db.call(
        "view_conversation", p_actor_id=actor_id, p_conversation_id=conversation_id, p_is_typing=is_typing
    )
    if action := viewed["action"]:
        parameters: JsonObject = {"chat_id": action["chat_id"], "action": "typing"}
        if action["connection"]:
            parameters["business_connection_id"] = action["connection"]
        try:
            api.call(action["bot"], "sendChatAction", parameters, timeout=3)
        except TelegramError as error:
            log.info("typing was not shown", action="typing_failed", reason=str(error))
    return viewed


def _deliver(conversation_id: int, upload: delivery.Upload | None) -> None:
    try:
        delivery.deliver(monotonic() + _DELIVERY_TIME, conversation_id=conversation_id, upload=upload)
    except DatabaseUnavailable as error:
        log.warning("the job delivers a message", action="messenger_left_to_job", reason=str(error))


def _address(call: EditConversationMessageCall | DeleteConversationMessageCall) -> JsonObject:
    address: JsonObject = {"chat_id": call["chat_id"], "message_id": call["message_id"]}
    if call["connection"]:
        address["business_connection_id"] = call["connection"]
    return address


def _call(bot: str, method: str, parameters: JsonObject, *, harmless: str) -> None:
    """Make a call whose refusal `harmless` means that it was made before."""
    try:
        api.call(bot, method, parameters)
    except TelegramError as error:
        if harmless not in error.description:
            raise
