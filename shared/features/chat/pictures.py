"""Answers pictures: photos, and picture files, with or without a caption.

The history keeps the caption and that there was a picture. The session keeps the file_ids for the next
questions, so that the AI sees the picture again; the pictures themselves stay at Telegram.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from shared.features.chat import asking
from shared.features.chat.question import Question
from shared.features.common import files
from shared.features.common.media import edits
from shared.features.common.media.kinds import kind_of_content
from shared.features.common.media.modes import take_pictures
from shared.features.common.user_key import open_key
from shared.telegram import reply
from shared.telegram.chat_action import typing
from shared.telegram.pipeline import MAX_TEXT
from shared.telegram.quoting import with_default, words_with_file

if TYPE_CHECKING:
    from shared.ai.provider import Picture
    from shared.core.json_types import JsonObject
    from shared.telegram.context import UpdateContext

NOTE = "pictures"  # the key of the session's data
FOLLOW_UPS = 3  # questions after the one with the picture that show it again
_ENOUGH = 1_568  # pixels: of the sizes that Telegram made of a photo, the largest one within is taken


class PictureFile(NamedTuple):
    """A picture at Telegram. `longest_side` (pixels) is None where Telegram did not make it."""

    file_id: str
    longest_side: int | None
    size: int  # bytes; 0: unknown


def picture_of(message: JsonObject) -> PictureFile | None:
    """Return the picture of a message: a photo, or a document that is a picture; else None."""
    sizes = message.get("photo")
    if isinstance(sizes, list) and sizes:
        return _best([_photo(one) for one in sizes if isinstance(one, dict)])
    document = message.get("document")
    if isinstance(document, dict) and str(document.get("mime_type")).startswith("image/"):
        return PictureFile(str(document.get("file_id")), None, _number(document.get("file_size")))
    return None


def ask_about_message(context: UpdateContext) -> None:
    """Ask about the picture of the update, with its caption as the question."""
    if context.update.has_secret:
        return reply(context.rich("secret_seen"))
    found = picture_of(context.update.message)
    if found is not None:
        caption = context.bot.without_mention(context.update)
        ask(context, [found], words_with_file(context.update, caption, context.bot.telegram_id))
    return None


def ask(context: UpdateContext, found: Sequence[PictureFile], words: str) -> None:
    """Ask the AI about pictures. Refuses before anything is spent; a refusal costs no request.

    Args:
        words: the question, which may hold the message that it quotes; empty: what the pictures show.
    """
    if kind := kind_of_content(context):
        return take_pictures(context, kind, (one.file_id for one in found), words)
    asked = words
    if len(asked) > MAX_TEXT:
        return reply(context.rich("too_long", length=len(asked), limit=MAX_TEXT))
    own = open_key(context)
    if not asking.admit(context, own):
        return None
    try:
        with typing(context):
            pictures = load(context, found)
    except UnusableFile as error:
        context.release()
        return reply(context.rich(error.key, **error.values))
    marked = f"[{len(pictures)} pictures]" if len(pictures) > 1 else "[picture]"
    default = context.text("pictures_question" if len(pictures) > 1 else "picture_question")
    question = Question(
        with_default(asked, default),
        remembered=f"{marked} {asked}".rstrip(),
        pictures=pictures,
    )
    if asking.answer(context, question, own):
        keep(context, found)
        edits.offer(context, (one.file_id for one in found), context.bot.without_mention(context.update))
    return None


class UnusableFile(Exception):
    """Why the AI gets no picture: the key of a text and its values."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key)
        self.key = key
        self.values = values


def load(context: UpdateContext, found: Iterable[PictureFile]) -> tuple[Picture, ...]:
    """Download pictures and prepare them for the AI.

    Raises:
        TelegramError: a temporary failure; the update will be delivered again.
        UnusableFile: the AI cannot get one of them.
    """
    from shared.ai.pictures import UnusablePicture, prepare

    prepared = []
    for one in found:
        if one.size > files.MAX_BYTES:
            raise UnusableFile("file_too_large", limit=files.MAX_BYTES // files.MEGABYTE)
        data = files.download(context, one.file_id)
        if data is None:
            raise UnusableFile("file_gone")
        try:
            prepared.append(prepare(data, one.longest_side))
        except UnusablePicture as error:
            raise UnusableFile(f"picture_{error.reason}") from None
    return tuple(prepared)


def keep(context: UpdateContext, found: Iterable[PictureFile]) -> None:
    """Store the file_ids for the next questions of this conversation."""
    if not context.is_offline:
        context.set_data(NOTE, {"files": [[*one] for one in found], "left": FOLLOW_UPS})


def recall(context: UpdateContext) -> tuple[Picture, ...]:
    """Return the pictures that the user's text is about: of the message replied to, else the latest ones.

    Where Telegram no longer has them, the question is asked without.
    """
    found = _earlier(context)
    try:
        return load(context, found)
    except UnusableFile:
        return ()


def _earlier(context: UpdateContext) -> list[PictureFile]:
    original = context.update.message.get("reply_to_message")
    if isinstance(original, dict) and (replied := picture_of(original)):
        return [replied]
    note = context.data.get(NOTE)
    if not isinstance(note, dict):
        return []
    left = note["left"] - 1
    context.set_data(NOTE, {**note, "left": left} if left > 0 else None)
    return [PictureFile(*one) for one in note["files"]]


def _best(sizes: list[PictureFile]) -> PictureFile | None:
    """Return the largest size that needs no reducing, else the smallest one."""
    ordered = sorted(sizes, key=lambda one: one.longest_side or 0)
    fitting = [one for one in ordered if (one.longest_side or 0) <= _ENOUGH]
    return fitting[-1] if fitting else next(iter(ordered), None)


def _photo(size: JsonObject) -> PictureFile:
    longest = max(_number(size.get("width")), _number(size.get("height")))
    return PictureFile(str(size.get("file_id")), longest or None, _number(size.get("file_size")))


def _number(value: object) -> int:
    return value if type(value) is int and value > 0 else 0
