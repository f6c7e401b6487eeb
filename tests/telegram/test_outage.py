"""Database outages: chat and menus use the fallback, other features refuse, nothing counts twice."""

from __future__ import annotations

import json
import time
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from shared import bots
from shared.telegram import fallback
from shared.telegram.update import Update
from tests.conftest import make_stack
from tests.support import deliver_until_done, eventually, message_update, says, started_user
from tests.telegram.test_updates import Sql, history_of, requests_of
from tools.database.embedded import Server
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack


@pytest.fixture
def offline_stack(stack: Stack) -> Stack:
    """The stack with its database down and the circuit open."""
    probe = stack.telegram.user("Probe")
    stack.database.down()
    # Until a pooled connection has failed, a statement may have reached the database.
    eventually(lambda: stack.telegram.deliver(message_update(probe, "/show"), "second").status == 200)
    return stack


def test_text_is_answered_without_a_database(offline_stack: Stack, sql: Sql) -> None:
    anna = offline_stack.telegram.user("Anna", language_code="ru")
    chat = anna.chat("assistant")
    offline_stack.ai.next(AiBehaviour(text="Без памяти."))
    chat.send("привет")
    assert chat.answer(15).text == "Без памяти."
    chat.send("/profile")
    profile = chat.answer(15).text
    assert says(profile, "profile_offline", "ru", id=anna.id)
    assert "Баланс:" not in profile
    chat.send("/start")
    assert says(chat.answer(15).text, "welcome_offline", "ru")
    chat.send("/clear")
    assert says(chat.answer(15).text, "offline_unavailable", "ru")
    chat.send("/language")
    assert chat.answer(15).buttons
    assert not sql("select from users where telegram_id = %s", anna.id)


@pytest.mark.parametrize("bot", ["spin", "quiz"])
def test_a_bot_that_is_no_assistant_says_what_it_is_without_a_database(
    offline_stack: Stack, bot: str
) -> None:
    chat = offline_stack.telegram.user("Anna", language_code="en").chat(bot)
    chat.send("/start")
    answer = chat.answer(15).text
    assert says(answer, f"welcome_{bot}", name="Anna")
    assert says(answer, "offline_unavailable")


def test_the_first_message_of_an_outage_is_answered_at_once(stack: Stack) -> None:
    chat = stack.telegram.user("Anna").chat("assistant")
    chat.send("/start").wait()
    chat.answer()
    stack.database.down()
    sent = chat.send("/profile").wait()
    assert says(chat.answer().text, "profile_offline")
    assert sent.attempts == 1


def test_a_redelivery_without_a_database_asks_the_ai_once(offline_stack: Stack) -> None:
    update = message_update(offline_stack.telegram.user("Anna"), "hello again and again")
    answers = [offline_stack.telegram.deliver(update) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 200]
    assert len({answer.body for answer in answers}) == 1
    asked = [r for r in offline_stack.ai.requests if r["messages"][-1]["content"] == "hello again and again"]
    assert len(asked) == 1


def test_a_user_who_blocked_the_bot_is_not_retried_without_a_database(offline_stack: Stack) -> None:
    ben = offline_stack.telegram.user("Ben")
    offline_stack.telegram.fail("sendMessage", status=403, chat_id=ben.id)
    response = offline_stack.telegram.deliver(message_update(ben, "/three"), "second")
    assert (response.status, response.body) == (200, b"")


def test_rate_limited_messages_consume_no_ai_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    monkeypatch.setattr(fallback, "settings", lambda: SimpleNamespace(fallback_messages_per_minute=0))
    monkeypatch.setattr(fallback, "offline_context", lambda *_, **_more: taken.append(1))
    assert fallback._process(bots.load("assistant"), Update("assistant", 1, "message", {})).status == 503
    assert taken == []


