"""Stories of the job: what arrives, what Telegram refuses, and a job that dies at any step."""

from __future__ import annotations

from typing import Any

import pytest

from shared.core.texts import text
from tests.features.broadcasts.conftest import TEXTS, Chats, Send, Sql
from tests.stories.test_trial import labels
from tests.support import eventually
from tools.emulator.stack import Stack


def row(sql: Sql, number: int) -> dict[str, Any]:
    return sql("select * from broadcasts where id = %s", number)[0]


def statuses(sql: Sql, number: int) -> list[str]:
    rows = sql("select status from broadcast_recipients where broadcast_id = %s order by status", number)
    return [one["status"] for one in rows]


def calls_to(stack: Stack, chat_id: int) -> int:
    """Return how many messages of a broadcast Telegram took for a chat."""
    return sum(
        one["method"] == "sendMessage" and "ello, " in str(one["parameters"].get("text"))
        for one in stack.telegram.calls
        if one["parameters"].get("chat_id") == chat_id
    )


def test_each_user_gets_it_in_their_language_once(stack: Stack, sql: Sql, chat: Chats, send: Send) -> None:
    anna, boris = chat("Anna [x](http://evil.example)"), chat("Борис", "ru")
    number = send()
    assert stack.run_job("broadcasts").status == 200
    message = anna.answer()
    assert message.text == "Hello, Anna [x](http://evil.example)!", "a name is no markup"
    assert boris.answer().text == "Привет, Борис!"
    stack.run_job("broadcasts")
    anna.expect_silence()
    found = row(sql, number)
    assert (found["status"], found["total"], found["sent"]) == ("done", 2, 2)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_tap_ends_marketing_messages_and_another_begins_them_again(
    stack: Stack, sql: Sql, chat: Chats, send: Send, language: str
) -> None:
    anna = chat("Anna", language)
    send()
    stack.run_job("broadcasts")
    message = anna.answer()
    message.tap(text(language, "broadcast_stop_button")).wait()
    stopped = anna.answer()
    assert text(language, "broadcast_stopped").replace("**", "") == stopped.text
    second = send(ignores_limit=True)
    stack.run_job("broadcasts")
    anna.expect_silence()
    assert row(sql, second)["total"] == 0
    send(kind="service")
    stack.run_job("broadcasts")
    assert text(language, "broadcast_stop_button") not in labels(anna.answer())

    anna.send("/unsubscribe").wait()
    page = anna.answer()
    assert page.text == stopped.text
    page.tap(text(language, "broadcast_again_button")).wait()
    send(ignores_limit=True)
    stack.run_job("broadcasts")
    assert anna.answer().text.endswith("Anna!")


def test_a_button_opens_a_page_of_the_bot_and_counts(stack: Stack, sql: Sql, chat: Chats, send: Send) -> None:
    anna = chat("Anna")
    button = {"texts": {"en": "My profile", "ru": "Профиль"}, "command": "profile"}
    number = send(content={"texts": TEXTS, "buttons": [button]})
    stack.run_job("broadcasts")
    message = anna.answer()
    for _ in range(2):
        message.tap("My profile").wait()
        assert str(anna.id) in anna.answer().text
    assert row(sql, number)["clicks"] == {"0": 1}


def test_who_blocked_the_bot_is_counted_and_no_longer_written_to(
    stack: Stack, sql: Sql, chat: Chats, send: Send
) -> None:
    anna, boris = chat("Anna"), chat("Boris")
    stack.telegram.fail(
        "sendMessage", 403, description="Forbidden: bot was blocked by the user", chat_id=anna.id
    )
    number = send()
    stack.run_job("broadcasts")
    boris.answer()
    assert statuses(sql, number) == ["blocked", "sent"]
    assert sql("select is_active from users where telegram_id = %s", anna.id) == [{"is_active": False}]
    second = send(ignores_limit=True)
    stack.run_job("broadcasts")
    assert row(sql, second)["total"] == 1


def test_429_pauses_the_bot_and_nothing_is_lost_or_sent_twice(
    stack: Stack, sql: Sql, chat: Chats, send: Send
) -> None:
    chats = [chat(f"Anna{n}") for n in range(12)]
    stack.telegram.fail("sendMessage", 429, retry_after=1, times=2)
    number = send()
    stack.run_job("broadcasts")
    assert row(sql, number)["sent"] == 12
    assert row(sql, number)["status"] == "done"
    for one in chats:
        assert one.answer().text.startswith("Hello, Anna")
        one.expect_silence()
    assert sql("select paused_until is not null as was_paused from private.bot_pace") == [
        {"was_paused": True}
    ]


