"""Bans: one notice in the user's language, then no answers from any bot or the AI."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support import deliver_until_done, eventually, in_parallel, message_update, says, started_user
from tests.telegram.test_crashes import LATER
from tests.telegram.test_updates import Sql, history_of, requests_of, sent_to
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack
from tools.emulator.telegram.users import TelegramUser


def ban(sql: Sql, user: TelegramUser, reason: str | None = "spam") -> None:
    sql(
        "update users set banned_at = private.clock(), ban_reason = %s, ban_notified = false "
        "where telegram_id = %s",
        reason,
        user.id,
    )


def unban(sql: Sql, user: TelegramUser) -> None:
    sql(
        "update users set banned_at = null, ban_reason = null, ban_notified = false where telegram_id = %s",
        user.id,
    )


def is_notified(sql: Sql, user: TelegramUser) -> bool:
    return bool(sql("select ban_notified from users where telegram_id = %s", user.id)[0]["ban_notified"])


@pytest.mark.parametrize(
    ("language", "word", "why"),
    [
        ("ru", "Доступ к боту закрыт", "Причина: спам"),
        ("en", "no longer have access", "Reason: спам"),
    ],
)
def test_a_banned_user_gets_one_notice_and_then_no_answers(
    stack: Stack, sql: Sql, language: str, word: str, why: str
) -> None:
    anna = stack.telegram.user("Anna", language)
    chat = anna.chat("assistant")
    chat.send("a question before")
    chat.answer()
    history = history_of(sql, anna.id)
    ban(sql, anna, "спам")
    chat.send(f"hello from {anna.id}").wait()
    notice = chat.answer()
    assert word in notice.text
    assert why in notice.text
    assert not notice.buttons
    for text in ("and again", "/start", "/help", "/profile", "/stats"):
        chat.send(text).wait()
    chat.sticker().wait()
    chat.expect_silence(0.2)
    assert len(stack.ai.requests) == 1
    assert history_of(sql, anna.id) == history
    assert requests_of(sql, anna.id) == 1
    unban(sql, anna)
    chat.expect_silence(0.2)
    chat.send("am I back?")
    assert chat.answer().text
    assert len(stack.ai.requests) == 2


def test_a_ban_without_a_reason_shows_none(stack: Stack, sql: Sql) -> None:
    anna = started_user(stack.telegram)
    ban(sql, anna, None)
    anna.chat("assistant").send("hello")
    notice = eventually(lambda: anna.chat("assistant").answers()[1:])[0]
    assert says(notice.text, "banned")
    assert "Reason" not in notice.text


def test_a_tap_of_a_banned_user_gets_the_notice_and_is_answered(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna")
    chat = anna.chat("assistant")
    chat.send("/start")
    menu = chat.answer()
    ban(sql, anna)
    first = menu.tap("👤 Profile")
    assert first.answer() == {"text": "", "alert": False}
    assert says(chat.answer().text, "banned_reason")
    second = menu.tap("👤 Profile")
    assert second.answer() == {"text": "", "alert": False}
    second.wait()
    chat.expect_silence(0.2)
    assert menu.stored.edits == 0


def test_all_bots_enforce_a_ban_and_one_of_them_sends_the_notice(stack: Stack, sql: Sql) -> None:
    anna = started_user(stack.telegram)
    ban(sql, anna)
    other = anna.chat("second")
    other.send("/show")
    assert says(other.answer().text, "banned_reason")
    chat = anna.chat("assistant")
    chat.answers()
    chat.send("and here?").wait()
    assert len(chat.answers()) == 1, "the welcome, and no second notice"


def test_a_redelivery_repeats_the_notice_and_adds_none(stack: Stack, sql: Sql) -> None:
    anna = started_user(stack.telegram)
    ban(sql, anna)
    update = message_update(anna, f"hello from {anna.id}")
    first = deliver_until_done(stack.telegram, update, "assistant")
    assert says(first.json()["text"], "banned_reason")
    assert stack.telegram.deliver(update).json() == first.json()
    assert stack.telegram.deliver(message_update(anna, "another")).body == b""


def test_twenty_messages_at_once_get_one_notice(stack: Stack, sql: Sql) -> None:
    anna = started_user(stack.telegram)
    ban(sql, anna)
    updates = [message_update(anna, f"message {n} of {anna.id}") for n in range(20)]
    responses = in_parallel(20, lambda n: deliver_until_done(stack.telegram, updates[n], "assistant"))
    assert sorted(bool(response.body) for response in responses) == [False] * 19 + [True]
    assert sent_to(stack, anna.id) == []
    rows = sql(
        "select count(*)::int as n from telegram_updates where chat_id = %s and answer is not null "
        "and answer ->> 'text' like '%%no longer have access%%'",
        anna.id,
    )
    assert rows[0]["n"] == 1


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("statement", ["receive_update", "finish_update"])
def test_a_lost_connection_at_any_statement_leaves_one_notice(
    stack: Stack, sql: Sql, statement: str, when: Any
) -> None:
    anna = stack.telegram.user("Anna")
    chat = anna.chat("assistant")
    chat.send("/start")
    chat.answer()
    ban(sql, anna)
    stack.database.on(statement, when=when, do="cut")
    chat.send("hello").wait(timeout=60)
    assert says(chat.answer().text, "banned_reason")
    chat.send("hello again").wait(timeout=60)
    chat.expect_silence(0.2)


@pytest.mark.parametrize(("statement", "when"), [("finish_update", "before"), ("finish_update", "after")])
def test_a_killed_worker_leaves_one_notice(
    stack: Stack, sql: Sql, clock: Callable[[str], None], statement: str, when: Any
) -> None:
    anna = stack.telegram.user("Anna")
    chat = anna.chat("assistant")
    chat.send("/start")
    chat.answer()
    ban(sql, anna)
    stack.database.on(statement, when=when, do=lambda: stack.function("telegram").kill())
    sent = chat.send("hello")
    eventually(lambda: not stack.function("telegram").pid, 20)
    clock(LATER)
    stack.function("telegram").restart()
    stack.telegram.retry_now()
    sent.wait(timeout=60)
    assert says(chat.answer().text, "banned_reason")
    assert is_notified(sql, anna)
    chat.send("hello again").wait(timeout=60)
    chat.expect_silence(0.2)


def test_a_request_reserved_before_the_ban_is_released(
    stack: Stack, sql: Sql, clock: Callable[[str], None]
) -> None:
    anna = stack.telegram.user("Anna")
    chat = anna.chat("assistant")
    stack.database.on("receive_update", when="after", do=lambda: stack.function("telegram").kill())
    sent = chat.send(f"hello from {anna.id}")
    eventually(lambda: not stack.function("telegram").pid, 20)
    assert requests_of(sql, anna.id) == 1
    ban(sql, anna)
    clock(LATER)
    stack.function("telegram").restart()
    stack.telegram.retry_now()
    sent.wait(timeout=60)
    assert says(chat.answer().text, "banned_reason")
    assert requests_of(sql, anna.id) == 0


def test_a_question_asked_before_the_ban_is_answered(stack: Stack, sql: Sql) -> None:
    anna = started_user(stack.telegram)
    chat = anna.chat("assistant")
    words = f"hello from {anna.id}"
    stack.ai.next(AiBehaviour(text="The last answer.", delay=1.0))
    sent = chat.send(words)
    eventually(lambda: any(r["messages"][-1]["content"] == words for r in stack.ai.requests))
    ban(sql, anna)
    sent.wait(timeout=60)
    eventually(lambda: "The last answer." in [answer.text for answer in chat.answers()])


def test_a_ban_lifted_meanwhile_sends_no_notice(stack: Stack, sql: Sql) -> None:
    anna = started_user(stack.telegram)
    ban(sql, anna)
    stack.database.on("finish_update", when="before", do=lambda: unban(sql, anna))
    assert deliver_until_done(stack.telegram, message_update(anna, "hello"), "assistant").body == b""
    assert not is_notified(sql, anna)


def test_a_group_gets_no_notice_of_a_ban(stack: Stack, sql: Sql) -> None:
    anna, ben = started_user(stack.telegram), stack.telegram.user("Ben")
    group = stack.telegram.group("Team", [anna, ben], ["assistant"])
    username = stack.telegram.bot("assistant").username
    ban(sql, anna)
    group.by(anna).send(f"/help@{username}").wait()
    group.by(anna).expect_silence(0.2)
    assert not is_notified(sql, anna)
    group.by(ben).send(f"/help@{username}").wait()
    assert "What I can do" in group.by(ben).answer().text
    chat = anna.chat("assistant")
    chat.send("hello").wait()
    assert says(chat.answers()[-1].text, "banned_reason")


def test_an_edited_message_gets_no_notice(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna")
    chat = anna.chat("assistant")
    sent = chat.send("/start")
    chat.answer()
    ban(sql, anna)
    chat.edit(sent, "hello")
    eventually(lambda: len(sent.updates) == 2)
    sent.wait()
    chat.expect_silence(0.2)
    assert not is_notified(sql, anna)


def pre_checkout(user: TelegramUser) -> dict[str, Any]:
    update = message_update(user, "x")
    query = {
        "id": f"q{update['update_id']}",
        "from": user.account.json(),
        "currency": "XTR",
        "total_amount": 5,
        "invoice_payload": "p",
    }
    return {"update_id": update["update_id"], "pre_checkout_query": query}


def payment(user: TelegramUser, kind: str) -> dict[str, Any]:
    update = message_update(user, "x")
    del update["message"]["text"]
    update["message"][kind] = {
        "currency": "XTR",
        "total_amount": 5,
        "invoice_payload": "p",
        "telegram_payment_charge_id": "c",
        "provider_payment_charge_id": "",
    }
    return update


def test_payment_updates_of_a_banned_user_reach_their_handlers(stack: Stack, sql: Sql) -> None:
    anna = started_user(stack.telegram, "second")
    ban(sql, anna)
    asked = deliver_until_done(stack.telegram, pre_checkout(anna), "second").json()
    assert (asked["method"], asked["error_message"]) == ("answerPreCheckoutQuery", "not today")
    chat = anna.chat("second")
    for kind in ("successful_payment", "refunded_payment"):
        deliver_until_done(stack.telegram, payment(anna, kind), "second")
        assert chat.answer().text == kind
    assert not is_notified(sql, anna), "only messages of the user get the notice"
    answer = deliver_until_done(stack.telegram, message_update(anna, f"well, {anna.id}?"), "second")
    assert says(answer.json()["text"], "banned_reason")
    deliver_until_done(stack.telegram, payment(anna, "successful_payment"), "second")
    assert chat.answer().text == "successful_payment"


def test_a_block_by_a_banned_user_is_recorded(stack: Stack, sql: Sql) -> None:
    anna = started_user(stack.telegram)
    ban(sql, anna)
    anna.chat("assistant").block()
    eventually(
        lambda: not sql("select is_active from users where telegram_id = %s", anna.id)[0]["is_active"], 20
    )


def test_an_admin_is_never_banned(stack: Stack, sql: Sql, appoint: Any) -> None:
    boss = appoint()
    chat = boss.chat("assistant")
    chat.send("/start")
    chat.answer()
    ban(sql, boss)
    chat.send("/help")
    assert "For admins" in chat.answer().text


def test_a_banned_referrer_gets_no_message_about_new_users(stack: Stack, sql: Sql) -> None:
    anna, ben = started_user(stack.telegram), stack.telegram.user("Ben")
    (row,) = sql("select referral_code as code from users where telegram_id = %s", anna.id)
    ban(sql, anna)
    chat = ben.chat("assistant")
    chat.send(f"/start ref_{row['code']}")
    chat.answer()
    chat.send("a first question").wait(timeout=60)
    chat.answer()
    rows = sql(
        "select status from user_referrals join users on users.id = referrer_id where telegram_id = %s",
        anna.id,
    )
    assert rows == [{"status": "completed"}]
    assert len(anna.chat("assistant").answers()) == 1, "the welcome alone"
    assert not sql("select 1 as x from telegram_outbox where chat_id = %s", anna.id)


def test_a_banned_user_keeps_access_to_their_data(stack: Stack, sql: Sql) -> None:
    anna = started_user(stack.telegram)
    chat = anna.chat("assistant")
    ban(sql, anna)
    chat.send("hello")
    assert eventually(lambda: [a for a in chat.answers() if says(a.text, "banned_reason")])
    chat.send("/privacy").wait()
    assert eventually(lambda: [a for a in chat.answers() if "What we keep about you" in a.text])
    chat.send("/mydata").wait()
    assert eventually(lambda: [a for a in chat.answers() if "document" in a.data])
    chat.send("/deleteme please").wait()
    asked = eventually(lambda: [a for a in chat.answers() if "Delete all your data" in a.text])[0]
    count = len(chat.answers())
    for text in ("/mydatabase", "mydata: 5", "say /mydata"):
        chat.send(text).wait()
    assert len(chat.answers()) == count
    asked.tap("🗑 Delete everything").wait()
    assert "Done" in asked.wait_for_edit().text
    assert sql("select from users where telegram_id = %s", anna.id) == []
    chat.send("hello again").wait()  # still banned
    assert eventually(lambda: says(chat.answers()[-1].text, "banned"))
    assert requests_of(sql, anna.id) == 0


def test_a_banned_user_can_cancel_recurring_payments(stack: Stack, sql: Sql) -> None:
    anna = started_user(stack.telegram)
    chat = anna.chat("assistant")
    ban(sql, anna)
    sql(
        "insert into renewals (user_id, product_key, provider, provider_subscription_id, currency, amount, "
        "plan, period, bot) "
        "select id, 'premium_month', 'yookassa', 'order:' || id, 'RUB', 499, 'PREMIUM', 'month', 'assistant' "
        "from users where telegram_id = %s",
        anna.id,
    )
    chat.send("/deleteme").wait()
    asked = eventually(lambda: [a for a in chat.answers() if "Turn off auto-renewal first" in a.text])[0]
    asked.tap("🔁 Go to auto-renewal").wait()
    shown = asked.wait_for_edit()
    shown.tap("Turn off auto-renewal").wait()
    sure = shown.wait_for_edit()
    sure.tap("Yes, turn it off").wait()
    assert "Auto-renewal is off" in sure.wait_for_edit().text
    chat.send("/subscription").wait()
    chat.send("/paysupport").wait()
    assert eventually(lambda: len(chat.answers()) > 3)


def test_a_banned_user_opens_their_pages_by_link_and_nothing_else(stack: Stack, sql: Sql) -> None:
    anna = started_user(stack.telegram)
    ban(sql, anna)
    deliver_until_done(stack.telegram, message_update(anna, "hello"), "assistant")

    def answer(text: str) -> str:
        body = deliver_until_done(stack.telegram, message_update(anna, text), "assistant").body
        return str(json.loads(body)["text"]) if body else ""

    assert "free plan" in answer("/start open_subscription")
    assert "Delete all your data" in answer("/start open_deleteme,")
    for link in ("open_privacy", "open_paysupport", "open_mydata more", "open_profile", "promo_open_mydata"):
        assert not answer(f"/start {link}"), link


@pytest.mark.parametrize("caption", ["/privacy", "/subscription", "/start open_mydata"])
def test_a_command_in_the_caption_of_a_banned_user_is_not_answered(
    stack: Stack, sql: Sql, caption: str
) -> None:
    anna = started_user(stack.telegram)
    ban(sql, anna)
    deliver_until_done(stack.telegram, message_update(anna, "hello"), "assistant")
    update = message_update(anna, "x")
    del update["message"]["text"]
    photo = {"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1}
    update["message"] |= {"photo": [photo], "caption": caption}
    assert not deliver_until_done(stack.telegram, update, "assistant").body


def test_a_banned_user_gets_no_data_in_a_group(stack: Stack, sql: Sql) -> None:
    anna = started_user(stack.telegram)
    ban(sql, anna)
    group = stack.telegram.group("Team", [anna], ["assistant"])
    group.by(anna).send("/mydata").wait()
    assert not group.by(anna).answers()
