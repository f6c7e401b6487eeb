"""From what a person does to updates: which bots hear of it, as which kind, in which queue, for how long."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from tools.emulator.telegram.model import Account, BotAccount, Json, Room, Stored, Update
from tools.emulator.telegram.text import automatic_entities, units

if TYPE_CHECKING:
    from tools.emulator.telegram.telegram import Telegram

DAY = 86400.0
CALLBACK_SECONDS = 150.0
CALLBACK_CLASS = "3"
MEMBER_CLASS = "5"


class Sender:
    """What people can do in a room."""

    def __init__(self, telegram: Telegram) -> None:
        self._telegram = telegram
        self._world = telegram.world

    def message(self, room: Room, person: Account, content: Json, reply_to: int | None = None) -> Stored:
        """A new message; it goes to every bot of the room that may see it."""
        with self._world.lock:
            room.started = True
            text = content.get("text", "")
            entities = automatic_entities(text)
            replied = room.messages.get(reply_to) if reply_to is not None else None
            content = content | ({"entities": entities} if entities else {})
            if replied is not None:
                content["reply_to_message"] = _without_reply(replied.data)
            stored = self._world.post(room, person.user(), content)
            self._announce(room, stored, "message")
            return stored

    def edit(self, room: Room, stored: Stored, text: str) -> Stored:
        """The person changes a message of their own."""
        with self._world.lock:
            self._world.change(room, stored, {"text": text, "entities": automatic_entities(text) or None})
            self._announce(room, stored, "edited_message")
            return stored

    def tap(self, room: Room, person: Account, stored: Stored, data: str) -> tuple[Update | None, str]:
        """A button under the bot's message; returns the update and the query's id."""
        with self._world.lock:
            bot = self._world.bots[stored.bot or ""]
            query_id = str(secrets.randbits(62))
            now = self._world.clock.now()
            self._world.callbacks[query_id] = {
                "person": person.id,
                "bot": bot.name,
                "at": now,
                "answer": None,
            }
            query = {
                "id": query_id,
                "from": person.user(),
                "message": stored.data,
                "chat_instance": str(abs(hash((bot.name, room.id)))),
                "data": data,
            }
            update = self._telegram.enqueue(
                bot,
                "callback_query",
                query,
                (CALLBACK_CLASS, person.id),
                now + CALLBACK_SECONDS,
                chat_id=room.id,
            )
            return update, query_id

    def membership(self, room: Room, person: Account, bot: BotAccount, old: str, new: str) -> Update | None:
        """The bot's own standing in a chat changed: blocked, added, removed."""
        with self._world.lock:
            now = self._world.clock.now()
            change = {
                "chat": self._world.chat_json(room),
                "from": person.user(),
                "date": int(now),
                "old_chat_member": {"user": bot.user(), "status": old},
                "new_chat_member": {"user": bot.user(), "status": new},
            }
            return self._telegram.enqueue(
                bot, "my_chat_member", change, (MEMBER_CLASS, room.id), now + DAY, chat_id=room.id
            )

    def _announce(self, room: Room, stored: Stored, kind: str) -> None:
        expires = self._world.clock.now() + DAY
        for name in room.bots:
            bot = self._world.bots[name]
            if not room.blocked and hears(bot, room, stored.data):
                update = self._telegram.enqueue(
                    bot,
                    kind,
                    stored.data,
                    ("chat", room.id),
                    expires,
                    chat_id=room.id,
                    message_id=stored.message_id,
                )
                if update is not None:
                    stored.updates.append(update)
        if stored.updates:
            self._telegram.show_delivery(stored.updates[-1])


def hears(bot: BotAccount, room: Room, message: Json) -> bool:
    """Privacy mode: in a group a bot gets commands, mentions of itself and replies to itself."""
    if room.kind == "private" or not bot.privacy:
        return True
    replied = message.get("reply_to_message", {}).get("from", {})
    return replied.get("id") == bot.id or any(
        _addresses(bot, room, entity["type"], part) for entity, part in _marked(message)
    )


def _addresses(bot: BotAccount, room: Room, kind: str, part: str) -> bool:
    if kind == "mention":
        return part.lower() == f"@{bot.username.lower()}"
    if kind != "bot_command":
        return False
    _, _, addressee = part.partition("@")
    if addressee:
        return addressee.lower() == bot.username.lower()
    # A command for nobody in particular goes to the bot that spoke last, or to all when none has.
    return room.last_bot in (None, bot.name)


def _marked(message: Json) -> list[tuple[Json, str]]:
    text = message.get("text") or message.get("caption") or ""
    encoded = text.encode("utf-16-le")
    entities: list[Any] = message.get("entities") or message.get("caption_entities") or []
    return [
        (
            entity,
            encoded[entity["offset"] * 2 : (entity["offset"] + entity["length"]) * 2].decode("utf-16-le"),
        )
        for entity in entities
        if entity["offset"] + entity["length"] <= units(text)
    ]


def _without_reply(data: Json) -> Json:
    return {name: value for name, value in data.items() if name != "reply_to_message"}
