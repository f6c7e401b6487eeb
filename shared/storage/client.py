"""Calls Supabase Storage through the package `supabase`, each call with a deadline.

Storage answers nearly every error with HTTP 400; the body has the real status, as a string, and a code.
Uploads never replace: a key belongs to one file, so a key that exists means that an earlier attempt has
stored it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shared.core.config import settings
from shared.core.errors import ConfigError, StorageError

if TYPE_CHECKING:
    from io import BufferedReader

    from storage3._sync.file_api import SyncBucketProxy
    from storage3.types import FileOptions

BUCKET = "media"  # made by the migrations
TIMEOUT = 10.0  # seconds for a call without a file
FILE_TIMEOUT = 60.0  # seconds for an upload or a download; private.enqueue_storage_deletions relies on it
MAX_BYTES = 50 * 1024 * 1024  # of a file in memory
MAX_LARGE_BYTES = 200 * 1024 * 1024  # of a file that is passed on while it arrives: the limit of the bucket
MAX_DELETIONS = 1000  # keys in one call
_CACHE_SECONDS = "3600"
# Storage allows a few more characters; keys of ours need no others.
_KEY = re.compile(r"[a-z_]{1,20}/[0-9a-f-]{36}/[0-9a-f-]{36}\.[a-z0-9]{1,8}")
# Servers of 2023 and before name no code for a key that exists, only the error "Duplicate".
_EXISTS = frozenset({"KeyAlreadyExists", "ResourceAlreadyExists", "Duplicate"})


class Storage:
    """The bucket of this project. Safe to use from several threads."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._key = key

    def put(
        self, key: str, data: bytes | BufferedReader, mime_type: str, *, timeout: float = FILE_TIMEOUT
    ) -> None:
        """Upload a file, from memory or while it is read.

        A key that exists is left as it is: an earlier attempt has stored the file.

        Raises:
            StorageError: refused (EntityTooLarge, InvalidMimeType …), or no answer within `timeout` seconds.
            ValueError: not a key of ours.
        """
        options: FileOptions = {"content-type": mime_type, "cache-control": _CACHE_SECONDS}
        try:
            with self._calls("upload", timeout) as bucket:
                bucket.upload(_checked(key), data, options)
        except StorageError as error:
            if error.code not in _EXISTS:
                raise
        except OSError as error:  # of a file that is read
            raise StorageError("upload", 0, type(error).__name__, "the file could not be read") from None

    def get(self, key: str, *, timeout: float = FILE_TIMEOUT) -> bytes:
        """Download a file.

        Raises:
            StorageError: refused (NoSuchKey …), longer than 50 MB, or not complete within `timeout` seconds.
            ValueError: not a key of ours.
        """
        with self._calls("download", timeout) as bucket:
            return bucket.download(_checked(key))

    def signed_url(self, key: str, seconds: int, *, timeout: float = TIMEOUT) -> str:
        """Return a URL from which anyone can download the file for `seconds`. It cannot be revoked.

        Raises:
            StorageError: refused (NoSuchKey …), or no answer within `timeout` seconds.
            ValueError: not a key of ours.
        """
        with self._calls("sign", timeout) as bucket:
            return bucket.create_signed_url(_checked(key), seconds)["signedURL"] or ""

    def delete(self, keys: Sequence[str], *, timeout: float = TIMEOUT) -> None:
        """Delete up to 1000 files; keys that do not exist are ignored.

        Raises:
            StorageError: refused, or no answer within `timeout` seconds.
            ValueError: more than 1000 keys, or not keys of ours.
        """
        if len(keys) > MAX_DELETIONS:
            raise ValueError(f"more than {MAX_DELETIONS} keys")
        if keys:
            with self._calls("delete", timeout) as bucket:
                bucket.remove([_checked(key) for key in keys])

    @contextmanager
    def _calls(self, operation: str, timeout: float) -> Iterator[SyncBucketProxy]:
        """Lend the library's view of the bucket, whose calls end by the deadline and raise StorageError."""
        from shared.storage import supabase_transport as transport

        client = transport.client(self._url, self._key)
        with transport.deadline(operation, timeout, MAX_BYTES):
            yield client.from_(BUCKET)


def storage() -> Storage | None:
    """Return the configured storage; None where SUPABASE_URL and SUPABASE_SECRET_KEY are both empty.

    Raises:
        ConfigError: only one of them is set.
    """
    url, key = settings().supabase_url, settings().supabase_secret_key
    if not url and not key:
        return None
    if not url or not key:
        raise ConfigError("SUPABASE_URL and SUPABASE_SECRET_KEY belong together: set both, or neither")
    return Storage(url, key)


def _checked(key: str) -> str:
    if _KEY.fullmatch(key) is None:
        raise ValueError("a key is <kind>/<UUID>/<UUID>.<extension>")
    return key
