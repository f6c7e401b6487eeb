"""/stats: figures as a picture with a caption, and revenue."""

from __future__ import annotations

import re

import pytest

from tests.stories.test_admin import (
    Appoint,
    Sql,
    ask,
    labels,
    started_user,
    tap,
)
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack


@pytest.mark.parametrize(
    ("language", "head", "lines"),
    [
        (
            "ru",
            "Статистика",
            (
                r"Всего пользователей: [\d\s]+\n",
                r"Сегодня · 7 дней · 30 дней",
                r"Активные: [\d,\s]+ · [\d,\s]+ · [\d,\s]+",
                r"Запросы: [\d,\s]+ · [\d,\s]+ · [\d,\s]+",
                r"С ошибкой: [\d,\s]+ · [\d,\s]+ · [\d,\s]+ \([\d,\s]+,\d% за 30 дней\)",
                r"gpt-5\.4-mini: [\d,\s]+ запрос\w*, ",
            ),
        ),
        (
            "en",
            "Overview",
            (
                r"Total users: [\d,]+\n",
                r"Today · 7 days · 30 days",
                r"Active: [\d,\s]+ · [\d,\s]+ · [\d,\s]+",
                r"Requests: [\d,\s]+ · [\d,\s]+ · [\d,\s]+",
                r"Failed: [\d,\s]+ · [\d,\s]+ · [\d,\s]+ \([\d,\s]+\.\d% in 30 days\)",
                r"gpt-5\.4-mini: [\d,\s]+ requests?, <\$0\.01",
            ),
        ),
    ],
)
def test_stats_are_a_picture_with_a_caption(
    stack: Stack, appoint: Appoint, language: str, head: str, lines: tuple[str, ...]
) -> None:
    ask(started_user(stack).chat("assistant"), "a question")
    boss = appoint(language).chat("assistant")
    answer = ask(boss, "/stats")
    assert answer.data["photo"]
    assert answer.text.startswith(f"📊 {head}")
    for line in lines:
        assert re.search(line, answer.text), line
    assert len(answer.text.encode("utf-16-le")) // 2 <= 1024
    bold = [e for e in answer.entities if e["type"] == "bold"]
    assert len(bold) == 4


def test_stats_include_the_latest_requests(stack: Stack, appoint: Appoint) -> None:
    boss, anna = appoint("en").chat("assistant"), started_user(stack)

    def today(name: str) -> int:
        ask(boss, "/stats")
        picture = [answer for answer in boss.answers() if answer.text.startswith("📊")][-1]
        found = re.search(rf"{re.escape(name)}: ([\d,]+)", picture.text)
        assert found is not None
        return int(found[1].replace(",", ""))

    names = ("Active", "New (including deleted accounts)", "Requests", "AI calls", "Failed")
    assert [today(name) for name in names] == [2, 2, 0, 0, 0]
    started_user(stack, "Ben")
    ask(anna.chat("assistant"), "a question")
    stack.ai.always(AiBehaviour(status=401))
    ask(anna.chat("assistant"), "another")
    assert [today(name) for name in names] == [3, 3, 1, 2, 1]


def test_the_longest_model_names_fit_under_the_picture(stack: Stack, appoint: Appoint, sql: Sql) -> None:
    sql(
        "insert into daily_totals (day, provider, model, is_user_api_key, shard, requests, calls, tokens_in) "
        "select (private.clock() at time zone 'Europe/Moscow')::date, 'openrouter', repeat('м', 90) || n, "
        "false, 15, 1000000000 + n, 2000000000, 3000000000000 from generate_series(1, 6) as n"
    )
    for language in ("ru", "en"):
        answer = ask(appoint(language).chat("assistant"), "/stats")
        assert answer.data["photo"]
        assert len(answer.text.encode("utf-16-le")) // 2 <= 1024


@pytest.mark.parametrize(
    ("language", "by_bot", "all_bots", "lines"),
    [
        (
            "ru",
            "📈 По ботам",
            "Все боты",
            ("Пользователей: 2", "Начали: 2", "Получили первый ответ: 1 (50,0%)", "Заплатили: 0 (0,0%)"),
        ),
        (
            "en",
            "📈 By bot",
            "All bots",
            ("Users: 2", "Started: 2", "Got a first answer: 1 (50.0%)", "Paid: 0 (0.0%)"),
        ),
    ],
)
def test_each_bot_has_figures_of_its_own(
    stack: Stack, appoint: Appoint, language: str, by_bot: str, all_bots: str, lines: tuple[str, ...]
) -> None:
    boss, anna = appoint(language).chat("assistant"), started_user(stack)
    ask(anna.chat("assistant"), "a question")
    anna.chat("second").send("/start").wait(timeout=20)
    revenue = ask(boss, "/stats") and boss.answers()[-1]
    tap(revenue, by_bot)
    assert revenue.text.startswith(f"📈 {all_bots}")
    assert {label for row in labels(revenue) for label in row} == {"assistant", "second"}
    tap(revenue, "assistant")
    assert revenue.text.startswith("📈 assistant")
    for line in lines:
        assert line in revenue.text, revenue.text
    tap(revenue, all_bots)
    assert revenue.text.startswith(f"📈 {all_bots}")
