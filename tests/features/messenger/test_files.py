"""Files both ways: from users through the console, from operators to Telegram; and what no file may do."""

from __future__ import annotations

import uuid
from io import BytesIO
from typing import Any

import pytest
from orjson import loads

from shared.core.texts import text
from shared.features.messenger.pages.uploads import LARGEST
from tests.features.messenger.operators import Sql, calls_of, enter, field, number_of, started
from tests.web.conftest import Answer
from tests.web.visitor import Visitor
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat


def _png() -> bytes:
    """Return a picture that Telegram takes."""
    from PIL import Image

    file = BytesIO()
    Image.new("RGB", (64, 64)).save(file, "PNG")
    return file.getvalue()


PNG = _png()


@pytest.fixture(autouse=True)
def _no_earlier_attempts(sql: Sql) -> None:
    sql("delete from login_attempts")


@pytest.fixture
def anna(stack: Stack) -> Chat:
    return started(stack, "Anna")


@pytest.fixture
def olga(stack: Stack, sql: Sql) -> Visitor:
    return enter(stack, sql)


def upload(browser: Visitor, number: int, name: str, content: bytes, **fields: str) -> Answer:
    """Send the composer with a file, as a browser does."""
    page = browser.get(f"/messenger/{number}").body
    values = {
        "csrf": browser.csrf,
        "seen_seq": field(page, "seen_seq"),
        "reference": field(page, "reference"),
        "mode": "reply",
        "body": "",
        **fields,
    }
    border = uuid.uuid4().hex
    parts = [
        f'--{border}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in values.items()
    ]
    head = f'--{border}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
    body = b"".join([*parts, f"{head}Content-Type: text/html\r\n\r\n".encode(), content])
    body += f"\r\n--{border}--\r\n".encode()
    return browser.send(f"/messenger/{number}/send", body, f"multipart/form-data; boundary={border}")


def last_with_file(sql: Sql) -> int:
    rows = sql("select id from conversation_messages where media ? 'file_id' order by id desc limit 1")
    return int(rows[0]["id"])


def test_a_users_photo_is_passed_on_without_telegrams_address(
    sql: Sql, anna: Chat, olga: Visitor, stack: Stack
) -> None:
    anna.photo("my cat").wait()
    anna.answer()
    number = number_of(sql, anna)
    path = f"/messenger/{number}/files/{last_with_file(sql)}"
    page = olga.get(f"/messenger/{number}").body
    assert f'src="/console{path}"' in page
    assert "/file/bot" not in page
    shown = olga.download(path)
    assert (shown.status, shown.headers["Content-Type"]) == (200, "image/jpeg")
    assert shown.size > 0
    assert "/bot" not in str(shown.headers)
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert shown.headers["Cache-Control"].startswith("private")


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=2-5", 206, "bytes 2-5/10"),
        ("bytes=7-", 206, "bytes 7-9/10"),
        ("bytes=-3", 206, "bytes 7-9/10"),
        ("bytes=50-60", 416, "bytes */10"),
        ("bytes=1-2,4-5", 200, None),
        ("lines=1-2", 200, None),
    ],
)
def test_a_player_gets_the_part_that_it_asks_for(
    sql: Sql, anna: Chat, olga: Visitor, asked: str, status: int, part: str | None
) -> None:
    anna.document("ten.bin", b"0123456789", "application/octet-stream").wait()
    number = number_of(sql, anna)
    shown = olga.download(f"/messenger/{number}/files/{last_with_file(sql)}", Range=asked)
    assert (shown.status, shown.headers["Content-Range"]) == (status, part)


def test_a_document_is_a_download_whatever_it_claims_to_be(
    sql: Sql, anna: Chat, olga: Visitor, stack: Stack
) -> None:
    anna.document('"><script>.html', b"<script>alert(1)</script>", "text/html").wait()
    number = number_of(sql, anna)
    shown = olga.download(f"/messenger/{number}/files/{last_with_file(sql)}")
    assert shown.headers["Content-Type"] == "application/octet-stream"
    assert shown.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''%22%3E%3Cscript")
    assert "default-src 'none'" in shown.headers["Content-Security-Policy"]


