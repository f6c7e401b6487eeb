"""Turns actions of users into updates: for which bots, of which kind, in which queue, for how long."""

from __future__ import annotations

import secrets
from typing import Any

from tools.emulator.telegram.model import Account, BotAccount, Json, Room, Stored, Topic, Update
from tools.emulator.telegram.state import TelegramState
from tools.emulator.telegram.text import automatic_entities, units
from tools.emulator.telegram.transcript import Transcripts
from tools.emulator.telegram.updates import Updates

DAY = 86400.0
CALLBACK_SECONDS = 150.0
CALLBACK_CLASS = "3"
MEMBER_CLASS = "5"
REACTION_CLASS = "8"
STOP_CLASS = "14"  # not known: a stop that waited behind the message in progress would be of no use
# The rights that Telegram always sends with an administrator, and those of a supergroup.
ADMINISTRATOR: Json = {
    "can_be_edited": False,
    "is_anonymous": False,
    **dict.fromkeys(
        (
            "can_manage_chat", "can_delete_messages", "can_manage_video_chats", "can_restrict_members",
            "can_promote_members", "can_change_info", "can_invite_users", "can_post_stories",
            "can_edit_stories", "can_delete_stories", "can_pin_messages", "can_manage_topics",
        ),
        True,
    ),
}  # fmt: skip
SERVICE = (
    "forum_topic_created", "forum_topic_edited", "forum_topic_closed", "forum_topic_reopened",
    "migrate_to_chat_id", "migrate_from_chat_id",
)  # fmt: skip


