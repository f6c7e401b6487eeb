"""The file that an operator attaches: which kind of message it becomes, by its first bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared.web import markdown

if TYPE_CHECKING:
    from flask import Request

# Telegram takes 50 MB, but a request of a function has at most 32 MB (shared/core/server.py).
LARGEST = 30_000_000
_LARGEST_PHOTO = 10_000_000
_LONGEST_NAME = 200
_BYTES = "application/octet-stream"
_STARTS = {
    b"\x89PNG\r\n\x1a\n": ("photo", "image/png"),
    b"\xff\xd8\xff": ("photo", "image/jpeg"),
    b"ID3": ("audio", "audio/mpeg"),
    b"%PDF-": ("document", "application/pdf"),
}


class TooLarge(ValueError):
    """A file is larger than a request may be."""


class Attachment(NamedTuple):
    """A file with the kind of message that it becomes."""

    kind: str
    name: str
    content: bytes
    mime: str


def attachment(request: Request) -> Attachment | None:
    """Return the file of a form; None where none was chosen.

    Raises:
        TooLarge: it has more than LARGEST bytes.
    """
    file = request.files.get("file")
    if file is None or not file.filename:
        return None
    content = file.stream.read(LARGEST + 1)
    if not content:
        return None
    if len(content) > LARGEST:
        raise TooLarge
    kind, mime = _kind(content)
    if kind == "photo" and (len(content) > _LARGEST_PHOTO or "as_file" in request.form):
        kind = "document"
    name = " ".join(markdown.clean(file.filename.replace("\\", "/").rpartition("/")[2]).split())
    return Attachment(kind, name[-_LONGEST_NAME:] or "file", content, mime)


def _kind(content: bytes) -> tuple[str, str]:
    """Return kind and media type: the name and the type that a browser sends prove nothing."""
    for start, found in _STARTS.items():
        if content.startswith(start):
            return found
    if content[4:8] == b"ftyp":
        return ("audio", "audio/mp4") if content[8:11] == b"M4A" else ("video", "video/mp4")
    return "document", _BYTES
