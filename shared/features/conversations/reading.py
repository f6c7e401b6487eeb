"""Reads a document that a user adds to a conversation."""

from __future__ import annotations

import re
from time import monotonic
from typing import TYPE_CHECKING

from shared.core import db
from shared.features.common import files
from shared.telegram import reply

if TYPE_CHECKING:
    from shared.ai.documents import Document
    from shared.core.json_types import JsonObject
    from shared.core.sql_types import MessageLimits
    from shared.telegram.context import UpdateContext

_SHARE = 0.5  # of the time left, to read a document; the answer needs the rest
_NOT_IN_A_NAME = re.compile(r"[^\w .,()+-]")


def name_of(found: JsonObject) -> str:
    """Return the name of a document, without characters that could end a block of a prompt."""
    return _NOT_IN_A_NAME.sub("", str(found.get("file_name") or ""))[:80].strip() or "file"


def read_document(context: UpdateContext, found: JsonObject) -> Document | None:
    """Download and read a document; None where a reply says why that is impossible.

    Raises:
        TelegramError: a temporary failure; the update will be delivered again.
    """
    from shared.ai.documents import UnreadableDocument, read

    size = found.get("file_size")
    if isinstance(size, int) and size > files.MAX_BYTES:
        reply(context.rich("file_too_large", limit=files.MAX_BYTES // files.MEGABYTE))
        return None
    limits: MessageLimits = db.call("message_limits", p_user_id=context.user.id)
    pages = limits["document_pages"]
    if pages == 0:
        reply(context.rich("document_not_included"))
        return None
    data = files.download(context, str(found.get("file_id")))
    if data is None:
        reply(context.rich("file_gone"))
        return None
    now = monotonic()
    try:
        return read(data, most_pages=pages, deadline=now + (context.deadline - now) * _SHARE)
    except UnreadableDocument as error:
        reply(context.rich(f"document_{error.reason}"))
        return None
