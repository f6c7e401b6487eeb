"""Builds the parameters of sendMessage for an answer to an update."""

from __future__ import annotations

from collections.abc import Sequence

from shared.core.json_types import JsonObject
from shared.core.texts import Text, concat, utf16_length
from shared.telegram.update import Update

Keyboard = Sequence[Sequence[tuple[str, str]]]  # rows of (label, callback data or https address)


def message_parameters(
    update: Update, text: Text | str, keyboard: Keyboard | None, *, is_first: bool
) -> JsonObject:
    """Return the parameters of a message in the chat and topic of the update.

    Args:
        is_first: only the first message of an answer quotes the user's message, in a group and after an
            edit.
    """
    content, entities = (text, []) if isinstance(text, str) else text
    parameters: JsonObject = {"chat_id": update.chat_id, "text": content}
    if entities:
        parameters["entities"] = entities
    if keyboard:
        parameters["reply_markup"] = inline_keyboard(keyboard)
    if update.thread_id:
        parameters["message_thread_id"] = update.thread_id
    if is_first and _needs_reference(update):
        parameters["reply_parameters"] = {
            "message_id": update.message["message_id"],
            "allow_sending_without_reply": True,
        }
    return parameters


def inline_edit(update: Update, text: Text, buttons: Sequence[Sequence[JsonObject]]) -> JsonObject:
    """Return the parameters that edit the message which the user sent in inline mode: question and text.

    chat_id is for the outbox alone, see `without_ordering`: it orders the calls by user.

    Args:
        buttons: rows of buttons as the Bot API takes them.
    """
    whole = concat(quoted(update.text.strip()), text, separator="\n\n")
    return {
        "chat_id": update.chat_id,
        "inline_message_id": update.inline_message_id,
        "text": whole.text,
        "entities": whole.entities,
        "reply_markup": {"inline_keyboard": [list(row) for row in buttons]},
    }


def quoted(words: str) -> Text:
    """Return words as a quotation."""
    return Text(words, [{"type": "blockquote", "offset": 0, "length": utf16_length(words)}])


def without_ordering(parameters: JsonObject) -> JsonObject:
    """Return the parameters of a call without the chat_id by which the outbox orders it.

    With a chat_id, Telegram looks for a message of that chat instead of the inline_message_id.
    """
    if "inline_message_id" not in parameters:
        return parameters
    return {key: value for key, value in parameters.items() if key != "chat_id"}


def _needs_reference(update: Update) -> bool:
    return update.kind == "edited_message" or (update.kind == "message" and update.is_group)


def inline_keyboard(keyboard: Keyboard) -> JsonObject:
    """Return rows of buttons as the Bot API takes them."""
    return {
        "inline_keyboard": [
            [{"text": label, _action_field(action): action} for label, action in row] for row in keyboard
        ]
    }


def _action_field(action: str) -> str:
    return "url" if action.startswith(("https://", "http://")) else "callback_data"
