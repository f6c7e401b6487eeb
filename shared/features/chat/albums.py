"""Joins the pictures of an album, so that one album gets one answer.

Each picture is an update of its own; Telegram does not say how many there are, and delivers the next one only
after our answer to this one. So the pictures are noted in the session, with the album's id, and the update of
the latest one stays open, as that of a part of a long text (paste.py). The user's next text, the button, or
the sweep takes them along. A picture that comes after the answer is offered as a question of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.features.chat import paste, pictures
from shared.features.chat.pictures import PictureFile
from shared.telegram import reply

if TYPE_CHECKING:
    from shared.core.json_types import JsonObject
    from shared.telegram.context import UpdateContext
    from shared.telegram.messages import Keyboard

HOLD_SECONDS = 12  # between two pictures of an album, up to 11 have been seen
ASK_NOW = "album:now"
ASK_LATE = "album:late"
_ANSWERED = "answered_album"  # keys of the session's data
_LATE = "late_pictures"
_MOST = 10


def take(context: UpdateContext) -> None:
    """Note a picture of an album, or answer the album where nothing more is waited for."""
    if context.update.has_secret:
        return reply(context.rich("secret_seen"))
    found, group = pictures.picture_of(context.update.message), _group(context)
    if found is None:
        return None
    note = _note(context)
    is_own = note is not None and note["update_id"] == context.update.update_id
    if not is_own and context.data.get(_ANSWERED) == group:
        return _offer_late(context, found)
    words, held = paste.with_earlier_parts(context, _caption(context)), _files(note)
    if not is_own:
        held = [*held, found][:_MOST]
    if not context.can_hold:
        return _answer(context, held, words, group)
    paste.hold(context, words, held, HOLD_SECONDS, album=group)
    if note is None or (is_own and len(held) == 1):
        context.calls.clear()  # the message below says more than "typing…"
        reply(context.rich("album_waiting"), _button(context, "album_ask_now", ASK_NOW))
    return None


def ask_now(context: UpdateContext) -> None:
    """Answer the album that is waited for, under its button."""
    note = _note(context)
    held = _files(note)
    if note is None or not held:
        return context.answer_callback(context.text("album_answered"))
    context.set_data(paste.NOTE, None)
    context.finish_held(note["update_id"])
    return _answer(context, held, str(note["text"]), str(note.get("album")))


def ask_late(context: UpdateContext) -> None:
    """Answer pictures that came after their album was answered, under their button."""
    held = _late(context)
    if not held:
        return context.answer_callback(context.text("album_answered"))
    context.set_data(_LATE, None)
    return pictures.ask(context, held, "")


def _answer(context: UpdateContext, held: list[PictureFile], words: str, group: str) -> None:
    context.set_data(_ANSWERED, group)
    pictures.ask(context, held, words)


def _offer_late(context: UpdateContext, found: PictureFile) -> None:
    """Ask what to do with a late picture: once, however many come."""
    before = _late(context)
    context.set_data(_LATE, [[*one] for one in [*before, found][:_MOST]])
    if not before:
        reply(context.rich("album_late"), _button(context, "album_ask_late", ASK_LATE))


def _button(context: UpdateContext, label: str, data: str) -> Keyboard:
    return [[(context.text(label), data)]]


def _note(context: UpdateContext) -> JsonObject | None:
    note = context.data.get(paste.NOTE)
    return note if isinstance(note, dict) else None


def _files(note: JsonObject | None) -> list[PictureFile]:
    return [PictureFile(*one) for one in (note or {}).get("files") or ()]


def _late(context: UpdateContext) -> list[PictureFile]:
    return [PictureFile(*one) for one in context.data.get(_LATE) or ()]


def _group(context: UpdateContext) -> str:
    return str(context.update.message.get("media_group_id"))


def _caption(context: UpdateContext) -> str:
    return context.bot.without_mention(context.update)
