"""What an update says, as our rules see it: whose it is, which chat, what kind, is it meant for us."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from telebot.util import update_types

from shared.core.cached_property import cached_property
from shared.core.config import settings
from shared.core.db import without_nul
from shared.core.display_names import display_name
from shared.core.log import redact_secrets
from shared.core.redaction import looks_like_secret
from shared.core.signatures import user_hash

MAX_BODY = 1024 * 1024  # bytes; Telegram's own updates are some kilobytes
# UTF-16 units: clients cut at 4096, or at a break in the 300 before it.
CUT_FROM = 3796
_KINDS = frozenset(update_types)
_MONEY = ("successful_payment", "refunded_payment")
_BIGINT = 2**63 - 1
# Accounts that Telegram writes in the name of: linked channels, anonymous admins, channels. 777000 is no bot.
_SERVICE_ACCOUNTS = frozenset({777000, 1087968824, 136817688})
# Marks of words that the sender passed on: forward_origin since Bot API 7.0, the others before it.
_FORWARD_MARKS = frozenset(
    {
        "forward_origin",
        "forward_date",
        "forward_from",
        "forward_from_chat",
        "forward_sender_name",
        "is_automatic_forward",
    }
)
_NAMES = ("username", "last_name", "language_code")
_OBJECTS = ("chat", "message", "new_chat_member")  # what handlers rely on to be there when it is named
# A message of these alone has no words but its text.
_ORDINARY = frozenset({"message_id", "from", "chat", "date", "text", "entities"})


class InvalidPayload(Exception):
    """An authentic body that holds no update we could ever work on. The message says why."""

    def __init__(self, reason: str, update_id: int) -> None:
        super().__init__(reason)
        self.update_id = update_id


@dataclass(frozen=True)
class Update:
    """One update of one bot. `data` is Telegram's JSON, decoded (core.telegram.org/bots/api#update)."""

    bot: str
    update_id: int
    kind: str
    data: dict[str, Any]

    @cached_property
    def content(self) -> dict[str, Any]:
        """The object of the update's kind: the message, the callback query, …"""
        return self.data[self.kind]  # type: ignore[no-any-return]

    @cached_property
    def message(self) -> dict[str, Any]:
        """The message it is or belongs to; empty when there is none."""
        if self.kind == "callback_query":
            return self.content.get("message") or {}
        return self.content if "message_id" in self.content else {}

    @cached_property
    def user(self) -> dict[str, Any] | None:
        """The human it comes from; None for channels, anonymous admins, service accounts and other bots."""
        user = self.content.get("from")
        if not user or user.get("is_bot") or user["id"] in _SERVICE_ACCOUNTS:
            return None
        # Written in the name of a chat: `from` is a placeholder then.
        return None if "message_id" in self.content and self.content.get("sender_chat") else user

    @cached_property
    def sender_name(self) -> str:
        """What to call the user: the first name, or what else can be seen of them."""
        user = self.user or {"id": self.chat_id}
        return display_name(user.get("first_name")) or user.get("username") or str(user["id"])

    @cached_property
    def user_hash(self) -> str:
        """What remembers the person once they are erased."""
        return user_hash((self.user or {"id": 0})["id"], settings().user_hash_key)

    @cached_property
    def chat_id(self) -> int:
        """The chat to answer in: the message's, else the private chat with the person."""
        chat = self.message.get("chat") or self.content.get("chat")
        return int(chat["id"]) if chat else int((self.user or {"id": 0})["id"])

    @cached_property
    def thread_id(self) -> int:
        """The topic of a chat that has topics; 0 elsewhere, as in General, and for threads of replies."""
        thread: Any = self.message.get("message_thread_id")
        return int(thread) if self.message.get("is_topic_message") is True and _is_id(thread) else 0

    @property
    def is_group(self) -> bool:
        """Whether others may see the answer: in every chat that is not private."""
        return not self.is_private

    @cached_property
    def migration(self) -> tuple[int, int] | None:
        """The old and the new id of a group that became a supergroup; both chats report it."""
        if self.kind != "message" or not self.message:
            return None
        if "migrate_to_chat_id" in self.message:
            return self.chat_id, self.message["migrate_to_chat_id"]
        if "migrate_from_chat_id" in self.message:
            return self.message["migrate_from_chat_id"], self.chat_id
        return None

    @cached_property
    def is_forwarded(self) -> bool:
        """Whether a message passes on words written elsewhere."""
        message = self.message
        return not _FORWARD_MARKS.isdisjoint(message) and any(message.get(mark) for mark in _FORWARD_MARKS)

    @cached_property
    def is_relayed(self) -> bool:
        """Whether a message is forwarded or came through an inline bot: content, never a command."""
        return self.kind in ("message", "edited_message") and (
            self.is_forwarded or bool(self.message.get("via_bot"))
        )

    @property
    def is_private(self) -> bool:
        """Whether the user and the bot are alone: what concerns one user is shown nowhere else."""
        chat = self.message.get("chat") or self.content.get("chat") or {}
        return bool(chat.get("type") == "private")

    @cached_property
    def text(self) -> str:
        """The words of a message: its text, or the caption of what it carries."""
        return self.message.get("text") or self.message.get("caption") or ""

    @property
    def is_plain_text(self) -> bool:
        """Whether it is a message in the user's own words, new or edited, and not a command."""
        message = self.message
        return (
            self.kind in ("message", "edited_message")
            and "text" in message
            and not self.is_forwarded
            and (self.is_relayed or not self.text.startswith("/"))
        )

    @cached_property
    def text_length(self) -> int:
        """The length of the text as Telegram counts it, in UTF-16 units."""
        return len(self.text.encode("utf-16-le", "surrogatepass")) // 2

    @cached_property
    def may_be_continued(self) -> bool:
        """Whether the client may have cut a longer text here, so that the rest comes in the next message.

        Only in private: in a group the rest would not address the bot.
        """
        return (
            self.kind == "message"
            and self.is_private
            and self.is_plain_text
            and not self.is_relayed
            and self.text_length >= CUT_FROM
        )

    @property
    def is_silent_edit(self) -> bool:
        """Whether an edit brings no new text: a step of a live location, a caption, a link preview."""
        return self.kind == "edited_message" and not self.content.get("text")

    @property
    def is_payment_update(self) -> bool:
        """Whether it reports a payment: then only a stored event may be acknowledged."""
        return self.kind in ("pre_checkout_query", "shipping_query", "subscription") or any(
            key in self.message and self.kind == "message" and not self.is_forwarded for key in _MONEY
        )

    @cached_property
    def has_secret(self) -> bool:
        """Whether its words hold what looks like a credential and must not be stored in clear."""
        return bool(self.text) and looks_like_secret(self.text)

    @cached_property
    def replied_to_user_id(self) -> int | None:
        """Who wrote the message that this one answers."""
        original = self.message.get("reply_to_message") or {}
        return (original.get("from") or {}).get("id")

    @cached_property
    def mentions(self) -> tuple[tuple[str, str | int], ...]:
        """Whom a message names: (entity type, user name without @ or id)."""
        return tuple(self._mentions())

    def _mentions(self) -> Iterator[tuple[str, str | int]]:
        units = self.text.encode("utf-16-le", "surrogatepass")
        for entity in self.message.get("entities") or self.message.get("caption_entities") or ():
            kind = entity.get("type")
            if kind == "text_mention":
                yield kind, entity["user"]["id"]
            elif kind == "mention" or (kind == "bot_command" and not self.is_relayed):
                start, length = entity["offset"] * 2, entity["length"] * 2
                word = units[start : start + length].decode("utf-16-le", "replace")
                yield kind, word.partition("@")[2]

    @cached_property
    def redacted_json(self) -> str:
        """The update as JSON to be kept until it is finished, credentials struck out."""
        payload = orjson.dumps(self.data).decode()
        if self.kind == "message" and self.content.keys() <= _ORDINARY:
            has_secret = self.has_secret
        else:  # a quoted message, a file's name, a contact: words of others have secrets too
            has_secret = self.has_secret or looks_like_secret(payload)
        return orjson.dumps(_hidden(self.data)).decode() if has_secret else payload


