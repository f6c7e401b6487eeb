"""“Log in with Telegram”, OpenID Connect: away to Telegram, and back with a code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from shared.core.texts import text
from shared.features.login.pages.choice import AFTER_LOGIN
from shared.features.login.pages.devices import PATH as DEVICES
from tests.support import in_parallel
from tests.web.conftest import Answer
from tests.web.login_ways.results import Sql, failure, sessions_of
from tests.web.visitor import Visitor
from tools.emulator.stack import Stack
from tools.emulator.telegram.users import TelegramUser


def sent_away(browser: Visitor, to: str = AFTER_LOGIN) -> dict[str, str]:
    """Press the button; return what Telegram is asked."""
    answer = browser.post("/login/telegram", {"to": to})
    assert answer.status == 303, answer.body
    address = urlsplit(answer.headers["Location"])
    assert f"{address.scheme}://{address.netloc}{address.path}" == f"{browser.stack.login.issuer}/auth"
    return dict(parse_qsl(address.query))


def back_with(browser: Visitor, address: str) -> Answer:
    """Come back to the site."""
    parts = urlsplit(address)
    return browser.get(f"{parts.path}?{parts.query}")


def test_a_login_at_telegram_org(stack: Stack, browser: Visitor, anna: TelegramUser, sql: Sql) -> None:
    page = browser.get("/login?to=/account/devices")
    assert text("en", "login_at_telegram") in page.body
    assert f"form-action 'self' {stack.url}" in page.headers["Content-Security-Policy"]
    asked = sent_away(browser)
    done = back_with(browser, stack.login.agree(asked, anna.id))
    assert (done.status, done.headers["Location"]) == (303, f"/console{AFTER_LOGIN}")
    assert "telegram_login" not in browser.cookies
    listed = browser.get(DEVICES)
    assert text("en", "login_way_telegram") in listed.body
    assert sessions_of(sql, anna) == [{"way": "telegram"}]
    assert sql("select first_name from users where telegram_id = %s", anna.id) == [{"first_name": "Anna"}]


def test_the_page_that_was_wanted_is_opened_with_its_query(
    stack: Stack, browser: Visitor, anna: TelegramUser
) -> None:
    wanted = browser.get("/account/devices?lang=ru&x=a%26b")
    assert wanted.status == 303
    to = dict(parse_qsl(urlsplit(wanted.headers["Location"]).query))["to"]
    done = back_with(browser, stack.login.agree(sent_away(browser, to), anna.id))
    assert done.headers["Location"] == "/console/account/devices?lang=ru&x=a%26b"
    assert browser.get(done.headers["Location"]).status == 200
    again = browser.get(f"/login?{urlencode({'to': to})}")
    assert again.headers["Location"] == "/console/account/devices?lang=ru&x=a%26b"


def test_the_way_back_works_once(stack: Stack, browser: Visitor, anna: TelegramUser) -> None:
    address = stack.login.agree(sent_away(browser), anna.id)
    kept = dict(browser.cookies)
    assert back_with(browser, address).status == 303
    again = Visitor(stack)
    again.cookies = kept
    assert failure(back_with(again, address), "login_expired")
    assert "session" not in again.cookies


def test_at_once_the_way_back_opens_one_session(
    stack: Stack, browser: Visitor, anna: TelegramUser, sql: Sql
) -> None:
    address = stack.login.agree(sent_away(browser), anna.id)
    kept = dict(browser.cookies)

    def come(_: int) -> int:
        copy = Visitor(stack)
        copy.cookies = dict(kept)
        return back_with(copy, address).status

    assert sorted(in_parallel(6, come)) == [200] * 5 + [303]
    assert len(sessions_of(sql, anna)) == 1


def test_a_link_of_another_browser_logs_no_one_in(stack: Stack, browser: Visitor, anna: TelegramUser) -> None:
    """An attacker who agreed at Telegram and sends the way back to a victim."""
    address = stack.login.agree(sent_away(browser), anna.id)
    victim = Visitor(stack)
    assert failure(back_with(victim, address), "login_expired")
    sent_away(victim)
    assert failure(back_with(victim, address), "login_expired")
    assert "session" not in victim.cookies


def test_states_of_strangers(stack: Stack, browser: Visitor, anna: TelegramUser) -> None:
    address = urlsplit(stack.login.agree(sent_away(browser), anna.id))
    code = dict(parse_qsl(address.query))["code"]
    for state in ("", "x", "x" * 1_000, "\ud800"):
        query = urlencode({"code": code, "state": state}, errors="surrogatepass")
        assert failure(browser.get(f"/login/callback?{query}"), "login_expired")
    assert failure(browser.get("/login/callback"), "login_expired")


def test_a_login_at_telegram_expires(
    stack: Stack, browser: Visitor, anna: TelegramUser, clock: Callable[[str], None]
) -> None:
    address = stack.login.agree(sent_away(browser), anna.id)
    clock("clock_timestamp() + interval '10 minutes 1 second'")
    assert failure(back_with(browser, address), "login_expired")


def test_a_user_who_declines_may_begin_again(stack: Stack, browser: Visitor, anna: TelegramUser) -> None:
    state = sent_away(browser, "/account/devices?x=1")["state"]
    declined = browser.get(f"/login/callback?error=access_denied&state={state}")
    assert failure(declined, "login_refused")
    assert 'value="/account/devices?x=1"' in declined.body, "the page that the user wanted is kept"
    assert back_with(browser, stack.login.agree(sent_away(browser), anna.id)).status == 303


@pytest.mark.parametrize(
    "claims", [{"id": None}, {"aud": "1"}, {"iss": "https://evil.example"}, {"exp": 1}, {"nonce": "x"}]
)
def test_a_token_that_is_not_valid_logs_no_one_in(
    stack: Stack,
    browser: Visitor,
    anna: TelegramUser,
    claims: dict[str, Any],
    log_of_console: Callable[[], str],
) -> None:
    stack.login.claims = claims
    assert failure(back_with(browser, stack.login.agree(sent_away(browser), anna.id)), "login_not_confirmed")
    assert "session" not in browser.cookies
    assert '"action":"login_refused"' in log_of_console()


def test_telegram_that_does_not_answer(stack: Stack, browser: Visitor, anna: TelegramUser) -> None:
    address = stack.login.agree(sent_away(browser), anna.id)
    stack.login.fail("drop")
    answer = back_with(browser, address)
    assert answer.status == 503
    assert text("en", "login_unreachable") in answer.body
    stack.login.fail("page")
    answer = back_with(browser, stack.login.agree(sent_away(browser), anna.id))
    assert failure(answer, "login_not_confirmed")


@pytest.mark.parametrize("to", ["https://evil.example/", "//evil.example", "/\\evil.example", "x" * 600, ""])
def test_only_pages_of_ours_are_opened_after_the_login(
    stack: Stack, browser: Visitor, anna: TelegramUser, to: str
) -> None:
    done = back_with(browser, stack.login.agree(sent_away(browser, to), anna.id))
    assert done.headers["Location"] == f"/console{AFTER_LOGIN}"


def test_logins_of_one_address_are_limited_over_all_ways(browser: Visitor) -> None:
    for number in range(10):
        way = "/login/begin" if number % 2 else "/login/telegram"
        assert browser.post(way).status == 303
    assert browser.post("/login/telegram").status == 429


def test_another_site_cannot_begin_a_login(browser: Visitor) -> None:
    assert browser.post("/login/telegram", Origin="https://evil.example").status == 403
    assert browser.get("/login/telegram").status == 405


def test_without_a_secret_the_way_is_not_offered(stack: Stack, browser: Visitor) -> None:
    with stack.settings("console", TELEGRAM_LOGIN_SECRET=""):
        page = browser.get("/login")
        assert text("en", "login_at_telegram") not in page.body
        assert "form-action 'self';" in page.headers["Content-Security-Policy"]
        assert browser.post("/login/telegram").status == 404
        assert failure(browser.get("/login/callback?code=x&state=y"), "login_expired")


def test_a_banned_user_gets_no_session(stack: Stack, browser: Visitor, anna: TelegramUser, sql: Sql) -> None:
    anna.chat().send("/start").wait()
    sql("update users set banned_at = now() where telegram_id = %s", anna.id)
    answer = back_with(browser, stack.login.agree(sent_away(browser), anna.id))
    assert failure(answer, "login_banned")
    assert sessions_of(sql, anna) == []
