"""Groups: the bot answers only when it is addressed."""

from __future__ import annotations

import pytest

from tests.support import message_update
from tools.emulator.stack import Stack


def test_the_bot_answers_a_mention_a_reply_and_its_commands(stack: Stack) -> None:
    anna, ben = stack.telegram.user("Anna"), stack.telegram.user("Ben")
    group = stack.telegram.group("Team", [anna, ben], ["assistant"])
    username = stack.telegram.bot("assistant").username
    group.by(anna).send(f"@{username} what is up?").wait()
    answer = group.by(anna).answer()
    asked = stack.ai.requests[-1]["messages"]
    assert [m["content"] for m in asked[1:]] == ["what is up?"]
    group.by(ben).send("and for me?", reply_to=answer).wait()
    [asked] = stack.ai.requests[-1]["messages"][1:]
    assert asked["content"].startswith("[In reply to your message, quoted")
    assert asked["content"].endswith("\n\nand for me?")
    sent = group.by(ben).send(f"/help@{username}").wait()
    answer = group.by(ben).answers()[-1]
    assert "In a group, mention me" in answer.text
    assert answer.reply_to == sent.message_id


@pytest.mark.parametrize(
    ("language", "says", "says_not"),
    [("en", "mention me or reply", "Send me"), ("ru", "упомяните меня или ответьте", "Пришлите")],
)
def test_start_in_a_group_says_what_works_there(
    stack: Stack, language: str, says: str, says_not: str
) -> None:
    anna = stack.telegram.user("Anna", language)
    group = stack.telegram.group("Team", [anna], ["assistant"])
    for _ in range(2):  # a new user and a returning one
        group.by(anna).send(f"/start@{stack.telegram.bot('assistant').username}").wait()
        answer = group.by(anna).answer()
        assert says in answer.text
        assert says_not not in answer.text


def test_messages_not_addressed_to_the_bot_are_ignored(stack: Stack) -> None:
    anna = stack.telegram.user("Anna")
    group = {"id": -1001234567890, "type": "supergroup", "title": "Team"}
    username = stack.telegram.bot("assistant").username
    for text, entities in (
        ("lunch?", []),
        ("/help@otherbot", [{"type": "bot_command", "offset": 0, "length": 14}]),
        (f"write to me @{username}x", [{"type": "mention", "offset": 12, "length": len(username) + 2}]),
    ):
        response = stack.telegram.deliver(message_update(anna, text, chat=group, entities=entities))
        assert (response.status, response.body) == (200, b"")


def test_a_command_for_another_bot_is_ignored_even_in_a_reply(stack: Stack) -> None:
    anna, me = stack.telegram.user("Anna"), stack.telegram.bot("assistant")
    group = {"id": -1001234567890, "type": "supergroup", "title": "Team"}
    author = {"id": me.id, "is_bot": True, "first_name": "Bot", "username": me.username}
    answer = {"message_id": 5, "date": 1, "chat": group, "from": author, "text": "42"}
    command = {"type": "bot_command", "offset": 0, "length": 14}
    mention = {"type": "mention", "offset": 15, "length": len(me.username) + 1}
    questions = len(stack.ai.requests)
    for kind, update in (
        ("message", message_update(anna, "/help@otherbot", chat=group, reply_to_message=answer)),
        ("edited_message", message_update(anna, "/help@otherbot", chat=group, reply_to_message=answer)),
        ("message", message_update(anna, f"/help@otherbot @{me.username}", chat=group)),
    ):
        update[kind] = update.pop("message") | {"entities": [command, mention], "edit_date": 2}
        response = stack.telegram.deliver(update)
        assert (response.status, response.body) == (200, b"")
    own = message_update(anna, f"/help@{me.username.upper()}", chat=group, reply_to_message=answer)
    assert "What I can do" in stack.telegram.deliver(own).json()["text"]
    assert len(stack.ai.requests) == questions


def test_a_topic_that_the_bot_began_does_not_address_it(stack: Stack) -> None:
    anna, me = stack.telegram.user("Anna"), stack.telegram.bot("assistant")
    group = {"id": -1001234567890, "type": "supergroup", "title": "Team", "is_forum": True}
    author = {"id": me.id, "is_bot": True, "first_name": "Bot", "username": me.username}
    began = {"message_id": 5, "date": 1, "chat": group, "from": author}
    topic = {"message_thread_id": 5, "is_topic_message": True}
    questions = len(stack.ai.requests)
    for reply, count in (
        (began | {"forum_topic_created": {"name": "Lunch", "icon_color": 7322096}}, 0),
        (began | {"message_id": 6, "text": "Soup?"}, 1),
    ):
        update = message_update(anna, "lunch?", chat=group, reply_to_message=reply, **topic)
        assert stack.telegram.deliver(update).status == 200
        assert len(stack.ai.requests) == questions + count


def test_messages_of_bots_and_channels_are_ignored(stack: Stack) -> None:
    update = message_update(stack.telegram.user("Anna"), "/start")
    update["message"]["from"]["is_bot"] = True
    assert stack.telegram.deliver(update).body == b""
    del update["message"]["from"]
    assert stack.telegram.deliver(update).body == b""


def test_in_a_topic_the_answer_stays_in_the_topic(stack: Stack) -> None:
    anna = stack.telegram.user("Anna")
    update = message_update(
        anna,
        "/show",
        chat={"id": -1009876543210, "type": "supergroup", "title": "T"},
        message_thread_id=7,
        is_topic_message=True,
    )
    response = stack.telegram.deliver(update, "second")
    body = response.json()
    assert body["message_thread_id"] == 7
    assert body["reply_parameters"]["message_id"] == update["message"]["message_id"]
