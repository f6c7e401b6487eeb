"""The account: its first page, the usage and the settings, in both languages."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from typing import Any

import pytest

from shared.core.texts import text
from tests.support import eventually
from tests.web.pages import check_page
from tests.web.visitor import Visitor
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

Sql = Callable[..., list[dict[str, Any]]]
HOSTILE = "<img src=x onerror=alert(1)>"
SETTINGS = "/account/settings"


def row(sql: Sql, chat: Chat) -> dict[str, Any]:
    return sql("select * from users where telegram_id = %s", chat.id)[0]


def test_the_first_page_offers_the_login_and_leads_a_user_to_the_account(stack: Stack, anna: Chat) -> None:
    browser = Visitor(stack)
    assert 'href="/console/login"' in browser.get("/").body
    page = browser.log_in(anna)
    assert page.status == 200
    answer = browser.get("/")
    assert (answer.status, answer.headers["Location"]) == (303, "/console/account")


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_account_shows_what_the_user_has(stack: Stack, sql: Sql, language: str) -> None:
    chat = stack.telegram.user("Ada", language_code=language).chat("assistant")
    chat.send("Hello")
    chat.answer()
    sql("select adjust_balance(%s, 12.5, 'top-up', %s)", chat.id, f"account:{chat.id}")
    sql("select grant_subscription(%s, 'month', %s)", chat.id, f"account:{chat.id}")
    browser = Visitor(stack, language)
    page = browser.log_in(chat)
    check_page(page.body)
    assert "<h1>Ada</h1>" in page.body
    assert text(language, "plan_PREMIUM") in page.body
    assert text(language, "account_balance") in page.body
    assert re.search(r"12[.,]50", page.body)
    for part in ("usage", "settings", "devices"):
        assert f'href="/console/account/{part}"' in page.body
        assert browser.get(f"/account/{part}").status == 200
    usage = browser.get("/account/usage")
    check_page(usage.body)
    assert text(language, "account_chart_title") in usage.body
    assert "<rect" in usage.body
    assert usage.body.count("<tr>") == 31


def test_names_are_text(stack: Stack, sql: Sql) -> None:
    chat = stack.telegram.user(HOSTILE, language_code="en").chat("assistant")
    browser = Visitor(stack)
    page = browser.log_in(chat)
    check_page(page.body)
    assert HOSTILE not in page.body
    assert escape(HOSTILE) in page.body


def test_the_language_is_that_of_the_bots(anna: Chat, browser: Visitor, sql: Sql) -> None:
    browser.get(SETTINGS)
    done = browser.post(f"{SETTINGS}/language", {"language": "ru"})
    assert (done.status, done.headers["Location"]) == (303, f"/console{SETTINGS}?notice=account_saved_notice")
    assert row(sql, anna)["language"] == "ru"
    assert '<html lang="ru">' in browser.get(SETTINGS).body
    anna.send("/profile")
    assert "профиль" in anna.answer().text.lower()
    browser.get(f"{SETTINGS}?lang=ru")
    done = browser.post(f"{SETTINGS}/language?lang=ru", {"language": "en"})
    assert "lang=en" in done.headers["Location"]
    for wrong in ("de", "", "x" * 11, HOSTILE):
        assert browser.post(f"{SETTINGS}/language", {"language": wrong}).status == 422
    assert row(sql, anna)["language"] == "en"


@pytest.mark.parametrize("written", ["Asia/Tokyo", "tokyo", "Токио"])
def test_the_time_zone_is_a_city_or_a_name(browser: Visitor, written: str) -> None:
    page = browser.get(SETTINGS)
    assert '<option value="Asia/Tokyo">' in page.body
    done = browser.post(f"{SETTINGS}/zone", {"zone": written})
    assert done.status == 303
    assert 'value="Asia/Tokyo"' in browser.get(SETTINGS).body


@pytest.mark.parametrize("written", [HOSTILE, "Atlantis", "UTC+99"])
def test_an_unknown_time_zone_is_refused(browser: Visitor, written: str) -> None:
    browser.get(SETTINGS)
    answer = browser.post(f"{SETTINGS}/zone", {"zone": written})
    assert answer.status == 422
    check_page(answer.body)
    assert text("en", "account_zone_unknown") in answer.body


def test_the_contact_for_receipts_is_that_of_the_bot(anna: Chat, browser: Visitor, sql: Sql) -> None:
    browser.get(SETTINGS)
    assert browser.post(f"{SETTINGS}/contact", {"contact": "anna@example.com"}).status == 303
    assert 'value="anna@example.com"' in browser.get(SETTINGS).body
    stored = "select session_data ->> 'receipt_contact' as contact from bot_sessions where chat_id = %s"
    assert sql(stored, anna.id)[0]["contact"] == "anna@example.com"
    refused = browser.post(f"{SETTINGS}/contact", {"contact": HOSTILE})
    assert refused.status == 422
    assert text("en", "account_contact_wrong") in refused.body
    assert browser.post(f"{SETTINGS}/contact", {"contact": " "}).status == 303
    assert sql(stored, anna.id)[0]["contact"] is None


@pytest.mark.parametrize("path", ["/account", "/account/usage", SETTINGS])
def test_without_a_database_pages_ask_to_come_back(stack: Stack, browser: Visitor, path: str) -> None:
    stack.database.down()
    answer = browser.get(path)
    stack.database.up()
    assert answer.status == 503
    check_page(answer.body)
    assert eventually(lambda: browser.get(path).status == 200)
