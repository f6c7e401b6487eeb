"""Senders: forwarded messages run no commands, and only real users become users."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support import message_update, new_telegram_id, says, started_user
from tools.emulator.stack import Stack

Sql = Callable[..., list[dict[str, Any]]]
FORWARDED = {"forward_origin": {"type": "user", "date": 1, "sender_user": {"id": 5, "is_bot": False}}}
VIA_BOT = {"via_bot": {"id": 99, "is_bot": True, "first_name": "x", "username": "evilbot"}}
PASSED_ON = [FORWARDED, {"forward_date": 1}, {"forward_sender_name": "Ben"}, VIA_BOT]
GROUP = {"id": -1001234567890, "type": "supergroup", "title": "Team"}


def _body(stack: Stack, update: dict[str, Any]) -> dict[str, Any]:
    response = stack.telegram.deliver(update)
    assert response.status == 200
    return json.loads(response.body) if response.body else {}


@pytest.mark.parametrize("mark", PASSED_ON)
def test_a_forwarded_command_does_not_run(stack: Stack, sql: Sql, mark: dict[str, Any]) -> None:
    anna = started_user(stack.telegram)
    anna.chat("assistant").send("remember this").wait()
    _body(stack, message_update(anna, "/clear", **mark))
    kept = sql(
        "select count(*)::int as n from messages m join users u on u.id = m.user_id "
        "where u.telegram_id = %s and m.content = 'remember this'",
        anna.id,
    )
    assert kept == [{"n": 1}]
    _body(stack, message_update(anna, "/clear"))
    assert (
        sql("select from messages m join users u on u.id = m.user_id where u.telegram_id = %s", anna.id) == []
    )


@pytest.mark.parametrize("mark", PASSED_ON)
def test_a_forwarded_admin_command_changes_nothing(stack: Stack, sql: Sql, mark: dict[str, Any]) -> None:
    boss, ben = started_user(stack.telegram), started_user(stack.telegram)
    email = f"boss{boss.id}@example.com"
    sql("insert into admins (email, telegram_id) values (%s, %s)", email, boss.id)
    _body(stack, message_update(boss, f"/grant {ben.id} 100 x", **mark))
    credits = "select bonus_credits from users where telegram_id = %s"
    assert sql(credits, ben.id) == [{"bonus_credits": 0}]
    _body(stack, message_update(boss, f"/grant {ben.id} 100 x"))
    assert sql(credits, ben.id) == [{"bonus_credits": 100}]


@pytest.mark.parametrize("mark", PASSED_ON)
def test_a_forwarded_message_answers_no_question_of_the_bot(
    stack: Stack, sql: Sql, mark: dict[str, Any]
) -> None:
    anna = started_user(stack.telegram)
    _body(stack, message_update(anna, "/promo"))
    _body(stack, message_update(anna, "SOMECODE", **mark))
    tries = "select from promocode_attempts t join users u on u.id = t.user_id where u.telegram_id = %s"
    assert sql(tries, anna.id) == []
    answer = _body(stack, message_update(anna, "SOMECODE"))  # the question is still open
    assert "SOMECODE" in answer["text"]


@pytest.mark.parametrize(("mark", "stored"), [({}, 1), (VIA_BOT, 1), (FORWARDED, 0)])
def test_only_a_forwarded_receipt_is_no_payment(
    stack: Stack, sql: Sql, mark: dict[str, Any], stored: int
) -> None:
    anna = started_user(stack.telegram)
    charge = f"charge-{new_telegram_id()}"
    paid: dict[str, Any] = {
        "currency": "XTR",
        "total_amount": 1,
        "invoice_payload": "x",
        "telegram_payment_charge_id": charge,
        "provider_payment_charge_id": "",
    }
    update = message_update(anna, "x", successful_payment=paid, **mark)
    del update["message"]["text"]
    _body(stack, update)
    assert len(sql("select from payment_events as e where e::text like %s", f"%{charge}%")) == stored


@pytest.mark.parametrize("mark", [FORWARDED, VIA_BOT])
def test_a_forwarded_command_in_a_group_does_not_address_the_bot(stack: Stack, mark: dict[str, Any]) -> None:
    anna, bot = started_user(stack.telegram), stack.telegram.bot("assistant")
    assert _body(stack, message_update(anna, f"/help@{bot.username}", chat=GROUP, **mark)) == {}
    assert _body(stack, message_update(anna, f"/help@{bot.username}", chat=GROUP)) != {}


GROUP_ADMIN = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
CHANNEL = {"id": 136817688, "is_bot": True, "first_name": "Channel", "username": "Channel_Bot"}
TELEGRAM = {"id": 777000, "is_bot": False, "first_name": "Telegram"}
AS_GROUP = {"sender_chat": GROUP}
AS_CHANNEL = {"sender_chat": {"id": -100777, "type": "channel", "title": "News"}}


def _message_of(
    stack: Stack, sender: dict[str, Any], text: str, bot: str = "assistant", **more: Any
) -> dict[str, Any]:
    """Return a message in the group that addresses the bot by `@name` or `/command@name` in `text`."""
    text = text.format(name=stack.telegram.bot(bot).username)
    kinds = {"/": "bot_command", "@": "mention"}
    entities = (
        [{"type": kinds[text[0]], "offset": 0, "length": len(text.split()[0])}] if text[0] in kinds else []
    )
    update = message_update(started_user(stack.telegram), text, chat=GROUP, entities=entities, **more)
    update["message"]["from"] = sender
    return update


@pytest.mark.parametrize(
    ("sender", "more", "answer"),
    [
        (TELEGRAM, {"is_automatic_forward": True, **AS_CHANNEL}, ""),
        (TELEGRAM, {}, ""),
        (GROUP_ADMIN, AS_GROUP, "anonymous_group"),
        (GROUP_ADMIN, {}, ""),
        (CHANNEL, AS_CHANNEL, "anonymous_channel"),
        (CHANNEL, {}, ""),
        ({**CHANNEL, "is_bot": False}, {}, ""),
        ({"id": 0, "is_bot": False, "first_name": "A"}, AS_CHANNEL, "anonymous_channel"),
        ({"id": 0, "is_bot": True, "first_name": "Another bot"}, {}, ""),
    ],
)
@pytest.mark.parametrize("text", ["@{name} hi", "/help@{name}", "/clear@{name}"])
def test_channels_and_anonymous_admins_are_not_users(
    stack: Stack, sql: Sql, sender: dict[str, Any], more: dict[str, Any], answer: str, text: str
) -> None:
    sender = {**sender, "id": sender["id"] or new_telegram_id()}
    update = _message_of(stack, sender, text, **more)
    users = sql("select count(*) as n from users")
    body = _body(stack, update)
    assert says(body["text"], answer, "ru") if answer else body == {}
    assert _body(stack, update) == body  # a redelivery
    assert stack.ai.requests == []
    assert sql("select count(*) as n from users") == users
    assert sql("select from telegram_updates where update_id = %s", update["update_id"]) == []


def test_an_anonymous_admin_who_starts_a_quiz_learns_how(stack: Stack, sql: Sql) -> None:
    update = _message_of(stack, GROUP_ADMIN, "/quiz@{name}", "quiz", **AS_GROUP)
    answer = json.loads(stack.telegram.deliver(update, "quiz").body)
    assert says(answer["text"], "anonymous_group", "ru")
    assert answer["chat_id"] == GROUP["id"]
    assert answer["reply_parameters"]["message_id"] == update["message"]["message_id"]
    assert sql("select from quiz_rounds where chat_id = %s", GROUP["id"]) == []
    assert sql("select from users where telegram_id = %s", GROUP_ADMIN["id"]) == []


def test_only_a_new_message_to_the_bot_gets_the_anonymous_an_answer(stack: Stack) -> None:
    edited = _message_of(stack, GROUP_ADMIN, "@{name} hi", **AS_GROUP)
    edited["edited_message"] = edited.pop("message") | {"edit_date": 2}
    for update in (
        edited,
        _message_of(stack, GROUP_ADMIN, "lunch?", **AS_GROUP),
        _message_of(stack, GROUP_ADMIN, "/quiz@another_bot", **AS_GROUP),
        _message_of(stack, GROUP_ADMIN, "@{name} hi", **AS_GROUP, **FORWARDED),
        _message_of(stack, CHANNEL, "@{name} hi", sender_chat="News"),
    ):
        assert _body(stack, update) == {}


@pytest.mark.parametrize("text", ["/Start", "/HELP", "/Help@{username}"])
def test_commands_are_known_in_any_letter_case(stack: Stack, text: str) -> None:
    text = text.format(username=stack.telegram.bot("assistant").username)
    assert not says(
        _body(stack, message_update(started_user(stack.telegram), text))["text"], "unknown_command"
    )


def test_only_chat_type_private_is_private(stack: Stack) -> None:
    anna = started_user(stack.telegram)
    query = {"id": "7", "from": anna.account.json(), "chat_instance": "1", "data": "keys:add:openai"}
    number = message_update(anna, "x")["update_id"]
    for place in (
        {"inline_message_id": "abc"},
        {"message": {"message_id": 5, "date": 1, "chat": {"id": -100777, "type": "channel"}, "text": "x"}},
    ):
        number += 500_000
        body = _body(stack, {"update_id": number, "callback_query": {**query, **place}})
        assert "OpenAI" not in json.dumps(body)


@pytest.mark.parametrize(
    "message", [{"text": {}}, {"text": []}, {"text": 0}, {"text": None}, {"caption": {}}]
)
def test_text_of_a_wrong_type_is_dead_lettered(stack: Stack, sql: Sql, message: dict[str, Any]) -> None:
    update = message_update(started_user(stack.telegram), "x")
    update["message"] |= message
    assert stack.telegram.deliver(update).status == 200
    rows = sql("select status from telegram_updates where update_id = %s", update["update_id"])
    assert rows == [{"status": "dead_lettered"}]


def test_a_group_that_forbids_writing_is_no_alarm(stack: Stack) -> None:
    anna, bot = started_user(stack.telegram), stack.telegram.bot("assistant")
    description = "Bad Request: not enough rights to send text messages to the chat"
    stack.telegram.fail("sendMessage", 400, description=description, times=2)
    printed = stack.function("telegram").printed
    entities = [{"type": "mention", "offset": 0, "length": len(bot.username) + 1}]
    _body(stack, message_update(anna, f"@{bot.username} hi", chat=GROUP, entities=entities))
    assert not [line for line in stack.function("telegram").lines_after(printed) if "ALERT" in line]
