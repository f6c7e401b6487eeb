"""Parse one PDF or DOCX from standard input, and write its text as JSON to standard output.

`shared.ai.documents` starts it as a process. A line of JSON comes before the file: {kind, most_pages,
most_characters}. The answer is {text, pages_read, pages, is_cut} or {reason}.
"""

from __future__ import annotations

import logging
import re
import resource
import sys
import zipfile
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import orjson

_MEMORY = 600 * 1024 * 1024  # bytes of address space, the interpreter's own included
_CPU_SECONDS = 12
_UNPACKED = 60 * 1024 * 1024  # bytes of all parts of a DOCX
_MOST_PARTS = 3_000
# Word writes no document type. One would be there to define entities.
_DOCUMENT_TYPE = re.compile(rb"<!\s{0,20}(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_SURROGATES = re.compile("[\ud800-\udfff]")


class Unreadable(Exception):
    """The reason, as `UnreadableDocument` has it."""


def main() -> None:
    """Read the task and the file, and write the answer."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    logging.disable()
    task = orjson.loads(sys.stdin.buffer.readline())
    data = sys.stdin.buffer.read()
    try:
        parse = parse_pdf if task["kind"] == "pdf" else parse_docx
        answer = parse(data, task["most_pages"], task["most_characters"])
    except Unreadable as error:
        answer = {"reason": str(error)}
    except MemoryError:
        answer = {"reason": "slow"}
    except Exception:  # parsers raise anything on a damaged file
        answer = {"reason": "broken"}
    sys.stdout.buffer.write(orjson.dumps(answer))


def parse_pdf(data: bytes, most_pages: int, most_characters: int) -> dict[str, Any]:
    """Return the text of the first pages of a PDF.

    Raises:
        Unreadable: it needs a password.
    """
    from pypdf import PdfReader

    reader = PdfReader(BytesIO(data))
    if reader.is_encrypted and not reader.decrypt(""):
        raise Unreadable("password")
    total = len(reader.pages)
    texts: list[str] = []
    length = 0
    for number in range(min(total, most_pages)):
        texts.append(_clean(reader.pages[number].extract_text()))
        length += len(texts[-1])
        if length >= most_characters:
            break
    text = "\n\n".join(texts)
    is_cut = len(texts) < total or len(text) > most_characters
    return {"text": text[:most_characters], "pages_read": len(texts), "pages": total, "is_cut": is_cut}


def parse_docx(data: bytes, most_pages: int, most_characters: int) -> dict[str, Any]:
    """Return the text of a DOCX: its paragraphs and tables, in order.

    Raises:
        Unreadable: it is another kind of archive, or unpacks to too much, or defines entities.
    """
    from docx import Document

    _check_archive(data)
    most = min(most_characters, most_pages * 3_000)
    parts: list[str] = []
    length = 0
    for line in _lines(Document(BytesIO(data))):
        parts.append(_clean(line))
        length += len(parts[-1]) + 1
        if length > most:
            break
    text = "\n".join(parts)
    return {"text": text[:most], "pages_read": 0, "pages": 0, "is_cut": len(text) > most}


def _check_archive(data: bytes) -> None:
    with zipfile.ZipFile(BytesIO(data)) as archive:
        parts = archive.infolist()
        if "word/document.xml" not in archive.namelist():
            raise Unreadable("format")
        # zipfile reads no more of a part than the size that is declared for it.
        if len(parts) > _MOST_PARTS or sum(part.file_size for part in parts) > _UNPACKED:
            raise Unreadable("slow")
        for part in parts:
            if part.filename.endswith((".xml", ".rels")) and _DOCUMENT_TYPE.search(archive.read(part)):
                raise Unreadable("broken")


def _lines(block: Any) -> Iterator[str]:
    """Yield the paragraphs of a document or a cell, and the rows of its tables."""
    for item in block.iter_inner_content():
        if hasattr(item, "rows"):
            for row in item.rows:
                yield " | ".join(" ".join(_lines(cell)) for cell in row.cells)
        else:
            yield item.text


def _clean(text: str) -> str:
    return _SURROGATES.sub("\ufffd", text).replace("\0", "")


if __name__ == "__main__":
    main()
