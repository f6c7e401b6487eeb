"""Stores files of users: a row first, then the object, so that every object has an owner and an end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from shared.core import db
from shared.storage.client import FILE_TIMEOUT, Storage, storage

if TYPE_CHECKING:
    from io import BufferedReader

    from shared.core.sql_types import ConfirmFile, RegisterFile

# Extensions of the media that Telegram and the AI providers use.
_EXTENSIONS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "image/gif": "gif",
    "video/mp4": "mp4",
    "video/webm": "webm",
    "audio/ogg": "ogg",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/wav": "wav",
    "application/pdf": "pdf",
    "text/plain": "txt",
}


@dataclass(frozen=True)
class StoredFile:
    """A file of a user in Storage."""

    key: str
    storage: Storage

    def read(self, *, timeout: float = FILE_TIMEOUT) -> bytes:
        """Download it; see `Storage.get`."""
        return self.storage.get(self.key, timeout=timeout)

    def signed_url(self, seconds: int) -> str:
        """Return a URL from which anyone can download it for `seconds`; see `Storage.signed_url`."""
        return self.storage.signed_url(self.key, seconds)


def store_file(
    user_id: int,
    bot: str,
    *,
    kind: str,
    name: UUID,
    data: bytes | BufferedReader,
    mime_type: str,
    size: int | None = None,
    timeout: float = FILE_TIMEOUT,
) -> StoredFile | None:
    """Store a file of a user and return it; None where no storage is configured or the user is gone.

    Args:
        kind: what it is: "images", "videos", "uploads" … The first part of its key.
        data: its content, or a file that is read while it is uploaded, then with its `size` in bytes.
        name: identifies the file. A repeated call with the same name stores nothing twice.

    Raises:
        StorageError: Storage refused, or no answer within `timeout` seconds; the call may be repeated.
        DatabaseUnavailable: the same.
    """
    target = storage()
    if target is None:
        return None
    registered: RegisterFile | None = db.call(
        "register_file",
        p_user_id=user_id,
        p_bot=bot,
        p_kind=kind,
        p_name=str(name),
        p_extension=_EXTENSIONS.get(mime_type, "bin"),
        p_mime_type=mime_type,
        p_size=len(data) if isinstance(data, bytes) else size or 0,
    )
    if registered is None:
        return None
    key = registered["key"]
    if registered["status"] != "stored":
        target.put(key, data, mime_type, timeout=timeout)
        confirmed: ConfirmFile = db.call("confirm_file", p_key=key)
        if not confirmed["stored"]:
            return None  # the user was erased meanwhile; the file is queued for deletion
    return StoredFile(key, target)
