"""Login through the bot: number matching, one use, forwarded links, sessions and their ends."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from shared.core.texts import text
from shared.features.login.pages.choice import AFTER_LOGIN
from shared.features.login.pages.devices import PATH as DEVICES
from tests.stories.test_conversations import labels
from tests.support import in_parallel, says
from tests.web.visitor import Visitor, ask, code_of
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

Sql = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def anna(stack: Stack) -> Chat:
    return stack.telegram.user("Anna", language_code="en").chat("assistant")


def begun(stack: Stack) -> tuple[Visitor, str]:
    """Begin a login; return the browser and its page."""
    browser = Visitor(stack)
    assert browser.post("/login/begin").status == 303
    page = browser.get("/login/bot")
    assert page.status == 200
    return browser, page.body


def status(browser: Visitor) -> str:
    """Ask as the script of the page does; return the outcome."""
    answer = browser.post("/login/status", Accept="application/json")
    assert answer.status == 200
    return str(orjson.loads(answer.body)["outcome"])


def test_the_number_on_the_page_logs_the_browser_in(stack: Stack, anna: Chat) -> None:
    browser, page = begun(stack)
    question: Any = ask(anna, page)
    numbers = [label for label in labels(question) if re.fullmatch(r"\d\d", label)]
    assert len(set(numbers)) == 3
    assert code_of(page) in numbers
    assert status(browser) == "waiting"
    question.tap(code_of(page)).wait()
    assert says(question.wait_for_edit().text, "login_confirmed")
    assert status(browser) == "opened"
    assert "session" in browser.cookies
    listed = browser.get(DEVICES)
    assert listed.status == 200
    assert text("en", "login_this_device") in listed.body


def test_a_lost_answer_does_not_lose_the_login(stack: Stack, anna: Chat) -> None:
    browser, page = begun(stack)
    question: Any = ask(anna, page)
    question.tap(code_of(page)).wait()
    login = browser.cookies["login"]
    assert status(browser) == "opened"
    first = browser.cookies.pop("session")
    assert "login" not in browser.cookies
    browser.cookies["login"] = login
    assert status(browser) == "opened"
    assert browser.cookies["session"] == first


def test_a_login_does_not_open_a_session_again_that_was_ended(stack: Stack, anna: Chat) -> None:
    browser, page = begun(stack)
    question: Any = ask(anna, page)
    question.tap(code_of(page)).wait()
    login = browser.cookies["login"]
    assert status(browser) == "opened"
    browser.get(AFTER_LOGIN)
    assert browser.post("/logout").status == 303
    browser.cookies["login"] = login
    assert status(browser) == "used"
    assert "session" not in browser.cookies


@pytest.mark.parametrize("choice", ["wrong", "not me"])
def test_a_wrong_number_refuses_the_login_for_good(stack: Stack, anna: Chat, choice: str) -> None:
    browser, page = begun(stack)
    question: Any = ask(anna, page)
    right = code_of(page)
    wrong = next(one for one in labels(question) if re.fullmatch(r"\d\d", one) and one != right)
    question.tap(wrong if choice == "wrong" else text("en", "login_not_me")).wait()
    assert status(browser) == "refused"
    assert "session" not in browser.cookies
    again: Any = ask(anna, page)
    assert says(again.text.split("\n\n")[-1], "login_decided")
    assert browser.get(DEVICES).status == 303


def test_who_only_has_the_link_is_not_logged_in(stack: Stack, anna: Chat) -> None:
    """The browser that began the login is the only one that it logs in; the link is no key."""
    browser, page = begun(stack)
    stranger = Visitor(stack)
    token = browser.cookies["login"].split(".")[0]
    stranger.cookies["login"] = f"{token}.{'A' * 43}.{code_of(page)}"
    question: Any = ask(anna, page)
    question.tap(code_of(page)).wait()
    assert status(stranger) == "unknown"
    assert "session" not in stranger.cookies
    assert status(browser) == "opened"


def test_an_old_login_has_expired_everywhere(stack: Stack, anna: Chat, clock: Callable[[str], None]) -> None:
    browser, page = begun(stack)
    question: Any = ask(anna, page)
    clock("clock_timestamp() + interval '5 minutes 1 second'")
    question.tap(code_of(page)).wait()
    assert says(question.wait_for_edit().text, "login_expired")
    assert status(browser) == "expired"


def test_ten_logins_an_hour_of_one_address(stack: Stack) -> None:
    browser = Visitor(stack)
    for _ in range(10):
        assert browser.post("/login/begin").status == 303
    limited = browser.post("/login/begin")
    assert limited.status == 429
    assert text("en", "login_limited") in limited.body
    assert browser.post("/login/begin", X_Forwarded_For="203.0.113.9").status == 303


def test_logins_that_succeed_do_not_count(stack: Stack, anna: Chat) -> None:
    """A mobile operator has one address for many users."""
    for _ in range(12):
        assert Visitor(stack).log_in(anna).status == 200
    for _ in range(10):
        assert Visitor(stack).post("/login/begin").status == 303
    assert Visitor(stack).post("/login/begin").status == 429


def test_a_flood_from_many_addresses_is_bounded(
    stack: Stack, anna: Chat, sql: Sql, clock: Callable[[str], None]
) -> None:
    sql("update private.settings set value = '3' where key = 'login_minute_attempts'")
    Visitor(stack).log_in(anna)
    found = [
        Visitor(stack).post("/login/begin", X_Forwarded_For=f"203.0.113.{number}") for number in range(4)
    ]
    assert [one.status for one in found] == [303, 303, 303, 429]
    assert text("en", "login_busy") in found[-1].body
    clock("clock_timestamp() + interval '61 seconds'")
    assert Visitor(stack).post("/login/begin").status == 303
    sql("update private.settings set value = '0' where key = 'login_minute_attempts'")
    for number in range(4):
        assert Visitor(stack).post("/login/begin", X_Forwarded_For=f"203.0.113.{number}").status == 303


def test_at_once_one_login_opens_one_session(stack: Stack, anna: Chat, sql: Sql) -> None:
    browser, page = begun(stack)
    question: Any = ask(anna, page)
    question.tap(code_of(page)).wait()
    login = browser.cookies["login"]

    def finish(_number: int) -> str:
        copy = Visitor(stack)
        copy.cookies["login"] = login
        return status(copy)

    assert set(in_parallel(8, finish)) == {"opened"}
    sessions = "select from user_sessions as s join users as u on u.id = s.user_id where u.telegram_id = %s"
    assert len(sql(sessions, anna.id)) == 1


def test_sessions_are_listed_and_end_one_by_one_or_all(stack: Stack, anna: Chat) -> None:
    first, second, third = Visitor(stack), Visitor(stack), Visitor(stack)
    for browser in (first, second, third):
        browser.log_in(anna, DEVICES)
    page = first.get(DEVICES)
    others = re.findall(r'name="session" value="(\d+)"', page.body)
    assert len(others) == 2
    assert first.post(f"{DEVICES}/end", {"session": others[0]}).status == 303
    assert sorted(one.get(DEVICES).status for one in (second, third)) == [200, 303]
    first.get(DEVICES)
    assert first.post(f"{DEVICES}/end").status == 303
    assert [one.get(DEVICES).status for one in (first, second, third)] == [200, 303, 303]
    first.get(DEVICES)
    assert first.post("/logout").status == 303
    assert first.get(DEVICES).status == 303


def test_another_users_session_cannot_be_ended(stack: Stack, anna: Chat) -> None:
    hers, his = Visitor(stack), Visitor(stack)
    hers.log_in(anna, DEVICES)
    his.log_in(stack.telegram.user("Ben").chat("assistant"), DEVICES)
    mine = Visitor(stack)
    mine.log_in(anna, DEVICES)
    foreign = re.findall(r'name="session" value="(\d+)"', mine.get(DEVICES).body)[0]
    his.get(DEVICES)
    his.post(f"{DEVICES}/end", {"session": foreign})
    assert hers.get(DEVICES).status == 200


@pytest.mark.parametrize("change", ["update users set banned_at = now()", "update users set is_admin = true"])
def test_a_ban_and_a_change_of_rights_end_sessions(stack: Stack, anna: Chat, sql: Sql, change: str) -> None:
    browser = Visitor(stack)
    browser.log_in(anna, DEVICES)
    sql(f"{change} where telegram_id = %s", anna.id)
    assert browser.get(DEVICES).status == 303


def test_a_banned_user_gets_no_session(stack: Stack, anna: Chat, sql: Sql) -> None:
    browser, page = begun(stack)
    question: Any = ask(anna, page)
    question.tap(code_of(page)).wait()
    sql("update users set banned_at = now() where telegram_id = %s", anna.id)
    assert status(browser) == "banned"
    assert "session" not in browser.cookies


@pytest.mark.parametrize(("later", "opens"), [("13 days", 200), ("15 days", 303)])
def test_a_session_ends_when_it_is_not_used(
    stack: Stack, anna: Chat, clock: Callable[[str], None], later: str, opens: int
) -> None:
    browser = Visitor(stack)
    browser.log_in(anna, DEVICES)
    clock(f"clock_timestamp() + interval '{later}'")
    assert browser.get(DEVICES).status == opens


def test_pages_prolong_a_session_up_to_its_end(
    stack: Stack, anna: Chat, clock: Callable[[str], None], sql: Sql
) -> None:
    browser = Visitor(stack)
    browser.log_in(anna, DEVICES)
    for days in (10, 20, 30, 40, 50, 60, 70, 80, 89):
        clock(f"clock_timestamp() + interval '{days} days'")
        assert browser.get(DEVICES).status == 200, days
    clock("clock_timestamp() + interval '90 days 1 minute'")
    assert browser.get(DEVICES).status == 303
    assert sql("select sweep() as done")[0]["done"]["logins"] >= 1


def test_admins_have_short_sessions_and_are_notified(
    stack: Stack, sql: Sql, clock: Callable[[str], None]
) -> None:
    boss = stack.telegram.user("Boss").chat("assistant")
    boss.send("/start")
    boss.answer()
    sql("insert into admins (email, telegram_id) values ('boss@example.com', %s)", boss.id)
    browser = Visitor(stack)
    try:
        browser.log_in(boss, DEVICES)
        notice: Any = boss.answer()
        assert says(notice.text, "login_notice", device="")
        clock("clock_timestamp() + interval '12 hours 1 minute'")
        assert browser.get(DEVICES).status == 303
        clock("clock_timestamp()")
        assert browser.get(DEVICES).status == 200
        notice.tap(text("en", "login_end_all")).wait()
        assert browser.get(DEVICES).status == 303
    finally:
        sql("delete from admins where email = 'boss@example.com'")


@pytest.mark.parametrize("headers", [
    {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": ""},
    {"Origin": "", "Sec_Fetch_Site": "cross-site"}, {"Origin": "", "Sec_Fetch_Site": "same-site"},
    {"Origin": "null", "Sec_Fetch_Site": "none"}, {"Origin": "null", "Sec_Fetch_Site": "cross-site"},
    {"Origin": "https://evil.example", "Sec_Fetch_Site": "same-origin"},
])  # fmt: skip
def test_forms_of_other_sites_are_refused(stack: Stack, anna: Chat, headers: dict[str, str]) -> None:
    browser = Visitor(stack)
    browser.log_in(anna, DEVICES)
    refused = browser.post("/logout", **headers)
    assert refused.status == 403
    assert text("en", "web_error_origin") in refused.body
    assert browser.get(DEVICES).status == 200


@pytest.mark.parametrize("token", ["", "A" * 86, "é", "A" * 10_00, "foreign"])
def test_forms_need_the_token_of_their_session(stack: Stack, anna: Chat, token: str) -> None:
    browser = Visitor(stack)
    browser.log_in(anna, DEVICES)
    if token == "foreign":
        other = Visitor(stack)
        other.log_in(stack.telegram.user("Ben").chat("assistant"), DEVICES)
        token = other.csrf
    refused = browser.post("/logout", {"csrf": token})
    assert refused.status == 403
    assert browser.get(DEVICES).status == 200


def test_the_token_of_a_form_differs_in_each_page(stack: Stack, anna: Chat) -> None:
    browser = Visitor(stack)
    browser.log_in(anna, DEVICES)
    tokens = set()
    for _ in range(3):
        browser.get(DEVICES)
        tokens.add(browser.csrf)
    assert len(tokens) == 3
    assert browser.post("/logout", {"csrf": sorted(tokens)[0]}).status == 303


@pytest.mark.parametrize("to", [
    "https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\tx",
    "/" + "a" * 600, "\\\\evil.example", "",
])  # fmt: skip
def test_no_login_leads_to_another_site(stack: Stack, anna: Chat, to: str) -> None:
    browser = Visitor(stack)
    assert browser.post("/login/begin", {"to": to}).status == 303
    page = browser.get("/login/bot").body
    question: Any = ask(anna, page)
    question.tap(code_of(page)).wait()
    done = browser.post("/login/status")
    assert done.headers["Location"] == f"/console{AFTER_LOGIN}"


@pytest.mark.parametrize("payload", ["login_", "login_x", "login_" + "A" * 22, "login_" + "A" * 23])
def test_the_bot_says_that_a_link_does_not_work(anna: Chat, payload: str) -> None:
    anna.send(f"/start {payload}")
    assert text("en", "login_unknown") in anna.answer().text
