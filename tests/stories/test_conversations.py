"""/new, /chats: named conversations with their own history; switching, renaming, deleting, limits, races."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support import eventually, in_parallel, says
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat
from tools.emulator.telegram.test_objects import Answer

Sql = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def anna(stack: Stack) -> Chat:
    return stack.telegram.user("Anna").chat("assistant")


def ask(chat: Chat, words: str) -> Answer:
    chat.send(words)
    return chat.answer()


def seen(stack: Stack) -> list[str]:
    """Return what the AI got last, without the system prompt."""
    return [message["content"] for message in stack.ai.requests[-1]["messages"][1:]]


def labels(answer: Answer) -> list[str]:
    return [button.text for row in answer.buttons for button in row]


def stored(sql: Sql, chat: Chat) -> list[tuple[int, str]]:
    rows = sql(
        "select m.conversation_id, m.content from messages m join users u on u.id = m.user_id"
        " where u.telegram_id = %s order by m.id",
        chat.user.id,
    )
    return [(row["conversation_id"], row["content"]) for row in rows]


def ids(sql: Sql) -> list[int]:
    return [row["id"] for row in sql("select id from ai_conversations where not is_main order by id")]


def test_each_conversation_has_its_own_history(stack: Stack, anna: Chat) -> None:
    ask(anna, "My cat is called Tom.")
    assert says(ask(anna, "/new Work").text, "chats_begun_named", name="Work")
    ask(anna, "What is a stand-up?")
    assert seen(stack) == ["What is a stand-up?"]
    listed = ask(anna, "/chats")
    assert labels(listed)[:2] == ["Main conversation", "✅ Work"]
    listed.tap("Main conversation").wait()
    assert says(listed.wait_for_edit().text, "chats_card")
    ask(anna, "And my cat?")
    assert seen(stack)[0] == "My cat is called Tom."
    assert "What is a stand-up?" not in seen(stack)


def test_an_unnamed_conversation_is_named_after_its_first_question(stack: Stack, anna: Chat) -> None:
    ask(anna, "/new")
    assert labels(ask(anna, "/chats"))[:2] == ["Main conversation", "✅ New conversation"]
    ask(anna, "How do I bake a sourdough bread at home without a mixer?")
    ask(anna, "And with one?")
    assert labels(ask(anna, "/chats"))[1] == "✅ How do I bake a sourdough bread at home…"
    assert len(stack.ai.requests) == 2, "the name takes no call of the AI"


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_conversation_is_renamed_and_deleted(stack: Stack, sql: Sql, language: str) -> None:
    from shared.core.texts import text

    chat = stack.telegram.user("Anna", language).chat("assistant")
    ask(chat, "/new Work")
    ask(chat, "hello")
    card = ask(chat, "/chats")
    card.tap("✅ Work").wait()
    card = card.wait_for_edit()
    card.tap(text(language, "chats_rename")).wait()
    assert says(card.wait_for_edit().text, "chats_ask_name", language)
    assert says(ask(chat, "x" * 61).text, "chats_bad_name", language)
    assert "✅ Home" in labels(ask(chat, "Home"))
    card = ask(chat, "/chats")
    card.tap("✅ Home").wait()
    card = card.wait_for_edit()
    card.tap(text(language, "chats_prompt")).wait()
    card = card.wait_for_edit()
    card.tap(text(language, "chats_back")).wait()
    card = card.wait_for_edit()
    card.tap("✅ Home").wait()
    card = card.wait_for_edit()
    card.tap(text(language, "chats_delete")).wait()
    card = card.wait_for_edit()
    assert says(card.text, "chats_delete_sure", language)
    card.tap(text(language, "chats_delete")).wait()
    card = card.wait_for_edit()
    assert labels(card)[0] == "✅ " + text(language, "chats_main")
    assert stored(sql, chat) == []
    assert ids(sql) == []
    ask(chat, "still there?")
    assert seen(stack) == ["still there?"]


def test_the_plan_limits_conversations(stack: Stack, sql: Sql, anna: Chat) -> None:
    sql("update subscription_limits set conversations = 2 where plan = 'FREE'")
    for name in ("Work", "Home"):
        assert says(ask(anna, f"/new {name}").text, "chats_begun_named", name=name)
    assert says(ask(anna, "/new").text, "chats_limit")
    ask(anna, "hi")
    assert len(ids(sql)) == 2


def test_who_asks_for_new_conversations_gets_one_until_it_is_used(stack: Stack, sql: Sql, anna: Chat) -> None:
    ask(anna, "hello")
    for _ in range(3):
        assert says(ask(anna, "/new").text, "chats_begun")
    (first,) = ids(sql)
    assert says(ask(anna, "/new Work").text, "chats_begun_named", name="Work")
    assert ids(sql) == [first], "the unused one gets the name"
    ask(anna, "/new")
    ask(anna, "/prompt Be brief.")
    ask(anna, "/new")
    assert len(ids(sql)) == 3, "one with instructions is in use"
    listed = ask(anna, "/chats")
    stack.ai.next(AiBehaviour(text="Late answer", delay=3))
    anna.send("A slow question")
    eventually(lambda: len(stack.ai.requests) == 2)
    listed.tap("➕ New conversation").wait()
    assert says(listed.wait_for_edit().text, "chats_begun")
    assert anna.answer().text == "Late answer"
    *_, asked, newest = ids(sql)
    assert {number for number, _ in stored(sql, anna)} == {0, asked}, "a question in progress is a use"
    ask(anna, "next")
    assert seen(stack) == ["next"]
    assert {number for number, _ in stored(sql, anna)} == {0, asked, newest}


def test_two_new_conversations_at_once_keep_the_limit(stack: Stack, sql: Sql, anna: Chat) -> None:
    sql("update subscription_limits set conversations = 1 where plan = 'FREE'")
    anna.send("/start")
    anna.answer()
    user = sql("select id from users where telegram_id = %s", anna.user.id)[0]["id"]

    def create(number: int) -> Any:
        return sql(
            "select create_conversation(%s, 'assistant', %s, 0, %s, %s) as done",
            user,
            anna.user.id,
            f"Number {number}",
            f"race:{number}",
        )[0]["done"]["outcome"]

    assert sorted(in_parallel(4, create)) == ["created", "limit", "limit", "limit"]
    (reference,) = [row["reference"] for row in sql("select reference from ai_conversations")]
    assert create(int(reference.removeprefix("race:"))) == "created", "a repeated call returns it"
    assert len(ids(sql)) == 1


def test_unnamed_conversations_that_are_created_at_once_are_one(sql: Sql, anna: Chat) -> None:
    ask(anna, "/start")
    user = sql("select id from users where telegram_id = %s", anna.user.id)[0]["id"]

    def create(number: int) -> Any:
        return sql(
            "select create_conversation(%s, 'assistant', %s, 0, null, %s) as done",
            user,
            anna.user.id,
            f"race:{number}",
        )[0]["done"]

    made = {done["id"] for done in in_parallel(4, create)}
    assert made == set(ids(sql))
    assert len(made) == 1


def test_a_long_list_has_pages(stack: Stack, sql: Sql, anna: Chat) -> None:
    sql("update subscription_limits set conversations = 20 where plan = 'FREE'")
    for number in range(8):
        ask(anna, f"/new Number {number}")
    listed = ask(anna, "/chats")
    first = labels(listed)
    assert first[:3] == ["Main conversation", "✅ Number 7", "Number 6"]
    listed.tap("Older ›").wait()
    second = labels(listed.wait_for_edit())
    assert "Number 0" in second
    assert set(first) & {f"Number {n}" for n in range(8)} & set(second) == set()


def test_clear_empties_the_current_conversation_only(stack: Stack, sql: Sql, anna: Chat) -> None:
    ask(anna, "in the main one")
    ask(anna, "/new Work")
    ask(anna, "in the other one")
    ask(anna, "/clear")
    assert stored(sql, anna)[0] == (0, "in the main one")
    assert {number for number, _ in stored(sql, anna)} == {0}


def test_an_answer_lands_where_it_was_asked(stack: Stack, sql: Sql, anna: Chat) -> None:
    """The user switches while the AI writes."""
    ask(anna, "/new Work")
    listed = ask(anna, "/chats")
    (work,) = ids(sql)
    stack.ai.next(AiBehaviour(text="Late answer", delay=3))
    anna.send("A slow question")
    eventually(lambda: bool(stack.ai.requests))
    listed.tap("Main conversation").wait()
    assert anna.answer().text == "Late answer"
    assert stored(sql, anna) == [(work, "A slow question"), (work, "Late answer")]
    ask(anna, "Now in the main one")
    assert seen(stack) == ["Now in the main one"]


def test_an_answer_to_a_deleted_conversation_is_not_stored(stack: Stack, sql: Sql, anna: Chat) -> None:
    ask(anna, "/new Work")
    (work,) = ids(sql)
    stack.ai.next(AiBehaviour(text="Late answer", delay=3))
    anna.send("A slow question")
    eventually(lambda: bool(stack.ai.requests))
    user = sql("select id from users where telegram_id = %s", anna.user.id)[0]["id"]
    assert sql(
        "select delete_conversation(%s, 'assistant', %s, 0, %s) as done", user, anna.user.id, work
    ) == [{"done": {"deleted": True}}]
    assert anna.answer().text == "Late answer"
    assert stored(sql, anna) == []
    ask(anna, "next")
    assert seen(stack) == ["next"]


def test_an_edited_question_is_answered_again_in_its_conversation(stack: Stack, sql: Sql, anna: Chat) -> None:
    ask(anna, "/new Work")
    sent = anna.send("Capital of France?")
    anna.answer()
    anna.edit(sent, "Capital of Spain?")
    anna.answer()
    (work,) = ids(sql)
    assert stored(sql, anna)[0] == (work, "Capital of Spain?")
    assert len(stored(sql, anna)) == 2


def test_a_stranger_cannot_open_a_conversation(stack: Stack, sql: Sql, anna: Chat) -> None:
    ask(anna, "/new Secret")
    (secret,) = ids(sql)
    eve = stack.telegram.user("Eve").chat("assistant")
    listed = ask(eve, "/chats")
    tap = eve.tap(listed.stored, f"chats:open:{secret}")
    tap.wait()
    assert says(tap.answer()["text"], "chats_gone")
    for data in (f"chats:deleted:{secret}", f"chats:name:{secret}"):
        eve.tap(listed.stored, data).wait()
    ask(eve, "Stolen")
    assert sql("select name from ai_conversations") == [{"name": "Secret"}]


def test_a_topic_is_a_conversation_of_its_own(stack: Stack, sql: Sql, anna: Chat) -> None:
    ask(anna, "in general")
    topic = anna.topic("Trips").id

    def ask_there(words: str) -> Answer:
        anna.send_content({"text": words}, thread=topic)
        return anna.answer()

    assert says(ask_there("/new").text, "chats_topic")
    assert says(ask_there("/prompt Answer like a pirate.").text, "prompt_set")
    ask_there("Where to?")
    (question,) = seen(stack)
    assert "pirate" in question
    assert question.endswith("Where to?")
    card = ask_there("/chats")
    card.tap("Instructions").wait()
    card = card.wait_for_edit()
    card.tap("‹ Conversations").wait()
    assert says(card.wait_for_edit().text, "chats_card"), "a topic has no list of conversations"
    ask(anna, "and here?")
    assert "pirate" not in "".join(seen(stack))


def test_groups_have_no_named_conversations(stack: Stack) -> None:
    anna = stack.telegram.user("Anna")
    chat = stack.telegram.group("Friends", [anna], ["assistant"]).by(anna)
    for command in ("/new", "/chats", "/model"):
        chat.send(f"{command}@{stack.telegram.bot('assistant').username}")
        assert says(chat.answer().text, "private_only")


def test_an_erasure_takes_conversations_along(stack: Stack, sql: Sql, anna: Chat) -> None:
    ask(anna, "/new Work")
    ask(anna, "/prompt Be brief.")
    ask(anna, "hello")
    page = ask(anna, "/deleteme")
    page.tap(labels(page)[0]).wait()
    assert eventually(lambda: sql("select * from ai_conversations") == [])
    assert sql("select * from messages") == []


def test_a_group_that_becomes_a_supergroup_keeps_its_settings(stack: Stack, sql: Sql, anna: Chat) -> None:
    ask(anna, "hello")
    user = sql("select id from users where telegram_id = %s", anna.user.id)[0]["id"]
    for chat in (-5, -6, -1006):
        sql("insert into bot_sessions (user_id, bot, chat_id) values (%s, 'assistant', %s)", user, chat)
        sql(
            "insert into ai_conversations (user_id, bot, chat_id, is_main, instructions)"
            " values (%s, 'assistant', %s, true, %s)",
            user,
            chat,
            f"of {chat}",
        )
    sql("select migrate_chat(-5, -1005)")
    sql("select migrate_chat(-6, -1006)")
    rows = sql("select chat_id, instructions from ai_conversations order by chat_id desc")
    assert [(row["chat_id"], row["instructions"]) for row in rows] == [
        (-1005, "of -5"),
        (-1006, "of -1006"),
    ], "what the supergroup has already stays"


def test_two_answers_and_a_deletion_at_once_leave_nothing_behind(stack: Stack, sql: Sql, anna: Chat) -> None:
    """Each on a connection of its own."""
    ask(anna, "hello")
    user = sql("select id from users where telegram_id = %s", anna.user.id)[0]["id"]
    where = (user, "assistant", anna.user.id)
    for number in range(5):
        made = sql("select create_conversation(%s, %s, %s, 0, 'x', %s) as done", *where, f"n:{number}")
        conversation = made[0]["done"]["id"]
        for position in (0, 1):
            sql(
                "insert into telegram_updates (bot, update_id, kind, status, attempt, chat_id, user_id,"
                " received_at, lease_until) values ('assistant', %s, 'message', 'working', 1, %s, %s, now(),"
                " now() + interval '1 minute')",
                880_000_000 + number * 2 + position,
                anna.user.id,
                user,
            )

        def work(position: int, number: int = number, conversation: int = conversation) -> Any:
            if position == 2:
                return sql("select delete_conversation(%s, %s, %s, 0, %s)", *where, conversation)
            return sql(
                "select finish_update('assistant', %s, 1, jsonb_build_object('conversation_id', %s::bigint),"
                """ '[{"role": "user", "content": "late"}]')""",
                880_000_000 + number * 2 + position,
                conversation,
            )

        in_parallel(3, work)
    assert sql("select * from messages where content = 'late'") == []
    assert ids(sql) == []
