"""A training for joining the owner's channel: membership is checked with Telegram, given once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.stories.test_trial import ask, labels, speaks, tap, user_id
from tests.support import eventually, says
from tools.emulator.environment import CHANNEL
from tools.emulator.stack import Stack
from tools.emulator.telegram import Answer, Channel, Chat, TelegramUser

Sql = Callable[..., list[dict[str, Any]]]
WORDS = {
    "ru": {
        "none": "🎓 Тренировок пока нет.",
        "offer": "📣 Подпишитесь на Switchboard News и получите 1 бесплатную тренировку.",
        "joined": "✅ Проверить подписку",
        "not yet": "Пока не вижу вас среди подписчиков Switchboard News.",
        "given": "🎉 Спасибо! +1 тренировка",
        "has": "🎓 Ваши тренировки\n\n🎁 1 тренировка за подписку на канал",
        "had": "Вы уже получили бонус",
        "later": "Telegram не отвечает",
        "broken": "ошибка на нашей стороне",
        "plan": "С тарифом «Премиум» — без ограничений",
        "credits": "💬 Бонусные запросы: 7. На каждую тренировку уходит один.",
        "gave": "Анна: тренировки 0 → 3",
        "by admin": "🎁 3 тренировки от администратора",
        "card": "Тренировки: 3",
        "audit": "тренировки 0 → 3",
        "usage": "/givetrainings @name 3",
    },
    "en": {
        "none": "🎓 You don’t have any trainings yet.",
        "offer": "📣 Join Switchboard News and get 1 free training.",
        "joined": "✅ I’ve joined",
        "not yet": "I can’t see you in Switchboard News yet.",
        "given": "🎉 Thanks! +1 training",
        "has": "🎓 Your trainings\n\n🎁 1 training for joining the channel",
        "had": "You’ve already claimed the reward",
        "later": "Telegram isn’t responding",
        "broken": "don’t have access to the channel’s member list",
        "plan": "Unlimited with Premium",
        "credits": "💬 Bonus requests: 7. One request covers one training.",
        "gave": "Анна: trainings 0 → 3",
        "by admin": "🎁 3 trainings from an admin",
        "card": "Trainings: 3",
        "audit": "trainings 0 → 3",
        "usage": "/givetrainings @name 3",
    },
}


@pytest.fixture
def channel(stack: Stack) -> Iterator[Channel]:
    """Return the owner's channel, whose administrators are the bots; restored after the test."""
    channel = stack.telegram.channel_named(CHANNEL)
    bots = list(channel.room.bots)
    yield channel
    channel.room.bots[:] = bots


def alert(answer: Answer, label: str) -> str:
    """Tap a button and return what is shown over the chat."""
    return str(answer.tap(label).answer()["text"])


def started_user(stack: Stack, language: str = "en") -> tuple[TelegramUser, Chat]:
    user = stack.telegram.user("Анна", language)
    chat = user.chat("assistant")
    ask(chat, "/start")
    return user, chat


@pytest.mark.parametrize("language", WORDS)
def test_joining_the_channel_gives_trainings_once(stack: Stack, channel: Channel, language: str) -> None:
    words = WORDS[language]
    user, anna = started_user(stack, language)
    page = ask(anna, "/trainings")
    assert page.text == f"{words['none']}\n\n{words['offer']}"
    assert [button.url for row in page.buttons for button in row if button.url] == [f"https://t.me/{CHANNEL}"]
    assert alert(page, words["joined"]).startswith(words["not yet"])

    channel.join(user)

    assert alert(page, words["joined"]) == words["given"]
    page.wait_for_edit()
    assert page.text.startswith(words["has"])
    assert words["had"] in page.text
    assert words["joined"] not in labels(page)
    channel.leave(user)
    assert ask(anna, "/trainings").text == page.text, "what was given stays"


def test_a_second_tap_gives_nothing(stack: Stack, sql: Sql, channel: Channel) -> None:
    user, anna = started_user(stack)
    channel.join(user)
    first, second = ask(anna, "/trainings"), ask(anna, "/trainings")
    first.tap(WORDS["en"]["joined"]).answer()
    assert "already" in alert(second, WORDS["en"]["joined"])
    rows = sql("select quantity from free_trainings where user_id = %s", user_id(sql, anna))
    assert rows == [{"quantity": 1}]


def test_a_removed_user_is_not_a_member(stack: Stack, sql: Sql, channel: Channel) -> None:
    user, anna = started_user(stack)
    channel.join(user)
    channel.ban(user)
    channel.join(user)
    assert alert(ask(anna, "/trainings"), WORDS["en"]["joined"]).startswith(WORDS["en"]["not yet"])
    assert sql("select from free_trainings where user_id = %s", user_id(sql, anna)) == []


