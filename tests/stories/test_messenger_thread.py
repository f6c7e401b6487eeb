"""What a user and a bot write to each other stands in the conversation that people of the team read."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import eventually, in_parallel, message_update, started_user
from tests.telegram.test_updates import Sql, sent_to
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack
from tools.emulator.telegram.users import Chat

KEY = "sk-" + "proj1234567890abcdefghij"


@pytest.fixture
def anna(stack: Stack) -> Chat:
    chat = stack.telegram.user("Anna", "en").chat("assistant")
    chat.send("/start").wait()
    chat.answer()
    return chat


def conversation_of(sql: Sql, telegram_id: int) -> dict[str, Any]:
    """The user's conversation with the assistant."""
    (found,) = sql(
        "select c.* from conversations as c join users as u on u.id = c.user_id where u.telegram_id = %s",
        telegram_id,
    )
    return found


def thread_of(sql: Sql, telegram_id: int) -> list[dict[str, Any]]:
    """The messages of the user's conversations, oldest first."""
    return sql(
        "select m.* from conversation_messages as m join conversations as c on c.id = m.conversation_id "
        "join users as u on u.id = c.user_id where u.telegram_id = %s order by m.seq",
        telegram_id,
    )


def shown(sql: Sql, telegram_id: int) -> list[tuple[Any, ...]]:
    """Direction, source, kind and text of those messages."""
    return [(m["direction"], m["source"], m["kind"], m["body"]) for m in thread_of(sql, telegram_id)]


def test_a_question_and_its_answer_are_in_the_thread(stack: Stack, sql: Sql, anna: Chat) -> None:
    stack.ai.next(AiBehaviour(text="Forty-two."))
    question = anna.send("what is the answer?").wait()
    answer = anna.answer()
    stack.telegram.idle(10)
    assert shown(sql, anna.id)[2:] == [
        (0, "user", "text", "what is the answer?"),
        (1, "ai", "text", "Forty-two."),
    ]
    asked, answered = thread_of(sql, anna.id)[2:]
    assert asked["telegram_message_id"] == question.message_id
    assert (answered["status"], answered["telegram_message_id"]) == ("sent", answer.message_id)
    found = conversation_of(sql, anna.id)
    assert (found["last_seq"], found["unread_count"], found["waiting_since"]) == (4, 2, None)
    assert (found["handler"], found["status"], found["preview"]) == ("bot", "open", "Forty-two.")


def test_media_keep_their_files(stack: Stack, sql: Sql, anna: Chat) -> None:
    anna.photo("my cat").wait()
    anna.sticker("👍").wait()
    anna.document("contract.pdf", b"%PDF-1.4", "application/pdf").wait()
    anna.location(55.5, 37.5).wait()
    anna.contact("+79990000000").wait()
    photo, sticker, document, place, contact = (m for m in thread_of(sql, anna.id)[2:] if m["direction"] == 0)
    assert (photo["kind"], photo["body"]) == ("photo", "my cat")
    assert photo["media"]["file_id"] and photo["media"]["size"] > 0
    assert (sticker["kind"], sticker["body"]) == ("sticker", "👍")
    assert (document["media"]["name"], document["media"]["mime"]) == ("contract.pdf", "application/pdf")
    assert (place["kind"], place["media"]["latitude"]) == ("location", 55.5)
    assert (contact["kind"], contact["media"]["phone"]) == ("contact", "+79990000000")


def test_an_edit_keeps_what_it_replaced(stack: Stack, sql: Sql, anna: Chat) -> None:
    sent = anna.send("how much is it").wait()
    anna.edit(sent, "how much is it?").wait()
    (edited,) = [m for m in thread_of(sql, anna.id) if m["telegram_message_id"] == sent.message_id]
    assert edited["body"] == "how much is it?"
    assert edited["edited_at"] is not None
    revisions = sql("select body from conversation_message_revisions where message_id = %s", edited["id"])
    assert revisions == [{"body": "how much is it"}]


