"""An update of the Bot API, with the sender, chat, kind and content that are derived from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeGuard

import orjson
from telebot.util import extract_command

from shared.core.cached_property import cached_property
from shared.core.config import settings
from shared.core.display_names import display_name
from shared.core.json_types import JsonObject
from shared.core.log import redact_secrets
from shared.core.redaction import SHORTEST, looks_like_secret
from shared.core.signatures import user_hash

# An update without a chat: a user answered a poll, which may have been forwarded anywhere.
POLL_ANSWER = "poll_answer"
# An update without a sender: the user of this private chat stopped an answer while it was written.
STOPPED = "stopped_message_generation"
# A user types after the name of the bot, in any chat; and has sent the result that was offered.
INLINE_QUERY = "inline_query"
CHOSEN_RESULT = "chosen_inline_result"
INLINE_KINDS = frozenset({INLINE_QUERY, CHOSEN_RESULT})
# Messages between a customer and the owner's own account, to which the bot is connected.
BUSINESS_KINDS = ("business_message", "edited_business_message")
SESSIONLESS = frozenset({POLL_ANSWER, STOPPED, INLINE_QUERY, *BUSINESS_KINDS})
# UTF-16 code units: clients split a text at 4096, or at a line break within the 300 before.
MIN_SPLIT_LENGTH = 3796
VOICE = ("voice", "video_note", "audio")  # types of content that are listened to
MEDIA = frozenset({*VOICE, "photo", "document"})
_PAYMENT_FIELDS = ("successful_payment", "refunded_payment")
# Senders that stand for a linked channel (777000), an anonymous admin or a channel. 777000 has is_bot false.
_SERVICE_ACCOUNTS = frozenset({777000, 1087968824, 136817688})
# Fields of a forwarded message: forward_origin since Bot API 7.0, the others before.
_FORWARD_FIELDS = frozenset(
    {
        "forward_origin",
        "forward_date",
        "forward_from",
        "forward_from_chat",
        "forward_sender_name",
        "is_automatic_forward",
    }
)
# A message with only these fields has no other texts than `text`, the addresses of its entities, and names.
_PLAIN_FIELDS = frozenset({"message_id", "from", "chat", "date", "text", "entities"})


@dataclass(frozen=True)
class Update:
    """One update of one bot. `data` is the decoded JSON (core.telegram.org/bots/api#update)."""

    bot: str
    update_id: int
    kind: str
    data: JsonObject

    @cached_property
    def content(self) -> JsonObject:
        """The object named by the kind: the message, the callback query, …"""
        return self.data[self.kind]  # type: ignore[no-any-return]

    @cached_property
    def message(self) -> JsonObject:
        """The message of the update or of its callback query; empty if there is none."""
        if self.kind == "callback_query":
            return self.content.get("message") or {}
        return self.content if "message_id" in self.content else {}

    @cached_property
    def user(self) -> JsonObject | None:
        """The sender; None for channels, anonymous admins, service accounts and other bots."""
        sender = self.content.get("user" if self.kind == POLL_ANSWER else "from")
        if not sender or sender.get("is_bot") or sender["id"] in _SERVICE_ACCOUNTS:
            return None
        # With sender_chat, the message is sent on behalf of a chat and `from` is a placeholder.
        return None if "message_id" in self.content and self.content.get("sender_chat") else sender

    @property
    def anonymous_sender(self) -> str:
        """Whose name a person in a group writes under: `group` (an anonymous admin), `channel`, or empty."""
        sender = self.content.get("sender_chat")
        if self.is_private or not isinstance(sender, dict):
            return ""
        return "group" if sender.get("id") == self.chat_id else "channel"

    @cached_property
    def sender_name(self) -> str:
        """The display name: first name, else username, else Telegram id."""
        user = self.user or {"id": self.chat_id}
        return display_name(user.get("first_name")) or user.get("username") or str(user["id"])

    @cached_property
    def user_hash(self) -> str:
        """The keyed hash that identifies the user after an erasure."""
        return user_hash((self.user or {"id": 0})["id"], settings().user_hash_key)

    @cached_property
    def chat_id(self) -> int:
        """The chat to answer in: that of the message, else the private chat with the user."""
        chat = self.message.get("chat") or self.content.get("chat")
        return int(chat["id"]) if chat else int((self.user or {"id": 0})["id"])

    @cached_property
    def thread_id(self) -> int:
        """The topic id; 0 in chats without topics, in the General topic and in reply threads."""
        thread: object = self.message.get("message_thread_id")
        return thread if self.message.get("is_topic_message") is True and is_id(thread) else 0

    @property
    def is_group(self) -> bool:
        """Whether others can see the answer: True in every chat that is not private."""
        return not self.is_private

    @cached_property
    def migration(self) -> tuple[int, int] | None:
        """The old and the new chat id of a group upgraded to a supergroup; both chats report it."""
        if self.kind != "message" or not self.message:
            return None
        if "migrate_to_chat_id" in self.message:
            return self.chat_id, self.message["migrate_to_chat_id"]
        if "migrate_from_chat_id" in self.message:
            return self.message["migrate_from_chat_id"], self.chat_id
        return None

    @cached_property
    def is_forwarded(self) -> bool:
        """Whether the message is forwarded."""
        message = self.message
        return not _FORWARD_FIELDS.isdisjoint(message) and any(
            message.get(field) for field in _FORWARD_FIELDS
        )

    @cached_property
    def is_relayed(self) -> bool:
        """Whether the message is forwarded or sent via an inline bot: it never runs a command."""
        return self.kind in ("message", "edited_message") and (
            self.is_forwarded or bool(self.message.get("via_bot"))
        )

    @property
    def is_private(self) -> bool:
        """Whether this is the private chat of the user and the bot, the only place for personal data."""
        chat = self.message.get("chat") or self.content.get("chat") or {}
        return bool(chat.get("type") == "private")

    @cached_property
    def text(self) -> str:
        """The text or the caption of the message; what was typed in inline mode."""
        if self.kind in INLINE_KINDS:
            return str(self.content["query"])
        return self.message.get("text") or self.message.get("caption") or ""

    @property
    def inline_message_id(self) -> str:
        """The id of the message that a user sent in inline mode, to edit it; empty where there is none."""
        return str(self.content.get("inline_message_id") or "") if self.kind == CHOSEN_RESULT else ""

    @cached_property
    def command(self) -> str:
        """The command that the text begins with, see `command_of`."""
        return command_of(self.text)

    @property
    def is_plain_text(self) -> bool:
        """Whether this is a new or edited text message that the user wrote, and no command."""
        message = self.message
        return (
            self.kind in ("message", "edited_message")
            and "text" in message
            and not self.is_forwarded
            and (self.is_relayed or not self.text.startswith("/"))
        )

    @property
    def is_question(self) -> bool:
        """Whether this is a text that goes to the AI: a message, or a question in inline mode."""
        return self.is_plain_text or bool(self.inline_message_id)

    @property
    def has_media(self) -> bool:
        """Whether this is a new message with a file that an AI can read, see or hear."""
        return self.kind == "message" and not MEDIA.isdisjoint(self.message)

    @property
    def is_media_question(self) -> bool:
        """Whether this is a file that the user sent as a question of its own; not one of an album.

        In a group, only the part of an album that addresses the bot arrives.
        """
        is_taken = not self.is_relayed or self.is_relayed_document
        return self.has_media and is_taken and not self.is_album_item

    @property
    def is_relayed_document(self) -> bool:
        """Whether this is a document of another that the user passed on in the private chat."""
        message = self.message
        return self.is_relayed and self.is_private and "document" in message and "animation" not in message

    @property
    def is_album_item(self) -> bool:
        """Whether this is one of several messages that were sent as an album, in a private chat."""
        return self.is_private and "media_group_id" in self.message

    @cached_property
    def text_length(self) -> int:
        """The length of the text in UTF-16 code units, as Telegram counts it."""
        return len(self.text.encode("utf-16-le", "surrogatepass")) // 2

    @cached_property
    def may_be_continued(self) -> bool:
        """Whether the client may have split a longer text here, so that the next message continues it.

        Only in private chats: in a group, the next message would not address the bot.
        """
        return (
            self.kind == "message"
            and self.is_private
            and self.is_plain_text
            and not self.is_relayed
            and self.text_length >= MIN_SPLIT_LENGTH
        )

    @property
    def is_silent_edit(self) -> bool:
        """Whether an edit has no text: an update of a live location, a caption, a link preview."""
        return self.kind == "edited_message" and not self.content.get("text")

    @property
    def is_payment_update(self) -> bool:
        """Whether this is a payment update, which is acknowledged only when its event is stored."""
        return self.kind in ("pre_checkout_query", "shipping_query", "subscription") or any(
            key in self.message and self.kind == "message" and not self.is_forwarded
            for key in _PAYMENT_FIELDS
        )

    @cached_property
    def has_secret(self) -> bool:
        """Whether the text contains something like a credential, which must not be stored in clear."""
        return bool(self.text) and looks_like_secret(self.text)

    @cached_property
    def replied_to_user_id(self) -> int | None:
        """The author of the message that this one replies to.

        Every message of a topic that is no other reply replies to the service message that began the topic.
        """
        original = self.message.get("reply_to_message") or {}
        return None if "forum_topic_created" in original else (original.get("from") or {}).get("id")

    @cached_property
    def mentions(self) -> tuple[tuple[str, str | int], ...]:
        """Mentions and commands of the message: (entity type, username without @, or user id)."""
        return tuple(self._mentions())

    def _mentions(self) -> Iterator[tuple[str, str | int]]:
        encoded = self.text.encode("utf-16-le", "surrogatepass")
        for entity in self.message.get("entities") or self.message.get("caption_entities") or ():
            kind = entity.get("type")
            if kind == "text_mention":
                yield kind, entity["user"]["id"]
            elif kind == "mention" or (kind == "bot_command" and not self.is_relayed):
                start, length = entity["offset"] * 2, entity["length"] * 2
                word = encoded[start : start + length].decode("utf-16-le", "replace")
                yield kind, word.partition("@")[2]

    @cached_property
    def redacted_json(self) -> str:
        """The update as JSON for the inbox, with credentials redacted."""
        payload = orjson.dumps(self.data).decode()
        if self.kind == "message" and self.content.keys() <= _PLAIN_FIELDS:
            rest: object = self.content.get("entities")
        else:
            rest = self.data
        has_secret = self.has_secret or _holds_secret(rest)
        return orjson.dumps(_redacted(self.data)).decode() if has_secret else payload


def command_of(text: str) -> str:
    """Return the command that a text begins with, in lower case without its slash; empty where it is none."""
    return (extract_command(text) or "").lower()


def is_id(value: object) -> TypeGuard[int]:
    """Return whether a value is a valid Telegram id."""
    return type(value) is int and abs(value) < 2**52  # "at most 52 significant bits" (Bot API: User, Chat)


def _holds_secret(value: object) -> bool:
    """Return whether a string in decoded JSON looks like a credential.

    String by string: the search in the JSON text of a button takes ten times as long.
    """
    if isinstance(value, str):
        return len(value) >= SHORTEST and looks_like_secret(value)
    if isinstance(value, list):
        return any(map(_holds_secret, value))
    if isinstance(value, dict):
        return any(map(_holds_secret, value)) or any(map(_holds_secret, value.values()))
    return False


def _redacted(value: object) -> object:
    """Redact credentials string by string; redacting the JSON text could cut an escape sequence."""
    if isinstance(value, str):
        return redact_secrets(value)
    if isinstance(value, list):
        return [_redacted(item) for item in value]
    if isinstance(value, dict):
        return {redact_secrets(key): _redacted(item) for key, item in value.items()}
    return value
