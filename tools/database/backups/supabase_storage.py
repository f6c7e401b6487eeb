"""Backups in Supabase Storage of another project: supabase://PROJECT/BUCKET/PREFIX.

Its secret key is in BACKUP_STORAGE_KEY. Files are uploaded in parts with the TUS protocol, which Storage
wants above 6 MB, and an interrupted upload continues where it stopped. Most refusals are HTTP 400, with the
real status as a string in the body.
"""

from __future__ import annotations

import base64
import json
import os
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Self
from urllib.parse import quote, urljoin

import urllib3

from tools.database.errors import BackupError

PART = 6 * 1024 * 1024  # bytes; Storage refuses other parts, but a shorter last one
CONNECT_TIMEOUT, READ_TIMEOUT = 10.0, 60.0  # seconds
DEADLINE = 3600.0  # seconds of one upload or download
TRIES, FIRST_PAUSE = 5, 1.0  # of a part without an answer; the pause doubles
_ADDRESS = re.compile(r"supabase://([a-z0-9]+)/([A-Za-z0-9._-]+)((?:/[A-Za-z0-9._-]+)*)/?")
_TEMPORARY = (423, 429, 500, 502, 503, 504, 544)


class SupabaseStorage:
    """A bucket of a Supabase project; BACKUP_STORAGE_URL names another server than PROJECT.supabase.co."""

    def __init__(self, project: str, bucket: str, prefix: str, key: str) -> None:
        self._project, self._bucket, self._prefix, self._key = project, bucket, prefix, key
        server = os.environ.get("BACKUP_STORAGE_URL") or f"https://{project}.supabase.co"
        self._base = f"{server.rstrip('/')}/storage/v1"
        timeout = urllib3.Timeout(connect=CONNECT_TIMEOUT, read=READ_TIMEOUT)
        self._pool = urllib3.PoolManager(timeout=timeout, retries=False)

    @classmethod
    def at(cls, address: str) -> Self:
        """Return the place of an address. Raises BackupError."""
        found = _ADDRESS.fullmatch(address)
        if found is None:
            raise BackupError(f"{address} names no bucket: supabase://PROJECT/BUCKET/PREFIX")
        key = os.environ.get("BACKUP_STORAGE_KEY", "").strip()
        if not key:
            raise BackupError(
                f"The secret key of the project {found[1]} is missing: BACKUP_STORAGE_KEY=sb_secret_…"
            )
        return cls(found[1], found[2], found[3].strip("/"), key)

    def address(self, name: str) -> str:
        """Return the supabase:// address of a file."""
        return f"supabase://{self._project}/{self._bucket}/{self._object(name)}"

    def put(self, path: Path, name: str) -> str:
        """Upload a file in parts; one of that name is not replaced."""
        end, size = time.monotonic() + DEADLINE, path.stat().st_size
        upload = self._begin(name, size)
        with path.open("rb") as file:
            offset = 0
            while offset < size:
                offset = self._append(upload, name, file, offset, size, end)
        return self.address(name)

    def get(self, name: str, path: Path) -> None:
        """Download a file."""
        end, length = time.monotonic() + DEADLINE, 0
        response = self._ask("GET", self._url(name), stream=True)
        try:
            with path.open("wb") as file:
                for part in response.stream(1 << 20):
                    file.write(part)
                    length += len(part)
                    _require_time(end)
        except urllib3.exceptions.HTTPError as error:
            raise self._silent(error) from None
        finally:
            response.release_conn()
        expected = response.headers.get("Content-Length")
        if expected is not None and length != int(expected):
            raise BackupError(f"{self.address(name)} was cut off after {length} of {expected} bytes.")

    def delete(self, name: str) -> None:
        """Delete a file; Storage does not mind one that is gone."""
        body = json.dumps({"prefixes": [self._object(name)]}).encode()
        headers = {"Content-Type": "application/json"}
        self._ask("DELETE", f"{self._base}/object/{quote(self._bucket)}", body, headers)

    def _begin(self, name: str, size: int) -> str:
        words = {
            "bucketName": self._bucket, "objectName": self._object(name),
            "contentType": "application/octet-stream",
        }  # fmt: skip
        metadata = ",".join(
            f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in words.items()
        )
        headers = {"Upload-Length": str(size), "Upload-Metadata": metadata, "x-upsert": "false"}
        response = self._ask("POST", f"{self._base}/upload/resumable", b"", headers)
        return urljoin(f"{self._base}/", response.headers.get("Location", ""))

    def _append(self, upload: str, name: str, file: BinaryIO, offset: int, size: int, end: float) -> int:
        """Send the part at `offset` and return where the next one begins."""
        for number in range(1, TRIES + 1):
            _require_time(end)
            file.seek(offset)
            headers = {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
            try:
                self._ask("PATCH", upload, file.read(PART), headers)
                return min(offset + PART, size)
            except _Temporary:
                if number == TRIES:
                    raise
            time.sleep(FIRST_PAUSE * 2 ** (number - 1))
            # The part may have arrived, and only its answer was lost.
            with suppress(_Temporary):
                arrived = self._arrived(upload, name, size)
                if arrived != offset:
                    return arrived
        raise AssertionError("the last try returns or raises")

    def _arrived(self, upload: str, name: str, size: int) -> int:
        """Return how many bytes Storage has; it may forget an upload that is complete."""
        try:
            return int(self._ask("HEAD", upload, b"").headers["Upload-Offset"])
        except _Temporary:
            raise
        except BackupError:
            response = self._ask("GET", self._url(name), stream=True)
            response.close()
            if response.headers.get("Content-Length") == str(size):
                return size
            raise

    def _object(self, name: str) -> str:
        return f"{self._prefix}/{name}" if self._prefix else name

    def _url(self, name: str) -> str:
        return f"{self._base}/object/{quote(self._bucket)}/{quote(self._object(name))}"

    def _ask(
        self,
        method: str,
        url: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        stream: bool = False,
    ) -> urllib3.BaseHTTPResponse:
        """Return the response. Raises BackupError, and _Temporary where a repetition may help."""
        sent = {
            "apikey": self._key, "Authorization": f"Bearer {self._key}", "Tus-Resumable": "1.0.0",
            **(headers or {}),
        }  # fmt: skip
        try:
            response = self._pool.request(
                method, url, body=body, headers=sent, preload_content=not stream, redirect=False
            )
            if response.status < 300:
                return response
            text = response.read() if stream else response.data
        except urllib3.exceptions.HTTPError as error:
            raise self._silent(error) from None
        status, code, words = _refusal(response.status, text)
        kind = _Temporary if status in _TEMPORARY else BackupError
        raise kind(f"Supabase Storage answered {status} {code} for bucket {self._bucket}: {words}".strip())

    def _silent(self, error: Exception) -> BackupError:
        return _Temporary(
            f"Supabase Storage of project {self._project} does not answer: {type(error).__name__}"
        )


class _Temporary(BackupError):
    """No answer, or one that says to try again."""


def _refusal(status: int, body: bytes) -> tuple[int, str, str]:
    """Return the real status, the code and the message of a refusal."""
    text = body[:500].decode("utf-8", "replace").strip()
    try:
        found = json.loads(text)
    except ValueError:
        return status, "", "" if text.startswith("<") else text[:200]
    if not isinstance(found, dict):
        return status, "", text[:200]
    real = str(found.get("statusCode", ""))
    return (
        int(real) if real.isdecimal() else status,
        str(found.get("code") or found.get("error") or ""),
        str(found.get("message", ""))[:200],
    )


def _require_time(end: float) -> None:
    if time.monotonic() > end:
        raise BackupError(f"Supabase Storage took longer than {DEADLINE:.0f} s.")
