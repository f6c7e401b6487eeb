"""The outbox: items of a chat stay in order, and a failing chat does not delay others."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from shared.core.errors import TelegramError
from shared.telegram import chat_action, outbox
from shared.telegram.ticker import Ticker
from tests.support import eventually, started_user
from tests.telegram.test_updates import Sql, sent_to
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack


def enqueue(sql: Sql, bot: str, chat_id: int, text: str, update_id: int | None = None) -> None:
    sql(
        "insert into telegram_outbox (bot, chat_id, update_id, method, parameters, send_after) values "
        "(%s, %s, %s, 'sendMessage', %s, private.clock() - interval '1 s')",
        bot,
        chat_id,
        update_id,
        json.dumps({"chat_id": chat_id, "text": text}),
    )


def test_parts_wait_for_the_part_before_them(stack: Stack, sql: Sql, clock: Callable[[str], None]) -> None:
    anna = started_user(stack.telegram)
    chat = anna.chat("assistant")
    stack.ai.next(AiBehaviour(text="\n\n".join(f"{n} " + "word " * 700 for n in range(1, 5))))
    stack.telegram.fail("sendMessage", status=429, retry_after=120, chat_id=anna.id)
    chat.send("four parts").wait()
    clock("clock_timestamp() + interval '30 s'")
    stack.run_job("sweep")
    assert sent_to(stack, anna.id) == []
    clock("clock_timestamp() + interval '130 s'")
    stack.run_job("sweep")
    assert [text.split()[0] for text in sent_to(stack, anna.id)] == ["1", "2", "3", "4"]


def test_no_item_is_claimed_behind_one_in_delivery(stack: Stack, sql: Sql) -> None:
    anna, ben = started_user(stack.telegram), started_user(stack.telegram, name="Ben")
    for number in range(3):
        enqueue(sql, "assistant", anna.id, str(number), 424242)
    enqueue(sql, "assistant", ben.id, "another chat", 424242)
    first = sql("select claim_outbox(1) as calls")[0]["calls"]
    assert [call["parameters"]["text"] for call in first] == ["0"]
    others = sql("select claim_outbox(10) as calls")[0]["calls"]
    assert [call["parameters"]["text"] for call in others] == ["another chat"]
    assert sql("select private.claim_update_outbox('assistant', 424242) as calls")[0]["calls"] is None


def test_a_bot_without_a_token_does_not_delay_other_bots(stack: Stack, sql: Sql) -> None:
    anna = started_user(stack.telegram)
    enqueue(sql, "retired", anna.id, "never")
    enqueue(sql, "assistant", anna.id, "soon")
    assert stack.run_job("sweep").status == 200
    assert sent_to(stack, anna.id) == ["soon"]
    assert "retired" in sql("select error from telegram_outbox where bot = 'retired'")[0]["error"]


def test_a_rate_limited_chat_does_not_delay_the_others(stack: Stack, sql: Sql) -> None:
    anna, ben = started_user(stack.telegram), started_user(stack.telegram, name="Ben")
    enqueue(sql, "assistant", anna.id, "later")
    enqueue(sql, "assistant", ben.id, "soon")
    stack.telegram.fail("sendMessage", status=429, retry_after=15, chat_id=anna.id)
    started = time.monotonic()
    assert stack.run_job("sweep").status == 200
    assert time.monotonic() - started < 10
    assert sent_to(stack, ben.id) == ["soon"]


def test_replies_keep_their_order_when_the_first_is_postponed(
    stack: Stack, clock: Callable[[str], None]
) -> None:
    chat = started_user(stack.telegram, "second").chat("second")
    stack.telegram.fail("sendMessage", status=429, retry_after=60, chat_id=chat.id)
    chat.send("/three").wait()
    clock("clock_timestamp() + interval '70 s'")
    stack.run_job("sweep")
    assert [answer.text for answer in chat.answers()[1:]] == ["one", "two", "three"]


def test_no_delivery_starts_after_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []
    recorded: list[dict[str, object]] = []
    monkeypatch.setattr(outbox.api, "call", lambda *_args, **_kwargs: begun.append("call"))
    monkeypatch.setattr(outbox, "_record", recorded.extend)
    calls = [{"id": id_, "method": "sendMessage", "parameters": {"chat_id": 1}} for id_ in (1, 2)]
    outbox.deliver("assistant", calls, time.monotonic() - 0.1)
    assert begun == []
    assert [(result["id"], result["outcome"]) for result in recorded] == [(1, "later"), (2, "later")]


def test_typing_does_not_pile_up_while_telegram_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[float] = []

    def call(*_args: object, **_kwargs: object) -> None:
        made.append(time.monotonic())
        time.sleep(0.5)
        raise TelegramError("sendChatAction", 0, "no answer")

    monkeypatch.setattr(chat_action.api, "call", call)
    monkeypatch.setattr(chat_action, "FIRST_AFTER", 0.0)
    monkeypatch.setattr(chat_action, "EVERY", 0.1)
    ticker = Ticker()
    waiting = [chat_action.TypingTask("assistant", {"chat_id": number}) for number in range(20)]
    for one in waiting:
        ticker.add(one)
    eventually(lambda: len(made) >= 20)
    assert ticker._workers._work_queue.qsize() <= 20
    for one in waiting:
        ticker.remove(one)
    gone = time.monotonic()
    time.sleep(1.2)
    assert [at for at in made if at > gone + 0.1] == []


def test_a_template_with_an_unknown_text_is_postponed_and_delays_no_others(stack: Stack, sql: Sql) -> None:
    anna, ben = started_user(stack.telegram, "second"), started_user(stack.telegram, "second", "Ben")
    enqueue(sql, "second", anna.id, "")
    notice = {"chat_id": anna.id, "key": "text_of_tomorrow", "languages": ["en"], "values": {}}
    sql(
        "update telegram_outbox set method = 'template', parameters = %s where chat_id = %s",
        json.dumps(notice),
        anna.id,
    )
    enqueue(sql, "second", ben.id, "behind it")
    assert stack.run_job("sweep").status == 200
    assert sent_to(stack, ben.id) == ["behind it"]
    items = sql("select error from telegram_outbox where chat_id = %s", anna.id)
    assert items == [{"error": "no text 'text_of_tomorrow'"}]


@pytest.mark.parametrize(
    ("timezone", "day"), [("Europe/Moscow", "22 Dec 2026"), ("America/New_York", "21 Dec 2026")]
)
def test_a_date_in_a_template_is_in_the_owners_time_zone(
    stack: Stack, sql: Sql, timezone: str, day: str
) -> None:
    anna = started_user(stack.telegram, "second")
    enqueue(sql, "second", anna.id, "")
    notice = {
        "chat_id": anna.id,
        "key": "ends_day",
        "languages": ["en"],
        "timezone": timezone,
        "values": {"until": {"date": "2026-12-21T22:30:00+00:00"}},
    }
    sql(
        "update telegram_outbox set method = 'template', parameters = %s where chat_id = %s",
        json.dumps(notice),
        anna.id,
    )
    assert stack.run_job("sweep").status == 200
    assert [one.text for one in anna.chat("second").answers() if day in one.text]


def test_a_template_may_have_buttons_and_nested_texts(stack: Stack, sql: Sql) -> None:
    anna = started_user(stack.telegram, "second")
    enqueue(sql, "second", anna.id, "")
    notice = {
        "chat_id": anna.id,
        "key": "payment_alarm_second_charge",
        "languages": ["ru"],
        "values": {
            "payment": 17,
            "number": "pi_1",
            "provider": {"text": "provider_yookassa"},
            "money": {"amount": 149, "currency": "RUB"},
        },
        "buttons": [[{"key": "admin_button_payment", "data": "admin:payment:17:new"}]],
    }
    sql(
        "update telegram_outbox set method = 'template', parameters = %s where chat_id = %s",
        json.dumps(notice),
        anna.id,
    )
    assert stack.run_job("sweep").status == 200
    (message,) = [one for one in anna.chat("second").answers() if "дважды" in one.text]
    assert "149\u00a0₽" in message.text and "Карта или СБП (ЮKassa)" in message.text
    assert [[(button.text, button.data) for button in row] for row in message.buttons] == [
        [("💳 Платёж 17", "admin:payment:17:new")]
    ]
