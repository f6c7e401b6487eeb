"""Telegram's rules for delivering updates."""

from __future__ import annotations

import itertools
import threading
import time
from typing import Any

import pytest

from tests.tools.emulator.receiving import Receiver, reply
from tools.emulator.telegram import Telegram
from tools.emulator.web import Response, json_response


def failing(times: int, status: int = 500, headers: dict[str, str] | None = None) -> Any:
    left = [times]

    def answer(update: dict[str, Any]) -> Response:
        left[0] -= 1
        return Response(status, headers=headers or {}) if left[0] >= 0 else Response(200)

    return answer


def test_a_message_arrives_with_the_secret_and_a_trace_id(receiver: Receiver, chat: Any) -> None:
    sent = chat.send("/start").wait()

    headers = receiver.requests[0].headers
    assert headers["x-telegram-bot-api-secret-token"] == "s3cret"
    assert headers["x-cloud-trace-context"].startswith(f"{sent.update.trace_id}/")
    assert receiver.updates[0]["update_id"] == sent.update_id
    assert receiver.updates[0]["message"]["entities"] == [{"type": "bot_command", "offset": 0, "length": 6}]


def test_messages_of_one_chat_arrive_in_order_one_at_a_time(
    receiver: Receiver, telegram: Telegram, chat: Any
) -> None:
    receiver.gate.clear()
    for number in range(5):
        chat.send(str(number))
    _until(lambda: receiver.texts)
    time.sleep(0.1)
    assert receiver.texts == ["0"]

    receiver.gate.set()
    assert telegram.idle(5)
    assert receiver.texts == ["0", "1", "2", "3", "4"]
    assert receiver.most_at_once == 1


def test_a_failing_message_keeps_the_next_of_its_chat_waiting(
    receiver: Receiver, telegram: Telegram, chat: Any
) -> None:
    receiver.answer = failing(3)
    chat.send("first")
    chat.send("second")

    assert telegram.idle(5)
    assert receiver.texts == ["first"] * 4 + ["second"]


def test_chats_are_served_side_by_side(receiver: Receiver, telegram: Telegram) -> None:
    receiver.gate.clear()
    for name in ("Anna", "Boris", "Clara"):
        telegram.user(name).chat("assistant").send(name)
    _until(lambda: receiver.at_once == 3)

    receiver.gate.set()
    assert telegram.idle(5)


def test_a_tap_does_not_wait_for_a_message_of_its_chat(
    receiver: Receiver, telegram: Telegram, chat: Any
) -> None:
    receiver.answer = lambda update: (
        reply(
            update, text="choose", reply_markup={"inline_keyboard": [[{"text": "one", "callback_data": "1"}]]}
        )
        if "message" in update
        else Response(200)
    )
    chat.send("/menu")
    menu = chat.answer()
    receiver.gate.clear()
    chat.send("slow")
    tap = menu.tap("one")
    _until(lambda: receiver.at_once == 2)

    query = next(update["callback_query"] for update in receiver.updates if "callback_query" in update)
    assert (query["data"], query["message"]["text"], query["id"]) == ("1", "choose", tap.query_id)
    receiver.gate.set()
    assert telegram.idle(5)


def test_no_more_than_max_connections_at_once(receiver: Receiver, telegram: Telegram) -> None:
    telegram.request("assistant", "setWebhook", {"url": receiver.server.url, "max_connections": 2})
    receiver.gate.clear()
    for number in range(6):
        telegram.user(f"P{number}").chat("assistant").send("hi")
    _until(lambda: receiver.at_once == 2)
    time.sleep(0.1)
    assert receiver.at_once == 2

    receiver.gate.set()
    assert telegram.idle(5)
    assert receiver.most_at_once == 2
    assert len(receiver.requests) == 6


def test_retries_come_at_once_and_then_ever_later(receiver: Receiver, telegram: Telegram, chat: Any) -> None:
    telegram.retry_scale = 0.1
    receiver.answer = failing(4)
    sent = chat.send("hi").wait()

    starts = [attempt["at"] - attempt["ms"] / 1000 for attempt in telegram.deliveries]
    gaps = [after - before for before, after in itertools.pairwise(starts)]
    assert all(wait - 0.02 < gap < wait + 0.3 for gap, wait in zip(gaps, (0, 0.1, 0.2, 0.4), strict=True)), (
        gaps
    )
    assert sent.attempts == 5


