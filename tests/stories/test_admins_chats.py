"""Alarms and purchases in a topic of the admins' group, and in private when the topic cannot be reached."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.core.texts import text
from tests.stories.test_admin import Appoint, ask
from tests.stories.test_buy import checkout, speaks
from tests.support import eventually, says
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat, TelegramUser
from tools.emulator.telegram.test_objects import Answer
from tools.emulator.telegram.users import Group

Sql = Callable[..., list[dict[str, Any]]]
ALARM = 'select private.notify_admins(\'admin_alert_bot_cost\', \'{"bot": "assistant", "limit": "5"}\')'


def write_setting(sql: Sql, key: str, value: str) -> None:
    sql("update private.settings set value = to_jsonb(%s::text) where key = %s", value, key)


def said(chat: Chat, key: str, language: str = "en") -> list[Answer]:
    return [one for one in chat.answers() if says(one.text, key, language)]


def alarm(stack: Stack, sql: Sql) -> None:
    """Raise an alarm and let the sweep deliver it, and what its refusal causes."""
    sql(ALARM)
    sql("update telegram_outbox set send_after = private.clock()")
    stack.run_job("sweep")
    stack.run_job("sweep")


def admins_group(stack: Stack, boss: TelegramUser) -> tuple[Group, Chat, int]:
    """Return a group with topics, the admin's view of it, and the number of a topic."""
    ask(boss.chat("assistant"), "/start")
    group = stack.telegram.group("Admins", [boss], ["assistant"], forum=True, admins=["assistant"])
    chat = group.by(boss)
    return group, chat, chat.topic("Alarms").id


def in_topic(chat: Chat, thread: int, words: str) -> Answer:
    chat.send_content({"text": words}, thread=thread).wait(timeout=20)
    return chat.answer()


@pytest.mark.parametrize("language", ["en", "ru"])
def test_alarms_go_to_the_topic_that_here_names(
    stack: Stack, sql: Sql, appoint: Appoint, language: str
) -> None:
    boss = appoint(language)
    _, chat, thread = admins_group(stack, boss)
    address = f"assistant:{chat.id}:{thread}"
    shown = in_topic(chat, thread, "/here")
    assert says(shown.text, "admin_here", language)
    assert f"ALARMS_CHAT={address}" in shown.text
    assert text(language, "admin_here_none") in shown.text
    write_setting(sql, "alarms_chat", address)
    alarm(stack, sql)
    (sent,) = said(chat, "admin_alert_bot_cost", language)
    assert sent.stored.data["message_thread_id"] == thread
    assert said(boss.chat("assistant"), "admin_alert_bot_cost", language) == []
    chat.answer()
    assert text(language, "admin_here_alarms") in in_topic(chat, thread, "/here").text


def test_only_admins_learn_the_address(stack: Stack, appoint: Appoint) -> None:
    boss = appoint()
    anna = stack.telegram.user("Anna")
    ask(anna.chat("assistant"), "/start")
    group = stack.telegram.group("Admins", [boss, anna], ["assistant"], forum=True, admins=["assistant"])
    group.by(anna).send("/here").wait()
    assert not said(group.by(anna), "admin_here")
    assert says(ask(boss.chat("assistant"), "/here").text, "admin_here_private")


def test_without_the_setting_alarms_are_private(stack: Stack, sql: Sql, appoint: Appoint) -> None:
    boss = appoint()
    _, chat, _ = admins_group(stack, boss)
    alarm(stack, sql)
    assert said(boss.chat("assistant"), "admin_alert_bot_cost")
    assert said(chat, "admin_alert_bot_cost") == []


@pytest.mark.parametrize("language", ["en", "ru"])
def test_purchases_name_no_buyer(stack: Stack, sql: Sql, appoint: Appoint, language: str) -> None:
    boss = appoint(language)
    _, chat, thread = admins_group(stack, boss)
    write_setting(sql, "purchases_chat", f"assistant:{chat.id}:{thread}")
    anna = speaks(stack)
    link = checkout(anna, "100 requests", "Telegram Stars")
    anna.pay(link).wait()
    eventually(lambda: sql("select from payment_effects"))
    stack.run_job("sweep")
    (sent,) = said(chat, "admin_purchase", language)
    assert {"en": "100 requests", "ru": "100 запросов"}[language] in sent.text
    assert sent.stored.data["message_thread_id"] == thread
    assert "Anna" not in sent.text
    assert str(anna.id) not in sent.text


