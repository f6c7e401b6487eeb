"""Documents become text within limits, also those that were made to exhaust the reader."""

from __future__ import annotations

import io
import time
import zipfile
import zlib
from collections.abc import Callable

import pytest
from docx import Document as Docx
from pypdf import PdfReader, PdfWriter

from shared.ai import documents
from shared.ai.documents import Document, UnreadableDocument


def pdf(*pages: str) -> bytes:
    """A PDF with a line of Latin text on each page."""
    objects = ["<</Type/Catalog/Pages 2 0 R>>", ""]
    kids = []
    for words in pages:
        stream = f"BT /F1 12 Tf 72 720 Td ({words}) Tj ET"
        number = len(objects) + 1
        kids.append(f"{number} 0 R")
        font = "<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>"
        objects.append(
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources{font}/Contents {number + 1} 0 R>>"
        )
        objects.append(f"<</Length {len(stream)}>>stream\n{stream}\nendstream")
    objects[1] = f"<</Type/Pages/Kids[{' '.join(kids)}]/Count {len(kids)}>>"
    body = "%PDF-1.4\n"
    places = []
    for number, one in enumerate(objects, 1):
        places.append(len(body))
        body += f"{number} 0 obj\n{one}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    end = f"trailer<</Size {len(objects) + 1}/Root 1 0 R>>\nstartxref\n{len(body)}\n%%EOF"
    return f"{body}xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}{end}".encode()


def docx(*paragraphs: str, cells: tuple[str, ...] = ()) -> bytes:
    document = Docx()
    for words in paragraphs:
        document.add_paragraph(words)
    if cells:
        row = document.add_table(rows=1, cols=len(cells)).rows[0]
        for cell, words in zip(row.cells, cells, strict=True):
            cell.text = words
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def _with_part(data: bytes, name: str, content: bytes) -> bytes:
    """A DOCX with one part replaced or added."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            if part.filename != name:
                new.writestr(part, old.read(part))
        new.writestr(name, content)
    return buffer.getvalue()


def _encrypted() -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf("secret"))))
    writer.encrypt("a password", algorithm="AES-256")
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def _pdf_bomb() -> bytes:
    """A page whose stream unpacks to 2 GB."""
    packer = zlib.compressobj(9)
    megabyte = bytes(1024 * 1024)
    packed = b"".join(packer.compress(megabyte) for _ in range(2048)) + packer.flush()
    twice = zlib.compress(packed, 9)
    whole = pdf("x").split(b"5 0 obj")[0]
    head, _, rest = whole.partition(b"4 0 obj")
    stream = b"<</Filter[/FlateDecode/FlateDecode]/Length %d>>stream\n%s\nendstream" % (len(twice), twice)
    return head + b"4 0 obj\n" + stream + b"\nendobj\ntrailer<</Size 5/Root 1 0 R>>\n%%EOF" + rest[:0]


def _docx_bomb() -> bytes:
    return _with_part(docx("x"), "word/media/zeros.bin", bytes(80 * 1024 * 1024))


def _entity_bomb() -> bytes:
    entities = '<!ENTITY a "' + "ha" * 5000 + '">'
    entities += "".join(f'<!ENTITY {new} "{f"&{old};" * 100}">' for old, new in ("ab", "bc", "cd"))
    body = (
        f'<?xml version="1.0"?><!DOCTYPE x [{entities}]><w:document xmlns:w='
        '"http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>&d;</w:t></w:r>'
        "</w:p></w:body></w:document>"
    )
    return _with_part(docx("x"), "word/document.xml", body.encode())


def _other_archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("xl/workbook.xml", "<x/>")
    return buffer.getvalue()


def _read(data: bytes, most_pages: int = 50) -> Document:
    return documents.read(data, most_pages=most_pages, deadline=time.monotonic() + 30)


def test_a_pdf_is_read_page_by_page() -> None:
    document = _read(pdf("First page", "Second page"))
    assert document == Document("First page\n\nSecond page", 2, 2, is_cut=False)


def test_no_more_pages_than_allowed_are_read() -> None:
    assert _read(pdf("One", "Two", "Three"), 2) == Document("One\n\nTwo", 2, 3, is_cut=True)


def test_a_docx_is_read_with_its_tables() -> None:
    text = _read(docx("Привет", "Second", cells=("Name", "Price"))).text
    assert text.split("\n") == ["Привет", "Second", "Name | Price"]


def test_a_long_docx_is_cut() -> None:
    document = _read(docx(*["слово " * 100] * 40), 2)
    assert (len(document.text), document.is_cut) == (2 * documents.PAGE_CHARACTERS, True)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("имя,цена\nчай,5".encode(), "имя,цена\nчай,5"),
        ("имя".encode("utf-8-sig"), "имя"),
        ("имя;цена".encode("utf-16"), "имя;цена"),
        ("имя;цена".encode("cp1251"), "имя;цена"),
        (b"def f():\r\n\treturn 1\n", "def f():\r\n\treturn 1\n"),
    ],
)
def test_plain_text_is_read_in_its_encoding(data: bytes, text: str) -> None:
    assert _read(data) == Document(text, 0, 0, is_cut=False)


def test_a_long_text_is_cut() -> None:
    document = _read(b"word " * 100_000)
    assert (len(document.text), document.is_cut) == (documents.MOST_CHARACTERS, True)


@pytest.mark.parametrize(
    ("make", "reasons"),
    [
        (lambda: b"", {"empty"}),
        (lambda: b" \n\t", {"empty"}),
        (lambda: pdf(""), {"empty"}),
        (lambda: b"\x7fELF\0\0\0" + bytes(100), {"format"}),
        (lambda: bytes(range(1, 32)) * 10, {"format"}),
        (_other_archive, {"format"}),
        (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), {"old"}),
        (_encrypted, {"password"}),
        (lambda: b"%PDF-1.7\nnothing", {"broken"}),
        (lambda: pdf("x")[:120], {"broken", "empty"}),
        (lambda: b"PK\x03\x04nothing", {"broken"}),
        (lambda: _with_part(docx("x"), "word/document.xml", b"<w:document"), {"broken"}),
        (_docx_bomb, {"slow"}),
        (_entity_bomb, {"broken"}),
        (_pdf_bomb, {"slow", "broken", "empty"}),
    ],
)
def test_what_has_no_text_for_us_is_named(make: Callable[[], bytes], reasons: set[str]) -> None:
    with pytest.raises(UnreadableDocument) as refused:
        _read(make())
    assert refused.value.reason in reasons


def test_without_time_nothing_is_parsed() -> None:
    with pytest.raises(UnreadableDocument) as refused:
        documents.read(pdf("x"), most_pages=5, deadline=time.monotonic() - 1)
    assert refused.value.reason == "slow"


def test_the_child_gets_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    import subprocess

    seen: list[dict[str, str]] = []
    run = subprocess.run

    def recording(*args: object, **more: object) -> object:
        seen.append(more["env"])  # type: ignore[arg-type]
        return run(*args, **more)  # type: ignore[call-overload]

    monkeypatch.setenv("OPENAI_API_KEY", "sk-0123456789")
    monkeypatch.setattr(documents.subprocess, "run", recording)
    _read(pdf("x"))
    assert [set(environment) for environment in seen] == [{"PYTHONPATH"}]