def test_retry_after_is_honoured(receiver: Receiver, telegram: Telegram, chat: Any) -> None:
    telegram.retry_scale = 0.1
    receiver.answer = failing(1, 503, {"Retry-After": "3"})
    begin = time.monotonic()
    chat.send("hi").wait()

    assert 0.28 < time.monotonic() - begin < 2


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_2xx_means_delivered(receiver: Receiver, chat: Any, status: int) -> None:
    receiver.answer = lambda update: Response(status)
    assert chat.send("hi").wait().attempts == 1


@pytest.mark.parametrize("status", [301, 302, 401, 404, 500, 503])
def test_everything_else_is_tried_again(receiver: Receiver, chat: Any, status: int) -> None:
    receiver.answer = failing(1, status, {"Location": "/elsewhere"})
    assert chat.send("hi").wait().attempts == 2


def test_a_lost_response_makes_telegram_send_again(receiver: Receiver, telegram: Telegram, chat: Any) -> None:
    receiver.answer = lambda update: reply(update, text="hello")
    telegram.lose_responses()
    chat.send("hi").wait()

    assert [update["update_id"] for update in receiver.updates] == [receiver.updates[0]["update_id"]] * 2
    assert chat.answer().text == "hello"
    chat.expect_silence(0.1)


def test_a_doubled_delivery_reaches_the_function_twice_and_answers_once(
    receiver: Receiver, telegram: Telegram, chat: Any
) -> None:
    receiver.answer = lambda update: reply(update, text="hello")
    telegram.deliver_twice()
    sent = chat.send("hi").wait()
    _until(lambda: len(telegram.deliveries) == 2)

    assert {update["update_id"] for update in receiver.updates} == {sent.update_id}
    assert sorted(attempt["note"] for attempt in telegram.deliveries) == ["", "abandoned"]
    assert len(chat.answers()) == 1


def test_a_forged_delivery_comes_first_with_another_secret(
    receiver: Receiver, telegram: Telegram, chat: Any
) -> None:
    telegram.forge()
    chat.send("hi").wait()

    secrets = [request.headers["x-telegram-bot-api-secret-token"] for request in receiver.requests]
    assert secrets[0] != "s3cret"
    assert secrets[1:] == ["s3cret"]
    assert receiver.texts == ["This message was forged.", "hi"]


def test_a_silent_function_gets_the_update_again_after_the_idle_timeout(
    receiver: Receiver, telegram: Telegram, chat: Any
) -> None:
    telegram.delivery.idle_timeout = 0.5
    slow = threading.Event()
    receiver.answer = lambda update: (
        Response(200) if slow.is_set() else (slow.set(), time.sleep(0.8), Response(200))[2]
    )

    assert chat.send("hi").wait().attempts == 2
    assert telegram.deliveries[0]["error"] == "Read timeout expired"


def test_an_unreachable_webhook_is_a_failure(receiver: Receiver, telegram: Telegram, chat: Any) -> None:
    receiver.server.stop()
    chat.send("hi").wait("retrying")
    assert telegram.deliveries[0]["status"] == 0
    info = telegram.request("assistant", "getWebhookInfo", {})
    assert info["pending_update_count"] == 1
    assert info["last_error_message"] == "Connection closed or refused"


@pytest.mark.parametrize(("kind", "seconds"), [("message", 86400), ("tap", 150)])
def test_an_update_expires_after_its_time(
    receiver: Receiver, telegram: Telegram, chat: Any, kind: str, seconds: int
) -> None:
    receiver.answer = lambda update: reply(
        update, text="x", reply_markup={"inline_keyboard": [[{"text": "b", "callback_data": "b"}]]}
    )
    chat.send("/menu")
    menu = chat.answer()
    telegram.hold()
    sent = chat.send("late") if kind == "message" else menu.tap("b")
    telegram.clock.advance(seconds + 1)
    before = len(receiver.requests)
    telegram.hold(False)

    sent.wait("expired")
    assert telegram.idle(2)
    assert len(receiver.requests) == before


def test_an_update_that_would_expire_before_its_retry_is_dropped(
    receiver: Receiver, telegram: Telegram, chat: Any
) -> None:
    receiver.answer = failing(1, 503, {"Retry-After": "3600"})
    telegram.hold()
    sent = chat.send("hi")
    telegram.clock.advance(86400 - 600)
    telegram.hold(False)
    sent.wait("expired")


