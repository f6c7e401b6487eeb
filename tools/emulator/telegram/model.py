"""Users, bots, rooms, messages and updates of the fake Telegram."""

from __future__ import annotations

import hashlib
import json
import random
import secrets
import string
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

COLORS = ("#e17076", "#7bc862", "#e5ca77", "#65aadd", "#a695e7", "#ee7aae", "#6ec9cb", "#faa774")
DEFAULT_EXCLUDED = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
UPDATE_KINDS = frozenset(
    {
        "message",
        "edited_message",
        "channel_post",
        "edited_channel_post",
        "inline_query",
        "chosen_inline_result",
        "callback_query",
        "shipping_query",
        "pre_checkout_query",
        "purchased_paid_media",
        "poll",
        "poll_answer",
        "my_chat_member",
        "chat_member",
        "chat_join_request",
        "message_reaction",
        "message_reaction_count",
        "chat_boost",
        "removed_chat_boost",
        "business_connection",
        "business_message",
        "edited_business_message",
        "deleted_business_messages",
        "guest_message",
        "managed_bot",
        "subscription",
        "stopped_message_generation",
    }
)


@dataclass
class Account:
    """A Telegram user."""

    id: int
    first_name: str
    last_name: str | None = None
    username: str | None = None
    language_code: str | None = None
    walkthrough: bool = False  # made for a walkthrough of the page
    archived: bool = False  # left out of the lists of users
    photo: list[Json] = field(default_factory=list)  # sizes of the profile photo

    def json(self) -> Json:
        """Return the Bot API's User object."""
        optional = {
            "last_name": self.last_name,
            "username": self.username,
            "language_code": self.language_code,
        }
        user: Json = {"id": self.id, "is_bot": False, "first_name": self.first_name}
        return user | {name: value for name, value in optional.items() if value}

    @property
    def color(self) -> str:
        """Return the page's colour of this user."""
        return COLORS[self.id % len(COLORS)]


@dataclass
class Webhook:
    """Where a bot's updates go; without a url they wait."""

    url: str = ""
    secret: str = ""
    max_connections: int = 40
    allowed_updates: list[str] = field(default_factory=list)
    last_error_date: int | None = None
    last_error_message: str | None = None

    def allows(self, kind: str) -> bool:
        """Return whether this kind of update is wanted; an empty list is Telegram's default set."""
        return kind in self.allowed_updates if self.allowed_updates else kind not in DEFAULT_EXCLUDED


@dataclass
class BotAccount:
    """A bot and everything @BotFather and the Bot API keep about it."""

    name: str
    token: str
    username: str
    first_name: str
    privacy: bool = True
    is_guest: bool = False  # added over the HTTP API, not a bot of the project: it sets its own webhook
    has_topics: bool = False  # in private chats, as switched on at @BotFather
    has_inline_mode: bool | None = None  # the same; None: as the webhook wants it
    webhook: Webhook = field(default_factory=Webhook)
    next_update_id: int = field(default_factory=lambda: random.randint(100_000_000, 900_000_000))
    commands: dict[str, list[Json]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    polls: int = 0  # calls of getUpdates so far; a newer call ends the waiting one

    @property
    def id(self) -> int:
        """Return the digits of the token."""
        return int(self.token.partition(":")[0])

    @property
    def menu_url(self) -> str:
        """Return the address of the Mini App behind the menu button; empty where it opens none."""
        button: Json = json.loads(self.texts.get("menu_button", "null")) or {}
        return str(button["web_app"]["url"]) if button.get("type") == "web_app" else ""

    def json(self) -> Json:
        """Return the Bot API's User object."""
        return {"id": self.id, "is_bot": True, "first_name": self.first_name, "username": self.username}


@dataclass
class Update:
    """One update on its way to one bot."""

    bot: str
    update_id: int
    kind: str
    body: Json
    queue: tuple[str, int, str]
    expires_at: float
    chat_id: int | None = None
    message_id: int | None = None
    trace_id: str = field(default_factory=lambda: secrets.token_hex(16))
    status: str = "queued"
    attempts: int = 0
    backoff: float = 0.0
    copies: int = 0

    def describe(self) -> Json:
        """Return what the page shows under the message."""
        return {
            "update_id": self.update_id,
            "bot": self.bot,
            "status": self.status,
            "attempts": self.attempts,
        }


@dataclass
class Stored:
    """A message in a room. `bot` is the name of its author when that is a bot.

    `reactions` are the emoji of each user and bot, by their id, `votes` the options of a poll.
    """

    data: Json
    bot: str | None = None
    edits: int = 0
    deleted: bool = False
    updates: list[Update] = field(default_factory=list)
    reactions: dict[int, list[str]] = field(default_factory=dict)
    votes: dict[int, tuple[int, ...]] = field(default_factory=dict)

    @property
    def message_id(self) -> int:
        """Return the number, unique in its room."""
        return int(self.data["message_id"])


@dataclass
class Topic:
    """A topic of a forum or of a private chat. `id` is the message_thread_id."""

    id: int
    name: str
    icon_color: int = 0x6FB9F0
    closed: bool = False


@dataclass
class Room:
    """A private chat of one user with one bot, a group, or a channel.

    `admins` are the bots that administer a group; `left` says how it ended for bots that were in it ("left"
    or "kicked"). `upgraded_to` is the supergroup that a group became.
    """

    id: int
    kind: str
    title: str | None = None
    username: str | None = None
    members: list[int] = field(default_factory=list)
    banned: list[int] = field(default_factory=list)
    bots: list[str] = field(default_factory=list)
    started: bool = False
    blocked: bool = False
    last_bot: str | None = None
    next_message_id: int = 1
    messages: dict[int, Stored] = field(default_factory=dict)
    answers: list[Stored] = field(default_factory=list)
    taken: int = 0
    forum: bool = False
    topics: dict[int, Topic] = field(default_factory=dict)
    admins: list[str] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)
    upgraded_to: int | None = None
    pinned: list[int] = field(default_factory=list)
    draft: Json | None = None  # the latest sendMessageDraft

    @property
    def private_bot(self) -> str | None:
        """Return the bot's name in a private chat."""
        return self.bots[0] if self.kind == "private" else None


def token_of(name: str) -> str:
    """Return the fake token of a bot: the same in every run, in the real format."""
    digest = hashlib.sha256(f"switchboard emulator {name}".encode()).digest()
    number = 7_000_000_000 + int.from_bytes(digest[:4], "big") % 1_000_000_000
    letters = urlsafe_b64encode(digest).decode().rstrip("=")
    return f"{number}:{letters[:35].ljust(35, 'A')}"


def username_of(name: str) -> str:
    """Return the default @username of a bot."""
    allowed = string.ascii_letters + string.digits + "_"
    return "switchboard_" + "".join(letter if letter in allowed else "_" for letter in name) + "_bot"
