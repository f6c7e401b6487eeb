"""The page of the progress: level, streak, badges and leaderboard."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import pytest

from shared.core.texts import text
from tests.web.pages import check_page
from tests.web.visitor import Visitor
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

Sql = Callable[..., list[dict[str, Any]]]
PATH = "/account/progress"
HOSTILE = "<b onclick=alert(1)>Ann"


def award(sql: Sql, chat: Chat, points: int, bot: str = "spin") -> None:
    sql("select award_xp(%s, %s, 'service', %s, %s)", chat.id, bot, f"progress:{chat.id}:{bot}", points)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_page_shows_what_the_bot_shows(browser: Visitor, anna: Chat, sql: Sql, language: str) -> None:
    award(sql, anna, 340)
    award(sql, anna, 60, "quiz")
    sql("select award_badge(%s, 'spin', 'spin_master')", anna.id)
    page = browser.get(f"{PATH}?lang={language}")
    check_page(page.body)
    assert text(language, "badge_spin_master") in page.body
    assert text(language, "badge_level_20_about") in page.body
    assert text(language, "bot_name_quiz") in page.body
    assert f"<td>{text(language, 'top_you')}</td>" in page.body
    for period in ("day", "week", "all", "never"):
        for board in ("all", "spin", "none"):
            assert browser.get(f"{PATH}?period={period}&board={board}").status == 200


def test_a_streak_is_paused_and_resumed(browser: Visitor, anna: Chat, sql: Sql) -> None:
    sql("select record_activity(u.id, 'spin') from users as u where u.telegram_id = %s", anna.id)
    assert text("en", "streak_pause") in browser.get(PATH).body
    done = browser.post(f"{PATH}/streak", {"is_paused": "true"})
    assert (done.status, done.headers["Location"]) == (303, f"/console{PATH}?notice=streak_paused_notice")
    assert browser.post(f"{PATH}/streak", {"is_paused": "true"}).status == 303
    page = browser.get(PATH)
    assert text("en", "streak_resume") in page.body
    anna.send("/streak")
    assert "⏸" in anna.answer().text
    assert browser.post(f"{PATH}/streak", {"is_paused": "false"}).status == 303
    assert text("en", "streak_pause") in browser.get(PATH).body
    assert browser.post(f"{PATH}/streak", {"is_paused": "perhaps"}).status == 422


def test_others_see_the_name_that_was_chosen(stack: Stack, browser: Visitor, anna: Chat, sql: Sql) -> None:
    award(sql, anna, 100)
    other = Visitor(stack)
    other.log_in(stack.telegram.user("Ben").chat("assistant"))
    browser.get(PATH)
    assert browser.post(f"{PATH}/name", {"name": "Quick Fox"}).status == 303
    assert "Quick Fox" in other.get(PATH).body
    assert browser.post(f"{PATH}/name", {"name": "Quick Fox", "is_hidden": "true"}).status == 303
    assert "Quick Fox" not in other.get(PATH).body
    assert browser.post(f"{PATH}/name", {"name": ""}).status == 303
    profile = sql("select get_profile(u.id) as p from users as u where u.telegram_id = %s", anna.id)[0]["p"]
    assert (profile["name"], profile["is_hidden"]) == (None, False)


@pytest.mark.parametrize("name", ["You", "User 5", "@anna", "https://see.example", "x" * 33, "12345"])
def test_a_name_that_misleads_is_refused(browser: Visitor, name: str) -> None:
    browser.get(PATH)
    refused = browser.post(f"{PATH}/name", {"name": name})
    assert refused.status == 422
    check_page(refused.body)
    assert text("en", "board_name_wrong", limit=32) in refused.body


def test_names_of_others_are_text(stack: Stack, browser: Visitor, sql: Sql) -> None:
    ben = stack.telegram.user("Ben").chat("assistant")
    other = Visitor(stack)
    other.log_in(ben)
    award(sql, ben, 50)
    other.get(PATH)
    assert other.post(f"{PATH}/name", {"name": HOSTILE}).status == 303
    page = browser.get(PATH)
    check_page(page.body)
    assert HOSTILE not in page.body
    assert escape(HOSTILE) in page.body
