"""Files of homework over HTTP: as large as the page promises, once, and of the types that it names."""

from __future__ import annotations

import pytest

from shared.features.courses.pages.homework import MAX_FILE
from tests.features.courses.conftest import COURSE, Enroll, Sql
from tests.support import in_parallel
from tests.web.conftest import Answer
from tests.web.visitor import Visitor
from tools.emulator.telegram import Chat

PDF = b"%PDF-1.7\n"


@pytest.fixture
def learner(enroll: Enroll, anna: Chat) -> Visitor:
    """A learner on the page of a lesson with homework."""
    learner = enroll(anna, "vip")
    learner.get(f"{COURSE}/five-lines")
    return learner


def upload(
    learner: Visitor, content: bytes, reference: str = "form-0000001-aaaaaaaaa", name: str = "work.pdf"
) -> Answer:
    """Send homework that is a file."""
    parts = [
        f'name="{key}"\r\n\r\n{value}'
        for key, value in {"csrf": learner.csrf, "reference": reference}.items()
    ]
    parts.append(f'name="file"; filename="{name}"\r\nContent-Type: application/pdf\r\n\r\n')
    head = "".join(f"--x\r\nContent-Disposition: form-data; {part}\r\n" for part in parts)[:-2]
    body = head.encode() + content + b"\r\n--x--\r\n"
    sent = {"Origin": learner.origin, "Content-Type": "multipart/form-data; boundary=x"}
    return learner._send("POST", f"{COURSE}/five-lines/homework", body, sent)


@pytest.mark.parametrize("size", [1_000_000, 3_000_000, MAX_FILE])
def test_a_file_may_be_as_large_as_the_page_says(learner: Visitor, sql: Sql, size: int) -> None:
    sent = upload(learner, PDF.ljust(size, b"x"))
    assert sent.status == 303
    assert "course_homework_submitted_notice" in sent.headers["Location"]
    assert len(sql("select from homework_submissions where file_id is not null")) == 1


def test_a_larger_file_is_refused(learner: Visitor, sql: Sql) -> None:
    assert upload(learner, PDF.ljust(MAX_FILE + 1, b"x")).status == 413
    assert not sql("select from homework_submissions")


def test_a_file_that_is_sent_twice_is_one_submission(learner: Visitor, sql: Sql) -> None:
    sent = [upload(learner, PDF) for _ in range(2)]
    assert "course_homework_submitted_notice" in sent[0].headers["Location"]
    assert "course_homework_known_notice" in sent[1].headers["Location"]
    other = upload(learner, PDF, "form-0000002-aaaaaaaaa")
    assert "course_homework_waiting_notice" in other.headers["Location"]
    assert len(sql("select from homework_submissions")) == 1


def test_files_that_are_sent_at_once_are_one_submission(learner: Visitor, sql: Sql) -> None:
    sent = in_parallel(3, lambda n: upload(learner, PDF, f"form-parallel-{n}-aaaaaa"))
    assert {one.status for one in sent} == {303}
    assert len(sql("select from homework_submissions")) == 1


@pytest.mark.parametrize("content", [b"MZ\x90\x00\x03", b"PK\x03\x04\xff", b"\x00\x01", b"\xff\xfe<\x00"])
def test_what_is_no_document_is_refused(learner: Visitor, sql: Sql, content: bytes) -> None:
    assert upload(learner, content, name="../../work.pdf").status == 422
    assert not sql("select from stored_files")
