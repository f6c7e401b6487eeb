"""What users do in Telegram, and what can be asked about their chats: a part of the emulator's HTTP API.

The docstrings are the reference in docs/emulator.md: a sentence, then one line for each field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tools.emulator.bodies import Refused, attachment, number, optional_number, required, seconds, text_of
from tools.emulator.telegram import Answer, Channel, Chat, Group, Person, Sent
from tools.emulator.telegram.attachments import ALBUM_KINDS, KINDS, Attachment, image_size
from tools.emulator.telegram.model import Account, Json, Room, Stored
from tools.emulator.telegram.reactions import EMOJI
from tools.emulator.telegram.stars import NOT_POSSIBLE, POSSIBLE
from tools.emulator.telegram.text import MAX_CAPTION, MAX_TEXT, units
from tools.emulator.telegram.transcript import text_of as transcript_text
from tools.emulator.telegram.world import channel_json, group_json, person_json, topic_json

if TYPE_CHECKING:
    from tools.emulator.stack import Stack

Route = Callable[[Json], Json]
USERNAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{4,31}")
BOT_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
MAX_PHOTO = 10 * 1024 * 1024
MAX_FILE = 50 * 1024 * 1024
MAX_WAIT = 600.0
ICON_COLOR = 0x6FB9F0
STANDINGS = {"add": "member", "remove": "kicked", "promote": "administrator", "demote": "member"}
GROUP_WANTED = "A group needs at least one of the people, and bots that exist."

# How the sheet of an invoice ends before the bot is asked; None: it is asked.
SUBSCRIPTION_WISHES = ("renew", "canceled", "active", "failed")
OUTCOMES = {"pay": None, "close": "closed", "no_stars": "no_stars", "fail_after_check": None}


class ChatActions:
    """One method for each route; `get` and `post` list them."""

    def __init__(self, stack: Stack) -> None:
        self._telegram = stack.telegram
        self._world = stack.telegram.world
        self.get: dict[str, Route] = {
            "chat": self._messages,
            "transcript": self._transcript,
            "answer": self._answer,
        }
        self.post: dict[str, Route] = {
            "people": self._add_person,
            "bots": self._add_bot,
            "groups": self._add_group,
            "groups/bot": self._change_bot,
            "groups/upgrade": self._upgrade,
            "channel": self._channel,
            "topics": self._add_topic,
            "send": self._send,
            "press": self._send,
            "edit": self._edit,
            "delete": self._delete,
            "react": self._react,
            "tap": self._tap,
            "block": self._block,
            "pay": self._pay,
            "subscription": self._subscription,
            "reset-chat": self._reset_chat,
        }

    def room(self, body: Json) -> Room:
        """Return the chat that {person, bot, group?} means."""
        return self._chat(body).room

    def _chat(self, body: Json) -> Chat:
        person = self.person(body.get("person"))
        if body.get("group"):
            group = self._group(body["group"])
            if person.id not in group.members:
                raise Refused("There is no such group, or this person is not in it.")
            return Group(self._telegram, group).by(Person(self._telegram, person))
        return Person(self._telegram, person).chat(self._bot(body.get("bot")))

    def person(self, value: Any) -> Account:
        """Return the user with this id, @username or first name; raises Refused."""
        people = self._world.people
        if isinstance(value, str) and not value.lstrip("-").isdigit():
            word = value.removeprefix("@").lower()
            named = [one for one in people.values() if (one.username or "").lower() == word]
            found = named or [one for one in people.values() if one.first_name.lower() == word]
            if len(found) > 1:
                raise Refused(f"{len(found)} people are named {value}: give an id or a @username.")
        else:
            found = [one for one in people.values() if one.id == number(value, "person")]
        if not found:
            raise Refused("There is no such person.")
        return found[0]

    def _bot(self, value: Any) -> str:
        name = str(value) if value else next(iter(self._world.bots))
        if name not in self._world.bots:
            raise Refused(f"There is no bot named {name}.")
        return name

    def _group(self, value: Any) -> Room:
        group = self._world.groups.get(number(value, "group"))
        if group is None:
            raise Refused("There is no such group, or this person is not in it.")
        return group

    def _stored(self, chat: Chat, body: Json) -> Stored:
        stored = chat.room.messages.get(number(body.get("message_id"), "message_id"))
        if stored is None:
            raise Refused("There is no such message in this chat.")
        return stored

    def _add_person(self, body: Json) -> Json:
        """Add a user.

        first_name: 1 to 64 characters
        last_name, username, language_code: optional
        """
        first_name = text_of(body, "first_name", 64, "A person needs a first name of at most 64 characters.")
        username = str(body.get("username") or "").removeprefix("@") or None
        if username and not USERNAME.fullmatch(username):
            raise Refused("A username has 5 to 32 letters, digits and underscores, and begins with a letter.")
        if username and any(
            (one.username or "").lower() == username.lower() for one in self._world.people.values()
        ):
            raise Refused(f"@{username} is taken.")
        last_name, language = (str(body.get(name) or "") or None for name in ("last_name", "language_code"))
        person = self._telegram.person(first_name, language, username, last_name)
        return person_json(person.account)

    def _add_bot(self, body: Json) -> Json:
        """Add a bot of your own, or ask for the token of one; its updates wait until it sets a webhook.

        name: small letters, digits and _
        privacy: false lets the bot read everything in groups
        """
        name = str(body.get("name") or "")
        if not BOT_NAME.fullmatch(name):
            raise Refused("A bot's name has small letters, digits and _, and begins with a letter.")
        bot = self._telegram.add_bot(name, is_guest=True)
        bot.privacy = bool(body.get("privacy", bot.privacy))
        return {"name": name, "token": bot.token, "username": bot.username, "id": bot.id}

    def _add_group(self, body: Json) -> Json:
        """Add a group; its first member owns it.

        title: 1 to 128 characters
        members: ids, @usernames or first names
        bots: names of bots
        kind: "supergroup" (as if left out) or "group"
        forum: true for a supergroup with topics
        admins: those of the bots that administer the group
        """
        title = text_of(body, "title", 128, "A group needs a title of at most 128 characters.")
        members = [
            Person(self._telegram, self.person(one))
            for one in required(body.get("members"), list, GROUP_WANTED)
        ]
        bots = required(body.get("bots") or [], list, "The bots must be a list of names.")
        admins = required(body.get("admins") or [], list, "The admins must be a list of names.")
        kind = str(body.get("kind") or "supergroup")
        if not members or not set(bots) <= set(self._world.bots) or not set(admins) <= set(bots):
            raise Refused(GROUP_WANTED)
        if kind not in ("group", "supergroup") or (kind == "group" and body.get("forum")):
            raise Refused("A group is a group or a supergroup; only a supergroup has topics.")
        forum = bool(body.get("forum"))
        made = self._telegram.group(title, members, bots, kind=kind, forum=forum, admins=admins)
        return group_json(made.room)

    def _change_bot(self, body: Json) -> Json:
        """Add a bot to a group, make it an administrator, or remove it; the bot gets my_chat_member.

        group: the group's id
        bot: the bot's name
        do: "add", "remove", "promote" or "demote"
        """
        room, name, wish = self._group(body.get("group")), self._bot(body.get("bot")), str(body.get("do"))
        if wish not in STANDINGS:
            raise Refused(f"do is one of {', '.join(STANDINGS)}.")
        if (name in room.bots) == (wish == "add"):
            raise Refused(f"{name} is {'already' if wish == 'add' else 'not'} in {room.title}.")
        Group(self._telegram, room).change_bot(name, STANDINGS[wish])
        return group_json(room)

    def _upgrade(self, body: Json) -> Json:
        """Make a supergroup of a basic group, which changes its id; returns the supergroup.

        group: the group's id
        """
        room = self._group(body.get("group"))
        if room.kind != "group" or room.upgraded_to is not None:
            raise Refused("Only a basic group can be upgraded, and only once.")
        return group_json(Group(self._telegram, room).upgrade().room)

    def _channel(self, body: Json) -> Json:
        """Join a channel, or leave it.

        channel: the channel's id
        person: who joins or leaves
        join: true or false
        """
        room = self._world.channels.get(number(body.get("channel"), "channel"))
        if room is None:
            raise Refused("There is no such channel.")
        channel, person = Channel(self._telegram, room), self.person(body.get("person"))
        if body.get("join"):
            channel.join(person)
        else:
            channel.leave(person)
        return channel_json(room)

    def _add_topic(self, body: Json) -> Json:
        """Make a topic in a forum or in a private chat, which switches the bot's private topics on.

        person, bot, group: the chat
        name: 1 to 128 characters
        """
        chat = self._chat(body)
        if chat.room.kind != "private" and not chat.room.forum:
            raise Refused("Only a forum or a private chat has topics.")
        name = text_of(body, "name", 128, "A topic needs a name of at most 128 characters.")
        return topic_json(chat.room, chat.topic(name))

    def _messages(self, query: Json) -> Json:
        """Return the messages of a chat as they are now, oldest first, its topics and its subscriptions.

        person, bot, group: the chat
        """
        chat = self._chat(query)
        room = chat.room
        with self._world.lock:
            messages = [self._world.message_json(room, stored) for stored in room.messages.values()]
            topics = [topic_json(room, topic) for topic in room.topics.values()]
            mine = [] if room.kind != "private" else chat.subscriptions
        return {
            "chat_id": room.id,
            "messages": messages,
            "topics": topics,
            "blocked": room.blocked,
            "subscriptions": [one.json() for one in mine],
        }

    def _transcript(self, query: Json) -> Json:
        """Return everything that happened in a chat, in order, also edits, deletions and taps.

        person, bot, group: the chat
        after: only entries with a larger id
        format: "json" for `entries`, "text" for `text` to read; both if left out
        """
        room, after = self.room(query), optional_number(query, "after") or 0
        form = query.get("format")
        if form not in (None, "", "json", "text"):
            raise Refused("format is json or text.")
        entries = self._telegram.transcripts.of(room, after)
        whole = {"entries": [one.json() for one in entries], "text": transcript_text(entries)}
        wanted = {"json": ("entries",), "text": ("text",)}.get(form or "", ("entries", "text"))
        kept = {name: value for name, value in whole.items() if name in wanted}
        return {"chat_id": room.id, "cursor": self._telegram.transcripts.cursor, **kept}

    def _answer(self, query: Json) -> Json:
        """Wait for the bot's answer: until it has taken every update since and has done something visible.

        person, bot, group: the chat
        after: the `cursor` that sending or tapping returned
        timeout: seconds, 10 if left out; `timed_out` tells when they were not enough
        first: true returns at the first thing the bot does
        """
        room, after = self.room(query), optional_number(query, "after") or 0
        timeout = min(MAX_WAIT, seconds(query.get("timeout") or 10, "timeout"))
        first = str(query.get("first") or "").lower() in ("1", "true", "yes")
        return self._telegram.transcripts.wait(room, after, timeout, first=first)

    def _send(self, body: Json) -> Json:
        """Send a message, as the user. `press` is the same, for a button of a reply keyboard.

        person, bot, group: the chat; without a group the private chat with the bot
        kind: "text" (as if left out), "forward", "photo", "document", "voice", "audio", "video",
            "video_note", "animation", "sticker", "album", "location" or "contact"
        text: the text, or the caption; a longer text than 4,096 characters goes out in several messages
        file: {"name", "type", "content": base64}; an example is sent without one
        files: of an album, 2 to 10 objects {"kind", "file"}
        latitude, longitude: of a location
        phone_number: of a contact
        reply_to: number of a message of the chat
        quote: the part of that message to quote
        thread: the topic to write in
        """
        chat = self._chat(body)
        if chat.room.blocked:
            raise Refused("The bot is blocked: unblock it first.")
        kind, text = str(body.get("kind") or "text"), str(body.get("text") or "")
        if kind in ("text", "forward") and not text.strip():
            raise Refused("There is nothing to send: the text is empty.")
        if kind not in ("text", "forward") and units(text) > MAX_CAPTION:
            raise Refused(f"Telegram's captions have at most {MAX_CAPTION} characters.")
        cursor = self._telegram.transcripts.cursor
        sent = self._send_kind(chat, kind, text.strip(), body)
        with self._world.lock:
            messages = [self._world.message_json(chat.room, one.stored) for one in sent]
        return {"message": messages[0], "messages": messages, "cursor": cursor}

    def _send_kind(self, chat: Chat, kind: str, text: str, body: Json) -> Sequence[Sent]:
        reply, thread = self._reply(chat, body), self._thread(chat, body)
        if kind == "text" and body.get("quote"):
            return [chat.send_content({"text": text}, reply, thread=thread, quote=self._quote(chat, body))]
        kinds: dict[str, Callable[[], Sequence[Sent]]] = {
            "text": lambda: chat.send_long(text, reply, thread=thread),
            "forward": lambda: [chat.forward(text)],
            "album": lambda: chat.album(_album(body), text or None, thread=thread),
            "location": lambda: [chat.location(*_place(body))],
            "contact": lambda: [chat.contact(str(body.get("phone_number") or "+10000000000"))],
        }
        if kind in KINDS:
            file = _file(kind, body.get("file"))
            return [chat.attach(kind, file, text or None, reply, thread=thread)]
        if kind not in kinds:
            raise Refused(f"The emulator cannot send a {kind}.")
        return kinds[kind]()

    def _reply(self, chat: Chat, body: Json) -> int | None:
        reply = optional_number(body, "reply_to") or None
        if reply is not None and reply not in chat.room.messages:
            raise Refused("The message to reply to is not there any more.")
        return reply

    def _quote(self, chat: Chat, body: Json) -> str:
        quote = str(body["quote"])
        replied = chat.room.messages.get(optional_number(body, "reply_to") or 0)
        words = (replied.data.get("text") or replied.data.get("caption") or "") if replied is not None else ""
        if quote not in words:
            raise Refused("A quote is a part of the message that is replied to.")
        return quote

    def _thread(self, chat: Chat, body: Json) -> int | None:
        thread = optional_number(body, "thread") or None
        topic = chat.room.topics.get(thread or 0)
        if thread is not None and (topic is None or topic.closed):
            raise Refused("There is no such topic, or it is closed.")
        return thread

    def _edit(self, body: Json) -> Json:
        """Edit the text or the caption of an own message; the bot gets edited_message.

        person, bot, group: the chat
        message_id: the message
        text: the new text
        """
        chat = self._chat(body)
        stored = chat.room.messages.get(number(body.get("message_id"), "message_id"))
        own = stored is not None and stored.data["from"]["id"] == chat.person.id
        if stored is None or not own or not {"text", "photo", "video", "document"} & stored.data.keys():
            raise Refused("Only an own text message, photo, video or file can be edited.")
        limit = MAX_TEXT if "text" in stored.data else MAX_CAPTION
        text = text_of(body, "text", limit, "The new text is empty or too long.")
        cursor = self._telegram.transcripts.cursor
        chat.edit(Sent(self._telegram, chat.room, stored), text)
        return self._shown(chat.room, stored) | {"cursor": cursor}

    def _delete(self, body: Json) -> Json:
        """Delete a message for both sides: any one of a private chat, an own one in a group.

        person, bot, group: the chat
        message_id: the message
        """
        chat = self._chat(body)
        stored = self._stored(chat, body)
        if chat.room.kind != "private" and stored.data["from"]["id"] != chat.person.id:
            raise Refused("Only own messages can be deleted in a group.")
        chat.delete(Sent(self._telegram, chat.room, stored))
        return {"chat_id": chat.room.id, "message_id": stored.message_id}

    def _react(self, body: Json) -> Json:
        """React to a message. The bot hears of it if its allowed_updates name message_reaction.

        person, bot, group: the chat
        message_id: the message
        emoji: one of Telegram's reactions; empty takes the reaction back
        """
        chat = self._chat(body)
        stored, emoji = self._stored(chat, body), str(body.get("emoji") or "")
        if emoji and emoji not in EMOJI:
            raise Refused(f"{emoji} is none of Telegram's reactions.")
        cursor = self._telegram.transcripts.cursor
        chat.react(Answer(chat, stored), *([emoji] if emoji else []))
        return self._shown(chat.room, stored) | {"cursor": cursor}

    def _tap(self, body: Json) -> Json:
        """Tap a button under a message.

        person, bot, group: the chat
        message_id: the message; the newest one that has the button if left out
        data: the button's callback data
        label: the button's text, or a part that no other button of the newest message with buttons has
        """
        chat = self._chat(body)
        stored, data = self._button(chat, body)
        cursor = self._telegram.transcripts.cursor
        tap = chat.tap(stored, data)
        update = tap.update.update_id if tap.update else None
        return {"update_id": update, "callback_query_id": tap.query_id, "cursor": cursor}

    def _button(self, chat: Chat, body: Json) -> tuple[Stored, str]:
        wanted = optional_number(body, "message_id")
        with self._world.lock:
            candidates = [one for one in chat.room.messages.values() if wanted in (None, one.message_id)]
        label, data = body.get("label"), body.get("data")
        for stored in reversed(candidates):
            rows = (stored.data.get("reply_markup") or {}).get("inline_keyboard", [])
            for button in (button for row in rows for button in row):
                is_meant = button["text"] == label if label else button.get("callback_data") == data
                if is_meant and button.get("callback_data"):
                    return stored, str(button["callback_data"])
        if label:
            return self._button_by_part(candidates, str(label))
        raise Refused("This button is not there any more.")

    def _button_by_part(self, candidates: list[Stored], part: str) -> tuple[Stored, str]:
        """Find the one button of the newest message with buttons that has these words, in any case."""
        for stored in reversed(candidates):
            rows = (stored.data.get("reply_markup") or {}).get("inline_keyboard", [])
            if buttons := [button for row in rows for button in row if button.get("callback_data")]:
                found = [one for one in buttons if part.casefold() in one["text"].casefold()]
                if len(found) == 1:
                    return stored, str(found[0]["callback_data"])
                labels = ", ".join(f"“{one['text']}”" for one in found or buttons)
                raise Refused(f"{'More than one' if found else 'No'} button has “{part}”: {labels}.")
        raise Refused("There is no message with buttons.")

    def _block(self, body: Json) -> Json:
        """Block the bot, or let it write again; the bot gets my_chat_member, and its calls 403.

        person, bot: the private chat
        blocked: true or false
        """
        chat = self._chat(body)
        if chat.room.kind != "private":
            raise Refused("Only a private chat can be blocked.")
        blocked = required(body.get("blocked"), bool, "blocked is true or false.")
        if blocked != chat.room.blocked:
            chat.block() if blocked else chat.unblock()
        return {"chat_id": chat.room.id, "bot": chat.room.private_bot, "blocked": blocked}

    def _pay(self, body: Json) -> Json:
        """Open an invoice in Stars, and pay it or not.

        person, bot, group: the chat
        message_id: the invoice's message, or
        link: the address of an invoice
        outcome: pay (if left out), close (the sheet), no_stars (too few) or fail_after_check (the bot agreed)
        """
        chat = self._chat(body)
        stars = self._telegram.stars
        if body.get("link"):
            invoice = stars.links.get(str(body["link"]))
        else:
            message = number(body.get("message_id"), "message_id")
            invoice = stars.invoice_of(str(body.get("bot")), chat.room.id, message)
        if invoice is None:
            raise Refused("There is no such invoice any more.")
        outcome = str(body.get("outcome") or "pay")
        if outcome not in OUTCOMES:
            raise Refused(f"An outcome is one of {', '.join(OUTCOMES)}.")
        if state := OUTCOMES[outcome]:
            purchase = stars.give_up(invoice, chat.person, state)
        else:
            purchase = stars.pay(invoice, chat.person, fails_after_check=outcome == "fail_after_check")
        return {
            "outcome": outcome,
            "pre_checkout_query_id": purchase.query_id or None,
            "amount": invoice.amount,
        }

    def _subscription(self, body: Json) -> Json:
        """Change a subscription in Stars.

        person, bot: the private chat
        charge_id: any charge of the subscription
        do: "renew", "canceled", "active" or "failed"; GET /api/chat lists what is possible now
        """
        stars, charge, wish = self._telegram.stars, str(body.get("charge_id")), str(body.get("do"))
        mine = next((one for one in self._chat(body).subscriptions if charge in one.charges), None)
        if mine is None:
            raise Refused("There is no such subscription any more.")
        if wish not in SUBSCRIPTION_WISHES:
            raise Refused(f"A subscription cannot be {wish}.")
        if wish not in POSSIBLE[mine.state]:
            raise Refused(NOT_POSSIBLE[mine.state])
        if wish == "renew":
            stars.renew(mine)
        else:
            stars.change(mine, wish)
        return {"state": mine.state}

    def _reset_chat(self, body: Json) -> Json:
        """Delete all messages of a chat, and its transcript.

        person, bot, group: the chat
        """
        room = self.room(body)
        self._world.clear(room)
        self._telegram.transcripts.forget(room)
        return {"chat_id": room.id, "messages": []}

    def _shown(self, room: Room, stored: Stored) -> Json:
        with self._world.lock:
            return {"message": self._world.message_json(room, stored)}


def _file(kind: str, value: Any) -> Attachment | None:
    file = attachment(value)
    if file is None:
        return None
    limit = MAX_PHOTO if kind == "photo" else MAX_FILE
    if len(file.content) > limit:
        raise Refused(f"A {kind} has at most {limit // 1024 // 1024} MB.")
    if kind == "photo" and image_size(file.content) is None:
        raise Refused("This file is not a picture: send it as a document.")
    return file


def _album(body: Json) -> list[tuple[str, Attachment | None]]:
    wanted = "An album has 2 to 10 files: photos and videos, or documents alone, or audio alone."
    given = required(body.get("files"), list, wanted)
    items = [required(one, dict, wanted) for one in given]
    kinds = {str(one.get("kind") or "photo") for one in items}
    mixed = len(kinds) > 1 and not kinds <= {"photo", "video"}
    if not 2 <= len(items) <= 10 or mixed or not kinds <= set(ALBUM_KINDS):
        raise Refused(wanted)
    return [
        (str(one.get("kind") or "photo"), _file(str(one.get("kind") or "photo"), one.get("file")))
        for one in items
    ]


def _place(body: Json) -> tuple[float, float]:
    try:
        return float(body.get("latitude", 55.751244)), float(body.get("longitude", 37.618423))
    except (TypeError, ValueError):
        raise Refused("latitude and longitude are numbers.") from None
