"""Referrals: the link, the first question of the referred user, and the message to the referrer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support import eventually, in_parallel, new_telegram_id, says
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

Sql = Callable[..., list[dict[str, Any]]]


def invite_link(chat: Chat) -> str:
    """Return the link that /referral shows."""
    chat.send("/referral")
    return next(word for word in chat.answer().text.split() if word.startswith("https://t.me/"))


def payload_of(link: str) -> str:
    return parse_qs(urlsplit(link).query)["start"][0]


def test_the_first_question_rewards_referrer_and_referred_user(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Анна", language_code="ru").chat("assistant")
    anna.send("/start")
    anna.answer()
    link = invite_link(anna)
    ben = stack.telegram.user("Ben", language_code="en").chat("assistant")
    ben.send(f"/start {payload_of(link)}")
    assert says(ben.answer().text, "welcome", name="Ben")
    ben.send("/referral")
    ben.answer()
    anna.expect_silence(0.2)
    ben.send("What is a switchboard?")
    ben.answer()
    assert says(anna.answer().text, "referral_notice", "ru", name="Ben")
    anna.send("/referral")
    text = anna.answer().text
    assert "Пришли по ссылке: 1" in text
    assert "Задали вопрос: 1" in text
    assert "Вы заработали: 10 запросов" in text
    rows = sql(
        "select bonus_credits from users where telegram_id = any(%s) order by bonus_credits",
        [anna.id, ben.id],
    )
    assert [row["bonus_credits"] for row in rows] == [5, 10]
    ben.send("And another question")
    ben.answer()
    anna.expect_silence(0.2)


def test_a_level_of_the_referrer_is_announced_with_the_first_question(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna").chat("assistant")
    link = invite_link(anna)
    sql(
        "select award_xp(%s, 'spin', 'service', 'x:1', min_xp::integer - 1) from levels where level = 2",
        anna.id,
    )
    ben = stack.telegram.user("Ben").chat("assistant")
    ben.send(f"/start {payload_of(link)}")
    ben.answer()
    ben.send("What is a switchboard?")
    ben.answer()
    assert says(anna.answer().text, "referral_notice", name="Ben")
    assert says(anna.answer().text, "level_up", level=2)
    anna.expect_silence(0.2)


def test_what_another_service_gives_is_announced_once_and_only_to_whom_it_cannot_tell(
    stack: Stack, sql: Sql, clock: Callable[[str], None]
) -> None:
    anna = stack.telegram.user("Anna").chat("assistant")
    link = invite_link(anna)
    sql("select get_or_create_user(%s)", ben := new_telegram_id())
    # The service sees its results, so award_xp and award_badge send nothing, not even about level 3.
    sql(
        "select award_xp(%s, 'course', 'service', 'x:1', min_xp::integer) from levels where level = 3",
        anna.id,
    )
    sql("select award_badge(%s, 'course', 'first_course')", anna.id)
    sql(
        "select award_xp(%s, 'course', 'service', 'x:2', (l.min_xp - u.total_xp - 1)::integer) "
        "from levels as l cross join users as u where l.level = 4 and u.telegram_id = %s",
        anna.id,
        anna.id,
    )
    complete = (
        "select complete_referral(u.id, %s) ->> 'outcome' as outcome from users as u where u.telegram_id = %s"
    )
    code = payload_of(link).removeprefix("ref_")
    outcomes = in_parallel(5, lambda _: sql(complete, code, ben)[0]["outcome"])
    assert sorted(outcomes) == ["already_completed"] * 4 + ["completed"]
    anna.expect_silence(0.2)
    clock("clock_timestamp() + interval '1 minute'")
    in_parallel(2, lambda _: stack.run_job("sweep"))
    assert says(anna.answer().text, "level_up", level=4)
    stack.run_job("sweep")
    anna.expect_silence(0.2)


def test_an_existing_user_brings_no_reward(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna").chat("assistant")
    link = invite_link(anna)
    ben = stack.telegram.user("Ben").chat("assistant")
    ben.send("a question first")
    ben.answer()
    ben.send(f"/start {payload_of(link)}")
    ben.answer()
    ben.send("another")
    ben.answer()
    assert sql("select bonus_credits from users where telegram_id = %s", anna.id) == [{"bonus_credits": 0}]


def test_the_link_can_be_shared_and_scanned(stack: Stack) -> None:
    anna = stack.telegram.user("Anna").chat("assistant")
    anna.send("/referral")
    answer = anna.answer()
    share = answer.buttons[0][0].url
    assert share is not None and share.startswith("https://t.me/share/url?url=https%3A%2F%2Ft.me%2F")
    answer.tap("🔳 QR code").wait()
    picture = eventually(lambda: [a for a in anna.answers() if a.data.get("photo")])[0]
    assert picture.data["caption"].startswith("https://t.me/")


def test_bonus_requests_are_used_after_the_daily_ones(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna").chat("assistant")
    anna.send("/start")
    anna.answer()
    sql(
        "insert into daily_usage (user_id, bot, day, requests) "
        "select id, 'second', (private.clock() at time zone 'Europe/Moscow')::date, 25 from users "
        "where telegram_id = %s",
        anna.id,
    )
    sql("update users set bonus_credits = 2 where telegram_id = %s", anna.id)
    for word in ("one", "two"):
        anna.send(word)
        assert not says(anna.answer().text, "limit_reached")
    anna.send("three")
    refusal = anna.answer()
    assert says(refusal.text, "limit_reached", limit=25)
    assert "/referral" in refusal.text
    assert [button.text for row in refusal.buttons for button in row][-2:] == ["⭐ Buy", "‹ Menu"]
    assert sql("select bonus_credits from users where telegram_id = %s", anna.id) == [{"bonus_credits": 0}]


def join(chat: Chat, link: str) -> None:
    """Start the bot with an invite link and ask the first question."""
    chat.send(f"/start {payload_of(link)}")
    chat.answer()
    chat.send("What is a switchboard?")
    chat.answer()


def test_a_second_level_rewards_who_invited_the_referrer(stack: Stack, sql: Sql) -> None:
    sql("update private.settings set value = '3' where key = 'referral_second_credits'")
    anna, ben, chris = (stack.telegram.user(name).chat("assistant") for name in ("Anna", "Ben", "Chris"))
    anna.send("/start")
    anna.answer()
    join(ben, invite_link(anna))
    assert says(anna.answer().text, "referral_notice", name="Ben", credits=10)
    join(chris, invite_link(ben))
    assert says(ben.answer().text, "referral_notice", name="Chris", credits=10)
    assert says(anna.answer().text, "referral_second_notice", credits=3)
    rows = sql("select bonus_credits, referral_credits from users where telegram_id = %s", anna.id)
    assert rows == [{"bonus_credits": 13, "referral_credits": 13}]
    anna.send("/referral")
    text = anna.answer().text
    assert says(text, "referral_second", second_credits=3)
    assert "13" in text


def test_without_the_setting_there_is_no_second_level(stack: Stack, sql: Sql) -> None:
    anna, ben, chris = (stack.telegram.user(name).chat("assistant") for name in ("Anna", "Ben", "Chris"))
    anna.send("/start")
    anna.answer()
    join(ben, invite_link(anna))
    anna.answer()
    join(chris, invite_link(ben))
    ben.answer()
    anna.expect_silence(0.2)
    assert sql("select bonus_credits from users where telegram_id = %s", anna.id) == [{"bonus_credits": 10}]


def test_completions_at_once_pay_the_second_level_once_each(sql: Sql, call: Callable[..., Any]) -> None:
    sql("update private.settings set value = '3' where key = 'referral_second_credits'")
    users = [
        sql("insert into users (telegram_id) values (%s) returning id, referral_code", new_telegram_id())[0]
        for _ in range(6)
    ]
    top, middle, *others = users
    call("complete_referral", middle["id"], top["referral_code"])
    # Each of the others twice, and the users above at the same time.
    calls = [
        *((one["id"], middle["referral_code"]) for one in others * 2),
        (top["id"], others[0]["referral_code"]),
    ]
    in_parallel(len(calls), lambda number: call("complete_referral", *calls[number]))
    paid = sql("select sum(second_credits) as sum from user_referrals where referrer_id = %s", middle["id"])
    assert paid == [{"sum": 12}]
    (row,) = sql("select referral_credits from users where id = %s", top["id"])
    assert row["referral_credits"] == 10 + 12
