"""What an uploaded file is, by its first bytes: its name and the type that a browser sends prove nothing."""

from __future__ import annotations

from shared.web import markdown

_SIGNATURES = {
    b"%PDF-": "application/pdf",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"\x1aE\xdf\xa3": "video/webm",
}
EXTENSIONS = {
    "application/pdf": "pdf",
    "text/plain": "txt",
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "video/mp4": "mp4",
    "video/webm": "webm",
}
_LONGEST_NAME = 200


def mime_type(content: bytes) -> str:
    """Return the type of a file; empty for one that no page takes."""
    for begin, found in _SIGNATURES.items():
        if content.startswith(begin):
            return found
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if content[4:8] == b"ftyp":
        return "video/mp4"
    return "text/plain" if content and _is_text(content) else ""


def _is_text(content: bytes) -> bool:
    try:
        return "\0" not in content.decode("utf-8")
    except UnicodeDecodeError:
        return False


def file_name(sent: str | None) -> str:
    """Return the name of a file as its owner reads it: without folders, and without what cannot be seen."""
    return line((sent or "").replace("\\", "/").rpartition("/")[2])[-_LONGEST_NAME:]


def line(sent: str) -> str:
    """Return words as one line, without what cannot be seen."""
    return " ".join(markdown.clean(sent).split())
