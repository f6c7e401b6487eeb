"""The state of the fake Telegram: plain data behind one lock, with a condition signalled at every change."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from tools.emulator.clock import Clock
from tools.emulator.telegram.files import Files
from tools.emulator.telegram.model import (
    Account,
    BotAccount,
    Json,
    Room,
    Stored,
    Topic,
    token_of,
    username_of,
)

Listener = Callable[[str, Json], None]
FILE_FIELDS = (
    "photo", "animation", "document", "sticker", "voice", "audio", "video", "video_note",
)  # fmt: skip


class TelegramState:
    """Users, bots, rooms and messages. Every method is safe to call from any thread."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.users: dict[int, Account] = {}
        self.bots: dict[str, BotAccount] = {}
        self.groups: dict[int, Room] = {}
        self.channels: dict[int, Room] = {}
        self.private: dict[tuple[str, int], Room] = {}
        self.callbacks: dict[str, Json] = {}
        self.files = Files()
        self._listeners: list[Listener] = []
        # Microseconds of the start: ids stay unique when one database outlives several runs.
        self._last_id = int(time.time() * 1_000_000) % 4_000_000_000_000 + 5_000_000_000

    def subscribe(self, listener: Listener) -> None:
        """Call `listener(event, payload)` at every change, under the state's lock: it must not wait."""
        with self.lock:
            self._listeners.append(listener)

    def publish(self, event: str, payload: Json) -> None:
        """Call the listeners and wake waiting threads."""
        with self.changed:
            for listener in self._listeners:
                listener(event, payload)
            self.changed.notify_all()

    def wait(self, ready: Callable[[], Any], timeout: float) -> Any:
        """Return the first true value of `ready()`, called at every change; None after `timeout` seconds."""
        with self.changed:
            return self.changed.wait_for(ready, timeout) or None

    def new_id(self) -> int:
        """Return a new id, below 2**52 as Telegram promises."""
        with self.lock:
            self._last_id += 1
            return self._last_id

    def add_user(self, account: Account) -> Account:
        """Add a user."""
        with self.lock:
            self.users[account.id] = account
            self.publish("user", user_json(account))
            return account

    def add_bot(
        self, name: str, token: str | None = None, username: str | None = None, **more: Any
    ) -> BotAccount:
        """Add a bot, as @BotFather would; adding it again keeps its settings."""
        with self.lock:
            if name not in self.bots:
                title = name.replace("_", " ").capitalize()
                self.bots[name] = BotAccount(
                    name, token or token_of(name), username or username_of(name), title, **more
                )
            return self.bots[name]

    def bot_of_token(self, token: str) -> BotAccount | None:
        """Return the bot that owns this token."""
        with self.lock:
            return next((bot for bot in self.bots.values() if bot.token == token), None)

    def private_room(self, user: int, bot: str) -> Room:
        """Return the private chat of a user with a bot, creating it (not started) when absent."""
        with self.lock:
            key = (bot, user)
            if key not in self.private:
                self.private[key] = Room(user, "private", members=[user], bots=[bot])
            return self.private[key]

    def room(self, bot: str, chat_id: int) -> Room | None:
        """Return a chat as this bot sees it; None when it does not. Every bot sees public channels."""
        with self.lock:
            channel = self.channels.get(chat_id)
            if channel is not None:
                return channel if channel.username or bot in channel.bots else None
            group = self.groups.get(chat_id)
            if group is not None:
                return group if bot in group.bots else None
            return self.private.get((bot, chat_id))

    def add_group(
        self,
        title: str,
        members: list[int],
        bots: list[str],
        *,
        kind: str = "supergroup",
        forum: bool = False,
        admins: list[str] | None = None,
    ) -> Room:
        """Add a supergroup, or a basic group with `kind` "group"; the bots in `admins` administer it."""
        with self.lock:
            chat_id = self._chat_id() if kind == "supergroup" else -self.new_id()
            room = Room(chat_id, kind, title, members=members, bots=bots, started=True)
            room.forum, room.admins = forum, list(admins or ())
            self.groups[room.id] = room
            self.publish("group", group_json(room))
            return room

    def add_topic(self, room: Room, topic: Topic) -> Topic:
        """Add a topic."""
        with self.lock:
            room.topics[topic.id] = topic
            self.show_topic(room, topic)
            return topic

    def show_topic(self, room: Room, topic: Topic) -> None:
        """Publish a topic as it is now."""
        self.publish("topic", topic_json(room, topic))

    def drop_topic(self, room: Room, topic: Topic) -> None:
        """Remove a topic; its messages are deleted one by one."""
        with self.lock:
            del room.topics[topic.id]
            self.publish("topic", topic_json(room, topic) | {"deleted": True})

    def archive(self, account: Account) -> None:
        """Leave a user out of lists; their chats and what the bots know of them stay."""
        with self.lock:
            account.archived = True
            self.publish("user", user_json(account))

    def add_channel(self, title: str, username: str | None, bots: list[str]) -> Room:
        """Add a channel without subscribers; these bots are its administrators."""
        with self.lock:
            room = Room(self._chat_id(), "channel", title, username, bots=bots, started=True)
            self.channels[room.id] = room
            self.publish("channel", channel_json(room))
            return room

    def channel_named(self, username: str) -> Room | None:
        """Return the public channel with this @username, in any case."""
        with self.lock:
            name = username.lower()
            return next(
                (room for room in self.channels.values() if (room.username or "").lower() == name), None
            )

    def _chat_id(self) -> int:
        return -1_000_000_000_000 - self.new_id() % 1_000_000_000_000

    def post(self, room: Room, author: Json, content: Json, bot: str | None = None) -> Stored:
        """Post a message in a room."""
        with self.lock:
            data: Json = {
                "message_id": room.next_message_id,
                "from": author,
                "chat": self.chat_json(room),
                "date": int(self.clock.now()),
            }
            stored = Stored(data | content, bot)
            room.next_message_id += 1
            room.messages[stored.message_id] = stored
            if bot is not None:
                room.draft = None
                room.answers.append(stored)
                room.last_bot = bot
            self.publish("message", self.message_json(room, stored))
            return stored

    def change(self, room: Room, stored: Stored, content: Json) -> None:
        """Edit a message: a value of None removes the field."""
        with self.lock:
            merged = stored.data | content | {"edit_date": int(self.clock.now())}
            stored.data = {name: value for name, value in merged.items() if value is not None}
            stored.edits += 1
            self.publish("edit", self.message_json(room, stored))

    def react(self, room: Room, stored: Stored, who: Json, emoji: list[str]) -> list[str]:
        """Replace the reactions of a user or bot to a message; returns the ones from before."""
        with self.lock:
            before = stored.reactions.pop(who["id"], [])
            if emoji:
                stored.reactions[who["id"]] = emoji
            self.publish(
                "reaction",
                self.message_json(room, stored)
                | {"who": who["first_name"], "is_bot": who["is_bot"], "emoji": "".join(emoji)},
            )
            return before

    def delete(self, room: Room, stored: Stored, by: Json | None = None) -> None:
        """Delete a message for all; `by` is the user or bot that did it."""
        with self.lock:
            stored.deleted = True
            room.messages.pop(stored.message_id, None)
            gone = {"chat_id": room.id, "bot": room.private_bot, "message_id": stored.message_id}
            who = {"who": (by or {}).get("first_name", ""), "is_bot": bool((by or {}).get("is_bot"))}
            self.publish("delete", gone | who)

    def action_over(self, bot: BotAccount, room: Room) -> None:
        """End "typing…" in a room, as a message of the bot does."""
        self.publish("action", {"chat_id": room.id, "bot": bot.name, "action": None, "until": 0})

    def clear(self, room: Room) -> None:
        """Forget a room's messages; numbering goes on."""
        with self.lock:
            for stored in list(room.messages.values()):
                self.delete(room, stored)
            room.answers.clear()
            room.taken = 0

    def chat_json(self, room: Room) -> Json:
        """Return the Bot API's Chat object."""
        if room.kind != "private":
            chat: Json = {"id": room.id, "type": room.kind, "title": room.title}
            named = {"username": room.username} if room.username else {}
            return chat | named | ({"is_forum": True} if room.forum else {})
        user = self.users[room.members[0]]
        chat = {"id": room.id, "type": "private", "first_name": user.first_name}
        optional = {"last_name": user.last_name, "username": user.username}
        return chat | {name: value for name, value in optional.items() if value}

    def message_json(self, room: Room, stored: Stored) -> Json:
        """Return a message as the page shows it: the Bot API's fields, file addresses, delivery."""
        data = stored.data | {"chat_id": room.id, "bot": room.private_bot}
        for name in FILE_FIELDS:
            if name in data:
                data[name] = self.files.with_urls(data[name])
        if stored.updates:
            data["delivery"] = stored.updates[0].describe()
        if stored.reactions:
            data["reactions"] = reactions_json(stored)
        if stored.votes:
            data["votes"] = {str(user): list(chosen) for user, chosen in stored.votes.items()}
        return data


