"""Describes what a bot answers as the messages that a conversation of the messenger shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from shared.core.json_types import JsonObject
from shared.core.log import redact_secrets
from shared.telegram.messenger.incoming import LONGEST_BODY, describe_sent

if TYPE_CHECKING:
    from shared.telegram.context import BotApiCall, UpdateContext
    from shared.telegram.messenger.conversation import Messenger

_EDITS = ("editMessageText", "editMessageCaption")
_SENDS = {
    "sendMessage": "text",
    "sendPhoto": "photo",
    "sendVideo": "video",
    "sendAudio": "audio",
    "sendVoice": "voice",
    "sendDocument": "document",
    "sendAnimation": "animation",
    "sendInvoice": "other",
    "sendPoll": "poll",
}


def session_part(
    context: UpdateContext, state: Messenger, body: JsonObject | None, outgoing: Sequence[BotApiCall]
) -> JsonObject:
    """Return what `finish_update` writes into the conversation.

    Args:
        body: the call in the HTTP response.
        outgoing: the explicit calls, in the order of the outbox items.
    """
    source = "ai" if context.ai_calls and state.may_drop else "bot"
    messages = [*context.sent]
    for place, call in enumerate(outgoing):
        if described := _describe(context, call["method"], call["parameters"]):
            messages.append({**described, "call": place})
    if body is not None and (described := _describe(context, str(body["method"]), body)):
        messages.append(described)
    return {
        "conversation_id": state.conversation_id,
        "takeovers": state.takeovers,
        "can_drop": state.may_drop,
        "messages": [{"source": source, **one} for one in messages],
    }


def _describe(context: UpdateContext, method: str, parameters: JsonObject) -> JsonObject | None:
    """Return a Bot API call as a message; None for calls that show none, or in another chat."""
    if parameters.get("chat_id") != context.update.chat_id:
        return None
    words = parameters.get("text") or parameters.get("caption") or parameters.get("question") or ""
    described: JsonObject = {
        "kind": _SENDS.get(method, "text"),
        "body": redact_secrets(str(words))[:LONGEST_BODY],
    }
    if method in _EDITS and "message_id" in parameters:
        described |= {"edits": True, "message_id": parameters["message_id"]}
    elif method not in _SENDS:
        return None
    labels = _labels(parameters.get("reply_markup"))
    return {**described, "buttons": labels} if labels else described


def describe_notice(message: JsonObject) -> JsonObject:
    """Return a message that a SQL function sent by a template, from Telegram's answer."""
    described = describe_sent(message)
    notice: JsonObject = {"kind": described["kind"], "body": described["body"]}
    labels = _labels(message.get("reply_markup"))
    return {**notice, "buttons": labels} if labels else notice


def _labels(markup: object) -> list[list[str]]:
    """Return the labels of the buttons below a message, in rows."""
    rows = markup.get("inline_keyboard") if isinstance(markup, dict) else None
    return [[str(button.get("text") or "") for button in row] for row in rows or ()]