def test_a_locked_row_does_not_open_the_circuit(stack: Stack, database_url: str) -> None:
    anna, ben = started_user(stack.telegram), started_user(stack.telegram, name="Ben")
    with psycopg.connect(database_url) as admin:
        admin.execute("select from users where telegram_id = %s for update", (anna.id,))
        assert stack.telegram.deliver(message_update(anna, "hello")).status == 503
        profile = json.loads(stack.telegram.deliver(message_update(ben, "/profile")).body)["text"]
    assert "Today:" in profile


def test_an_unresponsive_database_times_out(stack: Stack) -> None:
    anna = started_user(stack.telegram)
    stack.database.on("receive_update", when="before", do=lambda: time.sleep(15))
    started = time.monotonic()
    assert stack.telegram.deliver(message_update(anna, "/profile")).status == 503
    assert time.monotonic() - started < 13


def test_a_deployment_loses_no_update(stack: Stack, sql: Sql) -> None:
    update = message_update(started_user(stack.telegram, "second"), "/show")
    sql("alter function finish_update rename to finish_update_")
    try:
        statuses = [stack.telegram.deliver(update, "second").status for _ in range(4)]
    finally:
        sql("alter function finish_update_ rename to finish_update")
    assert set(statuses) == {503}
    assert "chat" in json.loads(deliver_until_done(stack.telegram, update, "second").body)["text"]


def test_payment_updates_wait_for_the_database(offline_stack: Stack) -> None:
    update = message_update(offline_stack.telegram.user("Anna"), "")
    del update["message"]["text"]
    update["message"]["successful_payment"] = {
        "currency": "XTR",
        "total_amount": 1,
        "invoice_payload": "o",
        "telegram_payment_charge_id": "c",
        "provider_payment_charge_id": "p",
    }
    response = offline_stack.telegram.deliver(update)
    assert response.status == 503
    assert int(response.headers["retry-after"]) >= 1


def test_a_job_without_a_database_is_retried(offline_stack: Stack) -> None:
    assert offline_stack.run_job("sweep").status == 503


def test_the_fallback_is_rate_limited_per_process(backend_url: str) -> None:
    stack = make_stack(backend_url, FALLBACK_AI_REQUESTS_PER_MINUTE="2", FALLBACK_MESSAGES_PER_MINUTE="4")
    stack.start()
    try:
        stack.database.down()
        time.sleep(1)  # dates have whole seconds: messages from now on are newer than the process
        anna = stack.telegram.user("Anna")
        answers = [stack.telegram.deliver(message_update(anna, f"question {n}")) for n in range(5)]
        assert [answer.status for answer in answers] == [200, 200, 200, 200, 503]
        assert says(json.loads(answers[2].body)["text"], "offline_limit")
        assert len(stack.ai.requests) == 2
    finally:
        stack.stop()


def test_postgres_stopped_during_traffic_and_started_again(server: Server, stack: Stack, sql: Any) -> None:
    users = [stack.telegram.user(f"User {n}") for n in range(6)]
    sent = []
    for number, user in enumerate(users):
        sent.append(user.chat("assistant").send("before"))
        if number == 2:
            server.stop(immediate=True)
    for user in users:
        sent.append(user.chat("assistant").send("meanwhile"))
    time.sleep(1)
    server.start()
    for message in sent:
        message.wait(timeout=60)
    stack.telegram.idle(20)
    with psycopg.connect(server.url("migrated", "supabase_admin"), autocommit=True) as connection:

        def after(statement: str, *values: Any) -> list[dict[str, Any]]:
            cursor = connection.cursor(row_factory=psycopg.rows.dict_row).execute(statement, values)
            return cursor.fetchall()

        for user in users:
            chat = user.chat("assistant")
            assert len(chat.answers()) >= 2
            # Fallback answers are not counted, and every counted request is stored.
            assert requests_of(after, user.id) * 2 == len(history_of(after, user.id))
    chat = users[0].chat("assistant")
    chat.send("and now?").wait(timeout=60)
    assert _is_online(chat)


def _is_online(chat: Any) -> bool:
    def check() -> bool:
        chat.send("/profile").wait(timeout=60)
        return "Today:" in chat.answers()[-1].text

    result: bool = eventually(check, 30)
    return result