@pytest.mark.parametrize("value", ["assistant:group", "assistant", "", ":-5", "off:"])
def test_no_payment_fails_because_of_a_wrong_address(
    stack: Stack, sql: Sql, appoint: Appoint, value: str
) -> None:
    boss = appoint("en").chat("assistant")
    ask(boss, "/start")
    for key in ("alarms_chat", "purchases_chat"):
        write_setting(sql, key, value)
    anna = speaks(stack)
    anna.pay(checkout(anna, "100 requests", "Telegram Stars")).wait()
    eventually(lambda: sql("select from payment_effects"))
    alarm(stack, sql)
    assert said(boss, "admin_purchase"), "it goes to the private chats"
    assert said(boss, "admin_alert_bot_cost")


def test_without_their_settings_payments_are_given(stack: Stack, sql: Sql) -> None:
    sql("delete from private.settings where key in ('alarms_chat', 'purchases_chat')")
    anna = speaks(stack)
    anna.pay(checkout(anna, "100 requests", "Telegram Stars")).wait()
    assert eventually(lambda: sql("select from payment_effects"))


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("problem", ["topic", "kicked"])
def test_a_chat_out_of_reach_falls_back_to_private_with_one_notice(
    stack: Stack, sql: Sql, appoint: Appoint, language: str, problem: str
) -> None:
    boss = appoint(language)
    private = boss.chat("assistant")
    group, chat, thread = admins_group(stack, boss)
    write_setting(sql, "alarms_chat", f"assistant:{chat.id}:{thread}")
    if problem == "topic":
        stack.telegram.request(
            "assistant", "deleteForumTopic", {"chat_id": chat.id, "message_thread_id": thread}
        )
    else:
        group.change_bot("assistant", "kicked")
    sql(ALARM)
    alarm(stack, sql)
    alarm(stack, sql)
    assert len(said(private, "admin_chat_unreachable", language)) == 1
    assert len(said(private, "admin_alert_bot_cost", language)) == 3
    assert said(chat, "admin_alert_bot_cost", language) == []
    assert sql("select from telegram_outbox") == []


def test_a_chat_gets_messages_again_after_here(stack: Stack, sql: Sql, appoint: Appoint) -> None:
    boss = appoint()
    group, chat, _ = admins_group(stack, boss)
    write_setting(sql, "alarms_chat", f"assistant:{chat.id}")
    group.change_bot("assistant", "kicked")
    alarm(stack, sql)
    group.change_bot("assistant", "administrator")
    alarm(stack, sql)
    assert len(said(boss.chat("assistant"), "admin_alert_bot_cost")) == 2
    assert says(ask(chat, "/here").text, "admin_here")
    alarm(stack, sql)
    assert len(said(boss.chat("assistant"), "admin_alert_bot_cost")) == 2
    assert len(said(chat, "admin_alert_bot_cost")) == 1


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_setting_follows_a_group_that_became_a_supergroup(
    stack: Stack, sql: Sql, appoint: Appoint, language: str
) -> None:
    boss = appoint(language)
    private = boss.chat("assistant")
    ask(private, "/start")
    group = stack.telegram.group("Admins", [boss], ["assistant"], kind="group", admins=["assistant"])
    write_setting(sql, "alarms_chat", f"assistant:{group.id}")
    new = group.upgrade()
    eventually(lambda: sql("select from private.settings where value #>> '{}' = %s", f"assistant:{new.id}"))
    sql("update telegram_outbox set send_after = private.clock()")
    alarm(stack, sql)
    (moved,) = said(private, "admin_chat_moved", language)
    assert f"ALARMS_CHAT=assistant:{new.id}" in moved.text
    assert len(said(new.by(boss), "admin_alert_bot_cost", language)) == 1
    write_setting(sql, "alarms_chat", f"assistant:{group.id}")  # the next deployment
    alarm(stack, sql)
    assert len(said(new.by(boss), "admin_alert_bot_cost", language)) == 2
    assert said(private, "admin_alert_bot_cost", language) == []
