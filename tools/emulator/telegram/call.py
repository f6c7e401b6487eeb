"""One call of a Bot API method: who asks, with which parameters, and how they are read."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tools.emulator.telegram.errors import ApiError, bad_request, forbidden
from tools.emulator.telegram.model import BotAccount, Json, Room, Stored
from tools.emulator.telegram.parameters import Upload
from tools.emulator.telegram.sending import Sender
from tools.emulator.telegram.services import Services
from tools.emulator.telegram.stars import Stars
from tools.emulator.telegram.state import TelegramState
from tools.emulator.telegram.updates import Updates

Run = Callable[["Call"], Any]
F = TypeVar("F", bound=Run)


@dataclass(frozen=True)
class Method:
    """A method of the Bot API: its parameters that are emulated, and what `note` says is simpler here."""

    name: str
    run: Run
    fields: frozenset[str]
    note: str = ""


METHODS: dict[str, Method] = {}
READ: set[tuple[str, str]] = set()  # (method, field) of every parameter read so far: a test compares


def method(name: str, *fields: str, note: str = "") -> Callable[[F], F]:
    """Register a function as the Bot API method `name`; names are matched in any case, as Telegram does.

    `fields` are the parameters it reads: docs/emulator.md lists the others as not supported.
    """

    def register(function: F) -> F:
        METHODS[name.lower()] = Method(name, function, frozenset(fields), note)
        return function

    return register


@dataclass
class Call:
    """Parameters may be native JSON or text (query string and forms): both read the same.

    `method` is None for what is not a call of its own, an item of an album for example.
    """

    services: Services
    bot: BotAccount
    parameters: Json
    files: dict[str, Upload] = field(default_factory=dict)
    method: Method | None = None

    @property
    def state(self) -> TelegramState:
        """Users, bots, chats and messages."""
        return self.services.state

    @property
    def updates(self) -> Updates:
        """Return the queues of updates."""
        return self.services.updates

    @property
    def sender(self) -> Sender:
        """Posts messages that bots get as updates."""
        return self.services.sender

    @property
    def stars(self) -> Stars:
        """Invoices, charges and subscriptions in Telegram Stars."""
        return self.services.stars

    def raw(self, name: str) -> Any:
        """Return a parameter unchanged; AssertionError when the method does not declare it."""
        if self.method is not None:
            assert name in self.method.fields, f"{self.method.name} does not declare {name}"
            READ.add((self.method.name, name))
        return self.parameters.get(name)

    def takes(self, name: str) -> bool:
        """Return whether the method has this parameter; an item that is no call of its own has every one."""
        return self.method is None or name in self.method.fields

    def decimal(self, name: str) -> float | None:
        """Return a number with decimals; None when it is absent or none."""
        value = self.raw(name)
        try:
            return None if value in (None, "") else float(value)
        except (TypeError, ValueError):
            return None

    def text(self, name: str, default: str = "") -> str:
        """Return a string parameter."""
        value = self.raw(name)
        return default if value is None else (value if isinstance(value, str) else json.dumps(value))

    def required(self, name: str) -> str:
        """Return a required string parameter; raises the API's error."""
        value = self.text(name)
        if not value:
            raise bad_request(f'parameter "{name}" is required')
        return value

    def integer(self, name: str, default: int | None = None) -> int | None:
        """Return an integer parameter; raises the API's error when it is something else."""
        value = self.raw(name)
        if value is None or value == "":
            return default
        try:
            return int(value)
        except (TypeError, ValueError):
            raise bad_request(f'can\'t parse "{name}" as an integer') from None

    def boolean(self, name: str) -> bool:
        """Return a boolean parameter, as JSON or as the words forms carry."""
        return str(self.raw(name)).lower() in ("true", "1", "yes", "t", "y")

    def json(self, name: str, what: str | None = None) -> Any:
        """Return a JSON parameter; None when absent."""
        value = self.raw(name)
        if not isinstance(value, str):
            return value
        if not value.strip():
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise bad_request(f"can't parse {what or name} JSON object") from None

    def room(self, *, look: bool = False, name: str = "chat_id") -> Room:
        """Return the chat that the parameter `name` is about; raises "chat not found" or the block's 403.

        With `look`, which changes nothing, also a public channel that the bot is not in.
        """
        raw = self.raw(name)
        if raw in (None, ""):
            raise bad_request("chat_id is empty")
        chat_id = self._chat_id(str(raw))
        room = self.state.room(self.bot.name, chat_id)
        if room is None or not room.started:
            raise self._no_room(chat_id)
        if room.kind == "channel" and not look and self.bot.name not in room.bots:
            raise forbidden("bot is not a member of the channel chat")
        if room.blocked:
            raise forbidden(
                "bot was blocked by the user"
                if room.kind == "private"
                else f"bot was kicked from the {room.kind} chat"
            )
        if room.upgraded_to is not None and not look:
            words = "Bad Request: group chat was upgraded to a supergroup chat"
            raise ApiError(400, words, migrate_to_chat_id=room.upgraded_to)
        return room

    def _no_room(self, chat_id: int) -> ApiError:
        """Return why a bot cannot write: it left the group, or it knows the user only from a group."""
        state, name = self.state, self.bot.name
        group = state.groups.get(chat_id)
        if group is not None and name in group.left:
            if group.left[name] == "kicked":
                return forbidden(f"bot was kicked from the {group.kind} chat")
            return forbidden(f"bot is not a member of the {group.kind} chat")
        if any(chat_id in room.members and name in room.bots for room in state.groups.values()):
            return forbidden("bot can't initiate conversation with a user")
        return bad_request("chat not found")

    def _chat_id(self, chat: str) -> int:
        if chat.startswith("@"):
            channel = self.state.channel_named(chat[1:])
            return channel.id if channel is not None else 0
        try:
            return int(chat)
        except ValueError:
            raise bad_request("chat not found") from None

    def message(self, room: Room, missing: str) -> Stored:
        """Return the message `message_id` of the room; raises "<missing>" when it is not there."""
        stored = room.messages.get(self.integer("message_id") or 0)
        if stored is None:
            raise bad_request(missing)
        return stored


def unauthorized() -> ApiError:
    """Return the answer to an unknown token."""
    return ApiError(401, "Unauthorized")


def not_found(what: str = "") -> ApiError:
    """Return the answer to an unknown method or a path that is no call."""
    return ApiError(404, f"Not Found: {what}" if what else "Not Found")
