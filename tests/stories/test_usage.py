"""/usage and other screens that show a user's usage, in both languages."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from shared.core.texts import utf16_length
from tests.support import eventually, says
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack
from tools.emulator.telegram.test_objects import Answer

Sql = Callable[..., list[dict[str, Any]]]
CAPTION = 1024  # UTF-16 units that Telegram takes


@pytest.fixture
def limits(sql: Sql) -> Callable[..., None]:
    """Change the limits of the free plan."""

    def change(**values: Any) -> None:
        for name, value in values.items():
            sql(f"update subscription_limits set {name} = %s where plan = 'FREE'", value)

    return change


def pictures(chat: Any) -> list[Answer]:
    return [answer for answer in chat.answers() if answer.data.get("photo")]


def user(stack: Stack, language: str) -> Any:
    chat = stack.telegram.user("Анна", language_code=language).chat("assistant")
    chat.send("/start")
    chat.answer()
    return chat


@pytest.mark.parametrize(
    ("language", "plan", "today", "month", "calls"),
    [
        ("ru", "Тариф: Бесплатный", r"Сегодня: 1 из 25, лимит обновится в 00:00 МСК, через \d+",
         "В этом месяце: 1", r"ИИ в этом месяце: 1 обращение, в среднем \d+,\d с, токенов — \d+"),
        ("en", "Plan: Free", r"Today: 1 of 25 · resets at 00:00 MSK, in \d+", "This month: 1",
         r"AI this month: 1 call, \d+\.\d s on average, \d+ tokens"),
    ],
)  # fmt: skip
def test_usage_is_a_picture_with_a_caption(
    stack: Stack, language: str, plan: str, today: str, month: str, calls: str
) -> None:
    anna = user(stack, language)
    anna.send("hello")
    anna.answer()
    anna.send("/usage").wait()
    answer = eventually(lambda: pictures(anna), 25)[0]
    caption = answer.data["caption"]
    assert plan in caption
    assert re.search(today, caption)
    assert month in caption
    assert re.search(calls, caption)
    bold = [e for e in answer.data["caption_entities"] if e["type"] == "bold"]
    assert len(bold) == 4
    assert answer.buttons[0][0].text.startswith("‹")


def test_the_menu_under_the_picture_opens_below_it(stack: Stack) -> None:
    anna = user(stack, "en")
    anna.send("/usage").wait()
    eventually(lambda: pictures(anna), 25)[0].tap("‹ Menu").wait()
    eventually(lambda: says(anna.answers()[-1].text, "menu"), 25)


def test_the_profile_opens_usage(stack: Stack) -> None:
    anna = user(stack, "ru")
    anna.send("/profile")
    profile = anna.answer()
    assert profile.buttons[0][0].text == "📊 Использование"
    profile.tap("📊 Использование").wait()
    assert "Ваши запросы" in eventually(lambda: pictures(anna), 25)[0].data["caption"]


@pytest.mark.parametrize("language", ["ru", "en"])
def test_the_fullest_caption_fits_and_every_case_can_be_drawn(
    stack: Stack, sql: Sql, limits: Callable[..., None], language: str
) -> None:
    anna = user(stack, language)
    sql(
        "update users set bonus_credits = 2e9, total_referrals = 2e9, referral_credits = 2e9 "
        "where telegram_id = %s",
        anna.id,
    )
    sql(
        "insert into monthly_api_usage select u.id, m, p, 'm', own, 2e9, 5, 4e15, 4e15, 99999999, 1e15 "
        "from users u, date_trunc('month', private.clock() at time zone 'Europe/Moscow') m, "
        "unnest(array['openai', 'openrouter']) p, unnest(array[true, false]) own where u.telegram_id = %s",
        anna.id,
    )
    sql(
        "insert into daily_usage select u.id, 'second', d.today - n, n * 20000000, 60000000, 60000000 "
        "from users u, (select (private.clock() at time zone 'Europe/Moscow')::date) d (today), "
        "generate_series(0, 40) n where u.telegram_id = %s",
        anna.id,
    )
    for allowed in ((2000000000, 2000000000), (None, None), (0, 0), (None, 5), (5, None)):
        limits(daily_requests=allowed[0], monthly_requests=allowed[1])
        before = len(pictures(anna))
        anna.send("/usage").wait()
        caption = eventually(lambda n=before: pictures(anna)[n:], 25)[0].data["caption"]
        assert utf16_length(caption) <= CAPTION
    assert "$" in caption


def test_usage_above_the_limit_is_shown_as_the_limit(
    stack: Stack, sql: Sql, limits: Callable[..., None]
) -> None:
    anna = user(stack, "en")
    for words in ("one", "two"):
        anna.send(words)
        anna.answer()
    limits(daily_requests=1, monthly_requests=1)
    anna.send("/usage").wait()
    caption = eventually(lambda: pictures(anna), 25)[0].data["caption"]
    assert "Today: 1 of 1 ·" in caption
    assert "This month: 1 of 1 ·" in caption


@pytest.mark.parametrize(
    ("language", "refusal", "profile", "caption"),
    [
        ("ru", r"Лимит на этот месяц исчерпан: 2 запроса\.\n\nЛимит обновится 1.[а-я]+ в 00:00 МСК",
         r"В этом месяце: 2 из 2 запросов\nЛимит обновится 1.[а-я]+ в 00:00 МСК",
         "Пригласите друга: /referral"),
        ("en", r"reached this month’s limit of 2 requests\.\n\nIt resets on 1.[A-Z][a-z]+ at 00:00 MSK",
         r"This month: 2 of 2 requests\nResets on 1.[A-Z][a-z]+ at 00:00 MSK",
         "Invite a friend: /referral"),
    ],
)  # fmt: skip
def test_a_used_up_month_shows_its_end_and_upgrade_options(
    stack: Stack, limits: Callable[..., None], language: str, refusal: str, profile: str, caption: str
) -> None:
    limits(monthly_requests=2)
    anna = user(stack, language)
    for words in ("one", "two"):
        anna.send(words)
        anna.answer()
    anna.send("three")
    text = anna.answer().text
    assert re.search(refusal, text)
    assert caption in text
    anna.send("/profile")
    assert re.search(profile, anna.answer().text)
    anna.send("/usage").wait()
    assert caption in eventually(lambda: pictures(anna), 25)[0].data["caption"]


def test_the_profile_shows_remaining_bonus_requests(stack: Stack, sql: Sql) -> None:
    anna = user(stack, "ru")
    sql("update users set bonus_credits = 5 where telegram_id = %s", anna.id)
    anna.send("/profile")
    assert "Бонусные запросы: 5\n" in anna.answer().text
    anna.send("/usage").wait()
    assert "Бонусные запросы: 5" in eventually(lambda: pictures(anna), 25)[0].data["caption"]


def test_chats_without_photos_get_text(stack: Stack) -> None:
    anna = user(stack, "en")
    stack.telegram.fail("sendPhoto", status=400, description="Bad Request: not enough rights to send photos")
    anna.send("/usage").wait()
    eventually(lambda: "Your requests" in anna.answers()[-1].text, 25)
    assert not pictures(anna)


def test_twenty_concurrent_users_get_a_picture_or_text(
    stack: Stack,
) -> None:
    people = [user(stack, "en") for _ in range(20)]
    sent = [anna.send("/usage") for anna in people]
    for one in sent:
        one.wait(timeout=60)
    for anna in people:
        shown = eventually(lambda anna=anna: anna.answers()[-1].data, 25)
        assert "Your requests" in (shown.get("caption") or shown.get("text"))


def test_without_a_database_usage_is_unavailable(stack: Stack) -> None:
    anna = user(stack, "en")
    stack.database.down()
    anna.send("/usage")
    assert says(anna.answer().text, "offline_unavailable")


@pytest.mark.parametrize(
    ("language", "button", "notice"),
    [
        ("ru", "🔒 🔤 Переводчик", "не входит в ваш тариф"),
        ("en", "🔒 🔤 Translator", "doesn’t include this mode"),
    ],
)
def test_a_plan_without_modes_uses_chat_mode(
    stack: Stack, sql: Sql, limits: Callable[..., None], language: str, button: str, notice: str
) -> None:
    anna = user(stack, language)
    sql("update bot_sessions set mode = 'translate' where chat_id = %s", anna.id)
    limits(features=[])
    anna.send("/mode")
    tap = anna.answer().tap(button)
    assert notice in tap.answer()["text"]
    stack.ai.next(AiBehaviour(text="Hello!"))
    anna.send("Guten Tag")
    anna.answer()
    assert "You are a translator" not in stack.ai.requests[-1]["messages"][0]["content"]
    limits(features=["modes"])
    anna.send("Guten Tag")
    anna.answer()
    assert "You are a translator" in stack.ai.requests[-1]["messages"][0]["content"]


def test_the_context_limit_of_a_plan_applies_at_once(stack: Stack, limits: Callable[..., None]) -> None:
    anna = user(stack, "en")
    for words in ("one", "two"):
        anna.send(words)
        anna.answer()
    limits(history_length=2)
    anna.send("three")
    anna.answer()
    roles = [message["role"] for message in stack.ai.requests[-1]["messages"]]
    assert roles == ["system", "user", "assistant", "user"]
