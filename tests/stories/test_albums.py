"""An album is one question, whenever its pictures arrive."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.stories.test_keys import a_key, add
from tests.stories.test_pictures import painted
from tests.support import in_parallel, says
from tests.telegram.test_updates import requests_of
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack
from tools.emulator.telegram.attachments import Attachment

Sql = Callable[..., list[dict[str, Any]]]
COLORS = ("red", "green", "blue")


def _items(colors: tuple[str, ...] = COLORS) -> list[tuple[str, Attachment | None]]:
    return [("photo", Attachment(painted(color), f"{color}.jpg", "image/jpeg")) for color in colors]


def _seen(*colors: str, language: str = "en") -> str:
    if language == "ru":
        names = {"red": "красную", "green": "зелёную", "blue": "синюю"}
        return " ".join(f"Вижу {names[color]} картинку 640×480 пикселей." for color in colors)
    return " ".join(f"I see a {color} picture of 640×480 pixels." for color in colors)


def _send(stack: Stack, chat: Any, colors: tuple[str, ...] = COLORS, caption: str | None = None) -> Any:
    """Send an album while Telegram does not say whether more follows; return the bot's message about it."""
    stack.telegram.fail("getWebhookInfo", times=len(colors))
    for sent in chat.album(_items(colors), caption):
        sent.wait()
    answer = chat.answer()
    assert says(answer.text, "album_waiting") or says(answer.text, "album_waiting", "ru")
    return answer


def _sweep(stack: Stack, sql: Sql) -> None:
    """Let the hold time expire, and sweep."""
    sql("update telegram_updates set lease_until = lease_until - interval '15 s' where status = 'failed'")
    stack.run_job("sweep")


def _question(stack: Stack) -> str:
    text: str = stack.ai.requests[-1]["messages"][-1]["content"][0]["text"]
    return text


def _is_finished(sql: Sql, user_id: int) -> bool:
    open_ones = sql("select from telegram_updates where chat_id = %s and status <> 'finished'", user_id)
    notes = sql("select from bot_sessions where chat_id = %s and session_data ? 'paste'", user_id)
    return not open_ones and not notes


