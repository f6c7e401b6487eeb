"""Read documents as text for a model: PDF, DOCX, and every kind of plain text.

    document = read(data, most_pages=50, deadline=…)

PDF and DOCX are parsed in a process of their own (`child.py`): it has no secrets, and limits of memory and
time end a file that is made to exhaust them.
"""

from __future__ import annotations

import codecs
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Literal

import orjson

from shared.core import log

__all__ = ["Document", "UnreadableDocument", "read"]

MOST_CHARACTERS = 60_000  # of a document, whatever its pages
PAGE_CHARACTERS = 3_000  # that count as a page where there are none
_MOST_SECONDS = 12.0  # for one document
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_CONTROLS = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 127])

Reason = Literal["format", "old", "password", "empty", "broken", "slow"]
_REASONS: tuple[Reason, ...] = ("format", "old", "password", "empty", "broken", "slow")


@dataclass(frozen=True, slots=True)
class Document:
    """The text of a document.

    `pages_read` of `pages` were read; both are 0 in a document without pages. `is_cut`: more text follows.
    """

    text: str
    pages_read: int
    pages: int
    is_cut: bool


class UnreadableDocument(Exception):
    """Why a document has no text for us.

    `format`: it is no kind of document that is read. `old`: Word before 2007. `password`: it is encrypted.
    `empty`: it holds no text, such as a scan. `broken`: it cannot be parsed. `slow`: it takes too much time
    or memory.
    """

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


def read(data: bytes, *, most_pages: int, deadline: float) -> Document:
    """Return the text of a document, of at most `most_pages` pages and MOST_CHARACTERS.

    Args:
        deadline: `time.monotonic()`.

    Raises:
        UnreadableDocument: it has no text for us.
    """
    if b"%PDF-" in data[:1024]:
        document = _in_child("pdf", data, most_pages, deadline)
    elif data.startswith(b"PK\x03\x04"):
        document = _in_child("docx", data, most_pages, deadline)
    elif data.startswith(_OLD_OFFICE):
        raise UnreadableDocument("old")
    else:
        document = _plain(data, most_pages)
    if not document.text.strip():
        raise UnreadableDocument("empty")
    return document


def _plain(data: bytes, most_pages: int) -> Document:
    """Read plain text: UTF-8, UTF-16 with a byte order mark, or Windows-1251."""
    encoding = next((name for mark, name in _BOMS if data.startswith(mark)), None)
    if encoding != "utf-16" and b"\0" in data:
        raise UnreadableDocument("format")
    text = data.decode(encoding, "replace") if encoding else _decode(data)
    most = min(MOST_CHARACTERS, most_pages * PAGE_CHARACTERS)
    clean = text[: most + 1].translate(_CONTROLS)
    if len(clean) < 0.9 * len(text[: most + 1]):
        raise UnreadableDocument("format")
    return Document(clean[:most], 0, 0, len(text) > most)


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1251", "replace")


def _in_child(kind: str, data: bytes, most_pages: int, deadline: float) -> Document:
    task = {"kind": kind, "most_pages": most_pages, "most_characters": MOST_CHARACTERS}
    seconds = min(_MOST_SECONDS, deadline - time.monotonic())
    if seconds <= 0:
        raise UnreadableDocument("slow")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "shared.ai.documents.child"],
            input=orjson.dumps(task) + b"\n" + data,
            capture_output=True,
            timeout=seconds,
            check=False,
            env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
    except subprocess.TimeoutExpired:
        raise UnreadableDocument("slow") from None
    try:
        found = orjson.loads(done.stdout)
    except orjson.JSONDecodeError:  # killed by a limit
        log.info("a document was not read", action="document_failed", kind=kind, status=done.returncode)
        raise UnreadableDocument("slow") from None
    if "reason" in found:
        raise UnreadableDocument(next((one for one in _REASONS if one == found["reason"]), "broken"))
    return Document(found["text"], found["pages_read"], found["pages"], found["is_cut"])
