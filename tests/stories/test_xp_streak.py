"""/streak: days in a row over all bots, freezes, pause, and the user's time zone, in both languages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.stories.test_admin import ask, labels
from tests.stories.test_xp_board import started, tap
from tools.emulator.stack import Stack

Sql = Callable[..., list[dict[str, Any]]]
Clock = Callable[[str], None]
WORDS = {
    "en": {
        "none": "🔥 No streak yet",
        "zone": "Your time zone: Moscow (UTC+3)",
        "days": "🔥 Streak: 8 days\nToday is counted.",
        "longest": "Longest: 8 days\nFreezes: 1 of 2",
        "missed": "Missed days that freezes cover: 1",
        "over": "🔥 A new streak starts with your next training",
        "pause": "⏸ Pause",
        "paused": "⏸ Streak on pause: 8 days",
        "resume": "▶️ Resume",
        "button": "🕓 Time zone",
        "city": "Tokyo",
        "scheduled": "🕓 From your next midnight on: Tokyo (UTC+9)",
        "next": "From your next midnight: Tokyo (UTC+9)",
        "other": "✏️ Another place",
        "unknown": "I don’t know “Atlantis”",
        "set": "🕓 Your time zone: Bangkok (UTC+7)",
        "back": "‹ Streak",
    },
    "ru": {
        "none": "🔥 Серии пока нет",
        "zone": "Ваш часовой пояс: Москва (UTC+3)",
        "days": "🔥 Серия: 8 дней\nСегодняшний день засчитан.",
        "longest": "Самая длинная: 8 дней\nЗаморозки: 1 из 2",
        "missed": "Пропуски, которые закроют заморозки: 1",
        "over": "🔥 Новая серия начнётся со следующей тренировки",
        "pause": "⏸ Пауза",
        "paused": "⏸ Серия на паузе: 8 дней",
        "resume": "▶️ Продолжить",
        "button": "🕓 Часовой пояс",
        "city": "Токио",
        "scheduled": "🕓 С ближайшей полуночи: Токио (UTC+9)",
        "next": "С ближайшей полуночи: Токио (UTC+9)",
        "other": "✏️ Другое место",
        "unknown": "Не знаю «Atlantis»",
        "set": "🕓 Ваш часовой пояс: Bangkok (UTC+7)",
        "back": "‹ Серия",
    },
}


def practice(sql: Sql, clock: Clock, telegram_id: int, *days: int) -> None:
    """Finish something at noon of these days of November, in different bots."""
    for day in days:
        clock(f"timestamptz '2026-11-{day:02} 12:00+03'")
        bot = "assistant" if day % 2 else "example"
        sql("select record_activity(id, %s) from users where telegram_id = %s", bot, telegram_id)


@pytest.mark.parametrize("language", WORDS)
def test_days_in_any_bot_make_a_streak_that_a_freeze_or_a_pause_keeps(
    stack: Stack, sql: Sql, clock: Clock, language: str
) -> None:
    words = WORDS[language]
    anna = started(stack, language)
    empty = ask(anna, "/streak")
    assert empty.text.startswith(words["none"]) and words["zone"] in empty.text
    assert words["pause"] not in labels(empty)[0]
    practice(sql, clock, anna.id, *range(1, 9))
    page = ask(anna, "/streak")
    assert page.text.startswith(words["days"]) and words["longest"] in page.text
    clock("timestamptz '2026-11-10 12:00+03'")  # the 9th was missed
    assert words["missed"] in ask(anna, "/streak").text
    assert tap(page, words["pause"]).startswith(words["paused"])
    clock("timestamptz '2026-11-20 12:00+03'")
    assert ask(anna, "/streak").text.startswith(words["paused"]), "days of a pause are not missed"
    resumed = tap(page, words["resume"])
    assert resumed.startswith(words["days"].partition("\n")[0]) and words["missed"] in resumed
    clock("timestamptz '2026-11-25 12:00+03'")
    assert ask(anna, "/streak").text.startswith(words["over"])


@pytest.mark.parametrize("language", WORDS)
def test_the_time_zone_is_chosen_by_a_button_or_sent(stack: Stack, sql: Sql, language: str) -> None:
    words = WORDS[language]
    anna = started(stack, language)
    page = ask(anna, "/streak")
    tap(page, words["button"])
    cities = [label for row in labels(page) for label in row if words["city"] in label]
    assert len(cities) == 1 and ":" in cities[0], "with the time there"
    tap(page, words["other"])
    unknown = ask(anna, "Atlantis")
    assert words["unknown"] in unknown.text
    tap(unknown, words["other"])
    answer = ask(anna, "bangkok")
    assert answer.text == words["set"], "at once, as no day has counted yet"
    sql("select record_activity(id, 'assistant') from users where telegram_id = %s", anna.id)
    page = ask(anna, "/streak")
    tap(page, words["button"])
    city = next(label for row in labels(page) for label in row if words["city"] in label)
    assert tap(page, city) == words["scheduled"]
    assert words["next"] in tap(page, words["back"])


def test_leaving_the_question_gives_texts_to_the_ai_again(stack: Stack) -> None:
    anna = started(stack)
    page = ask(anna, "/streak")
    tap(page, "🕓 Time zone")
    tap(page, "✏️ Another place")
    tap(page, "Cancel")
    assert "Bangkok" not in ask(anna, "bangkok").text.replace("bangkok", "")
    assert "Moscow" in ask(anna, "/streak").text
