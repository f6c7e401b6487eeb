"""/top: the board of a day, a week and all time, of a bot and of all bots, and the user's own place."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from tests.stories.test_admin import Appoint, ask, labels
from tests.support import eventually
from tools.emulator.stack import Stack
from tools.emulator.telegram.test_objects import Answer
from tools.emulator.telegram.users import Chat

Sql = Callable[..., list[dict[str, Any]]]
_references = itertools.count(1)
WORDS = {
    "en": {
        "head": "🏆 Leaderboard\nAll bots · This week",
        "chosen": "• This week •",
        "all": "All time",
        "one": "This bot",
        "empty": "No one has earned XP here yet.",
        "none": "You don’t have any XP here yet.",
        "first": "1. You: 1,240\u00a0XP",
        "user": "User ",
        "week": "Starts over on Mondays at 00:00 MSK.",
        "picture": "🖼 Picture",
        "hidden": "You’re hidden: others don’t see you here.",
    },
    "ru": {
        "head": "🏆 Таблица лидеров\nВсе боты · Эта неделя",
        "chosen": "• Эта неделя •",
        "all": "Всё время",
        "one": "Этот бот",
        "empty": "Здесь пока никто не набрал XP.",
        "none": "У вас здесь пока нет XP.",
        "first": "1. Вы: 1\u00a0240\u00a0XP",
        "user": "Участник ",
        "week": "Начинается заново по понедельникам в 00:00 МСК.",
        "picture": "🖼 Картинка",
        "hidden": "Вы скрыты: другие вас здесь не видят.",
    },
}


def started(stack: Stack, language: str = "en", name: str = "Anna") -> Chat:
    """Return the chat of a new user with the assistant."""
    chat = stack.telegram.user(name, language).chat("assistant")
    ask(chat, "/start")
    return chat


def award(sql: Sql, telegram_id: int, points: int, bot: str = "assistant") -> dict[str, Any]:
    """Give XP as a feature of a bot does; return the result of award_xp."""
    (row,) = sql(
        "select award_xp(%s, %s, 'service', %s, %s) as award",
        telegram_id,
        bot,
        f"story:{next(_references)}",
        points,
    )
    result: dict[str, Any] = row["award"]
    return result


def others(stack: Stack, sql: Sql, *points: int) -> list[int]:
    """Create users with these XP; return their Telegram ids."""
    ids = [8_300_000_000 + next(_references) for _ in points]
    for telegram_id, xp in zip(ids, points, strict=True):
        sql("insert into users (telegram_id, first_name) values (%s, 'Other')", telegram_id)
        award(sql, telegram_id, xp)
    return ids


def tap(answer: Answer, label: str) -> str:
    """Tap a button that changes the message; return the new text."""
    before = answer.text
    answer.tap(label).wait(timeout=20)
    eventually(lambda: answer.text != before, 20)
    return answer.text


@pytest.mark.parametrize("language", WORDS)
def test_xp_of_one_bot_is_seen_in_the_other_at_once(stack: Stack, sql: Sql, language: str) -> None:
    words = WORDS[language]
    user = stack.telegram.user("Anna", language)
    anna, example = user.chat("assistant"), user.chat("example")
    ask(anna, "/start")
    top = ask(anna, "/top")
    assert top.text == f"{words['head']}\n\n{words['empty']}\n\n{words['week']}"
    assert labels(top)[0][1] == words["chosen"]
    award(sql, anna.id, 1240)
    board = ask(example, "/top")
    assert words["first"] in board.text
    assert words["empty"] in tap(board, words["one"]), "nothing was earned in this bot"
    assert words["empty"] in tap(board, words["all"])


def test_a_user_far_below_sees_the_neighbors(stack: Stack, sql: Sql) -> None:
    anna = started(stack)
    others(stack, sql, *range(2000, 600, -100))  # 2,000 to 700
    award(sql, anna.id, 850)
    lines = ask(anna, "/top").text.split("\n\n")
    assert lines[1].count("\n") == 9
    assert lines[1].startswith("1. User ")
    place = lines[2].splitlines()
    assert place[0] == "Your place: 13 of 15"
    assert [line.partition(".")[0] for line in place[1:]] == ["11", "12", "13", "14", "15"]
    assert place[3] == "13. You: 850\u00a0XP"


def test_a_group_sees_the_board_without_the_place_of_the_user_who_asks(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna", "en")
    ask(anna.chat("assistant"), "/start")
    others(stack, sql, *range(1100, 0, -100))
    award(sql, anna.id, 5)
    group = stack.telegram.group("Team", [anna], ["assistant"])
    answer = ask(group.by(anna), "/top@" + stack.telegram.bot("assistant").username)
    assert "10. " in answer.text
    assert "You" not in answer.text and "12." not in answer.text
    assert not any("name" in label for row in labels(answer) for label in row)


@pytest.mark.parametrize("language", WORDS)
def test_the_board_is_sent_as_a_picture(stack: Stack, sql: Sql, language: str) -> None:
    words = WORDS[language]
    anna = started(stack, language)
    others(stack, sql, *range(2000, 600, -100))
    award(sql, anna.id, 10)
    ask(anna, "/top").tap(words["picture"]).wait(timeout=20)
    photo = eventually(lambda: [one for one in anna.answers() if one.data.get("photo")], 25)[0]
    assert photo.data["caption"] == words["head"]


def test_admins_take_no_part(stack: Stack, sql: Sql, appoint: Appoint) -> None:
    boss = appoint("en").chat("assistant")
    ask(boss, "/start")
    others(stack, sql, 10)
    award(sql, boss.id, 50)
    assert "Admins don’t take part." in ask(boss, "/top").text
