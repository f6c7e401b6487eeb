"""The events of a chat in order: messages, edits, deletions, taps and their answers."""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tools.emulator.telegram.model import Json, Room, Stored, Update
from tools.emulator.telegram.state import TelegramState

KEPT = 2000  # entries of one chat
FINAL = ("delivered", "expired")
ATTACHMENTS = (
    "photo", "animation", "document", "voice", "audio", "video", "video_note", "sticker", "location", "venue",
    "contact", "invoice", "dice", "poll", "successful_payment", "refunded_payment",
    "forum_topic_created", "forum_topic_edited", "forum_topic_closed", "forum_topic_reopened",
    "migrate_to_chat_id", "migrate_from_chat_id", "pinned_message",
)  # fmt: skip
Key = tuple[str | None, int]


@dataclass
class Entry:
    """One event. `updates` are those that bots get of it."""

    id: int
    at: float
    kind: str
    who: str
    is_bot: bool
    fields: Json
    updates: list[Update] = field(default_factory=list)

    def json(self) -> Json:
        """Return the entry without the fields that say nothing."""
        known = {name: value for name, value in self.fields.items() if value not in (None, "", [])}
        return {
            "id": self.id,
            "at": self.at,
            "kind": self.kind,
            "who": self.who,
            "is_bot": self.is_bot,
            **known,
        }


class Transcripts:
    """The transcripts of all chats. Deleted messages keep their place and lose their text."""

    def __init__(self, state: TelegramState) -> None:
        self._state = state
        self._numbers = itertools.count(1)
        self._last = 0
        self._entries: dict[Key, deque[Entry]] = {}
        state.subscribe(self._heard)

    @property
    def cursor(self) -> int:
        """Return the number of the newest entry of any chat, 0 before the first."""
        return self._last

    def of(self, room: Room, after: int = 0) -> list[Entry]:
        """Return the entries of a chat, oldest first; what an earlier run left in the chat comes first."""
        with self._state.lock:
            entries = list(self._entries.get(_key(room), ()))
            if not after:
                entries = [*self._restored(room, entries), *entries]
            return [entry for entry in entries if entry.id > after or not after]

    def forget(self, room: Room) -> None:
        """Start the transcript of a chat anew."""
        with self._state.lock:
            self._entries.pop(_key(room), None)

    def wait(self, room: Room, after: int, timeout: float, *, first: bool = False) -> Json:
        """Wait for a bot to answer what happened in the chat after an entry.

        It is over when the bots have taken every update since and one of them did something visible, or with
        `first` as soon as one did. `timed_out` is true when `timeout` seconds were not enough.
        """
        done = self._state.wait(lambda: self._is_answered(room, after, first), timeout)
        with self._state.lock:
            entries = [entry for entry in self.of(room, after) if entry.is_bot and entry.id > after]
            pending = self._pending(room, after)
            return {
                "entries": [entry.json() for entry in entries],
                "text": text_of(entries),
                "cursor": self._last,
                "pending_updates": len(pending),
                "timed_out": done is None,
            }

    def _is_answered(self, room: Room, after: int, first: bool) -> bool:
        answered = any(entry.is_bot and entry.id > after for entry in self.of(room, after))
        return answered and (first or not self._pending(room, after))

    def _pending(self, room: Room, after: int) -> list[Update]:
        entries = (entry for entry in self.of(room, after) if entry.id > after)
        return [update for entry in entries for update in entry.updates if update.status not in FINAL]

    def add(self, room: Room, kind: str, who: str, is_bot: bool = False, **fields: Any) -> Entry:
        """Record one entry."""
        with self._state.lock:
            self._last = next(self._numbers)
            entry = Entry(self._last, self._state.clock.now(), kind, who, is_bot, fields)
            self._entries.setdefault(_key(room), deque(maxlen=KEPT)).append(entry)
            return entry

    def _heard(self, event: str, payload: Json) -> None:
        recorder = {
            "message": self._message,
            "edit": self._edit,
            "delete": self._delete,
            "callback_answer": self._tap_answer,
            "reaction": self._reaction,
            "block": self._block,
            "purchase": self._purchase,
        }.get(event)
        room = self._room(payload) if recorder is not None else None
        if recorder is not None and room is not None:
            recorder(room, payload)

    def _room(self, payload: Json) -> Room | None:
        chat_id, bot = payload.get("chat_id"), payload.get("bot")
        if bot is not None and (private := self._state.private.get((bot, chat_id or 0))):
            return private
        return self._state.groups.get(chat_id or 0) or self._state.channels.get(chat_id or 0)

    def _message(self, room: Room, payload: Json) -> None:
        stored = room.messages[payload["message_id"]]
        entry = self.add(room, "message", *_author(stored.data), **_fields(stored.data))
        entry.updates = stored.updates

    def _edit(self, room: Room, payload: Json) -> None:
        stored = room.messages[payload["message_id"]]
        entry = self.add(room, "edit", *_author(stored.data), **_fields(stored.data))
        entry.updates = stored.updates

    def _delete(self, room: Room, payload: Json) -> None:
        number = payload["message_id"]
        for entry in self._entries.get(_key(room), ()):
            if entry.fields.get("message_id") == number:
                entry.fields = {"message_id": number, "deleted": True}
        self.add(room, "delete", payload["who"], payload["is_bot"], message_id=number)

    def tapped(self, room: Room, payload: Json, update: Update | None) -> None:
        """Record a tap, and show it to the listeners of the state."""
        with self._state.lock:
            fields = {name: payload[name] for name in ("message_id", "label", "data")}
            entry = self.add(room, "tap", payload["who"], **fields)
            entry.updates = [] if update is None else [update]
            self._state.publish("tap", payload)

    def voted(self, room: Room, who: str, stored: Stored, updates: list[Update]) -> None:
        """Record a vote, or the end of a poll, with the poll's state."""
        poll = stored.data["poll"]
        counts = ", ".join(f"{one['text']} {one['voter_count']}" for one in poll["options"])
        text = f"{counts} (closed)" if poll["is_closed"] else counts
        self.add(room, "vote", who, message_id=stored.message_id, text=text).updates = updates

    def _tap_answer(self, room: Room, payload: Json) -> None:
        kind = "alert" if payload["alert"] else "toast"
        bot = self._state.bots[payload["by"]].first_name
        self.add(room, kind if payload["text"] else "tap_taken", bot, is_bot=True, text=payload["text"])

    def _reaction(self, room: Room, payload: Json) -> None:
        self.add(
            room,
            "reaction",
            payload["who"],
            is_bot=payload["is_bot"],
            message_id=payload["message_id"],
            emoji=payload["emoji"],
        )

    def _block(self, room: Room, payload: Json) -> None:
        self.add(room, "block" if payload["blocked"] else "unblock", payload["who"])

    def _purchase(self, room: Room, payload: Json) -> None:
        """Record a payment that came to nothing; one that was made is a message."""
        if payload["state"] != "paid":
            self.add(room, "purchase", "Telegram", is_bot=True, text=payload["error"], state=payload["state"])

    def _restored(self, room: Room, entries: list[Entry]) -> Iterable[Entry]:
        known = {entry.fields.get("message_id") for entry in entries}
        for stored in room.messages.values():
            if stored.message_id not in known:
                yield _entry(stored)


