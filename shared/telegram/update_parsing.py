"""Parses and validates webhook bodies."""

from __future__ import annotations

import hashlib

import orjson
from telebot.util import update_types

from shared.core.db import without_nul
from shared.telegram.update import INLINE_KINDS, POLL_ANSWER, STOPPED, Update, is_id

MAX_BODY = 1024 * 1024  # bytes; Telegram's own updates are some kilobytes
_KINDS = frozenset(update_types)
_BIGINT = 2**63 - 1
_NAMES = ("username", "last_name", "language_code")
_OBJECTS = ("chat", "message", "new_chat_member")  # fields that must be objects when present


class InvalidPayload(Exception):
    """An authentic webhook body that cannot be processed at any attempt. The message gives the reason."""

    def __init__(self, reason: str, update_id: int) -> None:
        super().__init__(reason)
        self.update_id = update_id


def parse(bot: str, body: bytes) -> Update | None:
    """Parse a webhook body; None for an unknown kind of update.

    Raises:
        InvalidPayload: the body is not an update.
    """
    if len(body) > MAX_BODY:
        raise InvalidPayload(f"{len(body)} bytes are too many", _id_of_invalid(body))
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidPayload(f"not JSON: {error}", _id_of_invalid(body)) from None
    update_id = data.get("update_id") if isinstance(data, dict) else None
    if type(update_id) is not int or not 0 <= update_id <= _BIGINT:
        raise InvalidPayload("no update_id", _id_of_invalid(body))
    kind = next((key for key in data if key in _KINDS), None)
    if kind is None:
        return None
    if b"\\u0000" in body:  # Postgres cannot store NUL in a text
        data = without_nul(data)
    update = Update(bot, update_id, kind, data)
    _check_shape(update)
    return update


def _check_shape(update: Update) -> None:
    """Check the types of all fields that later steps use, so that they need not."""
    try:
        user = update.user
        if user is not None:
            _require(is_id(user["id"]) and isinstance(user.get("first_name", ""), str))
            for key in _NAMES:
                _require(isinstance(user.get(key) or "", str))
        _require(is_id(update.chat_id))
        message = update.message
        _require(isinstance(message.get("text", ""), str) and isinstance(message.get("caption", ""), str))
        _require(isinstance(update.content.get("data", ""), str))
        _require(isinstance(message.get("via_bot") or {}, dict))
        if update.kind in ("message", "edited_message"):
            _require(is_id(update.content.get("message_id")))
        if update.kind == "callback_query" and message:
            _require(is_id(message.get("message_id")))
        if update.kind == POLL_ANSWER:
            _require(isinstance(update.content["poll_id"], str))
            _require(all(type(one) is int and 0 <= one < 100 for one in update.content["option_ids"]))
        if update.kind in INLINE_KINDS:
            _require(update.user is None or isinstance(update.content["query"], str))
            _require(isinstance(update.content.get("inline_message_id", ""), str))
        if update.kind == STOPPED:
            _require(type(update.content["draft_id"]) is int and abs(update.content["draft_id"]) <= _BIGINT)
        for key in _OBJECTS:
            _require(isinstance(update.content.get(key, {}), dict))
        for chat_id in update.migration or ():
            _require(is_id(chat_id))
        _ = update.is_group, update.replied_to_user_id, update.redacted_json
        if update.is_group:
            _ = update.mentions
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise InvalidPayload("not in the shape of an update", update.update_id) from None


def _require(condition: bool) -> None:
    if not condition:
        raise ValueError


def _id_of_invalid(body: bytes) -> int:
    """Return an id for a body without a readable update_id: a negative digest, never used by Telegram."""
    return -1 - (int.from_bytes(hashlib.sha256(body).digest()[:8], "big") >> 2)
