"""The logins for which Telegram itself vouches: OpenID Connect, Mini Apps, the older widget."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import orjson
import pytest

from shared.core.texts import text
from shared.features.login.pages.choice import AFTER_LOGIN
from shared.features.login.pages.devices import PATH as DEVICES
from tests.support import in_parallel
from tests.web.conftest import Answer
from tests.web.visitor import Visitor
from tools.emulator.stack import Stack
from tools.emulator.telegram.users import TelegramUser

Sql = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def anna(stack: Stack) -> TelegramUser:
    return stack.telegram.user("Anna", "en")


@pytest.fixture
def browser(stack: Stack) -> Visitor:
    return Visitor(stack)


@pytest.fixture(autouse=True)
def _no_earlier_attempts(sql: Sql) -> None:
    """All tests come from one network address, of which ten logins an hour are allowed."""
    sql("delete from login_attempts")


@pytest.fixture(autouse=True)
def log_of_console(stack: Stack) -> Iterator[Callable[[], str]]:
    """What the console wrote during the test; no secret may be in it."""
    before = len(stack.function("console").raw_log)

    def written() -> str:
        return stack.function("console").raw_log[before:]

    yield written
    for bot in stack.telegram.state.bots.values():
        assert bot.token.partition(":")[2] not in written()
    assert stack.login.secret not in written()
    for line in written().splitlines():
        assert '"severity":"ERROR"' not in line, line


def failure(answer: Answer, key: str) -> bool:
    """Whether a page says why the login failed."""
    return 'role="alert"' in answer.body and text("en", key) in answer.body


def users_of(sql: Sql, user: TelegramUser) -> list[dict[str, Any]]:
    found = "select s.way from user_sessions s join users u on u.id = s.user_id where u.telegram_id = %s"
    return sql(found, user.id)


# Log in with Telegram ---------------------------------------


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
    assert users_of(sql, anna) == [{"way": "telegram"}]
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
    assert len(users_of(sql, anna)) == 1


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


@pytest.mark.parametrize("way", ["telegram", "mini_app"])
def test_a_banned_user_gets_no_session(
    stack: Stack, browser: Visitor, anna: TelegramUser, sql: Sql, way: str
) -> None:
    anna.chat().send("/start").wait()
    sql("update users set banned_at = now() where telegram_id = %s", anna.id)
    if way == "telegram":
        answer = back_with(browser, stack.login.agree(sent_away(browser), anna.id))
        assert failure(answer, "login_banned")
    else:
        assert opened(browser, anna.init_data()) == (403, "banned", "")
    assert users_of(sql, anna) == []


# Mini Apps --------------------------------------------------


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
    assert users_of(sql, anna) == [{"way": "mini_app"}]


def test_the_same_data_opens_one_session(
    stack: Stack, browser: Visitor, anna: TelegramUser, sql: Sql
) -> None:
    data, secret = anna.init_data(), secrets.token_urlsafe(32)
    first = opened(browser, data, secret)
    assert opened(browser, data, secret) == first, "the first answer may be lost"
    assert opened(Visitor(stack), data)[:2] == (401, "replayed")
    reordered = "&".join(reversed(data.split("&")))
    assert opened(Visitor(stack), reordered)[:2] == (401, "replayed")
    assert len(users_of(sql, anna)) == 1
    assert opened(browser, anna.init_data())[1] == "opened", "the app is opened again"


def test_at_once_the_same_data_opens_one_session(stack: Stack, anna: TelegramUser, sql: Sql) -> None:
    data = anna.init_data()
    outcomes = in_parallel(6, lambda _: opened(Visitor(stack), data)[1])
    assert sorted(outcomes) == ["opened"] + ["replayed"] * 5
    assert len(users_of(sql, anna)) == 1


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
    assert users_of(sql, anna) == []


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


# The older widget -------------------------------------------


def of_widget(stack: Stack, user: TelegramUser, bot: str = "assistant", **more: str) -> str:
    """Return the query with which the widget comes back."""
    fields = {
        "id": str(user.id),
        "first_name": "Anna <b>",
        "auth_date": str(int(stack.telegram.state.clock.now())),
        **more,
    }
    lines = "\n".join(f"{name}={fields[name]}" for name in sorted(fields))
    key = hashlib.sha256(stack.telegram.state.bots[bot].token.encode()).digest()
    return urlencode(fields | {"hash": hmac.new(key, lines.encode(), hashlib.sha256).hexdigest()})


def test_the_widget_asks_first(stack: Stack, browser: Visitor, anna: TelegramUser, sql: Sql) -> None:
    query = of_widget(stack, anna)
    page = browser.get(f"/login/widget?{query}")
    assert page.status == 200
    assert "Anna &lt;b&gt;" in page.body
    assert page.headers["Referrer-Policy"] == "same-origin"
    assert users_of(sql, anna) == []
    assert "session" not in browser.cookies
    assert browser.post("/login/widget/confirm", {"query": query}).status == 303
    assert browser.get(AFTER_LOGIN).status == 200
    assert users_of(sql, anna) == [{"way": "widget"}]


def test_fields_of_the_widget_work_once(stack: Stack, anna: TelegramUser, sql: Sql) -> None:
    query = of_widget(stack, anna)

    def come(_: int) -> int:
        return Visitor(stack).post("/login/widget/confirm", {"query": query}).status

    assert sorted(in_parallel(4, come)) == [200, 200, 200, 303]
    assert len(users_of(sql, anna)) == 1


def test_forged_fields_of_the_widget(stack: Stack, browser: Visitor, anna: TelegramUser) -> None:
    query = of_widget(stack, anna)
    for wrong in (
        query.replace("Anna", "Hanna"),
        query + "&is_admin=1",
        of_widget(stack, anna, bot="quiz"),
        of_widget(stack, anna, auth_date=str(int(time.time()) - 700)),
        "",
    ):
        assert failure(browser.get(f"/login/widget?{wrong}"), "login_not_confirmed")
        assert failure(browser.post("/login/widget/confirm", {"query": wrong}), "login_not_confirmed")
    assert (
        browser.post("/login/widget/confirm", {"query": query}, Origin="https://evil.example").status == 403
    )
    assert browser.post("/login/widget/confirm", {"query": "x" * 5_000}).status == 422
    assert "session" not in browser.cookies
