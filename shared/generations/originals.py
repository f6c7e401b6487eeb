"""Sends the files of a delivered job as the provider made them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from threading import BoundedSemaphore
from typing import Any, Literal

from shared.core import log
from shared.core.errors import StorageError
from shared.telegram import api

_TIME = 12.0  # seconds for each of both steps, within the time of an update
FILES = 2  # in memory at once, in a function that serves 120 updates with 512 MiB
WAIT = 5.0  # seconds for a place
_places = BoundedSemaphore(FILES)
_EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "video/mp4": "mp4"}


def send_originals(
    bot: str, chat_id: int, thread_id: int, files: Sequence[Mapping[str, Any]]
) -> Literal["sent", "gone", "later"]:
    """Send stored files as documents.

    Returns:
        "gone": they are no longer kept. "later": Storage fails at present, or too many files are being sent.

    Raises:
        TelegramError: a file was not sent.
    """
    from shared.storage import storage

    target = storage()
    if target is None or not files or not all(one["key"] for one in files):
        return "gone"
    if not _places.acquire(timeout=WAIT):
        return "later"
    try:
        contents = [target.get(one["key"], timeout=_TIME) for one in files]
        for one, data in zip(files, contents, strict=True):
            mime = one["mime"] or "application/octet-stream"
            name = f"original.{_EXTENSIONS.get(mime, 'bin')}"
            where = {"chat_id": chat_id, **({"message_thread_id": thread_id} if thread_id else {})}
            api.upload(bot, "sendDocument", where, {"document": (name, data, mime)}, timeout=_TIME)
    except StorageError as error:
        log.info("an original was not read", action="original_unavailable", reason=str(error))
        return "later" if error.is_temporary else "gone"
    finally:
        _places.release()
    return "sent"
