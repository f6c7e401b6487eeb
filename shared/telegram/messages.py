"""Builds the parameters of sendMessage for an answer to an update."""

from __future__ import annotations

from collections.abc import Sequence

from shared.core.json_types import JsonObject
from shared.core.texts import Text
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
        parameters["reply_markup"] = _inline_keyboard(keyboard)
    if update.thread_id:
        parameters["message_thread_id"] = update.thread_id
    if is_first and _needs_reference(update):
        parameters["reply_parameters"] = {
            "message_id": update.message["message_id"],
            "allow_sending_without_reply": True,
        }
    return parameters


def _needs_reference(update: Update) -> bool:
    return update.kind == "edited_message" or (update.kind == "message" and update.is_group)


def _inline_keyboard(keyboard: Keyboard) -> JsonObject:
    return {
        "inline_keyboard": [
            [{"text": label, _action_field(action): action} for label, action in row] for row in keyboard
        ]
    }


def _action_field(action: str) -> str:
    return "url" if action.startswith(("https://", "http://")) else "callback_data"
