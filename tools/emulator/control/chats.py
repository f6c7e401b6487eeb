"""What users do in a chat, and queries about it: a part of the emulator's HTTP API."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from pydantic import Field

from tools.emulator.control.bodies import ChatFields, Fields, FileFields, OptionalNumber, Refused
from tools.emulator.control.chat_finder import ChatFinder
from tools.emulator.control.routes import Json, Route, Routes
from tools.emulator.control.stars import invoice_json
from tools.emulator.telegram import Chat, Sent, Telegram
from tools.emulator.telegram.attachments import ALBUM_KINDS, KINDS, Attachment, image_size
from tools.emulator.telegram.model import Room, Stored
from tools.emulator.telegram.polls import VoteRefused
from tools.emulator.telegram.reactions import EMOJI
from tools.emulator.telegram.state import topic_json
from tools.emulator.telegram.text import MAX_CAPTION, MAX_TEXT, units
from tools.emulator.telegram.transcript import text_of as transcript_text

MAX_PHOTO = 10 * 1024 * 1024
MAX_FILE = 50 * 1024 * 1024
MAX_WAIT = 600.0


class TranscriptQuery(ChatFields):
    """A part of a transcript."""

    after: int = Field(0, description="only entries with a larger id")
    format: Literal["json", "text"] | None = Field(
        None, description='"json" for `entries`, "text" for `text` to read; both if left out'
    )


class AnswerQuery(ChatFields):
    """What to wait for."""

    after: int = Field(0, description="the `cursor` that sending or tapping returned")
    timeout: float = Field(
        10, ge=0, description="seconds, 10 if left out; `timed_out` is true when they were not enough"
    )
    first: bool = Field(False, description="true returns at the first thing the bot does")


class AlbumItem(Fields):
    """A file of an album; an example is sent without one."""

    kind: str = "photo"
    file: FileFields | None = None


class SendBody(ChatFields):
    """A message of any kind. `live_period` is read to be refused in words of its own."""

    kind: str = Field(
        "text",
        description='"text" (as if left out), "forward", "photo", "document", "voice", "audio", "video", '
        '"video_note", "animation", "sticker", "album", "location" or "contact"',
    )
    text: str = Field(
        "",
        description="the text, or the caption; "
        "a longer text than 4,096 characters goes out in several messages",
    )
    file: FileFields | None = Field(
        None, description='{"name", "type", "content": base64}; an example is sent without one'
    )
    files: tuple[AlbumItem, ...] = Field((), description='of an album, 2 to 10 objects {"kind", "file"}')
    latitude: float = Field(55.751244, description="of a location")
    longitude: float = Field(37.618423, description="of a location")
    live_period: OptionalNumber = None
    phone_number: str = Field("+10000000000", description="of a contact")
    reply_to: OptionalNumber = Field(None, description="number of a message of the chat")
    quote: str = Field("", description="the part of that message to quote")
    thread: OptionalNumber = Field(None, description="the topic to write in")


class MessageFields(ChatFields):
    """A message of a chat."""

    message_id: int = Field(description="the message")


class EditBody(MessageFields):
    """A message and what it says now."""

    text: str = Field(description="the new text")


class ReactBody(MessageFields):
    """A message and a reaction."""

    emoji: str = Field("", description="one of Telegram's reactions; empty takes the reaction back")


class VoteBody(MessageFields):
    """A poll and what the user chooses in it."""

    options: tuple[int, ...] = Field((), description="positions of options, from 0; none takes the vote back")


class TapBody(ChatFields):
    """A button."""

    message_id: OptionalNumber = Field(
        None, description="the message; the newest one that has the button if left out"
    )
    data: str = Field("", description="the button's callback data")
    label: str = Field(
        "",
        description="the button's text, or a part "
        "that no other button of the newest message with buttons has",
    )


class StopBody(ChatFields):
    """A draft of an answer."""

    draft_id: OptionalNumber = Field(None, description="the draft; the one that is shown if left out")


class BlockBody(ChatFields):
    """A private chat, and whether its bot is blocked."""

    blocked: bool = Field(description="true or false")


class ChatRoutes:
    """One method for each route; `get` and `post` list them."""

    def __init__(self, telegram: Telegram, chats: ChatFinder) -> None:
        self._telegram = telegram
        self._state = telegram.state
        self._chats = chats
        self.get: Routes = {
            "chat": Route(ChatFields, self._messages),
            "transcript": Route(TranscriptQuery, self._transcript),
            "answer": Route(AnswerQuery, self._answer),
        }
        self.post: Routes = {
            "send": Route(SendBody, self._send),
            "press": Route(SendBody, self._send),
            "edit": Route(EditBody, self._edit),
            "delete": Route(MessageFields, self._delete),
            "react": Route(ReactBody, self._react),
            "vote": Route(VoteBody, self._vote),
            "tap": Route(TapBody, self._tap),
            "stop": Route(StopBody, self._stop),
            "block": Route(BlockBody, self._block),
            "reset-chat": Route(ChatFields, self._reset_chat),
        }

    def _messages(self, query: ChatFields) -> Json:
        """Return the messages of a chat as they are now, oldest first, its topics and its subscriptions."""
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

    def _transcript(self, query: TranscriptQuery) -> Json:
        """Return everything that happened in a chat, in order, also edits, deletions and taps."""
        room = self._chats.room(query)
        entries = self._telegram.transcripts.of(room, query.after)
        whole = {"entries": [one.json() for one in entries], "text": transcript_text(entries)}
        wanted = {"json": ("entries",), "text": ("text",)}.get(query.format or "", ("entries", "text"))
        kept = {name: value for name, value in whole.items() if name in wanted}
        return {"chat_id": room.id, "cursor": self._telegram.transcripts.cursor, **kept}

    def _answer(self, query: AnswerQuery) -> Json:
        """Wait for the bot's answer: until it has taken every update since and has done something visible."""
        room, timeout = self._chats.room(query), min(MAX_WAIT, query.timeout)
        return self._telegram.transcripts.wait(room, query.after, timeout, first=query.first)

    def _send(self, body: SendBody) -> Json:
        """Send a message, as the user. `press` is the same, for a button of a reply keyboard."""
        chat = self._chats.chat(body)
        if chat.room.blocked:
            raise Refused("The bot is blocked: unblock it first.")
        kind, text = body.kind or "text", body.text
        if kind in ("text", "forward") and not text.strip():
            raise Refused("There is nothing to send: the text is empty.")
        if kind not in ("text", "forward") and units(text) > MAX_CAPTION:
            raise Refused(f"Telegram's captions have at most {MAX_CAPTION} characters.")
        cursor = self._telegram.transcripts.cursor
        sent = self._send_kind(chat, kind, text.strip(), body)
        with self._state.lock:
            messages = [self._state.message_json(chat.room, one.stored) for one in sent]
        return {"message": messages[0], "messages": messages, "cursor": cursor}

    def _send_kind(self, chat: Chat, kind: str, text: str, body: SendBody) -> Sequence[Sent]:
        reply, thread = self._reply(chat, body), self._thread(chat, body)
        if kind == "text" and body.quote:
            return [chat.send_content({"text": text}, reply, thread=thread, quote=self._quote(chat, body))]
        kinds: dict[str, Callable[[], Sequence[Sent]]] = {
            "text": lambda: chat.send_long(text, reply, thread=thread),
            "forward": lambda: [chat.forward(text)],
            "album": lambda: chat.album(_album(body), text or None, thread=thread),
            "location": lambda: [chat.location(*_place(body))],
            "contact": lambda: [chat.contact(body.phone_number)],
        }
        if kind in KINDS:
            file = _file(kind, body.file)
            return [chat.attach(kind, file, text or None, reply, thread=thread)]
        if kind not in kinds:
            raise Refused(f"The emulator cannot send a {kind}; it can send {', '.join([*kinds, *KINDS])}.")
        return kinds[kind]()

    def _reply(self, chat: Chat, body: SendBody) -> int | None:
        reply = body.reply_to or None
        if reply is not None and reply not in chat.room.messages:
            raise Refused("The message to reply to is not there any more.")
        return reply

    def _quote(self, chat: Chat, body: SendBody) -> str:
        replied = chat.room.messages.get(body.reply_to or 0)
        words = (replied.data.get("text") or replied.data.get("caption") or "") if replied is not None else ""
        if body.quote not in words:
            raise Refused("A quote is a part of the message that is replied to.")
        return body.quote

    def _thread(self, chat: Chat, body: SendBody) -> int | None:
        thread = body.thread or None
        topic = chat.room.topics.get(thread or 0)
        if thread is not None and (topic is None or topic.closed):
            raise Refused("There is no such topic, or it is closed.")
        return thread

    def _edit(self, body: EditBody) -> Json:
        """Edit the text or the caption of an own message; the bot gets edited_message."""
        chat = self._chats.chat(body)
        stored = chat.room.messages.get(body.message_id)
        own = stored is not None and stored.data["from"]["id"] == chat.user.id
        if stored is None or not own or not {"text", "photo", "video", "document"} & stored.data.keys():
            raise Refused("Only an own text message, photo, video or file can be edited.")
        limit = MAX_TEXT if "text" in stored.data else MAX_CAPTION
        text = body.text.strip()
        if not text or units(text) > limit:
            raise Refused("The new text is empty or too long.")
        cursor = self._telegram.transcripts.cursor
        chat.edit(Sent(self._state, chat.room, stored), text)
        return self._shown(chat.room, stored) | {"cursor": cursor}

    def _delete(self, body: MessageFields) -> Json:
        """Delete a message for both sides: any one of a private chat, an own one in a group."""
        chat = self._chats.chat(body)
        stored = self._chats.stored(chat, body.message_id)
        if chat.room.kind != "private" and stored.data["from"]["id"] != chat.user.id:
            raise Refused("Only own messages can be deleted in a group.")
        chat.delete(Sent(self._state, chat.room, stored))
        return {"chat_id": chat.room.id, "message_id": stored.message_id}

    def _react(self, body: ReactBody) -> Json:
        """React to a message. The bot hears of it if its allowed_updates name message_reaction."""
        chat = self._chats.chat(body)
        stored, emoji = self._chats.stored(chat, body.message_id), body.emoji
        if emoji and emoji not in EMOJI:
            raise Refused(f"{emoji} is none of Telegram's reactions.")
        cursor = self._telegram.transcripts.cursor
        chat.react(chat.message(stored), *([emoji] if emoji else []))
        return self._shown(chat.room, stored) | {"cursor": cursor}

    def _vote(self, body: VoteBody) -> Json:
        """Vote in a poll; the bot that sent it gets poll_answer, unless it is anonymous, and poll."""
        chat = self._chats.chat(body)
        stored = self._chats.stored(chat, body.message_id)
        if "poll" not in stored.data:
            raise Refused("There is no poll in this message.")
        cursor = self._telegram.transcripts.cursor
        try:
            chat.vote(chat.message(stored), *body.options)
        except VoteRefused as error:
            raise Refused(str(error)) from None
        return self._shown(chat.room, stored) | {"cursor": cursor}

    def _tap(self, body: TapBody) -> Json:
        """Tap a button under a message. One with an address or for paying only returns what it `opens`."""
        chat = self._chats.chat(body)
        stored, button = self._button(chat, body)
        cursor = self._telegram.transcripts.cursor
        if "callback_data" not in button:
            return {"opens": self._opened(chat, stored, button), "cursor": cursor}
        tap = chat.tap(stored, str(button["callback_data"]))
        update = tap.update.update_id if tap.update else None
        return {"update_id": update, "callback_query_id": tap.query_id, "cursor": cursor}

    def _stop(self, body: StopBody) -> Json:
        """Tap the stop button of a draft; the bot gets stopped_message_generation."""
        chat = self._chats.chat(body)
        cursor = self._telegram.transcripts.cursor
        try:
            update = chat.stop(body.draft_id)
        except LookupError:
            raise Refused("The bot isn’t writing an answer that can be stopped.") from None
        return {"update_id": update.update_id if update else None, "cursor": cursor}

    def _opened(self, chat: Chat, stored: Stored, button: Json) -> Json:
        """Return {"url"} or {"invoice"}: what an app would show now."""
        url, stars = str(button.get("url") or ""), self._telegram.stars
        posted = None if url else stars.invoice_of(stored.bot or "", chat.room.id, stored.message_id)
        invoice = stars.links.get(url) or posted
        return {"invoice": invoice_json(invoice)} if invoice else {"url": url}

    def _button(self, chat: Chat, body: TapBody) -> tuple[Stored, Json]:
        wanted, label, data = body.message_id, body.label, body.data
        with self._state.lock:
            newest = [
                one for one in reversed(chat.room.messages.values()) if wanted in (None, one.message_id)
            ]
        for stored in newest:
            for button in tappable(stored):
                if label and plain(button["text"]) == plain(label):
                    return stored, button
                if not label and data and button.get("callback_data") == data:
                    return stored, button
        if label:
            return _button_by_part(newest, label)
        raise Refused("This button is not there any more.")

    def _block(self, body: BlockBody) -> Json:
        """Block the bot, or let it write again; the bot gets my_chat_member, and its calls 403."""
        chat = self._chats.chat(body)
        if chat.room.kind != "private":
            raise Refused("Only a private chat can be blocked.")
        if body.blocked != chat.room.blocked:
            chat.block() if body.blocked else chat.unblock()
        return {"chat_id": chat.room.id, "bot": chat.room.private_bot, "blocked": body.blocked}

    def _reset_chat(self, body: ChatFields) -> Json:
        """Delete all messages of a chat, and its transcript."""
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


def _file(kind: str, given: FileFields | None) -> Attachment | None:
    if given is None:
        return None
    file = given.attachment()
    limit = MAX_PHOTO if kind == "photo" else MAX_FILE
    if len(file.content) > limit:
        raise Refused(f"A {kind} has at most {limit // 1024 // 1024} MB.")
    if kind == "photo" and image_size(file.content) is None:
        raise Refused("This file is not a picture: send it as a document.")
    return file


def _album(body: SendBody) -> list[tuple[str, Attachment | None]]:
    kinds = {one.kind for one in body.files}
    mixed = len(kinds) > 1 and not kinds <= {"photo", "video"}
    if not 2 <= len(body.files) <= 10 or mixed or not kinds <= set(ALBUM_KINDS):
        raise Refused("An album has 2 to 10 files: photos and videos, or documents alone, or audio alone.")
    return [(one.kind, _file(one.kind, one.file)) for one in body.files]


def _place(body: SendBody) -> tuple[float, float]:
    if body.live_period:
        raise Refused("The emulator has no live locations.")
    return body.latitude, body.longitude
