"""Reads an update with telebot, leaving out the parts of a message that are newer than the library.

A handler needs few fields of a message. A reply to a kind of message that telebot cannot read yet, or an
unknown origin of a quote, must not cost the user an answer.
"""

from __future__ import annotations

from typing import Any

from telebot import types

_REQUIRED = ("message_id", "from", "date", "chat")
_MESSAGE_KINDS = ("message", "edited_message")


def read_update(data: dict[str, Any]) -> types.Update:
    """Return the update as telebot's object; optional fields of a message that it cannot read are left out.

    Raises:
        Exception: whatever telebot raises when it cannot read the required fields either.
    """
    try:
        return types.Update.de_json(data)  # type: ignore[no-any-return, no-untyped-call]
    except Exception:
        return types.Update.de_json(_without_unreadable(data))  # type: ignore[no-any-return, no-untyped-call]


def _without_unreadable(data: dict[str, Any]) -> dict[str, Any]:
    for kind in _MESSAGE_KINDS:
        if kind in data:
            return {**data, kind: _readable(data[kind])}
    query = data.get("callback_query") or {}
    if query.get("message"):
        return {**data, "callback_query": {**query, "message": _readable(query["message"])}}
    return data


def _readable(message: dict[str, Any]) -> dict[str, Any]:
    """Return the required fields and each of the others that telebot can read beside them."""
    required = {key: message[key] for key in _REQUIRED if key in message}
    optional = {key: value for key, value in message.items() if key not in required}
    return required | {key: value for key, value in optional.items() if _reads({**required, key: value})}


def _reads(message: dict[str, Any]) -> bool:
    try:
        types.Message.de_json(message)  # type: ignore[no-untyped-call]
    except Exception:
        return False
    return True
