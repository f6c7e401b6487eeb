"""Stories of admins who upload pictures, documents and videos for a course, also with hostile ones."""

from __future__ import annotations

import re
from html import unescape

import pytest

from shared.core.texts import text
from shared.features.courses.pages.course_files import LIMITS
from tests.features.courses.conftest import COURSE, SLUG, Enroll, Sql
from tests.features.courses.test_admin_pages import boss, fields
from tests.features.courses.test_pages import EVIL, raw
from tests.support import in_parallel
from tests.web.conftest import Answer
from tests.web.visitor import Visitor
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

__all__ = ["boss"]  # a fixture
ADMIN = f"/admin/courses/{SLUG}"
FILES = f"{ADMIN}/files"
PNG = b"\x89PNG\r\n\x1a\n" + b"pixels"
PDF = b"%PDF-1.7\n"
MP4 = b"\x00\x00\x00\x18ftypmp42"


def upload(
    admin: Visitor, content: bytes, kind: str = "picture", name: str = "plan.png",
    reference: str = "form-1" + 16 * "x", **more: str,
) -> Answer:  # fmt: skip
    """Upload a file through the form of the page."""
    sent = {"csrf": admin.csrf, "kind": kind, "alt": "A plan", "reference": reference, **more}
    parts = [f'name="{key}"\r\n\r\n{value}' for key, value in sent.items()]
    parts.append(f'name="file"; filename="{name}"\r\nContent-Type: text/html\r\n\r\n')
    head = "".join(f"--x\r\nContent-Disposition: form-data; {part}\r\n" for part in parts)[:-2]
    headers = {"Origin": admin.origin, "Content-Type": "multipart/form-data; boundary=x"}
    return admin._send("POST", f"{FILES}/new", head.encode() + content + b"\r\n--x--\r\n", headers)


@pytest.fixture
def admin(boss: Visitor, course: None) -> Visitor:
    """An admin on the page of files."""
    boss.get(FILES)
    return boss


def snippet(admin: Visitor) -> str:
    """Return the line to paste of the newest file."""
    found = re.search(r'id="snippet-\d+" value="([^"]*)"', admin.get(FILES).body)
    assert found
    return unescape(found[1])


def use(admin: Visitor, lesson: str, **values: str) -> None:
    """Save a lesson with other values."""
    path = f"{ADMIN}/lessons/{lesson}"
    sent = fields(admin.get(path).body)
    assert admin.post(f"{path}/save", {**sent, **values}).status == 303


def test_a_picture_in_a_lesson(admin: Visitor, enroll: Enroll, anna: Chat, stack: Stack, sql: Sql) -> None:
    assert "course_file_stored_notice" in upload(admin, PNG, alt="A [plan] of **rooms**").headers["Location"]
    line = snippet(admin)
    assert re.fullmatch(r"!\[A plan of \*\*rooms\*\*\]\([0-9a-f-]{36}\.png\)", line)
    use(admin, "what-sells", body_en=f"Look:\n\n{line}")
    learner = enroll(anna)
    page = learner.get(f"{COURSE}/what-sells").body
    found = re.search(r'<img[^>]*src="([^"]*/pictures/[^"]*)"', page)
    assert found, page
    path = found[1].partition("?")[0].removeprefix("/console")
    status, headers, content = raw(stack.function("console").port, path, learner)
    assert (status, headers["Content-Type"], content) == (200, "image/png", PNG)
    number = sql("select id from course_files")[0]["id"]
    admin.get(FILES)
    assert "course_file_used_notice" in admin.post(f"{FILES}/{number}/delete").headers["Location"]
    use(admin, "what-sells", body_en="Nothing to see")
    admin.get(FILES)
    assert "course_file_deleted_notice" in admin.post(f"{FILES}/{number}/delete").headers["Location"]
    assert not sql("select from course_files")
    assert len(sql("select from private.storage_deletions")) == 1
    assert raw(stack.function("console").port, path, learner)[0] == 404
    assert admin.post(f"{FILES}/{number}/delete").status == 404


def test_a_document_and_a_video_of_a_lesson(admin: Visitor, enroll: Enroll, anna: Chat) -> None:
    upload(admin, PDF, "document", "../../Plan b.pdf")
    use(admin, "what-sells", files=f"[{snippet(admin)}]")
    learner = enroll(anna)
    page = learner.get(f"{COURSE}/what-sells").body
    assert ">Plan b.pdf</a>" in page
    file = learner.get(f"{COURSE}/what-sells/files/0")
    assert file.status == 303
    assert "/sign/media/courses/" in file.headers["Location"]
    admin.get(FILES)
    upload(admin, MP4, "video", "clip.mp4", reference="form-2" + 16 * "x")
    use(admin, "what-sells", adapter="storage", reference=snippet(admin))
    assert "/sign/media/courses/" in learner.get(f"{COURSE}/what-sells").body
    page = admin.get(FILES).body
    assert page.count(f'<span class="tag">{text("en", "course_file_used")}<') == 2


def test_a_document_of_a_lesson_in_another_course_stays(admin: Visitor, sql: Sql) -> None:
    upload(admin, PDF, "document")
    texts = '{"en": {"title": "Second"}}'
    sql("insert into courses (slug, texts) values ('second', %s::jsonb)", texts)
    sql(
        "insert into lessons (course_id, slug, position, texts, files)"
        " select id, 'copied', 1, %s::jsonb, %s::jsonb from courses where slug = 'second'",
        texts,
        f"[{snippet(admin)}]",
    )
    number = sql("select id from course_files")[0]["id"]
    assert "second/copied" in admin.get(FILES).body
    assert "course_file_used_notice" in admin.post(f"{FILES}/{number}/delete").headers["Location"]
    assert sql("select id from course_files")


