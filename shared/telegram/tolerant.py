"""Parses an update with telebot, leaving out message fields that this version of the library cannot parse.

A handler needs few fields of a message. A reply to a newer kind of message, or an unknown origin of a
quote, must not cost the user an answer.
"""

from __future__ import annotations

from telebot import types

from shared.core.json_types import JsonObject

_REQUIRED = ("message_id", "from", "date", "chat")
_MESSAGE_KINDS = ("message", "edited_message")


def read_update(data: JsonObject) -> types.Update:
    """Return the update as a telebot object, without optional message fields that telebot cannot parse.

    Raises:
        Exception: any error of telebot for a required field.
    """
    try:
        return types.Update.de_json(data)  # type: ignore[no-any-return, no-untyped-call]
    except Exception:
        return types.Update.de_json(_without_unparsable(data))  # type: ignore[no-any-return, no-untyped-call]


def _without_unparsable(data: JsonObject) -> JsonObject:
    for kind in _MESSAGE_KINDS:
        if kind in data:
            return {**data, kind: _parsable(data[kind])}
    query = data.get("callback_query") or {}
    if query.get("message"):
        return {**data, "callback_query": {**query, "message": _parsable(query["message"])}}
    return data


def _parsable(message: JsonObject) -> JsonObject:
    """Return the required fields, and the optional fields that telebot can parse."""
    required = {key: message[key] for key in _REQUIRED if key in message}
    optional = {key: value for key, value in message.items() if key not in required}
    return required | {key: value for key, value in optional.items() if _can_parse({**required, key: value})}


def _can_parse(message: JsonObject) -> bool:
    try:
        types.Message.de_json(message)  # type: ignore[no-untyped-call]
    except Exception:
        return False
    return True