def test_an_edited_caption_is_seen_although_no_handler_takes_it(stack: Stack, sql: Sql, anna: Chat) -> None:
    sent = anna.photo("my cat").wait()
    message = thread_of(sql, anna.id)[2]
    user = {"id": anna.id, "is_bot": False, "first_name": "Anna", "language_code": "en"}
    edited = {
        "message_id": sent.message_id,
        "from": user,
        "chat": {"id": anna.id, "type": "private", "first_name": "Anna"},
        "date": 1,
        "edit_date": 2,
        "photo": [{"file_id": message["media"]["file_id"], "file_unique_id": "u", "width": 1, "height": 1}],
        "caption": "my other cat",
    }
    update = {"update_id": sent.update.update_id + 1_000_000, "edited_message": edited}
    assert stack.telegram.deliver(update).status == 200
    assert thread_of(sql, anna.id)[2]["body"] == "my other cat"


def test_a_tap_is_a_short_event_that_waits_for_no_answer(stack: Stack, sql: Sql, anna: Chat) -> None:
    unread = conversation_of(sql, anna.id)["unread_count"]
    anna.send("/menu").wait()
    menu = anna.answer()
    label = next(button.text for row in menu.buttons for button in row if button.data)
    menu.tap(label).wait()
    event = [m for m in thread_of(sql, anna.id) if m["kind"] == "event"][-1]
    assert (event["direction"], event["read"]) == (0, True)
    assert event["body"] == label
    assert conversation_of(sql, anna.id)["unread_count"] == unread + 1


def test_what_looks_like_a_secret_is_hidden(stack: Stack, sql: Sql, anna: Chat) -> None:
    anna.send(f"my key is {KEY}").wait()
    assert all(KEY not in m["body"] for m in thread_of(sql, anna.id))
    assert "[hidden]" in thread_of(sql, anna.id)[2]["body"]


def test_groups_are_no_conversations(stack: Stack, sql: Sql, anna: Chat) -> None:
    before = len(thread_of(sql, anna.id))
    owner = stack.telegram.user("Ben", "en")
    group = stack.telegram.group("Team", [owner], ["assistant"])
    group.by(owner).send("/help").wait()
    assert (
        sql(
            "select from conversations as c join users as u on u.id = c.user_id where u.telegram_id = %s",
            owner.id,
        )
        == []
    )
    assert len(thread_of(sql, anna.id)) == before


def test_a_message_reopens_what_was_closed(stack: Stack, sql: Sql, anna: Chat) -> None:
    sql(
        "update conversations set status = 'closed', closed_at = now(), "
        "snoozed_until = now() + interval '1 day'"
    )
    anna.send("one more thing").wait()
    found = conversation_of(sql, anna.id)
    assert (found["status"], found["closed_at"], found["snoozed_until"]) == ("open", None, None)


def test_a_user_who_blocks_the_bot_is_marked(stack: Stack, sql: Sql, anna: Chat) -> None:
    anna.block()
    assert eventually(lambda: conversation_of(sql, anna.id)["unreachable"]) == "blocked"
    anna.unblock()
    assert eventually(lambda: conversation_of(sql, anna.id)["unreachable"] is None)


def test_a_refused_answer_is_shown_as_failed(stack: Stack, sql: Sql, anna: Chat) -> None:
    stack.ai.next(AiBehaviour(text="Never seen."))
    stack.telegram.fail("sendMessage", status=403, description="Forbidden: bot was blocked by the user")
    anna.send("hello?").wait()
    stack.telegram.idle(10)
    answer = thread_of(sql, anna.id)[-1]
    assert (answer["source"], answer["status"], answer["error"]) == ("ai", "failed", "blocked")
    assert conversation_of(sql, anna.id)["unreachable"] == "blocked"


def test_a_redelivered_message_stands_there_once(stack: Stack, sql: Sql) -> None:
    anna = started_user(stack.telegram)
    before = len(thread_of(sql, anna.id))
    stack.ai.next(AiBehaviour(text="Once."))
    update = message_update(anna, "hello")
    in_parallel(10, lambda _: stack.telegram.deliver(update))
    eventually(lambda: sent_to(stack, anna.id))
    stack.telegram.idle(10)
    assert [m["body"] for m in thread_of(sql, anna.id)[before:]] == ["hello", "Once."]


def test_without_the_switch_nothing_is_written(stack: Stack, sql: Sql) -> None:
    quiz = stack.telegram.user("Ben", "en").chat("quiz")
    quiz.send("/start").wait()
    assert sql("select from conversations where bot = 'quiz'") == []
