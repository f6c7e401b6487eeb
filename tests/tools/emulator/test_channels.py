"""Channels: who is in one, and what a bot may know of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tools.emulator import storage
from tools.emulator.telegram import Channel, Telegram
from tools.emulator.telegram.errors import ApiError
from tools.emulator.telegram.state import TelegramState


@pytest.fixture
def channel(telegram: Telegram) -> Channel:
    return telegram.channel("News", "some_news", ["assistant"])


def ask(telegram: Telegram, method: str, chat: int | str, **more: Any) -> Any:
    return telegram.request("assistant", method, {"chat_id": chat, **more})


def status(telegram: Telegram, channel: Channel, user_id: int) -> str:
    return str(ask(telegram, "getChatMember", channel.id, user_id=user_id)["status"])


def test_a_user_who_joins_is_a_member_until_they_leave(telegram: Telegram, channel: Channel) -> None:
    anna = telegram.user("Anna")
    assert status(telegram, channel, anna.id) == "left"
    channel.join(anna)
    channel.join(anna)
    assert status(telegram, channel, anna.id) == "member"
    assert ask(telegram, "getChatMember", "@SOME_news", user_id=anna.id)["status"] == "member"
    channel.leave(anna)
    channel.leave(anna)
    assert status(telegram, channel, anna.id) == "left"
    channel.ban(anna)
    channel.join(anna)
    assert status(telegram, channel, anna.id) == "kicked"
    assert status(telegram, channel, telegram.bot("assistant").id) == "administrator"


def test_get_chat_describes_a_channel(telegram: Telegram, channel: Channel) -> None:
    chat = ask(telegram, "getChat", "@some_news")
    assert (chat["id"], chat["type"], chat["title"]) == (channel.id, "channel", "News")
    assert (chat["username"], chat["invite_link"]) == ("some_news", "https://t.me/some_news")
    secret = telegram.channel("Secret", None, ["assistant"])
    answer = ask(telegram, "getChat", secret.id)
    assert "username" not in answer
    assert answer["invite_link"] == secret.link != channel.link


def refusal(telegram: Telegram, method: str, chat: int | str, **more: Any) -> tuple[int, str]:
    with pytest.raises(ApiError) as caught:
        ask(telegram, method, chat, **more)
    return caught.value.status, caught.value.description


def test_a_bot_that_is_no_administrator_sees_less(telegram: Telegram, channel: Channel) -> None:
    anna = telegram.user("Anna")
    channel.dismiss("assistant")
    assert "invite_link" not in ask(telegram, "getChat", "@some_news")
    answer = refusal(telegram, "getChatMember", "@some_news", user_id=anna.id)
    assert answer == (400, "Bad Request: member list is inaccessible")
    answer = refusal(telegram, "sendMessage", "@some_news", text="hi")
    assert answer == (403, "Forbidden: bot is not a member of the channel chat")
    secret = telegram.channel("Secret")
    for chat in (secret.id, "@no_such", "nonsense"):
        assert refusal(telegram, "getChat", chat) == (400, "Bad Request: chat not found")


def test_subscribers_are_kept_between_two_runs(telegram: Telegram, channel: Channel, tmp_path: Path) -> None:
    anna = telegram.user("Anna")
    channel.join(anna)
    storage.save(telegram.state, tmp_path / "state.json")
    state = TelegramState(telegram.clock)
    state.add_bot("assistant")
    state.add_channel("News", "some_news", ["assistant"])
    assert storage.load(state, tmp_path / "state.json")
    (kept,) = state.channels.values()
    assert (kept.id, kept.username, kept.members, kept.bots) == (
        channel.id,
        "some_news",
        [anna.id],
        ["assistant"],
    )