def parse(bot: str, body: bytes) -> Update | None:
    """Read the body of a webhook call; None for a kind of update nobody here knows.

    Raises:
        InvalidPayload: no update can be read from it.
    """
    if len(body) > MAX_BODY:
        raise InvalidPayload(f"{len(body)} bytes are too many", _number_of(body))
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidPayload(f"not JSON: {error}", _number_of(body)) from None
    update_id = data.get("update_id") if isinstance(data, dict) else None
    if type(update_id) is not int or not 0 <= update_id <= _BIGINT:
        raise InvalidPayload("no update_id", _number_of(body))
    kind = next((key for key in data if key in _KINDS), None)
    if kind is None:
        return None
    if b"\\u0000" in body:  # Postgres cannot store NUL in a text, and no person can see it
        data = without_nul(data)
    update = Update(bot, update_id, kind, data)
    _check_shape(update)
    return update


def _check_shape(update: Update) -> None:
    """Touch what every step relies on, so that a wrong shape is found here and not in the middle."""
    try:
        user = update.user
        if user is not None:
            _require(_is_id(user["id"]) and isinstance(user.get("first_name", ""), str))
            for key in _NAMES:
                _require(isinstance(user.get(key) or "", str))
        _require(_is_id(update.chat_id))
        message = update.message
        _require(isinstance(message.get("text", ""), str) and isinstance(message.get("caption", ""), str))
        _require(isinstance(update.content.get("data", ""), str))
        if update.kind in ("message", "edited_message"):
            _require(_is_id(update.content.get("message_id")))
        if update.kind == "callback_query" and message:
            _require(_is_id(message.get("message_id")))
        for key in _OBJECTS:
            _require(isinstance(update.content.get(key, {}), dict))
        for chat_id in update.migration or ():
            _require(_is_id(chat_id))
        _ = update.is_group, update.replied_to_user_id, update.redacted_json
        if update.is_group:
            _ = update.mentions
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise InvalidPayload("not in the shape of an update", update.update_id) from None


def _is_id(value: Any) -> bool:
    return type(value) is int and abs(value) < 2**52  # what Telegram promises of its ids


def _require(fact: bool) -> None:
    if not fact:
        raise ValueError


def _number_of(body: bytes) -> int:
    """Number a body without a readable number: a digest, below zero, where Telegram never counts."""
    return -1 - (int.from_bytes(hashlib.sha256(body).digest()[:8], "big") >> 2)


def _hidden(value: Any) -> Any:
    """Strike credentials out string by string: out of the JSON text, half an escape could go with them."""
    if isinstance(value, str):
        return redact_secrets(value)
    if isinstance(value, list):
        return [_hidden(item) for item in value]
    if isinstance(value, dict):
        return {redact_secrets(key): _hidden(item) for key, item in value.items()}
    return value
