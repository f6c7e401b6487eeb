"""Link previews are disabled in every text, so Telegram fetches no URL without a tap.

The `stack` fixture also checks every call of every test.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.telegram.link_previews import OFF, without_preview
from tests.support import calls_with_preview, message_update, started_user
from tests.telegram.test_outbox import enqueue
from tests.telegram.test_updates import Sql
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack

LEAK = "https://evil.example/?q=what-the-user-said"


def texts_to(stack: Stack, chat_id: int) -> list[dict[str, Any]]:
    """Return the calls with a text to a chat; fails if one has a preview."""
    calls = [
        call
        for call in stack.telegram.calls
        if str(call["parameters"].get("chat_id")) == str(chat_id) and "text" in call["parameters"]
    ]
    assert calls
    for call in calls:
        assert call["parameters"]["link_preview_options"] == {"is_disabled": True}, call
    return calls


@pytest.mark.parametrize(
    "answer",
    [f"See {LEAK}", f"[here]({LEAK})", f"![picture]({LEAK})", f"<{LEAK}>", f"`{LEAK}`", "evil.example/x"],
)
def test_an_ai_answer_has_no_preview(stack: Stack, answer: str) -> None:
    anna = started_user(stack.telegram)
    stack.ai.next(AiBehaviour(text=answer))
    anna.chat("assistant").send("hello").wait()
    assert texts_to(stack, anna.id)[-1]["via"] == "call"


def test_every_part_of_a_long_ai_answer_has_no_preview(stack: Stack) -> None:
    anna = started_user(stack.telegram)
    stack.ai.next(AiBehaviour(text=f"{LEAK} {'word ' * 100}\n\n" * 30))
    anna.chat("assistant").send("hello").wait()
    assert len(texts_to(stack, anna.id)) > 3


def test_an_ai_answer_whose_entities_are_refused_has_no_preview(stack: Stack) -> None:
    anna = started_user(stack.telegram)
    stack.telegram.fail("sendMessage", status=400, chat_id=anna.id)
    stack.ai.next(AiBehaviour(text=f"**See** {LEAK}"))
    anna.chat("assistant").send("hello").wait()
    assert [call["ok"] for call in texts_to(stack, anna.id)[-2:]] == [False, True]


def test_an_ai_answer_retried_from_the_outbox_has_no_preview(
    stack: Stack, clock: Callable[[str], None]
) -> None:
    anna = started_user(stack.telegram)
    stack.telegram.fail("sendMessage", status=429, retry_after=120, chat_id=anna.id)
    stack.ai.next(AiBehaviour(text=LEAK))
    anna.chat("assistant").send("hello").wait()
    clock("clock_timestamp() + interval '130 s'")
    stack.run_job("sweep")
    assert [call["ok"] for call in texts_to(stack, anna.id)[-2:]] == [False, True]


def test_an_outbox_item_of_another_revision_has_no_preview(stack: Stack, sql: Sql) -> None:
    anna = started_user(stack.telegram)
    enqueue(sql, "assistant", anna.id, LEAK)
    stack.run_job("sweep")
    assert texts_to(stack, anna.id)[-1]["parameters"]["text"] == LEAK


def test_an_answer_in_the_response_has_no_preview_when_it_is_delivered_again(stack: Stack) -> None:
    update = message_update(stack.telegram.user("Anna"), "/help")
    for _ in range(2):
        assert stack.telegram.deliver(update).json()["link_preview_options"] == {"is_disabled": True}


def test_an_ai_answer_without_a_database_has_no_preview(stack: Stack) -> None:
    anna = started_user(stack.telegram)
    stack.database.down()
    stack.ai.next(AiBehaviour(text=LEAK))
    response = stack.telegram.deliver(message_update(anna, "hello"))
    body = response.json()
    assert (body["text"], body["link_preview_options"]) == (LEAK, {"is_disabled": True})


def test_a_call_of_telebot_has_no_preview(stack: Stack) -> None:
    anna = stack.telegram.user("Anna")
    anna.chat("second").send("/send").wait()
    assert texts_to(stack, anna.id)[0]["via"] == "call"


def test_an_edited_message_has_no_preview(stack: Stack) -> None:
    anna = started_user(stack.telegram)
    chat = anna.chat("assistant")
    chat.send("/language").wait()
    chat.answer().tap("🇬🇧 English").wait()
    assert texts_to(stack, anna.id)[-1]["method"] == "editMessageText"


@pytest.mark.parametrize("method", ["sendMessage", "editMessageText", "sendMessageDraft"])
def test_only_a_requested_preview_is_enabled(method: str) -> None:
    text = {"chat_id": 1, "text": LEAK}
    wanted = {**text, "link_preview_options": {"url": "https://t.me/assistant"}}
    assert without_preview(method, text) == {**text, "link_preview_options": OFF}
    assert without_preview(method, {**text, "link_preview_options": None})["link_preview_options"] == OFF
    assert without_preview(method, {**text, "disable_web_page_preview": False})["link_preview_options"] == OFF
    assert without_preview(method, wanted) == wanted


def test_other_calls_stay_as_they_are() -> None:
    for method in ("answerCallbackQuery", "sendPhoto", "sendChatAction", "getMe"):
        assert without_preview(method, {"text": LEAK}) == {"text": LEAK}


def test_the_check_of_the_whole_suite_finds_a_preview() -> None:
    call = {"method": "sendMessage", "parameters": {"text": LEAK}}
    off = {"method": "sendMessage", "parameters": {"text": LEAK, "link_preview_options": OFF}}
    assert calls_with_preview([call, off]) == [call]