def test_held_deliveries_wait(receiver: Receiver, telegram: Telegram, chat: Any) -> None:
    telegram.hold()
    sent = chat.send("hi")
    time.sleep(0.05)
    assert (sent.status, receiver.requests) == ("queued", [])
    telegram.hold(False)
    sent.wait()


def test_updates_wait_for_a_webhook(receiver: Receiver) -> None:
    telegram = Telegram()
    sent = telegram.user("Anna").chat("assistant").send("hi")
    telegram.request("assistant", "setWebhook", {"url": receiver.server.url})
    sent.wait()
    assert "x-telegram-bot-api-secret-token" not in receiver.requests[0].headers
    telegram.stop()


def test_dropped_pending_updates_never_arrive(receiver: Receiver, telegram: Telegram, chat: Any) -> None:
    telegram.hold()
    chat.send("old")
    telegram.request("assistant", "setWebhook", {"url": receiver.server.url, "drop_pending_updates": True})
    telegram.hold(False)
    chat.send("new").wait()
    assert receiver.texts == ["new"]


@pytest.mark.parametrize(("content_type", "body"), [
    ("application/json", b'{"method": "sendMessage", "chat_id": %d, "text": "in the response"}'),
    ("application/json; charset=utf-8",
     b'{"method": "SendMessage", "chat_id": "%d", "text": "in the response"}'),
    ("application/x-www-form-urlencoded", b"method=sendMessage&chat_id=%d&text=in+the+response"),
])  # fmt: skip
def test_a_method_in_the_response_is_executed(
    receiver: Receiver, telegram: Telegram, chat: Any, content_type: str, body: bytes
) -> None:
    receiver.answer = lambda update: Response(200, body % chat.id, content_type)
    chat.send("hi")
    assert chat.answer().text == "in the response"
    assert [(call["method"], call["via"]) for call in telegram.calls][1:] == [("sendMessage", "response")]


@pytest.mark.parametrize(("content_type", "body"), [
    ("text/html", b'{"method": "sendMessage", "chat_id": %d, "text": "no"}'),
    ("application/json", b'{"method": "sendMessage", "chat_id": %d, "text": '),
    ("application/json", b'{"method": "sendMessage", "chat_id": %d, "text": ""}'),
    ("application/json", b'{"method": "getMe", "chat_id": %d}'),
    ("application/json", b'{"method": "deleteWebhook", "chat_id": %d}'),
    ("application/json", b'["sendMessage", %d]'),
])  # fmt: skip
def test_other_responses_change_nothing_and_count_as_delivered(
    receiver: Receiver, telegram: Telegram, chat: Any, content_type: str, body: bytes
) -> None:
    receiver.answer = lambda update: Response(200, body % chat.id, content_type)
    assert chat.send("hi").wait().attempts == 1
    assert chat.answers() == []
    assert telegram.bot("assistant").webhook.url == receiver.server.url


def test_a_delivery_outside_the_queues_returns_the_raw_answer(receiver: Receiver, telegram: Telegram) -> None:
    receiver.answer = lambda update: json_response({"method": "sendMessage"}, 200, {"X-Mark": "1"})
    answer = telegram.deliver({"update_id": 1}, secret=None, headers={"X-Own": "yes"})
    assert (answer.status, answer.headers["x-mark"], answer.json()) == (200, "1", {"method": "sendMessage"})
    assert "x-telegram-bot-api-secret-token" not in receiver.requests[0].headers
    assert receiver.requests[0].headers["x-own"] == "yes"

    telegram.deliver(b"{}", secret="wrong")
    assert receiver.requests[1].headers["x-telegram-bot-api-secret-token"] == "wrong"


def test_kinds_left_out_of_allowed_updates_are_not_sent(
    receiver: Receiver, telegram: Telegram, chat: Any
) -> None:
    hook = {"url": receiver.server.url, "allowed_updates": ["message"]}
    telegram.request("assistant", "setWebhook", hook)
    sent = chat.send("hi")
    chat.edit(sent, "hello")
    telegram.request("assistant", "setWebhook", {"url": receiver.server.url})  # left out: stays
    chat.edit(sent, "hello!")
    assert telegram.idle(5)
    assert [next(iter(update)) for update in receiver.updates] == ["message"]
    telegram.request("assistant", "setWebhook", hook | {"allowed_updates": []})
    chat.edit(sent, "hello!!").wait()
    assert "edited_message" in receiver.updates[-1]


def _until(ready: Any, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)
