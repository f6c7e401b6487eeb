"""Joins the pictures and documents of an album, so that one album gets one answer.

Each item is an update of its own; Telegram does not say how many there are, and delivers the next one only
after our answer to this one. So the items are noted in the session, with the album's id, and the update of
the latest one stays open, as that of a part of a long text (paste.py). Where Telegram gets nothing more for
the bot for a moment, the update of the latest item answers. Otherwise the user's next text, the button, or
the sweep takes them along. An item that comes after the answer is offered as a question of its own.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.core import clock
from shared.core.errors import TelegramError
from shared.features.chat import documents, paste, pictures
from shared.features.chat.documents import DocumentFile
from shared.features.chat.pictures import PictureFile
from shared.telegram import api, reply
from shared.telegram.chat_action import typing
from shared.telegram.quoting import caption_of_relayed

if TYPE_CHECKING:
    from shared.core.json_types import JsonObject
    from shared.telegram.context import UpdateContext
    from shared.telegram.messages import Keyboard

HOLD_SECONDS = 12  # between two items of an album, up to 11 have been seen
ASK_NOW = "album:now"
ASK_LATE = "album:late"
_ANSWERED = "answered_album"  # keys of the session's data
_LATE = "late_pictures"
_MOST = 10  # items of an album, by Telegram
_QUIET_SECONDS = 2.0  # without another update, after which an album counts as complete
_LOOKS = 4  # at Telegram's queue, in that time
_SLOW_SECONDS = 3.0  # between two items: such an album is given all of HOLD_SECONDS


@dataclass
class _Items:
    """What was sent: pictures, and documents that are none."""

    pictures: list[PictureFile] = field(default_factory=list)
    documents: list[DocumentFile] = field(default_factory=list)

    @classmethod
    def stored_in(cls, note: object) -> _Items:
        """Return the items of a note; none where there is no note."""
        stored = note if isinstance(note, dict) else {}
        return cls(
            [PictureFile(*one) for one in stored.get("files") or ()],
            [DocumentFile(*one) for one in stored.get("documents") or ()],
        )

    @classmethod
    def of_message(cls, message: JsonObject) -> _Items:
        """Return the item of a message."""
        if (picture := pictures.picture_of(message)) is not None:
            return cls([picture])
        document = documents.document_of(message)
        return cls([], [] if document is None else [document])

    def __len__(self) -> int:
        return len(self.pictures) + len(self.documents)

    def __add__(self, other: _Items) -> _Items:
        """Return both, as far as they fit into an album."""
        if len(self) + len(other) > _MOST:
            return self
        return _Items([*self.pictures, *other.pictures], [*self.documents, *other.documents])

    def to_json(self) -> JsonObject:
        """Return what `stored_in` reads."""
        return {"files": [[*one] for one in self.pictures], "documents": [[*one] for one in self.documents]}


def take(context: UpdateContext) -> None:
    """Note an item of an album, or answer the album where nothing more is waited for."""
    if context.update.has_secret:
        return reply(context.rich("secret_seen"))
    found, group = _Items.of_message(context.update.message), str(context.update.message["media_group_id"])
    note = context.data.get(paste.NOTE)
    note = note if isinstance(note, dict) else {}
    is_own = note.get("update_id") == context.update.update_id
    if not is_own and context.data.get(_ANSWERED) == group:
        return _offer_late(context, found)
    caption = _caption(context)
    words, held = paste.with_earlier_parts(context, caption), _Items.stored_in(note)
    if not is_own:
        held = held + found
    if not context.can_hold:
        return _answer(context, held, words, group)
    now = clock.timestamp()
    is_slow = bool(note.get("is_slow")) or now - note.get("at", now) > _SLOW_SECONDS
    pending = _pending(context)
    if len(held) > 1 and not is_own and not is_slow and pending == 1 and _stays_quiet(context):
        return _answer(context, held, words, group)
    more = {"album": group, "at": now, "is_slow": is_slow, **held.to_json()}
    is_announced = bool(note.get("is_announced"))
    # Where Telegram has as much for the bot as can be the rest of the album, it comes at once.
    has_rest = 1 < pending <= _MOST - len(held) + 1
    paste.hold(context, words, {**more, "is_announced": is_announced or not has_rest}, HOLD_SECONDS)
    if not is_announced and not has_rest:
        context.calls.clear()  # the message below says more than "typing…"
        reply(context.rich("album_waiting"), _button(context, "album_ask_now", ASK_NOW))
    return None


def ask_held(context: UpdateContext, note: JsonObject, words: str) -> None:
    """Ask about an album that waited for its question, the text of this update."""
    _ask(context, _Items.stored_in(note), words)


def ask_now(context: UpdateContext) -> None:
    """Answer the album that is waited for, under its button."""
    note = context.data.get(paste.NOTE)
    held = _Items.stored_in(note)
    if not isinstance(note, dict) or not held:
        return context.answer_callback(context.text("album_answered"))
    context.set_data(paste.NOTE, None)
    context.finish_held(note["update_id"])
    return _answer(context, held, str(note["text"]), str(note.get("album")))


def ask_late(context: UpdateContext) -> None:
    """Answer items that came after their album was answered, under their button."""
    held = _Items.stored_in(context.data.get(_LATE))
    if not held:
        return context.answer_callback(context.text("album_answered"))
    context.set_data(_LATE, None)
    return _ask(context, held, "")


def _caption(context: UpdateContext) -> str:
    if context.update.is_relayed:
        return caption_of_relayed(context.update)
    return context.bot.without_mention(context.update)


def _answer(context: UpdateContext, held: _Items, words: str, group: str) -> None:
    context.set_data(_ANSWERED, group)
    _ask(context, held, words)


def _ask(context: UpdateContext, held: _Items, words: str) -> None:
    if held.documents:
        documents.ask_about(context, held.documents, words, held.pictures)
    else:
        pictures.ask(context, held.pictures, words)


def _offer_late(context: UpdateContext, found: _Items) -> None:
    """Ask what to do with a late item: once, however many come."""
    before = _Items.stored_in(context.data.get(_LATE))
    context.set_data(_LATE, (before + found).to_json())
    if not before:
        reply(context.rich("album_late"), _button(context, "album_ask_late", ASK_LATE))


def _pending(context: UpdateContext) -> int:
    """Return how many updates Telegram has for the bot, this one included; 0 where it does not say."""
    try:
        found = api.call(context.bot.name, "getWebhookInfo", {}, timeout=_QUIET_SECONDS)
    except TelegramError:
        return 0
    count = found.get("pending_update_count") if isinstance(found, dict) else None
    return count if isinstance(count, int) else 0


def _stays_quiet(context: UpdateContext) -> bool:
    """Wait, and return whether Telegram got nothing more for the bot; the chat's next update waits for us."""
    seconds = min(_QUIET_SECONDS, (context.deadline - time.monotonic()) / 4)  # the answer needs the rest
    with typing(context):
        for _ in range(_LOOKS):
            time.sleep(max(seconds, 0) / _LOOKS)
            if _pending(context) != 1:
                return False
    return True


def _button(context: UpdateContext, label: str, data: str) -> Keyboard:
    return [[(context.text(label), data)]]
