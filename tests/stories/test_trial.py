"""The free trial of a plan: offered where a user looks for more requests, once, and never beside a plan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.core import texts
from tests.support import deliver_until_done, eventually, message_update, says
from tools.emulator.stack import Stack
from tools.emulator.telegram import Answer, Chat

Sql = Callable[..., list[dict[str, Any]]]
WORDS = {
    "ru": {
        "button": "✨ 3 дня бесплатно",
        "shop": "✨ «Премиум»: 3 дня бесплатно. /trial",
        "plan": "Премиум · от",
        "offer": "✨ Тариф «Премиум»: 3 дня бесплатно",
        "start": "✨ Начать",
        "started": "🎉 Пробный период начался. Тариф «Премиум» активен до ",
        "running": "✨ Пробный период уже идёт: тариф «Премиум» активен до ",
        "used": "Вы уже использовали пробный период",
        "paid": "доступен только новым пользователям",
        "off": "Пробного периода сейчас нет",
        "way": "✨ Попробуйте тариф бесплатно: /trial",
        "day": "⏳ Пробный период заканчивается ",
        "over": "Пробный период закончился ",
    },
    "en": {
        "button": "✨ 3 days free",
        "shop": "✨ New here? Try Premium free for 3 days: /trial",
        "plan": "Premium · from",
        "offer": "✨ Try Premium free for 3 days.",
        "start": "✨ Start",
        "started": "🎉 Your free trial has started. Premium is active until ",
        "running": "✨ Your free trial is on: Premium is active until ",
        "used": "You’ve already used your free trial",
        "paid": "for new users only",
        "off": "There’s no free trial right now",
        "way": "✨ Try a plan for free: /trial",
        "day": "⏳ Your free trial ends on ",
        "over": "Your free trial ended on ",
    },
}


def speaks(stack: Stack, language: str = "en") -> Chat:
    """Return the chat of a new user who has started the assistant."""
    chat = stack.telegram.user("Anna", language_code=language).chat("assistant")
    ask(chat, "/start")
    return chat


def ask(chat: Chat, text: str) -> Answer:
    chat.send(text).wait()
    return chat.answer()


def tap(answer: Answer, label: str) -> Answer:
    answer.tap(label).wait()
    return answer.wait_for_edit()


def labels(answer: Answer) -> list[str]:
    return [button.text for row in answer.buttons for button in row]


def row_of(sql: Sql, chat: Chat) -> dict[str, Any]:
    return sql("select * from users where telegram_id = %s", chat.id)[0]


@pytest.mark.parametrize("language", WORDS)
def test_a_trial_is_offered_starts_and_ends(
    stack: Stack, sql: Sql, clock: Callable[[str], None], language: str
) -> None:
    words, anna = WORDS[language], speaks(stack, language)
    page = ask(anna, "/trial")
    assert page.text.startswith(words["offer"])
    assert row_of(sql, anna)["trial_used"] is False, "looking at it starts nothing"

    page = tap(page, words["start"])

    assert page.text.startswith(words["started"])
    assert (row_of(sql, anna)["vip_level"], row_of(sql, anna)["trial_used"]) == (1, True)
    assert ask(anna, "/trial").text.startswith(words["running"])
    clock("clock_timestamp() + interval '49 hours'")
    stack.run_job("payments")
    news(anna, words["day"])
    clock("clock_timestamp() + interval '73 hours'")
    stack.run_job("sweep")
    stack.run_job("payments")
    news(anna, words["over"])
    eventually(lambda: row_of(sql, anna)["vip_level"] == 0, 20)
    used = ask(anna, "/trial")
    assert used.text.startswith(words["used"])
    assert words["start"] not in labels(used)


def news(chat: Chat, beginning: str) -> None:
    """Wait for the bot's message that begins with `beginning`, and take all messages so far."""
    eventually(lambda: [one for one in chat.answers() if one.text.startswith(beginning)], 30)
    chat.room.taken = len(chat.room.answers)


@pytest.mark.parametrize("language", WORDS)
def test_screens_offer_the_trial_until_it_was_used(stack: Stack, sql: Sql, language: str) -> None:
    words, anna = WORDS[language], speaks(stack, language)
    assert words["button"] in labels(ask(anna, "/subscription"))
    shop = ask(anna, "/buy")
    assert words["shop"] in shop.text
    plan = tap(shop, next(label for label in labels(shop) if label.startswith(words["plan"])))
    assert labels(plan)[0] == words["button"]
    page = ask(anna, "/subscription")
    page = tap(page, words["button"])
    assert page.text.startswith(words["offer"])
    tap(page, words["start"])
    assert words["button"] not in labels(ask(anna, "/subscription"))
    shop = ask(anna, "/buy")
    assert "/trial" not in shop.text
    plan = tap(shop, next(label for label in labels(shop) if label.startswith(words["plan"])))
    assert words["button"] not in labels(plan)