def test_an_answer_still_goes_out_while_a_broadcast_is_paused(
    stack: Stack, sql: Sql, chat: Chats, send: Send
) -> None:
    anna = chat("Anna")
    stack.telegram.fail("sendMessage", 429, retry_after=600)
    number = send()
    stack.run_job("broadcasts")
    assert statuses(sql, number) == ["queued"]
    anna.send("/profile").wait()
    assert str(anna.id) in anna.answer().text


@pytest.mark.parametrize("executed", [True, False])
@pytest.mark.parametrize(("status", "answer"), [
    (502, {"page": b"<html>"}),
    (502, {"description": "Bad Gateway"}),
    (500, {"description": "Internal Server Error: restart"}),
])  # fmt: skip
def test_a_lost_answer_is_unknown_and_not_repeated(
    stack: Stack,
    sql: Sql,
    chat: Chats,
    send: Send,
    status: int,
    answer: dict[str, Any],
    executed: bool,
) -> None:
    anna = chat("Anna")
    stack.telegram.fail("sendMessage", status, executed=executed, chat_id=anna.id, **answer)
    number = send()
    stack.run_job("broadcasts")
    assert statuses(sql, number) == ["unknown"]
    sql("delete from private.bot_pace")
    stack.run_job("broadcasts")
    assert row(sql, number)["status"] == "done"
    assert row(sql, number)["unknown"] == 1
    assert calls_to(stack, anna.id) == 1


def test_a_message_that_telegram_refuses_fails_with_its_reason(
    stack: Stack, sql: Sql, chat: Chats, send: Send
) -> None:
    chat("Anna")
    stack.telegram.fail("sendMessage", 400, description="Bad Request: BUTTON_URL_INVALID")
    number = send()
    stack.run_job("broadcasts")
    rows = sql("select status, error from broadcast_recipients where broadcast_id = %s", number)
    assert rows == [{"status": "failed", "error": "Bad Request: BUTTON_URL_INVALID"}]


def test_what_was_sent_is_deleted_again(stack: Stack, sql: Sql, chat: Chats, send: Send) -> None:
    anna, boris = chat("Anna"), chat("Boris")
    number = send()
    stack.run_job("broadcasts")
    anna.answer()
    boris.answer()
    stack.telegram.fail(
        "deleteMessage", 400, description="Bad Request: message can't be deleted", chat_id=boris.id
    )
    sql("update broadcasts set deleting_after = 0 where id = %s", number)
    stack.run_job("broadcasts")
    assert row(sql, number)["deleted"] == 1
    assert statuses(sql, number) == ["deleted", "sent"]
    assert row(sql, number)["deleting_after"] is None


def _kill_at(stack: Stack, name: str, when: str) -> None:
    stack.database.on(
        name,
        when=when,  # type: ignore[arg-type]
        do=lambda: stack.function("scheduled").kill(),
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("statement", "when", "outcome"),
    [
        ("freeze_broadcasts", "before", "sent"),
        ("freeze_broadcasts", "after", "sent"),
        ("advance_sequences", "after", "sent"),
        ("prepare_broadcasts", "after", "sent"),
        ("claim_broadcast", "before", "sent"),
        ("claim_broadcast", "after", "unknown"),  # claimed, and perhaps sent: never again
        ("record_broadcast", "before", "unknown"),
        ("record_broadcast", "after", "sent"),
    ],
)
def test_a_job_that_is_killed_at_a_step_sends_nothing_twice(
    stack: Stack, sql: Sql, chat: Chats, send: Send, statement: str, when: str, outcome: str
) -> None:
    anna = chat("Anna")
    number = send()
    _kill_at(stack, statement, when)
    stack.run_job("broadcasts")
    eventually(lambda: not stack.function("scheduled").pid, 15)
    stack.database.clear()
    stack.function("scheduled").restart()
    sql("update broadcast_recipients set lease_until = now() - interval '1 second'")
    for _ in range(2):
        eventually(lambda: stack.run_job("broadcasts").status == 200, 30)
    assert statuses(sql, number) == [outcome]
    assert row(sql, number)["status"] == "done"
    assert calls_to(stack, anna.id) <= 1
    assert calls_to(stack, anna.id) == (0 if (statement, when) == ("claim_broadcast", "after") else 1)
