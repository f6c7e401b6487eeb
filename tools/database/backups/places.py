"""Where backups are kept: a folder, Google Cloud Storage, or Supabase Storage (supabase_storage.py)."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import IO, Protocol
from urllib.parse import quote

import urllib3

from tools.database.errors import BackupError

GOOGLE = "https://storage.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
CONNECT_TIMEOUT, TRANSFER_TIMEOUT = (
    10.0,
    120.0,
)  # seconds; the second for each read and write, not for the whole


class Place(Protocol):
    """Keeps files by name."""

    def address(self, name: str) -> str:
        """Return where a file of that name is."""

    def put(self, path: Path, name: str) -> str:
        """Keep a file and return where it is."""

    def get(self, name: str, path: Path) -> None:
        """Copy a kept file to `path`."""

    def delete(self, name: str) -> None:
        """Delete a kept file; one that is gone already is no error."""


def place(address: str) -> Place:
    """Return the place of an address: a folder, gs://… or supabase://…. Raises BackupError."""
    if address.startswith("gs://"):
        bucket, _, prefix = address.removeprefix("gs://").partition("/")
        if not bucket:
            raise BackupError(f"{address} names no bucket: gs://BUCKET/PREFIX")
        return Bucket(bucket, prefix.strip("/"))
    if address.startswith("supabase://"):
        from tools.database.backups.supabase_storage import SupabaseStorage

        return SupabaseStorage.at(address)
    if "://" in address:
        raise BackupError(
            f"{address.partition('://')[0]}:// is no place for backups: a folder, gs://BUCKET/PREFIX, or"
            " supabase://PROJECT/BUCKET/PREFIX"
        )
    return Folder(Path(address))


class Folder:
    """A folder of this machine, or one that is mounted."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def address(self, name: str) -> str:
        """Return the path of a kept file."""
        return str(self._path / name)

    def put(self, path: Path, name: str) -> str:
        """Keep a file under a new name and return its path; a file of that name is whole, or not there."""
        kept, partial = self._path / name, self._partial(name)
        try:
            self._path.mkdir(parents=True, exist_ok=True, mode=0o700)
            try:
                with partial.open("xb") as file, path.open("rb") as source:
                    partial.chmod(0o600)
                    shutil.copyfileobj(source, file)
                    file.flush()
                    os.fsync(file.fileno())
                kept.open("xb").close()  # a rename would replace another one of that name
                partial.replace(kept)
            finally:
                partial.unlink(missing_ok=True)
        except OSError as error:
            raise BackupError(f"{kept} cannot be written: {error.strerror}") from None
        return str(kept)

    def get(self, name: str, path: Path) -> None:
        """Copy a kept file."""
        try:
            shutil.copyfile(self._path / name, path)
        except OSError as error:
            raise BackupError(f"{self._path / name} cannot be read: {error.strerror}") from None

    def delete(self, name: str) -> None:
        """Delete a kept file, or what a killed `put` left of it."""
        try:
            for path in (self._path / name, self._partial(name)):
                path.unlink(missing_ok=True)
        except OSError as error:
            raise BackupError(f"{self._path / name} cannot be deleted: {error.strerror}") from None

    def _partial(self, name: str) -> Path:
        return self._path / f"{name}.part"


class Bucket:
    """A bucket of Google Cloud Storage; STORAGE_EMULATOR_HOST names another server, without a login."""

    def __init__(self, bucket: str, prefix: str) -> None:
        self._bucket, self._prefix = bucket, prefix
        self._server = os.environ.get("STORAGE_EMULATOR_HOST", GOOGLE).rstrip("/")
        timeout = urllib3.Timeout(connect=CONNECT_TIMEOUT, read=TRANSFER_TIMEOUT)
        self._pool = urllib3.PoolManager(timeout=timeout, retries=False)

    def address(self, name: str) -> str:
        """Return the gs:// address of an object."""
        return f"gs://{self._bucket}/{self._key(name)}"

    def put(self, path: Path, name: str) -> str:
        """Upload a file; one of that name is not replaced."""
        address = (
            f"{self._server}/upload/storage/v1/b/{quote(self._bucket, safe='')}/o?uploadType=media"
            f"&ifGenerationMatch=0&name={quote(self._key(name), safe='')}"
        )
        with path.open("rb") as file:
            headers = {"Content-Length": str(path.stat().st_size), "Content-Type": "application/octet-stream"}
            self._ask("POST", address, file, headers)
        return self.address(name)

    def get(self, name: str, path: Path) -> None:
        """Download a file."""
        response = self._ask("GET", f"{self._object(name)}?alt=media", stream=True)
        with path.open("wb") as file:
            for part in response.stream(1 << 20):
                file.write(part)
        response.release_conn()

    def delete(self, name: str) -> None:
        """Delete a file."""
        self._ask("DELETE", self._object(name), missing_ok=True)

    def _key(self, name: str) -> str:
        return f"{self._prefix}/{name}" if self._prefix else name

    def _object(self, name: str) -> str:
        return (
            f"{self._server}/storage/v1/b/{quote(self._bucket, safe='')}/o/{quote(self._key(name), safe='')}"
        )

    def _ask(
        self,
        method: str,
        address: str,
        body: IO[bytes] | None = None,
        headers: dict[str, str] | None = None,
        *,
        stream: bool = False,
        missing_ok: bool = False,
    ) -> urllib3.BaseHTTPResponse:
        try:
            response = self._pool.request(
                method,
                address,
                body=body,
                headers={**self._login(), **(headers or {})},
                preload_content=not stream,
            )
        except urllib3.exceptions.HTTPError as error:
            raise BackupError(f"Google Cloud Storage does not answer: {type(error).__name__}") from None
        if response.status >= 300 and not (missing_ok and response.status == 404):
            reason = response.data[:200].decode("utf-8", "replace").strip()
            raise BackupError(
                f"Google Cloud Storage answered {response.status} for bucket {self._bucket}: {reason}"
            )
        return response

    def _login(self) -> dict[str, str]:
        if self._server != GOOGLE:
            return {}
        import google.auth
        import google.auth.exceptions
        import google.auth.transport.urllib3

        try:
            credentials, _ = google.auth.default(scopes=[SCOPE])
            request = google.auth.transport.urllib3.Request(self._pool)  # type: ignore[no-untyped-call]
            credentials.refresh(request)  # type: ignore[no-untyped-call]
        except google.auth.exceptions.GoogleAuthError:
            raise BackupError(
                "No login for Google Cloud Storage: gcloud auth application-default login, or"
                " run it in the build."
            ) from None
        return {"Authorization": f"Bearer {credentials.token}"}
