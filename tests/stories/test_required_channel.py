"""Free users join the owner's channel before the AI answers: join, leave, a check's end, failures, plans."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shared.core import texts
from tests.stories.test_trial import ask, labels, tap, user_id
from tests.support import in_parallel, says
from tools.emulator.environment import CHANNEL
from tools.emulator.stack import Stack
from tools.emulator.telegram import Answer, Channel, Chat, TelegramUser

Sql = Callable[..., list[dict[str, Any]]]
Clock = Callable[[str], None]


@pytest.fixture
def channel(stack: Stack, sql: Sql) -> Iterator[Channel]:
    """Require the channel, whose administrators are the bots; restored after the test."""
    sql(
        "insert into private.settings values ('required_channel:assistant', to_jsonb(%s::text), 'of a test')",
        f"@{CHANNEL}",
    )
    channel = stack.telegram.channel_named(CHANNEL)
    bots = list(channel.room.bots)
    yield channel
    channel.room.bots[:] = bots


def started(stack: Stack, language: str = "en") -> tuple[TelegramUser, Chat]:
    user = stack.telegram.user("Anna", language)
    chat = user.chat("assistant")
    ask(chat, "/start")
    return user, chat


def is_asked(answer: Answer, language: str = "en") -> bool:
    return says(answer.text, "channel_required", language)


def used(sql: Sql, chat: Chat) -> int:
    rows = sql("select requests from daily_usage where user_id = %s", user_id(sql, chat))
    return sum(int(row["requests"]) for row in rows)


def alarms(sql: Sql) -> int:
    stored, sent = (
        sql(f"select count(*) as n from {table} where {key} = 'required_channel_alarm'")[0]["n"]
        for table, key in (("private.waiting_alarms", "key"), ("telegram_outbox", "parameters ->> 'key'"))
    )
    return int(stored) + int(sent)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_free_user_joins_before_the_ai_answers(
    stack: Stack, sql: Sql, channel: Channel, language: str
) -> None:
    user, anna = started(stack, language)
    asked = ask(anna, "What is a webhook?")
    assert is_asked(asked, language)
    assert "Switchboard News" in asked.text
    assert f"https://t.me/{CHANNEL}" in [button.url for row in asked.buttons for button in row]
    assert used(sql, anna) == 0, "the question costs no request"
    check = texts.text(language, "channel_joined")
    assert says(str(asked.tap(check).answer()["text"]), "channel_not_yet", language)

    channel.join(user)
    assert says(tap(asked, check).text, "channel_thanks", language)
    assert not is_asked(ask(anna, "What is a webhook?"), language)
    assert used(sql, anna) == 1


def test_member_is_asked_by_telegram_once_a_day(
    stack: Stack, sql: Sql, channel: Channel, clock: Clock
) -> None:
    user, anna = started(stack)
    channel.join(user)
    assert not is_asked(ask(anna, "First"))
    channel.leave(user)
    assert not is_asked(ask(anna, "Second")), "the check holds for a day"
    clock("clock_timestamp() + interval '23 hours'")
    assert not is_asked(ask(anna, "Third"))
    clock("clock_timestamp() + interval '25 hours'")
    assert is_asked(ask(anna, "Fourth"))
    channel.join(user)
    assert not is_asked(ask(anna, "Fifth")), "who has not joined is checked with the next question"


def test_removed_user_is_asked(stack: Stack, channel: Channel) -> None:
    user, anna = started(stack)
    channel.join(user)
    channel.ban(user)
    assert is_asked(ask(anna, "Hello there"))


def test_another_channel_is_checked_anew(stack: Stack, sql: Sql, channel: Channel) -> None:
    user, anna = started(stack)
    channel.join(user)
    assert not is_asked(ask(anna, "First"))
    secret = stack.telegram.channel("For Readers", None, ["assistant"])
    sql(
        "update private.settings set value = to_jsonb(%s::text) where key = 'required_channel:assistant'",
        str(secret.id),
    )
    asked = ask(anna, "Second")
    assert is_asked(asked)
    assert secret.link in [button.url for row in asked.buttons for button in row]


@pytest.mark.parametrize("failure", ["down", "not_admin"])
def test_failed_check_lets_users_pass_with_one_alarm(
    stack: Stack, sql: Sql, channel: Channel, clock: Clock, failure: str
) -> None:
    (_, anna), (_, ben) = started(stack), started(stack)
    if failure == "not_admin":
        channel.dismiss("assistant")
    for chat in (anna, ben):
        if failure == "down":
            stack.telegram.fail("getChatMember", 502)
        assert not is_asked(ask(chat, "Hello there"))
        assert used(sql, chat) == 1
    assert alarms(sql) == 1
    clock("clock_timestamp() + interval '11 minutes'")
    if failure == "down":
        assert is_asked(ask(anna, "Hello again")), "users pass for ten minutes"
    assert alarms(sql) == 1


def test_paid_users_are_not_asked(stack: Stack, sql: Sql, channel: Channel) -> None:
    _, anna = started(stack)
    sql("select adjust_balance(%s, 499, 'gift', 'gift:channel')", anna.id)
    sql("select pay_from_balance(%s, 'premium_month', 'assistant', 'channel')", user_id(sql, anna))
    channel.dismiss("assistant")
    assert not is_asked(ask(anna, "Hello there"))
    assert alarms(sql) == 0, "Telegram was not asked"


def test_old_button_asks_nothing_once_the_setting_is_gone(stack: Stack, sql: Sql, channel: Channel) -> None:
    _, anna = started(stack)
    asked = ask(anna, "Hello there")
    assert labels(asked)[1] == texts.text("en", "channel_joined")
    sql("delete from private.settings where key = 'required_channel:assistant'")
    assert not is_asked(ask(anna, "Hello there"))
    sql("update bot_sessions set session_data = session_data - 'channel_asked'")
    assert says(str(asked.tap(labels(asked)[1]).answer()["text"]), "button_old")


def test_failures_at_once_alarm_once_a_day(sql: Sql, call: Callable[..., Any], clock: Clock) -> None:
    def report(_n: int, channel: str = "@news") -> None:
        call("alarm_required_channel", p_bot="assistant", p_channel=channel, p_reason="Forbidden")

    in_parallel(6, report)
    assert alarms(sql) == 1
    report(0, "@other")
    assert alarms(sql) == 2, "another channel has its own alarm"
    clock("clock_timestamp() + interval '25 hours'")
    report(0, "@other")
    assert alarms(sql) == 3
