"""Links to files in Storage: of homework for its learner and reviewers, of lessons for their learners."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from shared.storage import Storage
from tests.features.courses.conftest import COURSE, Enroll, Sql, take
from tests.features.courses.test_uploads import PDF, upload
from tests.web.visitor import Visitor
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

CLIP = "courses/6f9c2b1e-0d3a-4c57-9a8e-1b2c3d4e5f60/7a1d9e52-3c4b-4f6a-8b7c-9d0e1f2a3b4c.webm"
HOMEWORK = f"{COURSE}/five-lines/homework"


@pytest.fixture
def learner(enroll: Enroll, anna: Chat) -> Visitor:
    """A learner whose homework, a file, waits for review."""
    learner = enroll(anna, "vip")
    learner.get(f"{COURSE}/five-lines")
    assert upload(learner, PDF).status == 303
    return learner


@pytest.fixture
def boss(stack: Stack, sql: Sql) -> Iterator[Visitor]:
    """An admin who is logged in."""
    chat = stack.telegram.user("Boss").chat("assistant")
    chat.send("/start")
    chat.answer()
    sql("insert into admins (email, telegram_id) values ('boss@example.com', %s)", chat.id)
    visitor = Visitor(stack)
    visitor.log_in(chat, "/admin/homework")
    yield visitor
    sql("delete from admins where email = 'boss@example.com'")


def read(address: str) -> bytes:
    """Follow a link to Storage."""
    with urllib.request.urlopen(address, timeout=20) as answer:
        content: bytes = answer.read()
        return content


def test_a_learner_reads_the_file_that_they_sent(
    stack: Stack, learner: Visitor, enroll: Enroll, anna: Chat, sql: Sql
) -> None:
    assert f"{HOMEWORK}/1" in learner.get(f"{COURSE}/five-lines").body
    link = learner.get(f"{HOMEWORK}/1")
    assert link.status == 303
    assert link.headers["Referrer-Policy"] == "no-referrer"
    assert "no-store" in link.headers["Cache-Control"]
    assert read(link.headers["Location"]) == PDF
    with pytest.raises(urllib.error.HTTPError):
        read(re.sub("token=.", "token=x", link.headers["Location"]))
    assert learner.get(f"{HOMEWORK}/2").status == 404
    other = enroll(stack.telegram.user("Ben").chat("assistant"), "vip")
    assert other.get(f"{HOMEWORK}/1").status == 404
    assert Visitor(stack).get(f"{HOMEWORK}/1").status == 303  # to the login
    take(sql, anna)
    assert learner.get(f"{HOMEWORK}/1").status == 404


def test_a_reviewer_reads_the_file_until_the_review(learner: Visitor, boss: Visitor, sql: Sql) -> None:
    page = boss.get("/admin/homework").body
    found = re.search(r"/admin/homework/(\d+)/file", page)
    assert found
    path = found[0]
    link = boss.get(path)
    assert link.status == 303
    assert read(link.headers["Location"]) == PDF
    assert learner.get(path).status == 403
    review = boss.post(f"/admin/homework/{found[1]}/review", {"decision": "return", "comment": "Again"})
    assert review.status == 303
    assert boss.get(path).status == 404
    assert read(learner.get(f"{HOMEWORK}/1").headers["Location"]) == PDF


def test_a_returned_file_is_followed_by_another(learner: Visitor, sql: Sql) -> None:
    sql("update homework_submissions set state = 'returned', comment = 'Again', reviewed_at = now()")
    learner.get(f"{COURSE}/five-lines")
    assert "submitted_notice" in upload(learner, PDF + b"2", "form-0000002-aaaaaaaaa").headers["Location"]
    links = [learner.get(f"{HOMEWORK}/{number}").headers["Location"] for number in (1, 2)]
    assert [read(link) for link in links] == [PDF, PDF + b"2"]


def test_without_storage_homework_and_its_file_wait(
    stack: Stack, learner: Visitor, boss: Visitor, sql: Sql
) -> None:
    found = re.search(r"/admin/homework/\d+/file", boss.get("/admin/homework").body)
    assert found
    stack.storage.down()
    assert learner.get(f"{HOMEWORK}/1").status == 503
    assert boss.get(found[0]).status == 503
    sql("update homework_submissions set state = 'returned', comment = 'Again', reviewed_at = now()")
    learner.get(f"{COURSE}/five-lines")
    assert upload(learner, PDF, "form-0000003-aaaaaaaaa").status == 503
    assert len(sql("select from homework_submissions")) == 1
    stack.storage.clear()
    assert "submitted_notice" in upload(learner, PDF, "form-0000003-aaaaaaaaa").headers["Location"]


def store(sql: Sql, stack: Stack, **columns: Any) -> None:
    """Put a clip into Storage, and change a lesson."""
    Storage(stack.url, stack.storage.key).put(CLIP, b"clip", "video/webm")
    values = ", ".join(f"{name} = %s::jsonb" for name in columns)
    sql(
        f"update lessons set {values} where slug = 'first-minute'",
        *(json.dumps(one) for one in columns.values()),
    )


def test_a_video_in_storage_is_shown_by_a_link(stack: Stack, enroll: Enroll, anna: Chat, sql: Sql) -> None:
    learner = enroll(anna)
    store(sql, stack, video={"adapter": "storage", "reference": CLIP})
    page = learner.get(f"{COURSE}/first-minute")
    found = re.search(r'<video[^>]* src="([^"]+)"|<source[^>]* src="([^"]+)"', page.body)
    assert found
    address = (found[1] or found[2]).replace("&amp;", "&")
    assert read(address) == b"clip"
    assert f"media-src {address.split('/storage/')[0]}" in page.headers["Content-Security-Policy"]
    assert learner.get(f"{COURSE}/first-minute/video").status == 404  # no file of the folder
    assert CLIP not in Visitor(stack).get(f"{COURSE}/first-minute").body
    stack.storage.down()
    assert CLIP not in learner.get(f"{COURSE}/first-minute").body


def test_a_file_in_storage_is_downloaded_by_a_link(
    stack: Stack, enroll: Enroll, anna: Chat, sql: Sql
) -> None:
    learner = enroll(anna)
    store(sql, stack, files=[{"name": "Clip", "reference": CLIP}])
    path = f"{COURSE}/first-minute/files/0"
    link = learner.get(path)
    assert link.status == 303
    assert read(link.headers["Location"]) == b"clip"
    assert Visitor(stack).get(path).status == 404
    stack.storage.down()
    assert learner.get(path).status == 503
    stack.storage.clear()
    take(sql, anna)
    assert learner.get(path).status == 404
