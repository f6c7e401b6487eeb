"""Files in Storage, whose library is imported at the first use: few pages have files."""

from __future__ import annotations

from urllib.parse import urlsplit
from uuid import UUID

from shared.core import log
from shared.core.config import settings
from shared.core.errors import StorageError


def is_configured() -> bool:
    """Return whether there is a Storage."""
    return bool(settings().supabase_url and settings().supabase_secret_key)


def signed_url(key: str, seconds: int) -> str:
    """Return an address from which anyone can read a file for `seconds`; empty where it cannot be had."""
    if not is_configured():
        return ""
    from shared.storage import storage

    target = storage()
    try:
        return target.signed_url(key, seconds) if target else ""
    except (StorageError, ValueError) as error:
        log.warning("no link to a file", action="file_link_failed", reason=str(error))
        return ""


def store(user_id: int, kind: str, name: UUID, content: bytes, mime_type: str) -> str:
    """Store a file of a user and return its key; empty where that is not possible now.

    A repeated call with the same name stores nothing twice.
    """
    from shared.storage import store_file

    try:
        stored = store_file(user_id, "console", kind=kind, name=name, data=content, mime_type=mime_type)
    except StorageError as error:
        log.warning("a file was not stored", action="file_not_stored", reason=str(error))
        return ""
    return stored.key if stored else ""


def origin(address: str) -> str:
    """Return scheme and host of an address, for the Content-Security-Policy."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
