"""Answers documents: their text goes to the AI beside the question, as material and not as instructions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from math import ceil
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from shared.core import db
from shared.core.log import redact_secrets
from shared.core.texts import Text, concat
from shared.features.chat import asking, pictures
from shared.features.chat.pictures import PictureFile, UnusableFile
from shared.features.chat.question import Question
from shared.features.common import files
from shared.features.common.user_key import open_key
from shared.telegram import reply
from shared.telegram.chat_action import typing
from shared.telegram.pipeline import MAX_TEXT
from shared.telegram.quoting import with_default, words_with_file

if TYPE_CHECKING:
    from shared.ai.documents import Document
    from shared.core.json_types import JsonObject
    from shared.core.sql_types import MessageLimits
    from shared.telegram.context import UpdateContext

_SHARE = 0.5  # of the time left, to read a document; the answer needs the rest
_OFFLINE_PAGES = 10  # of a document while the plan is unknown
_REMEMBERED = 12_000  # characters of a document in the history, for the next questions
_END = re.compile(r"</(?=\s{0,9}document)", re.IGNORECASE)
_NOT_IN_A_NAME = re.compile(r"[^\w .,()+-]")


class DocumentFile(NamedTuple):
    """A document at Telegram."""

    file_id: str
    name: str
    size: int  # bytes; 0: unknown


def document_of(message: JsonObject) -> DocumentFile | None:
    """Return the document of a message, else None."""
    found = message.get("document")
    if not isinstance(found, dict):
        return None
    name = _NOT_IN_A_NAME.sub("", str(found.get("file_name") or ""))[:80].strip() or "file"
    size = found.get("file_size")
    return DocumentFile(str(found.get("file_id")), name, size if isinstance(size, int) else 0)


def ask(context: UpdateContext) -> None:
    """Ask the AI about the document of the update."""
    if context.update.has_secret:
        return reply(context.rich("secret_seen"))
    found = document_of(context.update.message)
    words = words_with_file(
        context.update, context.bot.without_mention(context.update), context.bot.telegram_id
    )
    return None if found is None else ask_about(context, [found], words)


def ask_about(
    context: UpdateContext,
    found: Sequence[DocumentFile],
    words: str,
    found_pictures: Sequence[PictureFile] = (),
) -> None:
    """Ask the AI about documents, and pictures sent with them. What cannot be read costs no request.

    Of several documents, those that cannot be read are left out, and the answer says so.
    """
    if len(words) > MAX_TEXT:
        return reply(context.rich("too_long", length=len(words), limit=MAX_TEXT))
    own = open_key(context)
    if not asking.admit(context, own):
        return None
    try:
        with typing(context):
            documents, notes = _read_all(context, found)
            shown = pictures.load(context, found_pictures)
    except UnusableFile as error:
        context.release()
        return reply(context.rich(error.key, **error.values))
    default = context.text("documents_question" if len(documents) > 1 else "document_question")
    asked = with_default(words, default)
    quoted = [(name, redact_secrets(_END.sub("< /", one.text))) for name, one in documents]
    most = _REMEMBERED // len(quoted)
    question = Question(
        "\n\n".join([asked, *(_quoted(name, text) for name, text in quoted)]),
        remembered="\n\n".join([asked, *(_quoted(name, text[:most]) for name, text in quoted)])[:MAX_TEXT],
        head=concat(*notes, separator="\n") if notes else None,
        pictures=shown,
        has_document=True,
    )
    asking.answer(context, question, own)
    return None


def _read_all(
    context: UpdateContext, found: Sequence[DocumentFile]
) -> tuple[list[tuple[str, Document]], list[Text]]:
    """Return the documents that can be read, with their names, and what to say about the others.

    Pages and characters are limited together.

    Raises:
        TelegramError: a temporary failure; the update will be delivered again.
        UnusableFile: none can be read.
    """
    from shared.ai.documents import MOST_CHARACTERS, PAGE_CHARACTERS

    pages, characters = _allowed_pages(context), MOST_CHARACTERS
    if pages == 0:
        raise UnusableFile("document_not_included")
    now = monotonic()
    deadline = now + (context.deadline - now) * _SHARE
    documents: list[tuple[str, Document]] = []
    notes: list[Text] = []
    first: UnusableFile | None = None
    for one in found:
        if pages <= 0 or characters <= 0:
            notes.append(context.rich("document_over_limit", name=one.name))
            continue
        try:
            document = _read(context, one, pages, deadline)
        except UnusableFile as error:
            first = first or error
            notes.append(context.rich("document_left_out", name=one.name))
            continue
        if len(document.text) > characters:
            document = replace(document, text=document.text[:characters], is_cut=True)
        pages -= document.pages_read or ceil(len(document.text) / PAGE_CHARACTERS)
        characters -= len(document.text)
        documents.append((one.name, document))
        if document.is_cut:
            notes.append(_what_was_read(context, document, one.name if len(found) > 1 else ""))
    if not documents:
        raise first or UnusableFile("document_not_included")
    return documents, notes


def _quoted(name: str, text: str) -> str:
    return f"{files.DOCUMENT.format(name=name)}\n<document>\n{text}\n</document>"


def _read(context: UpdateContext, found: DocumentFile, most_pages: int, deadline: float) -> Document:
    """Download and read a document.

    Raises:
        TelegramError: a temporary failure; the update will be delivered again.
        UnusableFile: it cannot be read.
    """
    from shared.ai.documents import UnreadableDocument, read

    if found.size > files.MAX_BYTES:
        raise UnusableFile("file_too_large", limit=files.MAX_BYTES // files.MEGABYTE)
    data = files.download(context, found.file_id)
    if data is None:
        raise UnusableFile("file_gone")
    try:
        return read(data, most_pages=most_pages, deadline=deadline)
    except UnreadableDocument as error:
        raise UnusableFile(f"document_{error.reason}") from None


def _allowed_pages(context: UpdateContext) -> int:
    if context.is_offline:
        return _OFFLINE_PAGES
    limits: MessageLimits = db.call("message_limits", p_user_id=context.user.id)
    return limits["document_pages"]


def _what_was_read(context: UpdateContext, document: Document, name: str) -> Text:
    """Return which part of a document was read. `name`: of one of several."""
    if name:
        return context.rich("document_cut_one", name=name)
    if document.pages:
        return context.rich("document_cut_pages", read=document.pages_read, pages=document.pages)
    return context.rich("document_cut", length=len(document.text))
