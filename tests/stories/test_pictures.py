"""Pictures are questions: the AI sees them, the history keeps only that there was one."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from tests.support import says
from tests.telegram.test_updates import requests_of
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack
from tools.emulator.telegram.attachments import Attachment

Sql = Callable[..., list[dict[str, Any]]]


def painted(color: str = "red", size: tuple[int, int] = (640, 480), kind: str = "JPEG", **more: Any) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, color).save(buffer, kind, **more)
    return buffer.getvalue()


def photo(color: str = "red", size: tuple[int, int] = (640, 480)) -> Attachment:
    return Attachment(painted(color, size), "photo.jpg", "image/jpeg")


def _parts(stack: Stack) -> list[dict[str, Any]]:
    content = stack.ai.requests[-1]["messages"][-1]["content"]
    return content if isinstance(content, list) else [{"type": "text", "text": content}]


def test_the_ai_sees_a_photo_and_the_history_keeps_its_caption(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna")
    chat = anna.chat("assistant")
    chat.attach("photo", photo("green", (800, 600)), "What color is this?")
    assert chat.answer().text == "I see a green picture of 800×600 pixels."
    text, picture = _parts(stack)
    assert text == {"type": "text", "text": "What color is this?"}
    assert picture["image_url"]["url"].startswith("data:image/jpeg;base64,")
    assert requests_of(sql, anna.id) == 1
    kept = sql("select role, content from messages where chat_id = %s order by id", anna.id)
    assert [row["content"] for row in kept] == [
        "[picture] What color is this?",
        "I see a green picture of 800×600 pixels.",
    ]


@pytest.mark.parametrize(("language", "question"), [("en", "What’s in"), ("ru", "Что на этой")])
def test_a_photo_without_a_caption_is_a_question(stack: Stack, language: str, question: str) -> None:
    chat = stack.telegram.user("Anna", language).chat("assistant")
    chat.photo()
    assert {"en": "picture of 128×128 pixels", "ru": "128×128 пикселей"}[language] in chat.answer().text
    assert _parts(stack)[0]["text"].startswith(question)


def test_the_next_questions_show_the_photo_again(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna")
    chat = anna.chat("assistant")
    chat.attach("photo", photo("red"))
    chat.answer()
    seen = []
    for _ in range(4):
        chat.send("And how large is it?")
        chat.answer()
        seen.append(len(_parts(stack)))
    assert seen == [2, 2, 2, 1]
    assert not sql("select from bot_sessions where session_data ? 'pictures' and chat_id = %s", anna.id)


def test_a_cleared_conversation_forgets_the_photo(stack: Stack) -> None:
    chat = stack.telegram.user("Anna").chat("assistant")
    chat.attach("photo", photo("red"))
    chat.answer()
    chat.send("/clear")
    chat.answer()
    chat.send("And how large is it?")
    chat.answer()
    assert len(_parts(stack)) == 1


def test_a_reply_to_a_photo_is_about_it(stack: Stack) -> None:
    chat = stack.telegram.user("Anna").chat("assistant")
    sent = chat.attach("photo", photo("yellow"))
    chat.answer()
    chat.attach("photo", photo("black"))
    chat.answer()
    chat.send("What was here?", reply_to=sent)
    assert "yellow" in chat.answer().text


def test_a_large_picture_file_is_reduced(stack: Stack) -> None:
    chat = stack.telegram.user("Anna").chat("assistant")
    file = Attachment(painted("blue", (4000, 2000), "PNG"), "plan.png", "image/png")
    chat.attach("document", file, "What is it?")
    assert chat.answer().text == "I see a blue picture of 1568×784 pixels."


def test_a_picture_file_loses_its_metadata_and_stands_upright(stack: Stack) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90°
    exif[0x010E] = "a secret place"
    file = Attachment(painted("blue", (400, 200), "JPEG", exif=exif), "p.jpg", "image/jpeg")
    chat = stack.telegram.user("Anna").chat("assistant")
    chat.attach("document", file)
    assert "200×400" in chat.answer().text


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize(
    ("content", "mime_type", "key"),
    [
        (b"\0\0\0\x18ftypheic" + bytes(100), "image/heic", "picture_format"),
        (b"II*\0" + bytes(100), "image/tiff", "picture_format"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml", "picture_format"),
        (b"", "image/png", "picture_format"),
        (painted("red", kind="PNG")[:60], "image/png", "picture_broken"),
        (b"\xff\xd8\xff" + bytes(500), "image/jpeg", "picture_broken"),
        (painted("white", (6000, 6000), "PNG"), "image/png", "picture_size"),
    ],
)
def test_a_picture_file_that_no_model_reads_is_refused(
    stack: Stack, sql: Sql, language: str, content: bytes, mime_type: str, key: str
) -> None:
    anna = stack.telegram.user("Anna", language)
    chat = anna.chat("assistant")
    chat.attach("document", Attachment(content or b"?", "file", mime_type))
    assert says(chat.answer().text, key, language)
    assert stack.ai.requests == []
    assert requests_of(sql, anna.id) == 0


@pytest.mark.parametrize(
    ("error", "key"),
    [
        ("Invalid content type. image_url is only supported by certain models.", "ai_no_vision"),
        ("Failed to deserialize: unknown variant `image_url`, expected `text`", "ai_no_vision"),
        ("Could not process image", "ai_picture_refused"),
    ],
)
def test_a_model_that_rejects_pictures_is_explained(stack: Stack, sql: Sql, error: str, key: str) -> None:
    anna = stack.telegram.user("Anna")
    chat = anna.chat("assistant")
    stack.ai.next(AiBehaviour(status=400, error={"message": error, "type": "invalid_request_error"}))
    chat.photo()
    answer = chat.answer().text
    assert says(answer, key)
    assert says(answer, "request_not_counted")
    assert requests_of(sql, anna.id) == 0
    chat.send("hello")
    chat.answer()
    assert len(_parts(stack)) == 1, "a rejected picture is not shown again"


def test_a_photo_whose_caption_holds_a_secret_is_not_sent(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna")
    chat = anna.chat("assistant")
    chat.attach("photo", photo(), "sk-proj-" + "a1B2" * 12)
    assert says(chat.answer().text, "secret_seen")
    assert stack.ai.requests == []
    assert sql("select from messages where chat_id = %s", anna.id) == []


def test_a_broken_photo_in_the_session_asks_without_it(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna")
    chat = anna.chat("assistant")
    chat.photo()
    chat.answer()
    sql(
        "update bot_sessions set session_data = jsonb_set(session_data, '{pictures,files,0,0}', '\"gone\"') "
        "where chat_id = %s",
        anna.id,
    )
    chat.send("And now?")
    chat.answer()
    assert len(_parts(stack)) == 1
