"""What SQL functions send to users stands in the thread; the thread shows that the AI is writing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.core.texts import text
from tests.stories.messenger_team import make_operator, make_user
from tests.stories.test_messenger_takeover import switch
from tests.stories.test_messenger_thread import conversation_of, thread_of
from tests.support import eventually, in_parallel
from tests.telegram.test_updates import Sql, sent_to
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack
from tools.emulator.telegram.users import Chat

Call = Callable[..., Any]
LATER = "clock_timestamp() + interval '10 minutes'"


@pytest.fixture
def anna(stack: Stack) -> Chat:
    return make_user(stack)


@pytest.fixture
def olga(stack: Stack, sql: Sql) -> int:
    return make_operator(stack, sql)


def extend(sql: Sql, number: int) -> None:
    """Let a newer question be answered for an hour."""
    sql(
        "update conversations set ai_processing_until = private.clock() + interval '1 hour' where id = %s",
        number,
    )


def notify(
    sql: Sql, chat: Chat, bot: str = "assistant", key: str = "unbanned", edits: int | None = None
) -> int:
    """Enqueue a message with a button for a user; return the id of the outbox item."""
    (row,) = sql(
        "select private.enqueue_user_message(u.id, %s, %s, '{}', "
        """'[[{"key": "messenger_title", "data": "menu"}]]', %s) as sent """
        "from users as u where telegram_id = %s",
        bot,
        key,
        edits,
        chat.id,
    )
    sql(
        "update telegram_outbox set send_after = private.clock()"
    )  # the sweep leaves the first minute to the caller
    return int(row["sent"][0]["id"])


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_notice_stands_in_the_thread_as_the_user_got_it(stack: Stack, sql: Sql, language: str) -> None:
    anna = make_user(stack, language=language)
    before = conversation_of(sql, anna.id)
    notify(sql, anna)
    stack.run_job("sweep")
    sent = anna.answer()
    last = thread_of(sql, anna.id)[-1]
    assert (last["source"], last["direction"], last["kind"], last["status"]) == ("system", 1, "text", "sent")
    assert last["body"] == sent.text == text(language, "unbanned")
    assert last["telegram_message_id"] == sent.message_id
    assert last["buttons"] == [[text(language, "messenger_title")]]
    after = conversation_of(sql, anna.id)
    assert (after["last_seq"], after["unread_count"]) == (before["last_seq"] + 1, before["unread_count"])
    assert after["last_message_at"] == before["last_message_at"], "the list stays in its order"

    notify(sql, anna, key="gift_reset_undone", edits=sent.message_id)
    stack.run_job("sweep")
    edited = thread_of(sql, anna.id)[-1]
    assert (edited["id"], edited["body"]) == (last["id"], text(language, "gift_reset_undone"))
    assert edited["version"] > last["version"]


def test_a_notice_that_is_recorded_twice_is_written_once(call: Call, sql: Sql, anna: Chat) -> None:
    item = notify(sql, anna)
    before = len(thread_of(sql, anna.id))
    notice = {"kind": "text", "body": "Paid."}
    result = {"id": item, "outcome": "sent", "message_id": 777_777, "notice": notice}
    in_parallel(4, lambda _: call("record_deliveries", [result]))
    call("record_deliveries", [result])
    assert [one["body"] for one in thread_of(sql, anna.id)[before:]] == ["Paid."]


def test_a_failed_delivery_an_admin_and_another_bot_get_no_notice(
    stack: Stack, sql: Sql, clock: Callable[[str], None], anna: Chat
) -> None:
    before = len(thread_of(sql, anna.id))
    stack.telegram.fail("sendMessage", 429, retry_after=60)
    notify(sql, anna)
    stack.run_job("sweep")
    assert len(thread_of(sql, anna.id)) == before
    clock(LATER)
    stack.run_job("sweep")
    assert len(thread_of(sql, anna.id)) == before + 1
    sql("update users set is_admin = true where telegram_id = %s", anna.id)
    notify(sql, anna)
    stack.run_job("sweep")
    assert sent_to(stack, anna.id).count(text("en", "unbanned")) == 2
    assert len(thread_of(sql, anna.id)) == before + 1, "alarms are about other users"
    boris = stack.telegram.user("Boris", "en").chat("spin")
    boris.send("/start").wait()
    notify(sql, boris, "spin")
    stack.run_job("sweep")
    assert thread_of(sql, boris.id) == []


def row_of(call: Call, actor: int, number: int) -> Any:
    return call("read_conversation", actor, number)["conversation"]


def test_the_thread_shows_that_the_ai_is_writing(
    stack: Stack, call: Call, sql: Sql, anna: Chat, olga: int
) -> None:
    number = conversation_of(sql, anna.id)["id"]
    assert row_of(call, olga, number)["answering_until"] is None
    start = call("find_conversations", olga)["cursor"]
    stack.ai.next(AiBehaviour(text="Well.", delay=1.0))
    sent = anna.send("hello")
    eventually(lambda: len(stack.ai.requests) == 1)
    assert row_of(call, olga, number)["answering_until"] is not None
    news = call("conversation_changes", olga, start)
    assert news["conversations"][0]["answering_until"] is not None
    sent.wait()
    stack.telegram.idle(10)
    assert row_of(call, olga, number)["answering_until"] is None
    anna.send("/menu").wait()
    assert row_of(call, olga, number)["answering_until"] is None, "no AI is asked"


def test_a_takeover_ends_it_and_the_late_answer_changes_nothing(
    stack: Stack, call: Call, sql: Sql, anna: Chat, olga: int
) -> None:
    number = conversation_of(sql, anna.id)["id"]
    stack.ai.next(AiBehaviour(text="Too late.", delay=1.0))
    sent = anna.send("hello")
    eventually(lambda: len(stack.ai.requests) == 1)
    switch(sql, anna.id, "human")
    assert row_of(call, olga, number)["answering_until"] is None
    sent.wait()
    stack.telegram.idle(10)
    anna.send("are you there?").wait()
    assert row_of(call, olga, number)["answering_until"] is None


@pytest.mark.slow
def test_after_a_kill_it_ends_by_time_and_the_next_attempt_shows_it_again(
    stack: Stack, call: Call, sql: Sql, clock: Callable[[str], None], anna: Chat, olga: int
) -> None:
    number = conversation_of(sql, anna.id)["id"]
    function = stack.function("telegram")
    stack.database.on("receive_update", when="after", do=function.kill)  # type: ignore[arg-type]
    anna.send("hello")
    eventually(lambda: conversation_of(sql, anna.id)["ai_processing_until"], 15)
    eventually(lambda: not function.pid, 15)
    assert row_of(call, olga, number)["answering_until"] is not None
    clock(LATER)
    assert row_of(call, olga, number)["answering_until"] is None
    first = conversation_of(sql, anna.id)["ai_processing_until"]
    function.restart()
    seen: list[Any] = []
    stack.database.on(
        "finish_update",
        when="before",
        do=lambda: seen.append(conversation_of(sql, anna.id)["ai_processing_until"]),
    )
    stack.ai.next(AiBehaviour(text="At last."))
    eventually(lambda: (stack.run_job("sweep"), seen)[1], 30)
    assert seen[0] > first
    eventually(lambda: "At last." in sent_to(stack, anna.id), 15)
    assert row_of(call, olga, number)["answering_until"] is None


def test_the_answer_to_an_older_question_leaves_the_newer_one_shown(
    stack: Stack, call: Call, sql: Sql, anna: Chat, olga: int
) -> None:
    found = conversation_of(sql, anna.id)
    stack.ai.next(AiBehaviour(text="Well."))
    stack.database.on("finish_update", when="before", do=lambda: extend(sql, found["id"]))
    anna.send("hello").wait()
    stack.telegram.idle(10)
    assert row_of(call, olga, found["id"])["answering_until"] is not None


def test_who_views_which_conversation_comes_with_the_changes(
    call: Call, sql: Sql, clock: Callable[[str], None], stack: Stack, anna: Chat, olga: int
) -> None:
    boris = make_operator(stack, sql, "Boris")
    number = conversation_of(sql, anna.id)["id"]
    call("view_conversation", boris, number)
    start = call("find_conversations", olga)["cursor"]
    assert call("conversation_changes", olga, start)["viewing"] == [
        {"conversation_id": number, "name": "Boris"}
    ]
    assert call("conversation_changes", boris, start)["viewing"] == []
    clock(LATER)
    assert call("conversation_changes", olga, start)["viewing"] == []


def test_a_note_is_in_the_audit_log_without_its_text(call: Call, sql: Sql, anna: Chat, olga: int) -> None:
    found = conversation_of(sql, anna.id)
    for _ in range(2):
        note = call("add_conversation_note", olga, found["id"], "likes tea", "one")
    (entry,) = sql("select * from audit_log where action = 'add_note'")
    assert (entry["user_id"], entry["after"]) == (
        found["user_id"],
        {"conversation_id": found["id"], "message_id": note["id"]},
    )
    assert "tea" not in str(entry)