def test_files_are_for_operators_alone(sql: Sql, anna: Chat, stack: Stack) -> None:
    anna.photo("my cat").wait()
    anna.answer()
    number = number_of(sql, anna)
    path = f"/messenger/{number}/files/{last_with_file(sql)}"
    browser = Visitor(stack)
    assert browser.get(path).status == 303
    browser.log_in(anna)
    assert browser.get(path).status == 403, "not even for the user who sent it"
    author = enter(stack, sql, "Ada", role="author")
    assert author.get(path).status == 403
    assert author.get(f"/messenger/{number}").status == 403
    olga = enter(stack, sql, "Olga")
    assert olga.get(f"/messenger/{number}/files/999999").status == 404


@pytest.mark.parametrize(
    ("content", "fields", "method"),
    [
        (PNG, {}, "sendPhoto"),
        (PNG, {"as_file": "1"}, "sendDocument"),
        (PNG + bytes(10_000_001), {}, "sendDocument"),
        (b"<script>alert(1)</script>", {}, "sendDocument"),
        (b"\x00\x00\x00\x18ftypmp42" + bytes(100), {}, "sendVideo"),
    ],
    ids=["photo", "photo as a file", "large photo", "document", "video"],
)
def test_a_file_of_an_operator_reaches_the_user(
    stack: Stack, sql: Sql, anna: Chat, olga: Visitor, content: bytes, fields: dict[str, str], method: str
) -> None:
    number = number_of(sql, anna)
    sent = upload(olga, number, "secret/cat.png", content, body="Look", **fields)
    assert sent.status == 303, sent.body
    (call,) = calls_of(stack, method)
    assert call["ok"], call
    (row,) = sql("select status, media from conversation_messages where body = 'Look'")
    assert row["status"] == "sent"
    assert row["media"]["name"] == "cat.png"
    assert "upload" not in row["media"]


def test_a_file_that_is_too_large_is_refused_with_the_text_kept(sql: Sql, anna: Chat, olga: Visitor) -> None:
    number = number_of(sql, anna)
    refused = upload(olga, number, "film.mp4", bytes(LARGEST + 1), body="The film")
    assert refused.status == 422
    assert text("en", "messenger_file_large", size=30) in refused.body
    assert "The film</textarea>" in refused.body
    assert upload(olga, number, "film.mp4", b"x", send_at="2030-01-01T10:00").status == 422


def test_hostile_words_are_shown_as_text_everywhere(stack: Stack, sql: Sql, olga: Visitor) -> None:
    evil = "\"><script>alert('x')</script>"
    chat = stack.telegram.user(evil, language_code="en").chat("assistant")
    chat.send("/start").wait()
    chat.send(evil).wait()
    number = number_of(sql, chat)
    (row,) = sql("insert into messenger_labels (name) values (%s) returning id", evil[:40])
    sql("insert into conversation_labels (conversation_id, label_id) values (%s, %s)", number, row["id"])
    sql("update conversations set ai_real_name = %s, ai_query = %s where id = %s", evil, evil, number)
    sql(
        "insert into canned_replies (shortcut, texts) values ('evil', jsonb_build_object('en', %s::text))",
        evil,
    )
    page = olga.get(f"/messenger/{number}").body
    olga.post(f"/messenger/{number}/send", {**_hidden(page), "mode": "note", "body": evil})
    for path in (
        "/messenger",
        f"/messenger/{number}",
        f"/messenger/{number}/card",
        f"/messenger/{number}?canned=1&q=%22%3E%3Cscript%3E",
        "/messenger/replies",
        f"/messenger/{number}?notice=%3Cscript%3E",
    ):
        shown: Any = olga.get(path)
        assert shown.status == 200, path
        assert "<script>alert" not in shown.body
        assert '"><script' not in shown.body
    news = loads(olga.get(f"/messenger/changes?after=0&conversation={number}&version=0").body)
    assert "<script>alert" not in news["messages"] + news["list"]


def _hidden(page: str) -> dict[str, str]:
    return {name: field(page, name) for name in ("seen_seq", "reference")}