@pytest.mark.parametrize("language", WORDS)
def test_a_user_without_requests_left_is_offered_the_trial(stack: Stack, sql: Sql, language: str) -> None:
    words, anna = WORDS[language], speaks(stack, language)
    use_up(sql, anna)
    refusal = ask(anna, f"What now, {anna.id}?")
    assert words["way"] in refusal.text
    assert words["way"] in str(ask(anna, "/usage").data.get("caption"))
    page = tap(tap(refusal, words["button"]), words["start"])
    assert page.text.startswith(words["started"])
    assert words["way"] not in ask(anna, f"And now, {anna.id}?").text
    sql("update users set vip_level = 0 where telegram_id = %s", anna.id)  # as if it were over
    sql(
        "update subscriptions set status = 'expired', ended_at = now() where user_id = %s", user_id(sql, anna)
    )
    use_up(sql, anna)
    refusal = ask(anna, f"And then, {anna.id}?")
    assert words["way"] not in refusal.text
    assert words["button"] not in labels(refusal)


def user_id(sql: Sql, chat: Chat) -> int:
    return int(row_of(sql, chat)["id"])


def use_up(sql: Sql, chat: Chat) -> None:
    sql(
        "insert into daily_usage as d (user_id, bot, day, requests) "
        "select id, 'assistant', (private.clock() at time zone 'Europe/Moscow')::date, 25 from users "
        "where telegram_id = %s on conflict (user_id, day, bot) do update set requests = 25",
        chat.id,
    )


@pytest.mark.parametrize("language", WORDS)
def test_an_unavailable_trial_is_explained(stack: Stack, sql: Sql, language: str) -> None:
    words, anna, ben = WORDS[language], speaks(stack, language), speaks(stack, language)
    sql(
        "insert into subscriptions (user_id, plan, source, ends_at) values (%s, 'PREMIUM', 'admin', null)",
        user_id(sql, anna),
    )
    sql("select private.refresh_access(%s)", user_id(sql, anna))
    assert words["paid"] in ask(anna, "/trial").text
    page = ask(ben, "/trial")
    sql("update private.settings set value = '0' where key = 'trial_days'")
    assert words["off"] in tap(page, words["start"]).text
    assert words["off"] in ask(ben, "/trial").text
    assert words["button"] not in labels(ask(ben, "/buy"))
    assert row_of(sql, ben)["trial_used"] is False


def test_a_redelivered_tap_and_a_lost_response_start_one_trial(stack: Stack, sql: Sql) -> None:
    anna = speaks(stack)
    page = ask(anna, "/trial")
    stack.telegram.deliver_twice()
    stack.telegram.lose_responses()
    page = tap(page, "✨ Start")
    assert page.text.startswith((WORDS["en"]["started"], WORDS["en"]["running"]))
    assert len(sql("select from subscriptions where user_id = %s", user_id(sql, anna))) == 1


def test_without_a_database_no_trial_starts(stack: Stack, sql: Sql) -> None:
    anna = speaks(stack)
    page = ask(anna, "/trial")
    probe = stack.telegram.user("Probe")
    stack.database.down()
    # The pool still holds connections: until one has broken, a statement may have arrived.
    eventually(lambda: stack.telegram.deliver(message_update(probe, "/show"), "second").status == 200, 20)
    assert says(ask(anna, "/trial").text, "offline_unavailable")
    tapped = page.tap("✨ Start")  # may have been stored by another instance: it waits
    assert row_of(sql, anna)["trial_used"] is False
    stack.database.up()
    tapped.wait(timeout=60)
    assert row_of(sql, anna)["trial_used"] is True


def test_the_trial_works_in_private_chats_only(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna")
    ask(anna.chat("assistant"), "/start")
    group = stack.telegram.group("Team", [anna], ["assistant"])
    group.by(anna).send(f"/trial@{stack.telegram.bot('assistant').username}").wait()
    assert "private" in group.by(anna).answer().text


def test_an_erased_user_gets_no_second_trial(stack: Stack) -> None:
    anna = stack.telegram.user("Anna")
    chat = anna.chat("assistant")
    ask(chat, "/start")
    tap(ask(chat, "/trial"), "✨ Start")
    question = ask(chat, "/deleteme")
    assert "• Premium until" in question.text
    tap(tap(question, "🗑 Delete everything"), "🗑 Yes, delete everything")
    deliver_until_done(stack.telegram, message_update(anna, "/start"), "assistant")
    chat.room.taken = len(chat.room.answers)
    assert ask(chat, "/trial").text.startswith(WORDS["en"]["used"])


@pytest.mark.parametrize(("bot", "command"), [("spin", "new"), ("quiz", "quiz")])
def test_a_trial_leads_on_to_what_the_bot_is_for(stack: Stack, bot: str, command: str) -> None:
    chat = stack.telegram.user("Anna", language_code="en").chat(bot)
    ask(chat, "/start")
    started = tap(ask(chat, "/trial"), WORDS["en"]["start"])
    assert started.text.startswith(WORDS["en"]["started"])
    assert texts.text("en", f"menu_{command}") in labels(started)