def user_json(account: Account) -> Json:
    """Return a user as the page shows it."""
    return account.json() | {
        "last_name": account.last_name,
        "username": account.username,
        "language_code": account.language_code,
        "color": account.color,
        "walkthrough": account.walkthrough,
        "archived": account.archived,
    }


def topic_json(room: Room, topic: Topic) -> Json:
    """Return a topic as the page shows it."""
    chat = {"chat_id": room.id, "bot": room.private_bot}
    return chat | {
        "thread": topic.id,
        "name": topic.name,
        "icon_color": topic.icon_color,
        "closed": topic.closed,
    }


def reactions_json(stored: Stored) -> list[Json]:
    """Return the reactions to a message as the page shows them: each emoji with the ids of who chose it."""
    emoji: dict[str, list[int]] = {}
    for who, chosen in stored.reactions.items():
        for one in chosen:
            emoji.setdefault(one, []).append(who)
    return [{"emoji": one, "by": by} for one, by in emoji.items()]


def channel_json(room: Room) -> Json:
    """Return a channel as the page shows it."""
    return {"id": room.id, "title": room.title, "username": room.username, "members": room.members}


def group_json(room: Room) -> Json:
    """Return a group as the page shows it."""
    return {
        "id": room.id,
        "title": room.title,
        "members": room.members,
        "bots": room.bots,
        "kind": room.kind,
        "forum": room.forum,
        "admins": room.admins,
        "upgraded_to": room.upgraded_to,
    }