@pytest.mark.parametrize("language", WORDS)
def test_an_unavailable_membership_check_is_explained(stack: Stack, channel: Channel, language: str) -> None:
    words = WORDS[language]
    user, anna = started_user(stack, language)
    channel.join(user)
    page = ask(anna, "/trainings")
    stack.telegram.fail("getChatMember", 502)
    assert alert(page, words["joined"]).startswith(words["later"])
    channel.dismiss("assistant")
    assert words["broken"] in alert(page, words["joined"])
    lines = (json.loads(line) for line in stack.function("telegram").raw_log.splitlines() if "{" in line[:1])
    assert any(
        line.get("severity") == "ALERT" and "TRAINING_CHANNEL" in line.get("message", "") for line in lines
    ), "the owner must hear of it"


def test_a_user_unknown_to_the_channel_is_not_a_member(stack: Stack, channel: Channel) -> None:
    _user, anna = started_user(stack)
    page = ask(anna, "/trainings")
    stack.telegram.fail("getChatMember", 400, description="Bad Request: PARTICIPANT_ID_INVALID")
    assert alert(page, WORDS["en"]["joined"]).startswith(WORDS["en"]["not yet"])


def test_a_private_channel_shows_its_invitation_and_none_shows_nothing(
    stack: Stack, channel: Channel
) -> None:
    secret = stack.telegram.channel("For Readers", None, ["assistant"])
    user, anna = started_user(stack)
    with stack.settings("telegram", TRAINING_CHANNEL=str(secret.id)):
        page, old = ask(anna, "/trainings"), ask(anna, "/trainings")
        assert [button.url for row in page.buttons for button in row if button.url] == [secret.link]
        secret.join(user)
        assert alert(page, WORDS["en"]["joined"]) == WORDS["en"]["given"]
    with stack.settings("telegram", TRAINING_CHANNEL="@no_such_channel"):
        assert "Join" not in ask(anna, "/trainings").text
    with stack.settings("telegram", TRAINING_CHANNEL=""):
        assert "Join" not in ask(anna, "/trainings").text
        assert says(alert(old, WORDS["en"]["joined"]), "button_old")
    assert WORDS["en"]["offer"] in ask(anna, "/trainings").text, "another channel gives again"


def test_an_erased_user_gets_no_second_training(stack: Stack, sql: Sql, channel: Channel) -> None:
    user, anna = started_user(stack)
    channel.join(user)
    ask(anna, "/trainings").tap(WORDS["en"]["joined"]).answer()
    tap(tap(ask(anna, "/deleteme"), "🗑 Delete everything"), "🗑 Yes, delete everything")
    ask(anna, "/start")
    page = ask(anna, "/trainings")
    assert page.text.startswith(WORDS["en"]["none"])
    assert WORDS["en"]["had"] in page.text


@pytest.mark.parametrize("language", WORDS)
def test_other_ways_to_get_trainings_are_listed(stack: Stack, sql: Sql, language: str) -> None:
    words, anna = WORDS[language], speaks(stack, language)
    sql("update users set bonus_credits = 7 where telegram_id = %s", anna.id)
    assert words["credits"] in ask(anna, "/trainings").text
    sql(
        "insert into subscriptions (user_id, plan, source, ends_at) values (%s, 'PREMIUM', 'admin', null)",
        user_id(sql, anna),
    )
    assert words["plan"] in ask(anna, "/trainings").text


@pytest.mark.parametrize("language", WORDS)
def test_trainings_given_by_an_admin_are_audited(
    stack: Stack, sql: Sql, appoint: Callable[..., TelegramUser], language: str
) -> None:
    words, boss = WORDS[language], appoint(language).chat("assistant")
    user, anna = started_user(stack, language)
    assert words["usage"] in ask(boss, "/givetrainings").text
    assert words["usage"] in ask(boss, f"/givetrainings {user.id} many").text
    line = ask(boss, f"/givetrainings {user.id} 3 for a kind word")
    assert line.text == words["gave"]
    assert says(anna.answer(20).text, "gift_trainings", language, count=3)
    assert words["by admin"] in ask(anna, "/trainings").text
    assert words["card"] in ask(boss, f"/user {user.id}").text
    audit = ask(boss, f"/audit {user.id}").text
    assert words["audit"] in audit
    assert "for a kind word" in audit
    assert ask(boss, f"/givetrainings {user.id} -9").text.endswith("3 → 0")
    assert ask(boss, "/trainings").text.startswith("🎓"), "the command for all users stays the same"
    rows = eventually(lambda: sql("select action from audit_log where user_id = %s", user_id(sql, anna)), 20)
    assert [row["action"] for row in rows] == ["give_trainings", "give_trainings"]
