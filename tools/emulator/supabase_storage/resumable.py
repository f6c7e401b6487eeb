"""Resumable uploads of Supabase Storage: the TUS protocol 1.0.0 (tus.io), in parts of 6 MiB.

Storage wants each part but the last to be exactly that long, and answers with plain text here.
"""

from __future__ import annotations

import base64
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from tools.emulator.web import Request, Response

PATH = "upload/resumable"
PART = 6 * 1024 * 1024
_TUS = {"Tus-Resumable": "1.0.0"}


@dataclass
class Upload:
    """An upload that was begun."""

    bucket: str
    key: str
    mime_type: str
    length: int
    content: bytearray = field(default_factory=bytearray)


class ResumableUploads:
    """Uploads in progress; `check` raises Refused, `store` keeps a whole object."""

    def __init__(
        self,
        url: Callable[[], str],
        check: Callable[[Upload], str],
        store: Callable[[Upload], None],
    ) -> None:
        self._url, self._check, self._store = url, check, store
        self._lock = threading.Lock()
        self._uploads: dict[str, Upload] = {}

    def route(self, request: Request, path: str) -> tuple[str, Callable[[], Response]] | None:
        """Return the operation by name and the function that does it; None for another path."""
        if path != PATH and not path.startswith(f"{PATH}/"):
            return None
        number = path.removeprefix(PATH).strip("/")
        return {
            "POST": ("begin", lambda: self.begin(request)),
            "HEAD": ("offset", lambda: self.offset(number)),
            "PATCH": ("part", lambda: self.append(number, request)),
        }.get(request.method)

    def begin(self, request: Request) -> Response:
        """Create an upload."""
        if request.headers.get("tus-resumable") != "1.0.0":
            return Response(412, b"Tus-Resumable Required\n", "text/plain", _TUS)
        named = dict(pair.strip().split(" ", 1) for pair in request.headers["upload-metadata"].split(","))
        words = {name: base64.b64decode(value).decode() for name, value in named.items()}
        upload = Upload(
            words["bucketName"], words["objectName"], words.get("contentType", "application/octet-stream"),
            int(request.headers["upload-length"]),
        )  # fmt: skip
        if refused := self._check(upload):
            status, _, text = refused.partition(" ")
            return Response(int(status), text.encode(), "text/plain", _TUS)
        number = uuid.uuid4().hex
        with self._lock:
            self._uploads[number] = upload
        return Response(201, b"", "text/plain", {**_TUS, "Location": f"{self._url()}/{PATH}/{number}"})

    def offset(self, number: str) -> Response:
        """Answer how many bytes arrived."""
        upload = self._uploads.get(number)
        if upload is None:
            return Response(404, b"", "text/plain", _TUS)
        headers = {"Upload-Offset": str(len(upload.content)), "Upload-Length": str(upload.length)}
        return Response(200, b"", "text/plain", {**_TUS, **headers})

    def append(self, number: str, request: Request) -> Response:
        """Take the next part; the last one makes the object."""
        upload = self._uploads.get(number)
        if upload is None:
            return Response(404, b"The file for this url was not found\n", "text/plain", _TUS)
        with self._lock:
            if int(request.headers.get("upload-offset", "-1")) != len(upload.content):
                return Response(409, b"Upload-Offset conflict\n", "text/plain", _TUS)
            is_last = len(upload.content) + len(request.body) == upload.length
            if not is_last and len(request.body) != PART:
                return Response(400, b"Parts must be of 6 MB\n", "text/plain", _TUS)
            upload.content += request.body
            if is_last:
                self._store(upload)
                del self._uploads[number]
        return Response(204, b"", "text/plain", {**_TUS, "Upload-Offset": str(len(upload.content))})
