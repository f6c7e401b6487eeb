"""The login of a Mini App: signed data for a token."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from shared.features.login.pages.choice import AFTER_LOGIN
from tests.support import in_parallel
from tests.web.login_ways.results import Sql, sessions_of
from tests.web.visitor import Visitor
from tools.emulator.stack import Stack
from tools.emulator.telegram.users import TelegramUser


def opened(
    browser: Visitor, data: object, secret: object = "", bot: object = "assistant", **headers: str
) -> tuple[int, str, str]:
    """Log in as a Mini App; return the status, the outcome and the token."""
    body = {"bot": bot, "init_data": data, "secret": secret or secrets.token_urlsafe(32)}
    sent = {
        "Accept": "application/json",
        "Origin": browser.origin,
        "Content-Type": "application/json",
        **headers,
    }
    answer = browser._send("POST", "/login/mini_app", orjson.dumps(body), sent)
    found = orjson.loads(answer.body) if "json" in answer.headers["Content-Type"] else {}
    return answer.status, str(found.get("outcome", "")), str(found.get("token", ""))


def page_of(browser: Visitor, token: str) -> int:
    return browser.get(AFTER_LOGIN, Authorization=f"Bearer {token}").status


def test_a_mini_app_gets_a_token_and_no_cookie(browser: Visitor, anna: TelegramUser, sql: Sql) -> None:
    status, outcome, token = opened(browser, anna.init_data())
    assert (status, outcome) == (200, "opened")
    assert browser.cookies == {}
    assert page_of(browser, token) == 200
    assert page_of(browser, token[:-1]) == 303
    assert browser.get(AFTER_LOGIN).status == 303
    assert sessions_of(sql, anna) == [{"way": "mini_app"}]


def test_the_same_data_opens_one_session(
    stack: Stack, browser: Visitor, anna: TelegramUser, sql: Sql
) -> None:
    data, secret = anna.init_data(), secrets.token_urlsafe(32)
    first = opened(browser, data, secret)
    assert opened(browser, data, secret) == first, "the first answer may be lost"
    assert opened(Visitor(stack), data)[:2] == (401, "replayed")
    reordered = "&".join(reversed(data.split("&")))
    assert opened(Visitor(stack), reordered)[:2] == (401, "replayed")
    assert len(sessions_of(sql, anna)) == 1
    assert opened(browser, anna.init_data())[1] == "opened", "the app is opened again"


def test_at_once_the_same_data_opens_one_session(stack: Stack, anna: TelegramUser, sql: Sql) -> None:
    data = anna.init_data()
    outcomes = in_parallel(6, lambda _: opened(Visitor(stack), data)[1])
    assert sorted(outcomes) == ["opened"] + ["replayed"] * 5
    assert len(sessions_of(sql, anna)) == 1


def test_a_session_that_ended_is_not_opened_again_by_its_data(
    browser: Visitor, anna: TelegramUser, sql: Sql
) -> None:
    data, secret = anna.init_data(), secrets.token_urlsafe(32)
    token = opened(browser, data, secret)[2]
    sql("delete from user_sessions")
    assert page_of(browser, token) == 303
    assert opened(browser, data)[:2] == (401, "replayed")
    assert opened(browser, data, secret)[:2] == (401, "replayed")
    sql("update users set banned_at = now() where telegram_id = %s", anna.id)
    assert opened(browser, data, secret)[:2] == (403, "banned")


def test_a_ban_outlives_an_erasure(browser: Visitor, anna: TelegramUser, sql: Sql) -> None:
    chat = anna.chat()
    chat.send("/deleteme")
    asked = chat.answer()
    sql("update users set banned_at = now() where telegram_id = %s", anna.id)
    asked.tap("🗑 Delete everything")
    assert "✅" in asked.wait_for_edit().text
    assert sql("select 1 from users where telegram_id = %s", anna.id) == []
    assert opened(browser, anna.init_data()) == (403, "banned", "")
    assert opened(browser, anna.init_data()) == (403, "banned", "")
    assert sessions_of(sql, anna) == []


def test_a_session_of_a_mini_app_ends_after_half_a_day(
    browser: Visitor, anna: TelegramUser, clock: Callable[[str], None]
) -> None:
    token = opened(browser, anna.init_data())[2]
    for hours, status in ((11, 200), (22, 200), (35, 303)):
        clock(f"clock_timestamp() + interval '{hours} hours'")
        assert page_of(browser, token) == status


@pytest.mark.parametrize(
    "change",
    [
        lambda data: "",
        lambda data: data.replace("hash=", "hash=0"),
        lambda data: data.replace("auth_date=1", "auth_date=2"),
        lambda data: data + "&user=%7B%22id%22%3A1%7D",
        lambda data: "user=%7B%22id%22%3A1%7D&" + data,
        lambda data: data + "&x=" + "y" * 7_000,
    ],
)
def test_forged_data_is_refused(
    browser: Visitor, anna: TelegramUser, change: Any, log_of_console: Callable[[], str]
) -> None:
    data = change(anna.init_data())
    assert opened(browser, data) == (401, "refused", "")
    assert '"action":"login_refused"' in log_of_console()
    if data:
        assert data[:40] not in log_of_console()


def test_data_is_good_for_its_bot_alone(browser: Visitor, anna: TelegramUser) -> None:
    data = anna.init_data("quiz")
    assert opened(browser, data, bot="assistant")[1] == "refused"
    assert opened(browser, data, bot="nope")[1] == "refused"
    assert opened(browser, data, bot="")[1] == "refused"
    assert opened(browser, data, bot="quiz")[1] == "opened"


def test_old_data_is_refused(stack: Stack, browser: Visitor, anna: TelegramUser) -> None:
    from tools.emulator.telegram.mini_app import init_data

    bot = stack.telegram.state.bots["assistant"]
    for seconds, outcome in ((3_700, "refused"), (3_500, "opened"), (-300, "refused")):
        data = init_data(bot, anna.account, time.time() - seconds)
        assert opened(browser, data)[1] == outcome


@pytest.mark.parametrize(
    ("data", "secret", "bot", "status"),
    [
        ("x" * 9_000, "", "assistant", 422),
        (7, "", "assistant", 422),
        (None, "", "assistant", 422),
        ("x=1", "short", "assistant", 422),
        ("x=1", "!" * 43, "assistant", 422),
        ("x=1", "", ["assistant"], 422),
        ("x" * 40_000, "", "assistant", 413),
    ],
)
def test_a_malformed_request(browser: Visitor, data: object, secret: str, bot: object, status: int) -> None:
    assert opened(browser, data, secret, bot)[0] == status


def test_forms_and_other_sites_cannot_log_a_mini_app_in(browser: Visitor, anna: TelegramUser) -> None:
    data = anna.init_data()
    assert opened(browser, data, Origin="https://web.telegram.org")[0] == 403
    fields = {"bot": "assistant", "init_data": data, "secret": secrets.token_urlsafe(32)}
    assert browser.post("/login/mini_app", fields).status == 415
    assert browser.get("/login/mini_app").status == 405


def test_a_banned_user_gets_no_session(browser: Visitor, anna: TelegramUser, sql: Sql) -> None:
    anna.chat().send("/start").wait()
    sql("update users set banned_at = now() where telegram_id = %s", anna.id)
    assert opened(browser, anna.init_data()) == (403, "banned", "")
    assert sessions_of(sql, anna) == []
