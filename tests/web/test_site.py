"""What holds for every page of the console: headers, languages, methods, limits, errors, files."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Response
from werkzeug.exceptions import HTTPException, TooManyRequests, Unauthorized, default_exceptions
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from shared.console.routes import PAGES
from shared.core import texts
from shared.core.config import settings
from shared.core.errors import Refusal
from shared.web.access import Access
from shared.web.page import CACHED, Page, Policy
from shared.web.sessions import Session
from shared.web.site import MAX_URL, Site
from tests.support import for_each
from tests.web.conftest import Get
from tests.web.pages import EXAMPLES, check_headers, check_page
from tests.web.visitor import Visitor as Browser
from tools.emulator.stack import Stack

ODD_PATHS = [
    "/assets/../site.py", "/assets/..%2fsite.py", "/assets/%2e%2e%2f%2e%2e%2fcore%2fconfig.py", "/assets/",
    "/assets/style.css", "/assets/style.css%00", "/%00", "/%ff%fe", "/{{7*7}}",
    "/console/console/", "/consolex", "//evil.example/", "/\\evil.example", "/.git/config", "/.env", "/;a=b",
    "/%E2%80%AEtxt", "/index.php?x=<script>alert(1)</script>", "/<script>alert(1)</script>",
]  # fmt: skip


def test_every_page_has_an_example() -> None:
    assert {page.path for page in PAGES} == set(EXAMPLES)
    assert not [page.path for page in PAGES if page.path != "/" and page.path.endswith("/")]


def _expected(page: Page, method: str) -> int:
    """Return the status for a visitor without a session and without Origin."""
    if method == "POST":
        return 401 if page.access not in (Access.ANYONE, Access.VISITOR) else 403
    if page.path.startswith(("/courses", "/certificates")) and page.access is Access.VISITOR:
        return 200 if page.path == "/courses" else 404
    if page.path == "/courses/kinescope/access":
        return 403
    if page.access is not Access.ANYONE:
        return 200 if page.path in ("/", "/login", "/login/callback", "/login/widget") else 303
    return 404


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"])
@for_each("path", EXAMPLES.values())
def test_every_answer_has_the_security_headers(get: Get, path: str, method: str) -> None:
    answer = get(path, method)
    page = next(one for one in PAGES if EXAMPLES[one.path] == path)
    allowed = {*page.methods, *(["HEAD"] if "GET" in page.methods else [])}
    assert answer.status == (_expected(page, method) if method in allowed else 405)
    policy = page.policy if method in allowed else Policy()
    check_headers(
        answer.headers,
        has_scripts=policy.has_scripts,
        framed_by=policy.framed_by,
        is_indexed=policy.is_indexed,
    )
    if answer.status == 303:
        assert answer.body == ""
    elif method == "HEAD":
        assert answer.body == ""
        assert int(answer.headers["Content-Length"]) > 0
    else:
        check_page(answer.body)
    if answer.status == 405:
        assert set(answer.headers["Allow"].split(", ")) == allowed
        assert answer.headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("path", ODD_PATHS)
def test_an_odd_path_is_a_page_that_says_so(get: Get, path: str) -> None:
    answer = get(path, Accept_Language="en")
    assert answer.status == 404
    check_headers(answer.headers)
    check_page(answer.body)
    assert texts.text("en", "web_error_404") in answer.body
    assert "alert(1)" not in answer.body
    assert "evil.example" not in re.sub(r'href="[^"]*"', "", answer.body)
    assert not re.search(r'href="(https?:)?//', answer.body)


@pytest.mark.parametrize("path", ["/%0d%0aSet-Cookie:x=1", "/robots.txt", "/favicon.ico"])
def test_what_functions_framework_answers_itself_shows_nothing_of_the_visitor(get: Get, path: str) -> None:
    answer = get(path)
    assert answer.status == 404
    assert "Set-Cookie" not in answer.headers
    assert "Set-Cookie" not in answer.body


def test_the_function_answers_below_its_name_too(get: Get) -> None:
    assert get("/console").body == get("/console/").body
    assert get("/console/").status == 200


@pytest.mark.parametrize(("path", "accepted", "language"), [
    ("/", "ru-RU,ru;q=0.9,en;q=0.5", "ru"), ("/", "en-GB", "en"), ("/", "de, en;q=0.5", "en"),
    ("/", "de", "ru"), ("/", "", "ru"), ("/", "*", "ru"), ("/?lang=en", "ru", "en"),
    ("/?lang=de", "en", "en"),
    ("/?lang=%00", "en", "en"), ("/none?lang=en", "ru", "en"), ("/none", "en", "en"),
])  # fmt: skip
def test_the_language_is_that_of_the_address_or_of_the_browser(
    get: Get, path: str, accepted: str, language: str
) -> None:
    answer = get(path, Accept_Language=accepted)
    assert f'<html lang="{language}">' in answer.body
    assert "Accept-Language" in answer.headers["Vary"]
    key = "web_home" if answer.status == 200 else "web_error_404"
    assert f"<h1>{texts.text(language, key)}</h1>" in answer.body
    for code in texts.codes():
        assert f'?lang={code}" hreflang="{code}"' in answer.body


def test_an_address_that_is_too_long_is_refused(get: Get) -> None:
    assert get("/?x=" + "a" * (MAX_URL - 6)).status == 200
    for path in ("/?x=" + "a" * MAX_URL, "/" + "a" * MAX_URL):
        answer = get(path, Accept_Language="en")
        assert answer.status == 414
        check_headers(answer.headers)
        assert texts.text("en", "web_error_414") in answer.body


def test_a_body_that_no_page_takes_is_refused(get: Get) -> None:
    answer = get("/", body=b"x", Accept_Language="en")
    assert answer.status == 413
    check_headers(answer.headers)
    check_page(answer.body)
    assert get("/", body=b"").status == 200
    assert get("/", Transfer_Encoding="chunked").status in (400, 413)


def test_a_page_is_compressed(get: Get) -> None:
    plain, packed = get("/"), get("/", Accept_Encoding="br, gzip")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert packed.body == plain.body
    assert packed.size < plain.size
    assert get("/", Accept_Encoding="gzip;q=0").headers["Content-Encoding"] is None
    assert {"Accept-Encoding", "Accept-Language"} <= set(plain.headers["Vary"].split(", "))
    assert plain.headers["Cache-Control"] == "private, no-store"
    assert get("/none", If_None_Match="*").status == 404


def test_files_are_kept_for_good_under_the_hash_of_their_content(get: Get) -> None:
    page = get("/")
    files = set(re.findall(r'(?:href|src)="/console(/assets/[^"]+)"', page.body))
    assert {re.sub(r"\.[0-9a-f]{12}\.", ".", one) for one in files} == {
        "/assets/style.css",
        "/assets/mark.svg",
    }
    total = get("/", Accept_Encoding="gzip").size
    for file in files:
        answer = get(file, Accept_Encoding="gzip")
        total += answer.size
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["Content-Type"] in ("text/css; charset=utf-8", "image/svg+xml; charset=utf-8",
                                                  "image/svg+xml")  # fmt: skip
        assert answer.body == get(file).body
        assert get(file, If_None_Match=answer.headers["ETag"]).status == 304
        check_headers(answer.headers)
    assert total < 60_000


def test_a_wrong_setting_is_a_page_too(stack: Stack, get: Get) -> None:
    with stack.settings("console", RESPONSE_TIMEOUT="soon"):
        answer = get("/", Accept_Language="ru")
        assert answer.status == 503
        assert answer.headers["Retry-After"]
        check_headers(answer.headers)
        check_page(answer.body)
        assert texts.text("ru", "web_error_503") in answer.body
        assert "RESPONSE_TIMEOUT" not in answer.body
        assert "RESPONSE_TIMEOUT" in stack.function("console").raw_log


# A site of its own, for what no page does yet ---------------------------------------------------------

Visitor = Callable[..., Response]


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Visitor:
    """Answer one request with pages of the test: `site(page, "/path")`."""
    for name, value in {
        "DB_ENABLED": "false", "BOT_TOKENS": '{"assistant": "123456:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}',
        "TELEGRAM_WEBHOOK_SECRET": "the-first-webhook-secret", "USER_HASH_KEY": "k" * 32,
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("shared.web.visit.settings", settings.__wrapped__)
    monkeypatch.setattr("shared.web.site.settings", settings.__wrapped__)
    monkeypatch.setattr("shared.web.language.settings", settings.__wrapped__)

    def respond(page: Page, path: str = "/", **options: Any) -> Response:
        return Site([page]).respond(Request(EnvironBuilder(path, **options).get_environ()))  # type: ignore[arg-type]

    return respond


SESSION = Session(
    id=1, token="t" * 43, is_bearer=False, way="bot", user_id=1, telegram_id=1, first_name="Anna",
    last_name=None, username=None, languages=("en", "en"), time_zone="UTC", role=None, gate=None,
    is_paid=False, photo=None,
)  # fmt: skip


def shown(visit: Any) -> Response:
    return Response("<p>shown</p>", content_type="text/html; charset=utf-8")


@pytest.mark.parametrize(
    "error",
    [TypeError("'NoneType' object is not subscriptable"), Refusal("Z0004", "no such user"), Unauthorized()],
    ids=("no row", "refused", "found nothing"),
)
def test_a_user_who_is_gone_is_led_to_the_login(
    site: Visitor, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    """Logged out, banned or erased during the request."""
    found: list[Session | None] = [SESSION, None]
    monkeypatch.setattr("shared.web.sessions.find", lambda _request: found.pop(0))
    monkeypatch.setattr("shared.web.csrf.check", lambda *_: None)

    def fail(visit: Any) -> Response:
        raise error

    page = Page("/a", fail, methods=("GET", "POST"), access=Access.USER)
    shown = site(page, "/a?b=c")
    assert shown.status_code == 303
    assert shown.headers["Location"] == "/login?to=%2Fa%3Fb%3Dc"
    found[:] = [SESSION, None]
    sent = site(page, "/a", method="POST", headers={"Referer": "http://localhost/a?b=c"})
    assert sent.status_code == 401
    assert 'href="/login?to=%2Fa%3Fb%3Dc"' in sent.get_data(as_text=True)
    assert "page_failed" not in "".join(capsys.readouterr())
    found[:] = [SESSION, SESSION]
    assert site(page, "/a").status_code == (401 if isinstance(error, Unauthorized) else 500)


@pytest.mark.parametrize(("code", "status", "is_alert"), [
    ("W0002", 422, False), ("Z0006", 422, False), ("L0003", 500, True),
])  # fmt: skip
def test_what_sql_refuses_is_no_failure_of_the_page(
    site: Visitor, capsys: pytest.CaptureFixture[str], code: str, status: int, is_alert: bool
) -> None:
    def refuse(visit: Any) -> Response:
        raise Refusal(code, "a value is invalid")

    assert site(Page("/", refuse)).status_code == status
    assert ('"severity":"ALERT"' in "".join(capsys.readouterr())) == is_alert


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("error", default_exceptions.values(), ids=map(str, default_exceptions))
def test_every_error_that_a_handler_raises_is_a_page(
    site: Visitor, error: type[HTTPException], language: str
) -> None:
    def fail(visit: Any) -> Response:
        raise error

    answer = site(Page("/", fail), f"/?lang={language}")
    assert answer.status_code == error.code
    check_headers(answer.headers)
    check_page(answer.get_data(as_text=True))
    assert f'lang="{language}"' in answer.get_data(as_text=True)
    assert ("Retry-After" in answer.headers) == (error.code in (429, 503))


def test_a_page_is_cached_by_its_language(site: Visitor) -> None:
    page = Page("/", lambda visit: visit.render("home.html", courses=""), Policy(cache=CACHED))
    plain = site(page, headers={"Accept-Encoding": "gzip"})
    assert plain.headers["Cache-Control"] == CACHED
    assert {"Accept-Encoding", "Accept-Language"} <= set(plain.headers["Vary"].split(", "))
    again = site(page, headers={"If-None-Match": plain.headers["ETag"]})
    assert again.status_code == 304
    check_headers(again.headers)
    assert site(page, "/?lang=en", headers={"If-None-Match": plain.headers["ETag"]}).status_code == 200


def test_our_own_failure_tells_the_visitor_nothing(site: Visitor, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(visit: Any, token: str) -> Response:
        raise RuntimeError("the password is swordfish")

    answer = site(Page("/s/<token>", fail), "/s/secret-token?lang=en")
    assert answer.status_code == 500
    check_page(answer.get_data(as_text=True))
    assert "swordfish" not in answer.get_data(as_text=True)
    log = capsys.readouterr().out
    assert '"action":"page_failed"' in log
    assert "secret-token" not in log


def test_an_error_page_that_fails_is_not_empty(site: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.web.errors.respond", lambda visit, error: 1 // 0)
    answer = site(Page("/", shown), "/none")
    assert answer.status_code == 500
    assert "Something went wrong" in answer.get_data(as_text=True)
    check_headers(answer.headers)


def test_an_error_says_what_its_description_names(site: Visitor) -> None:
    def fail(visit: Any) -> Response:
        raise TooManyRequests("web_home_about")

    assert texts.text("en", "web_home_about") in site(Page("/", fail), "/?lang=en").get_data(as_text=True)


@pytest.mark.parametrize(("query", "expected"), [("?lang=en", "/x%20y?lang=en"), ("", "/x%20y")])
def test_a_link_keeps_the_language_that_was_chosen(site: Visitor, query: str, expected: str) -> None:
    answer = site(Page("/", lambda visit: Response(visit.url("/x y"))), "/" + query)
    assert answer.get_data(as_text=True) == expected


def test_a_page_chooses_who_frames_it_and_whether_scripts_run(site: Visitor) -> None:
    policy = Policy(framed_by=("https://web.telegram.org",), has_scripts=True, is_indexed=True, cache=CACHED)
    answer = site(Page("/", shown, policy))
    content = answer.headers["Content-Security-Policy"]
    assert "frame-ancestors https://web.telegram.org" in content
    assert "script-src 'self'; connect-src 'self'" in content
    assert "X-Frame-Options" not in answer.headers
    assert "X-Robots-Tag" not in answer.headers
    assert answer.headers["ETag"].startswith("W/")
    failed = site(Page("/", shown, policy), "/none")
    check_headers(failed.headers)


def test_a_page_takes_a_body_up_to_its_limit(site: Visitor) -> None:
    page = Page("/", shown, methods=("POST",), max_body=10)
    own = {"Origin": "http://localhost"}
    assert site(page, method="POST", data=b"x" * 10, headers=own).status_code == 200
    assert site(page, method="POST", data=b"x" * 11).status_code == 413
    assert site(page).status_code == 405
    admits = Site([page]).admits
    assert admits("/", {"content-length": "10"})
    for path, headers in (
        ("/", {"content-length": "11"}), ("/", {}), ("/", {"content-length": "-1"}),
        ("/", {"content-length": "9" * 5000}), ("/none", {"content-length": "1"}),
    ):  # fmt: skip
        assert not admits(path, headers)
    assert admits("/console/", {"content-length": "1"})


def test_the_language_of_an_address_is_kept(stack: Stack) -> None:
    """Also by forms, and on the way back from another site, whose address names none."""
    browser = Browser(stack, language="en")
    assert '<html lang="ru"' in browser.get("/login?lang=ru").body
    assert '<html lang="ru"' in browser.get("/login").body
    browser.post("/login/begin")
    assert '<html lang="ru"' in browser.get("/login/bot").body
    assert '<html lang="en"' in browser.get("/login?lang=en").body
    assert '<html lang="en"' in browser.get("/login").body
    for odd in ("xx", "", "RU", "../ru"):
        browser.cookies["language"] = odd
        assert '<html lang="en"' in browser.get("/login").body


def test_the_language_of_the_account_takes_over(stack: Stack) -> None:
    browser = Browser(stack, language="en")
    browser.log_in(stack.telegram.user("Anna", language_code="en").chat("assistant"))
    assert '<html lang="ru"' in browser.get("/account/settings?lang=ru").body
    browser.get("/account/settings")
    browser.post("/account/settings/language", {"language": "en"})
    assert '<html lang="en"' in browser.get("/account/settings").body
    assert "language" not in browser.cookies