class Sender:
    """Carries out what users do in a room."""

    def __init__(self, state: TelegramState, updates: Updates, transcripts: Transcripts) -> None:
        self._state = state
        self._updates = updates
        self._transcripts = transcripts

    def message(
        self,
        room: Room,
        user: Account,
        content: Json,
        reply_to: int | None = None,
        *,
        thread: int | None = None,
        quote: str | None = None,
    ) -> Stored:
        """Post a message and queue it for every bot of the room that may see it.

        `thread` is the topic it is written in, `quote` the part of the replied message that was picked out.
        """
        with self._state.lock:
            room.started = True
            whole = content | _entities(content) | topic_content(room, thread)
            replied = room.messages.get(reply_to) if reply_to is not None else None
            if replied is not None:
                whole["reply_to_message"] = _without_reply(replied.data)
                whole |= quote_content(replied.data, quote) if quote else {}
            stored = self._state.post(room, user.json(), whole)
            self._announce(room, stored, "message")
            return stored

    def edit(self, room: Room, stored: Stored, text: str) -> Stored:
        """Change the text or caption of a user's own message."""
        with self._state.lock:
            name, entities = (
                ("text", "entities") if "text" in stored.data else ("caption", "caption_entities")
            )
            self._state.change(room, stored, {name: text or None, entities: automatic_entities(text) or None})
            self._announce(room, stored, "edited_message")
            return stored

    def topic(self, room: Room, author: Json, name: str, icon_color: int, bot: str | None = None) -> Topic:
        """Make a topic, for a user or a bot: a service message whose number is the topic's."""
        with self._state.lock:
            # In a forum number 1 is the topic General.
            number = room.next_message_id = max(2, room.next_message_id)
            topic = self._state.add_topic(room, Topic(number, name, icon_color))
            made = {"name": name, "icon_color": icon_color}
            content = {"forum_topic_created": made} | topic_content(room, number)
            self.service(room, author, content, bot)
            return topic

    def service(self, room: Room, author: Json, content: Json, bot: str | None = None) -> Stored:
        """Post a service message of a user or a bot; the other bots get it."""
        with self._state.lock:
            room.started = True
            stored = self._state.post(room, author, content)
            self._announce(room, stored, "message", without=bot)
            return stored

    def react(self, room: Room, user: Account, stored: Stored, emoji: list[str]) -> list[Update]:
        """Set the reactions of a user; in a group only its administrator bots get the update."""
        with self._state.lock:
            before = self._state.react(room, stored, user.json(), emoji)
            change = {
                "chat": self._state.chat_json(room),
                "message_id": stored.message_id,
                "user": user.json(),
                "date": int(self._state.clock.now()),
                "old_reaction": [{"type": "emoji", "emoji": one} for one in before],
                "new_reaction": [{"type": "emoji", "emoji": one} for one in emoji],
            }
            bots = room.bots if room.kind == "private" else room.admins
            return [update for name in bots if (update := self._reacted(name, room, change)) is not None]

    def _reacted(self, name: str, room: Room, change: Json) -> Update | None:
        expires = self._state.clock.now() + DAY
        return self._updates.enqueue(
            self._state.bots[name],
            "message_reaction",
            change,
            (REACTION_CLASS, room.id),
            expires,
            chat_id=room.id,
        )

    def tap(self, room: Room, user: Account, stored: Stored, data: str) -> tuple[Update | None, str]:
        """Tap a button under a bot's message; returns the update and the query's id."""
        with self._state.lock:
            bot = self._state.bots[stored.bot or ""]
            query_id = str(secrets.randbits(62))
            now = self._state.clock.now()
            self._state.callbacks[query_id] = {
                "user": user.id,
                "bot": bot.name,
                "at": now,
                "answer": None,
                "chat_id": room.id,
            }
            query = {
                "id": query_id,
                "from": user.json(),
                "message": stored.data,
                "chat_instance": str(abs(hash((bot.name, room.id)))),
                "data": data,
            }
            update = self._updates.enqueue(
                bot,
                "callback_query",
                query,
                (CALLBACK_CLASS, user.id),
                now + CALLBACK_SECONDS,
                chat_id=room.id,
            )
            payload = {"chat_id": room.id, "bot": room.private_bot, "message_id": stored.message_id}
            tapped = {"who": user.first_name, "data": data, "label": _label(stored.data, data)}
            self._transcripts.tapped(room, payload | tapped, update)
            return update, query_id

    def stop(self, room: Room, draft_id: int | None = None) -> Update | None:
        """Tap the stop button of the draft that is shown, or of an earlier one.

        Raises:
            LookupError: no draft with a button is shown.
        """
        with self._state.lock:
            shown = room.draft if room.draft and room.draft["can_stop"] else None
            if shown is None and draft_id is None:
                raise LookupError("no draft with a stop button is shown")
            stopped: Json = {
                "chat": self._state.chat_json(room),
                "draft_id": shown["draft_id"] if draft_id is None and shown else draft_id,
            }
            if shown and shown["message_thread_id"]:
                stopped["message_thread_id"] = shown["message_thread_id"]
            if shown and shown["draft_id"] == stopped["draft_id"]:
                room.draft = shown | {"can_stop": False, "is_stopped": True}
                self._state.publish("draft", room.draft)
            return self._updates.enqueue(
                self._state.bots[room.bots[0]],
                "stopped_message_generation",
                stopped,
                (STOP_CLASS, room.id),
                self._state.clock.now() + DAY,
                chat_id=room.id,
            )

    def membership(self, room: Room, user: Account, bot: BotAccount, old: str, new: str) -> Update | None:
        """Queue my_chat_member: the bot was blocked, added or removed."""
        with self._state.lock:
            now = self._state.clock.now()
            change = {
                "chat": self._state.chat_json(room),
                "from": user.json(),
                "date": int(now),
                "old_chat_member": member_json(bot, old),
                "new_chat_member": member_json(bot, new),
            }
            return self._updates.enqueue(
                bot, "my_chat_member", change, (MEMBER_CLASS, room.id), now + DAY, chat_id=room.id
            )

    def _announce(self, room: Room, stored: Stored, kind: str, without: str | None = None) -> None:
        expires = self._state.clock.now() + DAY
        for name in room.bots:
            bot = self._state.bots[name]
            if name != without and not room.blocked and hears(bot, room, stored.data):
                update = self._updates.enqueue(
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
            self._updates.progress.show(stored.updates[-1])


def hears(bot: BotAccount, room: Room, message: Json) -> bool:
    """Apply privacy mode: in a group a bot gets commands, mentions, replies to it and service messages.

    A bot that administers the group gets everything.
    """
    if room.kind == "private" or not bot.privacy or bot.name in room.admins:
        return True
    if any(name in message for name in SERVICE):
        return True
    replied = message.get("reply_to_message", {})
    is_reply = "forum_topic_created" not in replied and replied.get("from", {}).get("id") == bot.id
    return is_reply or any(_addresses(bot, room, entity["type"], part) for entity, part in _marked(message))


def _addresses(bot: BotAccount, room: Room, kind: str, part: str) -> bool:
    if kind == "mention":
        return part.lower() == f"@{bot.username.lower()}"
    if kind != "bot_command":
        return False
    _, _, addressee = part.partition("@")
    if addressee:
        return addressee.lower() == bot.username.lower()
    # A command without @username goes to the bot that wrote last, or to all when none has.
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


def member_json(bot: BotAccount, status: str) -> Json:
    """Return the Bot API's ChatMember of a bot; a block has no end, an administrator may do everything."""
    more = {"kicked": {"until_date": 0}, "administrator": ADMINISTRATOR}.get(status, {})
    return {"user": bot.json(), "status": status} | more


def topic_content(room: Room, thread: int | None) -> Json:
    """Return the fields of a message in a topic; in a forum it replies to the message that made the topic."""
    if not thread:
        return {}
    content: Json = {"message_thread_id": thread, "is_topic_message": True}
    root = room.messages.get(thread)
    if room.kind != "private" and root is not None:
        content["reply_to_message"] = _without_reply(root.data)
    return content


def quote_content(replied: Json, quote: str) -> Json:
    """Return {"quote"} of a reply; an empty object when the words are not in the replied message."""
    text = replied.get("text") or replied.get("caption") or ""
    if quote not in text:
        return {}
    position = units(text[: text.index(quote)])
    return {"quote": {"text": quote, "position": position, "is_manual": True}}


def _entities(content: Json) -> Json:
    name, text = (
        ("entities", content.get("text"))
        if "text" in content
        else (
            "caption_entities",
            content.get("caption"),
        )
    )
    found = automatic_entities(text or "")
    return {name: found} if found and name not in content else {}


def _label(data: Json, tapped: str) -> str:
    rows = (data.get("reply_markup") or {}).get("inline_keyboard", [])
    buttons = (button for row in rows for button in row)
    return next((str(button["text"]) for button in buttons if button.get("callback_data") == tapped), "")


def _without_reply(data: Json) -> Json:
    return {name: value for name, value in data.items() if name != "reply_to_message"}
