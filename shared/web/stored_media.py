"""Files in Storage, whose library is imported at the first use: few pages have files."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from werkzeug.exceptions import ServiceUnavailable

from shared.core import log
from shared.core.config import settings
from shared.core.errors import StorageError

if TYPE_CHECKING:
    from flask import Response

    from shared.web.visit import Visit


def is_configured() -> bool:
    """Return whether there is a Storage."""
    return bool(settings().supabase_url and settings().supabase_secret_key)


def signed_url(key: str, seconds: int) -> str:
    """Return an address from which anyone can read a file for `seconds`; empty where Storage makes none."""
    if not is_configured():
        return ""
    from shared.storage import storage

    target = storage()
    try:
        return target.signed_url(key, seconds) if target else ""
    except (StorageError, ValueError) as error:
        log.warning("no link to a file", action="file_link_failed", reason=str(error))
        return ""


def lead_to(visit: Visit, key: str, seconds: int) -> Response:
    """Return the way to a file, by a signed address.

    Raises:
        ServiceUnavailable: Storage gives no address now.
    """
    address = signed_url(key, seconds)
    if not address:
        raise ServiceUnavailable
    return visit.leave(address)


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


def put(key: str, content: bytes, mime_type: str) -> bool:
    """Store a file under its key, and return whether it is there; a key that exists is left as it is."""
    if not is_configured():
        return False
    from shared.storage import storage

    target = storage()
    try:
        if target:
            target.put(key, content, mime_type)
    except StorageError as error:
        log.warning("a file was not stored", action="file_not_stored", reason=str(error))
        return False
    return target is not None


def read(key: str) -> bytes:
    """Return the content of a file; empty where Storage does not give it now."""
    if not is_configured():
        return b""
    from shared.storage import storage

    target = storage()
    try:
        return target.get(key) if target else b""
    except (StorageError, ValueError) as error:
        log.warning("a file was not read", action="file_not_read", reason=str(error))
        return b""
