"""What users do in a chat, and queries about it: a part of the emulator's HTTP API."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tools.emulator.control.bodies import (
    Refused,
    attachment,
    number,
    optional_number,
    required,
    seconds,
    text_of,
)
from tools.emulator.control.chat_finder import ChatFinder
from tools.emulator.control.stars import invoice_json
from tools.emulator.telegram import Chat, Sent, Telegram
from tools.emulator.telegram.attachments import ALBUM_KINDS, KINDS, Attachment, image_size
from tools.emulator.telegram.model import Json, Room, Stored
from tools.emulator.telegram.reactions import EMOJI
from tools.emulator.telegram.state import topic_json
from tools.emulator.telegram.text import MAX_CAPTION, MAX_TEXT, units
from tools.emulator.telegram.transcript import text_of as transcript_text

Route = Callable[[Json], Json]
MAX_PHOTO = 10 * 1024 * 1024
MAX_FILE = 50 * 1024 * 1024
MAX_WAIT = 600.0


class ChatRoutes:
    """One method for each route; `get` and `post` list them."""

    def __init__(self, telegram: Telegram, chats: ChatFinder) -> None:
        self._telegram = telegram
        self._state = telegram.state
        self._chats = chats
        self.get: dict[str, Route] = {
            "chat": self._messages,
            "transcript": self._transcript,
            "answer": self._answer,
        }
        self.post: dict[str, Route] = {
            "send": self._send,
            "press": self._send,
            "edit": self._edit,
            "delete": self._delete,
            "react": self._react,
            "tap": self._tap,
            "block": self._block,
            "reset-chat": self._reset_chat,
        }

    def _messages(self, query: Json) -> Json:
        """Return the messages of a chat as they are now, oldest first, its topics and its subscriptions.

        user, bot, group: the chat
        """
        chat = self._chats.chat(query)
        room = chat.room
        with self._state.lock:
            messages = [self._state.message_json(room, stored) for stored in room.messages.values()]
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

        user, bot, group: the chat
        after: only entries with a larger id
        format: "json" for `entries`, "text" for `text` to read; both if left out
        """
        room, after = self._chats.room(query), optional_number(query, "after") or 0
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

        user, bot, group: the chat
        after: the `cursor` that sending or tapping returned
        timeout: seconds, 10 if left out; `timed_out` is true when they were not enough
        first: true returns at the first thing the bot does
        """
        room, after = self._chats.room(query), optional_number(query, "after") or 0
        timeout = min(MAX_WAIT, seconds(query.get("timeout") or 10, "timeout"))
        first = str(query.get("first") or "").lower() in ("1", "true", "yes")
        return self._telegram.transcripts.wait(room, after, timeout, first=first)

    def _send(self, body: Json) -> Json:
        """Send a message, as the user. `press` is the same, for a button of a reply keyboard.

        user, bot, group: the chat; without a group the private chat with the bot
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
        chat = self._chats.chat(body)
        if chat.room.blocked:
            raise Refused("The bot is blocked: unblock it first.")
        kind, text = str(body.get("kind") or "text"), str(body.get("text") or "")
        if kind in ("text", "forward") and not text.strip():
            raise Refused("There is nothing to send: the text is empty.")
        if kind not in ("text", "forward") and units(text) > MAX_CAPTION:
            raise Refused(f"Telegram's captions have at most {MAX_CAPTION} characters.")
        cursor = self._telegram.transcripts.cursor
        sent = self._send_kind(chat, kind, text.strip(), body)
        with self._state.lock:
            messages = [self._state.message_json(chat.room, one.stored) for one in sent]
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
            raise Refused(f"The emulator cannot send a {kind}; it can send {', '.join([*kinds, *KINDS])}.")
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

        user, bot, group: the chat
        message_id: the message
        text: the new text
        """
        chat = self._chats.chat(body)
        stored = chat.room.messages.get(number(body.get("message_id"), "message_id"))
        own = stored is not None and stored.data["from"]["id"] == chat.user.id
        if stored is None or not own or not {"text", "photo", "video", "document"} & stored.data.keys():
            raise Refused("Only an own text message, photo, video or file can be edited.")
        limit = MAX_TEXT if "text" in stored.data else MAX_CAPTION
        text = text_of(body, "text", limit, "The new text is empty or too long.")
        cursor = self._telegram.transcripts.cursor
        chat.edit(Sent(self._state, chat.room, stored), text)
        return self._shown(chat.room, stored) | {"cursor": cursor}

    def _delete(self, body: Json) -> Json:
        """Delete a message for both sides: any one of a private chat, an own one in a group.

        user, bot, group: the chat
        message_id: the message
        """
        chat = self._chats.chat(body)
        stored = self._chats.stored(chat, body)
        if chat.room.kind != "private" and stored.data["from"]["id"] != chat.user.id:
            raise Refused("Only own messages can be deleted in a group.")
        chat.delete(Sent(self._state, chat.room, stored))
        return {"chat_id": chat.room.id, "message_id": stored.message_id}

    def _react(self, body: Json) -> Json:
        """React to a message. The bot hears of it if its allowed_updates name message_reaction.

        user, bot, group: the chat
        message_id: the message
        emoji: one of Telegram's reactions; empty takes the reaction back
        """
        chat = self._chats.chat(body)
        stored, emoji = self._chats.stored(chat, body), str(body.get("emoji") or "")
        if emoji and emoji not in EMOJI:
            raise Refused(f"{emoji} is none of Telegram's reactions.")
        cursor = self._telegram.transcripts.cursor
        chat.react(chat.message(stored), *([emoji] if emoji else []))
        return self._shown(chat.room, stored) | {"cursor": cursor}

    def _tap(self, body: Json) -> Json:
        """Tap a button under a message. One with an address or for paying only returns what it `opens`.

        user, bot, group: the chat
        message_id: the message; the newest one that has the button if left out
        data: the button's callback data
        label: the button's text, or a part that no other button of the newest message with buttons has
        """
        chat = self._chats.chat(body)
        stored, button = self._button(chat, body)
        cursor = self._telegram.transcripts.cursor
        if "callback_data" not in button:
            return {"opens": self._opened(chat, stored, button), "cursor": cursor}
        tap = chat.tap(stored, str(button["callback_data"]))
        update = tap.update.update_id if tap.update else None
        return {"update_id": update, "callback_query_id": tap.query_id, "cursor": cursor}

    def _opened(self, chat: Chat, stored: Stored, button: Json) -> Json:
        """Return {"url"} or {"invoice"}: what an app would show now."""
        url, stars = str(button.get("url") or ""), self._telegram.stars
        posted = None if url else stars.invoice_of(stored.bot or "", chat.room.id, stored.message_id)
        invoice = stars.links.get(url) or posted
        return {"invoice": invoice_json(invoice)} if invoice else {"url": url}

    def _button(self, chat: Chat, body: Json) -> tuple[Stored, Json]:
        wanted = optional_number(body, "message_id")
        with self._state.lock:
            newest = [
                one for one in reversed(chat.room.messages.values()) if wanted in (None, one.message_id)
            ]
        label, data = body.get("label"), body.get("data")
        for stored in newest:
            for button in tappable(stored):
                if label and plain(button["text"]) == plain(label):
                    return stored, button
                if not label and data and button.get("callback_data") == data:
                    return stored, button
        if label:
            return _button_by_part(newest, str(label))
        raise Refused("This button is not there any more.")

    def _block(self, body: Json) -> Json:
        """Block the bot, or let it write again; the bot gets my_chat_member, and its calls 403.

        user, bot: the private chat
        blocked: true or false
        """
        chat = self._chats.chat(body)
        if chat.room.kind != "private":
            raise Refused("Only a private chat can be blocked.")
        blocked = required(body.get("blocked"), bool, "blocked is true or false.")
        if blocked != chat.room.blocked:
            chat.block() if blocked else chat.unblock()
        return {"chat_id": chat.room.id, "bot": chat.room.private_bot, "blocked": blocked}

    def _reset_chat(self, body: Json) -> Json:
        """Delete all messages of a chat, and its transcript.

        user, bot, group: the chat
        """
        room = self._chats.room(body)
        self._state.clear(room)
        self._telegram.transcripts.forget(room)
        return {"chat_id": room.id, "messages": []}

    def _shown(self, room: Room, stored: Stored) -> Json:
        with self._state.lock:
            return {"message": self._state.message_json(room, stored)}


def plain(label: Any) -> str:
    """Return a label as it is typed: any spaces are one space, capital letters small ones."""
    return " ".join(str(label).split()).casefold()


def tappable(stored: Stored) -> list[Json]:
    """Return the buttons under a message that do something here; an invoice has its own to pay."""
    rows = (stored.data.get("reply_markup") or {}).get("inline_keyboard", [])
    buttons = [button for row in rows for button in row]
    if (invoice := stored.data.get("invoice")) and not buttons:
        buttons = [{"text": f"Pay {invoice['total_amount']} ⭐", "pay": True}]
    return [one for one in buttons if {"callback_data", "url", "pay"} & one.keys()]


def _button_by_part(newest: list[Stored], part: str) -> tuple[Stored, Json]:
    """Find the one button of the newest message with buttons that has these words, in any case."""
    for stored in newest:
        if buttons := tappable(stored):
            found = [one for one in buttons if plain(part) in plain(one["text"])]
            if len(found) == 1:
                return stored, found[0]
            labels = ", ".join(f"“{one['text']}”" for one in found or buttons)
            raise Refused(f"{'More than one' if found else 'No'} button has “{part}”: {labels}.")
    raise Refused("There is no message with buttons.")


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
    if body.get("live_period"):
        raise Refused("The emulator has no live locations.")
    try:
        return float(body.get("latitude", 55.751244)), float(body.get("longitude", 37.618423))
    except (TypeError, ValueError):
        raise Refused("latitude and longitude are numbers.") from None
