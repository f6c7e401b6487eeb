"""A gateway's error page in place of a Bot API response: a temporary failure, never a fault of the update."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.core.errors import TelegramError
from shared.core.http import Response
from shared.telegram.api import _decode
from tests.support import deliver_until_done, eventually, message_update, started_user
from tests.telegram.test_updates import Sql
from tools.emulator.stack import Stack

PAGE = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
PAGES = {
    "a page": (502, PAGE),
    "a page with 200": (200, b"<html>captive portal</html>"),
    "nothing": (502, b""),
    "nothing with 200": (200, b""),
    "half a JSON": (200, b'{"ok":true,"resu'),
    "a list": (200, b"[]"),
    "JSON of another service": (503, b'{"message":"no healthy upstream"}'),
    "an error without a code": (500, b'{"ok":false}'),
    "not UTF-8": (504, b"\xff\xfe\x00"),
}


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_a_response_that_is_not_from_the_bot_api_is_temporary(page: tuple[int, bytes]) -> None:
    status, body = page
    with pytest.raises(TelegramError) as caught:
        _decode("sendPhoto", Response(status, {}, body))
    assert caught.value.status == 0
    assert caught.value.is_temporary


@pytest.mark.parametrize(
    "content", [{"ok": True, "result": None}, {"ok": False, "error_code": 400, "description": "Bad"}]
)
def test_responses_of_the_bot_api_are_accepted(content: dict[str, Any]) -> None:
    assert _decode("x", Response(200, {}, json.dumps(content).encode())).json() == content


def failures_of(sql: Sql, update: dict[str, Any]) -> list[dict[str, Any]]:
    return sql("select status, failures from telegram_updates where update_id = %s", update["update_id"])


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_a_gateway_page_never_dead_letters_an_update(stack: Stack, sql: Sql, page: tuple[int, bytes]) -> None:
    status, body = page
    anna = started_user(stack.telegram)
    stack.telegram.fail("sendPhoto", status=status, page=body, times=5, chat_id=anna.id)
    update = message_update(anna, "/usage")
    for _ in range(5):
        answer = stack.telegram.deliver(update)
        assert answer.status == 503
        assert int(answer.headers["retry-after"]) >= 1
    assert failures_of(sql, update) == [{"status": "failed", "failures": 0}]
    deliver_until_done(stack.telegram, update, "assistant")
    assert failures_of(sql, update) == [{"status": "finished", "failures": 0}]


def test_a_gateway_page_to_getme_is_retried(stack: Stack, sql: Sql) -> None:
    """getMe is called once per process; in a group, before the update is stored."""
    anna = started_user(stack.telegram)
    stack.function("telegram").restart()
    stack.telegram.fail("getMe", status=502, page=PAGE, times=2)
    username = stack.telegram.bot("assistant").username
    group = {"id": -1001234567777, "type": "supergroup", "title": "Team"}
    update = message_update(anna, f"/help@{username}", chat=group)
    assert [stack.telegram.deliver(update).status for _ in range(3)] == [503, 503, 200]
    update = message_update(anna, "/referral")
    stack.function("telegram").restart()
    stack.telegram.fail("getMe", status=502, page=PAGE, times=4)
    assert [stack.telegram.deliver(update).status for _ in range(5)] == [503, 503, 503, 503, 200]
    assert failures_of(sql, update) == [{"status": "finished", "failures": 0}]


def test_a_gateway_page_to_an_ai_answer_loses_nothing_and_is_counted(stack: Stack) -> None:
    anna = started_user(stack.telegram)
    stack.telegram.fail("sendMessage", status=502, page=PAGE, executed=True, chat_id=anna.id)
    before = stack.function("telegram").raw_log.count('"answer_lost"')
    chat = anna.chat("assistant")
    chat.send("hello").wait(timeout=60)
    assert (
        len(chat.answers()) == 3
    )  # /start, and the answer twice, because the response to the first was lost
    lines = eventually(lambda: stack.function("telegram").raw_log.count('"answer_lost"') - before)
    assert lines == 1


def test_a_failure_of_our_own_is_retried_after_a_pause(stack: Stack) -> None:
    update = message_update(started_user(stack.telegram, "second"), "/boom")
    answers = [stack.telegram.deliver(update, "second") for _ in range(3)]
    assert [(answer.status, answer.headers.get("retry-after")) for answer in answers] == [
        (500, "4"), (500, "5"), (200, None),
    ]  # fmt: skip