def test_a_form_that_is_sent_twice_or_at_once_stores_one_file(admin: Visitor, sql: Sql) -> None:
    assert {one.status for one in in_parallel(3, lambda n: upload(admin, PNG))} == {303}
    assert upload(admin, PNG).status == 303
    assert len(sql("select from course_files where status = 'stored'")) == 1


def test_a_form_of_a_deleted_file_waits_for_its_object_to_be_deleted(
    admin: Visitor, stack: Stack, sql: Sql
) -> None:
    """The job would delete the object that the form has uploaded again."""
    upload(admin, PNG, reference="form-0" + 16 * "x")
    upload(admin, PNG)
    number = sql("select max(id) as id from course_files")[0]["id"]
    admin.get(FILES)
    assert admin.post(f"{FILES}/{number}/delete").status == 303
    again = upload(admin, PNG)
    assert again.status == 422
    assert 'id="file-wrong"' in again.body
    assert len(sql("select id from course_files")) == 1
    stack.run_job("storage")
    assert upload(admin, PNG).status == 303
    stack.run_job("storage")
    keys = {f"media/{row['key']}" for row in sql("select key from course_files where status = 'stored'")}
    assert keys == {key for key in stack.storage.objects if key.startswith("media/courses/")}
    assert len(keys) == 2


def test_a_form_that_is_sent_again_with_another_file_stores_it_too(admin: Visitor, sql: Sql) -> None:
    for content, name in ((PNG, "a.png"), (PNG + b"more", "b.png")):
        assert upload(admin, content, name=name).status == 303
    assert [row["name"] for row in sql("select name from course_files order by id")] == ["a.png", "b.png"]


def test_words_about_a_picture_keep_their_slashes(admin: Visitor, sql: Sql) -> None:
    upload(admin, PNG, alt="Before/after", title="A/B test")
    assert sql("select name, alt from course_files") == [{"name": "A/B test", "alt": "Before/after"}]


@pytest.mark.parametrize(("kind", "content", "fault"), [
    ("picture", b"", "course_file_missing"),
    ("picture", b"<svg onload=alert(1)>", "course_file_wrong_type"),
    ("picture", b"GIF89a", "course_file_wrong_type"),
    ("picture", PDF, "course_file_wrong_type"),
    ("picture", PNG.ljust(LIMITS["picture"].size + 1), "course_file_too_large"),
    ("document", b"MZ\x90\x00\x03", "course_file_wrong_type"),
    ("document", b"PK\x03\x04\xff", "course_file_wrong_type"),
    ("document", PNG, "course_file_wrong_type"),
    ("video", MP4.ljust(LIMITS["video"].size + 1), "course_file_too_large"),
    ("video", PNG, "course_file_wrong_type"),
    ("video", b"<html>", "course_file_wrong_type"),
])  # fmt: skip
def test_a_file_that_does_not_fit_is_refused_beside_its_field(
    admin: Visitor, sql: Sql, kind: str, content: bytes, fault: str
) -> None:
    answer = upload(admin, content, kind)
    assert answer.status == 422
    assert f'id="file-wrong">{text("en", fault)}' in answer.body
    assert not sql("select from course_files")


@pytest.mark.parametrize("alt", [" ", "\u202e", "\u2066 \u2069"])
def test_a_picture_needs_words_for_those_who_do_not_see_it(admin: Visitor, sql: Sql, alt: str) -> None:
    answer = upload(admin, PNG, alt=alt)
    assert answer.status == 422
    assert 'id="alt-wrong"' in answer.body
    assert not sql("select from course_files")


@pytest.mark.parametrize("name", [
    EVIL, "../../../etc/passwd", "C:\\temp\\plan.pdf", "\u202efdp.exe", "a" * 400, ".", "name\x07.pdf",
])  # fmt: skip
def test_a_hostile_name_is_only_words(admin: Visitor, sql: Sql, name: str) -> None:
    assert upload(admin, PDF, "document", name.replace('"', "%22")).status == 303
    (row,) = sql("select name, key from course_files")
    assert re.fullmatch(r"courses/[0-9a-f-]{36}/[0-9a-f-]{36}\.pdf", row["key"])
    assert 0 < len(row["name"]) <= 200
    assert not re.search("[/\\\\\u202e\x07]", row["name"])
    page = admin.get(FILES).body
    assert "<script>alert" not in page
    assert "onerror=" not in re.sub(r"&[a-z#0-9]+;[^<]*", "", page)


def test_others_may_not(admin: Visitor, enroll: Enroll, anna: Chat, sql: Sql) -> None:
    upload(admin, PDF, "document")
    number = sql("select id from course_files")[0]["id"]
    learner = enroll(anna, "vip")
    assert learner.get(FILES).status == learner.get(f"{FILES}/{number}").status == 403
    learner.get("/dashboard")
    assert upload(learner, PDF, "document", reference="form-9" + 16 * "x").status == 403
    assert learner.post(f"{FILES}/{number}/delete").status == 403
    assert admin.get(f"{FILES}/{number}").status == 303
    other = f"/admin/courses/none/files/{number}"
    assert admin.get(other).status == 404
    admin.get(FILES)
    assert admin.post(f"{other}/delete").status == 404