def text_of(entries: Iterable[Entry]) -> str:
    """Return a transcript to read: one line for each entry, further lines of a text indented."""
    return "".join(f"{_line(entry)}\n" for entry in entries)


def _line(entry: Entry) -> str:
    clock = time.strftime("%H:%M:%S", time.localtime(entry.at))
    first, *others = _said(entry).splitlines()
    indent = " " * (len(clock) + 2)
    return "\n".join([f"{clock}  {first}", *(f"{indent}{line}".rstrip() for line in others)])


def _said(entry: Entry) -> str:
    fields, number = entry.fields, entry.fields.get("message_id")
    if entry.kind in ("message", "edit"):
        edited = f" edits #{number}" if entry.kind == "edit" else ""
        return "\n".join([f"{entry.who}{edited}: {_body(fields)}", *_keyboard(fields)])
    return {
        "tap": lambda: f"{entry.who} taps [{fields.get('label') or fields.get('data')}]",
        "tap_taken": lambda: f"{entry.who} takes the tap",
        "toast": lambda: f"{entry.who} answers the tap: {fields['text']}",
        "alert": lambda: f"{entry.who} answers the tap with an alert: {fields['text']}",
        "delete": lambda: f"{entry.who or 'Someone'} deletes #{number}",
        "reaction": lambda: f"{entry.who} reacts to #{number}: {fields.get('emoji') or 'nothing'}",
        "vote": lambda: f"{entry.who} votes in #{number}: {fields['text']}",
        "purchase": lambda: f"The payment is not made: {fields['text']}",
        "block": lambda: f"{entry.who} blocks the bot",
        "unblock": lambda: f"{entry.who} unblocks the bot",
    }[entry.kind]()


def _body(fields: Json) -> str:
    if fields.get("deleted"):
        return "(deleted)"
    marks = [f"<{fields['attachment']}>"] if fields.get("attachment") else []
    if fields.get("thread"):
        marks.insert(0, f"(topic {fields['thread']})")
    if fields.get("reply_to"):
        marks.insert(0, f"(reply to #{fields['reply_to']})")
    return " ".join([*marks, fields.get("text") or ""]).strip()


def _keyboard(fields: Json) -> list[str]:
    return [" ".join(f"[{label}]" for label in row) for row in fields.get("buttons") or []]


def _entry(stored: Stored) -> Entry:
    who, is_bot = _author(stored.data)
    return Entry(0, float(stored.data["date"]), "message", who, is_bot, _fields(stored.data))


def _author(data: Json) -> tuple[str, bool]:
    author = data.get("from") or {}
    return str(author.get("first_name", "")), bool(author.get("is_bot"))


def _fields(data: Json) -> Json:
    markup = data.get("reply_markup") or {}
    rows = markup.get("inline_keyboard") or markup.get("keyboard") or []
    return {
        "message_id": data["message_id"],
        "text": data.get("text") or data.get("caption") or "",
        "attachment": _attachment(data),
        "buttons": [[one if isinstance(one, str) else one["text"] for one in row] for row in rows],
        "reply_to": (data.get("reply_to_message") or {}).get("message_id"),
        "thread": data.get("message_thread_id"),
        "album": data.get("media_group_id"),
    }


def _attachment(data: Json) -> str:
    kind = next((name for name in ATTACHMENTS if name in data), None)
    if kind is None:
        return ""
    value = data[kind]
    name = (
        value.get("file_name") or value.get("title") or value.get("name") or value.get("question")
        if isinstance(value, dict)
        else ""
    )
    return f"{kind.replace('_', ' ')}{f' {name}' if name else ''}"


def _key(room: Room) -> Key:
    return room.private_bot, room.id