def test_the_sweep_answers_an_album_once(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna")
    chat = anna.chat("assistant")
    _send(stack, chat, caption="Compare")
    stack.run_job("sweep")  # too early for it
    assert stack.ai.requests == []
    in_parallel(2, lambda _: _sweep(stack, sql))
    assert chat.answer().text == _seen(*COLORS)
    assert _question(stack) == "Compare"
    assert len(stack.ai.requests) == 1
    assert requests_of(sql, anna.id) == 1
    assert _is_finished(sql, anna.id)
    kept = sql("select content from messages where chat_id = %s order by id", anna.id)
    assert kept[0]["content"] == "[3 pictures] Compare"


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_next_text_is_the_question(stack: Stack, sql: Sql, language: str) -> None:
    anna = stack.telegram.user("Anna", language)
    chat = anna.chat("assistant")
    _send(stack, chat, caption="Look")
    chat.send("Which one is warmer?")
    assert chat.answer().text == _seen(*COLORS)
    assert _question(stack) == "Look\nWhich one is warmer?"
    _sweep(stack, sql)
    assert len(stack.ai.requests) == 1
    assert requests_of(sql, anna.id) == 1
    assert _is_finished(sql, anna.id)
    chat.send("Why?")
    chat.answer()
    assert len(stack.ai.requests[-1]["messages"][-1]["content"]) == 4, "the album is shown again"


@pytest.mark.parametrize(("language", "label"), [("en", "Answer now"), ("ru", "Ответить сейчас")])
def test_the_button_answers_at_once_and_only_once(stack: Stack, sql: Sql, language: str, label: str) -> None:
    anna = stack.telegram.user("Anna", language)
    chat = anna.chat("assistant")
    waiting = _send(stack, chat)
    waiting.tap(label)
    assert chat.answer().text == _seen(*COLORS, language=language)
    tap = waiting.tap(label)
    assert says(tap.answer()["text"], "album_answered", language)
    _sweep(stack, sql)
    assert len(stack.ai.requests) == 1
    assert requests_of(sql, anna.id) == 1
    assert _is_finished(sql, anna.id)


def test_the_button_and_the_sweep_at_once_answer_once(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna")
    chat = anna.chat("assistant")
    waiting = _send(stack, chat)
    sql("update telegram_updates set lease_until = lease_until - interval '15 s' where status = 'failed'")

    def work(number: int) -> None:
        if number:
            stack.run_job("sweep")
        else:
            waiting.tap("Answer now").wait()

    in_parallel(2, work)
    chat.answer()
    _sweep(stack, sql)
    assert len(stack.ai.requests) == 1
    assert requests_of(sql, anna.id) == 1


def test_a_picture_that_comes_after_the_answer_is_offered(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna")
    chat = anna.chat("assistant")
    waiting = _send(stack, chat, ("red", "green"))
    group = sql("select session_data->'paste'->>'album' as id from bot_sessions where chat_id = %s", anna.id)
    waiting.tap("Answer now")
    assert chat.answer().text == _seen("red", "green")
    late = [
        chat.send_content(_content(stack, color) | {"media_group_id": group[0]["id"]})
        for color in ("blue", "black")
    ]
    for sent in late:
        sent.wait()
    offer = chat.answer()
    assert says(offer.text, "album_late")
    offer.tap("Look at it")
    assert chat.answer().text == _seen("blue", "black")
    assert len(stack.ai.requests) == 2
    assert _is_finished(sql, anna.id)


def _content(stack: Stack, color: str) -> dict[str, Any]:
    file = stack.telegram.state.files.add("photos", painted(color), "image/jpeg", "late.jpg")
    return {"photo": [file.json(width=640, height=480)]}


def test_at_most_ten_pictures_go_to_the_ai(stack: Stack, sql: Sql) -> None:
    chat = stack.telegram.user("Anna").chat("assistant")
    first = _send(stack, chat, ("red",) * 10)
    for sent in chat.album(_items(("blue", "blue"))):
        sent.wait()
    first.tap("Answer now")
    assert chat.answer().text == _seen(*["red"] * 10)


def _send_at_once(stack: Stack, chat: Any, items: list[Any], caption: str | None = None) -> Any:
    """Send an album whose items are all at Telegram before the first is delivered; return the answer."""
    stack.telegram.hold()
    chat.album(items, caption)
    stack.telegram.hold(False)
    return chat.answer(30)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_an_album_is_answered_soon_without_the_sweep(stack: Stack, sql: Sql, language: str) -> None:
    anna = stack.telegram.user("Anna", language)
    chat = anna.chat("assistant")
    chat.send("My name is Anna")
    chat.answer()
    caption = {"en": "Compare", "ru": "Сравни"}[language]
    assert _send_at_once(stack, chat, _items(), caption).text == _seen(*COLORS, language=language)
    assert _question(stack) == caption
    assert "My name is Anna" in str(stack.ai.requests[-1]["messages"]), "the conversation goes along"
    assert (len(stack.ai.requests), requests_of(sql, anna.id)) == (2, 2)
    assert _is_finished(sql, anna.id)
    _sweep(stack, sql)
    chat.expect_silence(0.2)


def test_an_album_that_arrives_over_eleven_seconds_is_one_question(stack: Stack, sql: Sql) -> None:
    chat = stack.telegram.user("Anna").chat("assistant")
    for number, color in enumerate(COLORS):
        chat.send_content(_content(stack, color) | {"media_group_id": "7"}).wait()
        if number == 0:
            assert says(chat.answer().text, "album_waiting")
        sql("""update bot_sessions set session_data = jsonb_set(session_data, '{paste,at}',
               to_jsonb((session_data->'paste'->>'at')::float - 11)) where session_data ? 'paste'""")
    chat.expect_silence(0.2)
    assert stack.ai.requests == []
    _sweep(stack, sql)
    assert chat.answer().text == _seen(*COLORS)


def test_an_album_is_asked_with_the_users_key(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna")
    chat = anna.chat("assistant")
    add(chat, "OpenAI", a_key("OpenAI"))
    assert _send_at_once(stack, chat, _items()).text == _seen(*COLORS)
    assert requests_of(sql, anna.id) == 0
    assert sql("select distinct is_user_api_key as own from api_usage") == [{"own": True}]


def _document(name: str, content: bytes) -> tuple[str, Attachment]:
    return "document", Attachment(content, name, "application/octet-stream")


@pytest.mark.parametrize("language", ["en", "ru"])
def test_documents_sent_together_are_read_together(stack: Stack, sql: Sql, language: str) -> None:
    anna = stack.telegram.user("Anna", language)
    chat = anna.chat("assistant")
    stack.ai.next(AiBehaviour(text="Both."))
    files = [
        _document("plan.txt", b"The plan says red."),
        _document("data.bin", bytes(range(256))),
        _document("memo.txt", b"The memo says blue."),
        ("document", Attachment(painted("green"), "chart.jpg", "image/jpeg")),
    ]
    answer = _send_at_once(stack, chat, files, "Compare them").text
    assert says(answer, "document_left_out", language, name="data.bin")
    assert answer.endswith("Both.")
    text, picture = stack.ai.requests[-1]["messages"][-1]["content"]
    assert picture["type"] == "image_url"
    assert text["text"].startswith('Compare them\n\n[Document "plan.txt"')
    assert "The plan says red." in text["text"]
    assert '[Document "memo.txt"' in text["text"]
    assert (len(stack.ai.requests), requests_of(sql, anna.id)) == (1, 1)
    (kept, _) = sql("select content from messages where chat_id = %s order by id", anna.id)
    assert "The memo says blue." in kept["content"]


def test_documents_share_the_pages_of_the_plan(stack: Stack, sql: Sql) -> None:
    sql("update subscription_limits set document_pages = 1 where plan = 'FREE'")
    chat = stack.telegram.user("Anna").chat("assistant")
    files = [_document("one.txt", b"one " * 1000), _document("two.txt", b"two")]
    answer = _send_at_once(stack, chat, files).text
    assert says(answer, "document_cut_one", name="one.txt")
    assert says(answer, "document_over_limit", name="two.txt")
    assert "two.txt" not in str(stack.ai.requests[-1])


def test_an_album_whose_caption_holds_a_secret_is_not_sent(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna")
    chat = anna.chat("assistant")
    for sent in chat.album(_items(("red", "green")), "sk-proj-" + "a1B2" * 12):
        sent.wait()
    assert says(chat.answer().text, "secret_seen")
    stored = sql("select payload::text, answer::text from telegram_updates where chat_id = %s", anna.id)
    assert "a1B2a1B2" not in str(stored)


def test_a_cleared_conversation_forgets_late_pictures(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna")
    chat = anna.chat("assistant")
    waiting = _send(stack, chat, ("red", "green"))
    group = sql("select session_data->'paste'->>'album' as id from bot_sessions where chat_id = %s", anna.id)
    waiting.tap("Answer now")
    chat.answer()
    chat.send_content(_content(stack, "blue") | {"media_group_id": group[0]["id"]}).wait()
    offer = chat.answer()
    chat.send("/clear")
    chat.answer()
    assert says(offer.tap("Look at it").answer()["text"], "album_answered")
    assert len(stack.ai.requests) == 1
