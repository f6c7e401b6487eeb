"""What a bot hears in a group."""

from __future__ import annotations

from typing import Any

import pytest
from telebot import types

from tests.tools.emulator.receiving import Receiver, reply
from tools.emulator.telegram import Group, Telegram
from tools.emulator.web import Response


@pytest.fixture
def group(telegram: Telegram) -> Group:
    anna, boris = telegram.user("Anna"), telegram.user("Boris")
    return telegram.group("Team", members=[anna, boris], bots=["assistant"])


def by(group: Group, number: int) -> Any:
    services = group.services
    from tools.emulator.telegram import TelegramUser

    return group.by(TelegramUser(services, services.state.users[group.room.members[number]]))


def test_an_added_bot_gets_an_update(receiver: Receiver, telegram: Telegram, group: Group) -> None:
    assert telegram.idle(5)
    change = receiver.updates[0]["my_chat_member"]
    assert (change["chat"]["id"], change["new_chat_member"]["status"]) == (group.id, "member")


def test_an_administrator_comes_with_its_rights(receiver: Receiver, telegram: Telegram, group: Group) -> None:
    """Telegram sends every right; a library refuses an administrator without them."""
    group.change_bot("assistant", "administrator")
    assert telegram.idle(5)
    update = types.Update.de_json(receiver.updates[-1])  # type: ignore[no-untyped-call]
    member = update.my_chat_member.new_chat_member
    assert (member.status, member.can_manage_topics, member.can_be_edited) == ("administrator", True, False)
    asked = {"chat_id": group.id, "user_id": telegram.bot("assistant").id}
    owner, bot = telegram.request("assistant", "getChatAdministrators", {"chat_id": group.id})
    assert types.ChatMember.de_json(owner).status == "creator"  # type: ignore[no-untyped-call]
    for one in (bot, telegram.request("assistant", "getChatMember", asked)):
        assert types.ChatMember.de_json(one).can_pin_messages  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    "text", ["/help", "/help@switchboard_assistant_bot", "hey @switchboard_assistant_bot look"]
)
def test_commands_and_mentions_reach_it(
    receiver: Receiver, telegram: Telegram, group: Group, text: str
) -> None:
    by(group, 0).send(text)
    assert telegram.idle(5)
    assert receiver.texts == [text]


@pytest.mark.parametrize("text", ["hello all", "/help@another_bot", "@another_bot"])
def test_the_rest_does_not(receiver: Receiver, telegram: Telegram, group: Group, text: str) -> None:
    sent = by(group, 0).send(text)
    assert telegram.idle(5)
    assert (receiver.texts, sent.updates) == ([], [])


def test_without_privacy_it_hears_everything(receiver: Receiver, telegram: Telegram, group: Group) -> None:
    telegram.bot("assistant").privacy = False
    by(group, 1).send("hello all")
    assert telegram.idle(5)
    assert receiver.texts == ["hello all"]


def test_replies_to_it_reach_it(receiver: Receiver, telegram: Telegram, group: Group) -> None:
    receiver.answer = lambda update: reply(update, text="yes?") if "message" in update else Response(200)
    by(group, 0).send("/ask")
    answer = group.answer()
    receiver.answer = lambda update: Response(200)
    by(group, 1).send("because", reply_to=answer)
    assert telegram.idle(5)
    assert receiver.texts == ["/ask", "because"]
    messages = [update["message"] for update in receiver.updates if "message" in update]
    assert messages[-1]["reply_to_message"]["text"] == "yes?"
    assert messages[-1]["from"]["first_name"] == "Boris"
