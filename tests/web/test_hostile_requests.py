"""Requests that no browser of a user sends: each gets a page that says so, and the owner no alert."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from shared.core import client_address, texts
from shared.features.login.pages.devices import PATH as DEVICES
from shared.web import language
from tests.support import for_each
from tests.web.conftest import Get
from tests.web.visitor import Visitor
from tools.emulator.stack import Stack

SHARED = Path(texts.__file__).parents[2]
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
PARTS = "multipart/form-data; boundary=x"


@pytest.fixture(autouse=True)
def _no_alert(stack: Stack) -> Iterator[None]:
    before = len(stack.function("console").raw_log)
    yield
    for line in stack.function("console").raw_log[before:].splitlines():
        assert not re.search('"severity":"(ERROR|ALERT)"', line), line


@pytest.fixture
def browser(stack: Stack) -> Visitor:
    return Visitor(stack)


@pytest.mark.parametrize("path", ["/", "/login", "/none"])
@for_each("key", sorted(key for key in texts.table("en") if key.endswith("_notice")))
def test_any_key_in_an_address_is_a_page(get: Get, path: str, key: str) -> None:
    answer = get(f"{path}?notice={key}", Accept_Language="en")
    assert answer.status == (404 if path == "/none" else 200)
    is_message_of_a_bot = "{" in texts.table("en")[key]
    assert ('role="status"' in answer.body) != is_message_of_a_bot


@pytest.mark.parametrize("body", [
    b"", b"\xff\xfe", b"{", b"[" * 29_000, b"[" * 900 + b"]" * 900, b'{"bot":' * 3_500 + b"1" + b"}" * 3_500,
    b'{"bot":' + b"[" * 700 + b"]" * 700 + b"}", b'{"bot":' + b"9" * 6_000 + b"}", b'{"bot":NaN}',
    b"null", b"[1]", b'"x"',
    b'{"bot":"\\ud800","init_data":"x=\\udfff","secret":"\\u0000"}', b'\xef\xbb\xbf{"bot":"x"}',
    '{"bot":"x"}'.encode("utf-16"),
])  # fmt: skip
def test_json_that_is_none_or_has_no_end(browser: Visitor, body: bytes) -> None:
    sent = {"Origin": browser.origin, "Content-Type": JSON}
    answer = browser._send("POST", "/login/mini_app", body, sent)
    assert answer.status in (400, 422)
    assert "<h1" in answer.body


@pytest.mark.parametrize(("kind", "body"), [
    (FORM, b"to=%zz%&&&==&%=%"), (FORM, b"to=/a%00b&to=%ff&to=%ed%a0%80"), (FORM, b"&" * 1_500),
    ("multipart/form-data", b"x"), ("multipart/form-data; boundary=\xe9", b"--x"),
    (PARTS, b'--x\r\nContent-Disposition: form-data; name="csrf"; filename="x"\r\n\r\nz\r\n--x--'),
    (PARTS, b"--x\r\nContent-Disposition: form-data; name*=utf-16''%ff\r\n\r\n\xff\r\n--x--"),
    ("\xff;;;=;", b"to=/"),
])  # fmt: skip
def test_forms_that_no_page_of_ours_sends(stack: Stack, kind: str | bytes, body: bytes) -> None:
    browser = Visitor(stack)
    browser.log_in(stack.telegram.user("Anna").chat("assistant"), DEVICES)
    header = kind if isinstance(kind, str) else kind.decode("latin-1")
    answer = browser._send("POST", "/logout", body, {"Origin": browser.origin, "Content-Type": header})
    assert answer.status == 403
    assert browser.get(DEVICES).status == 200


@pytest.mark.parametrize("headers", [
    {"Cookie": "a=\xe9; session=\xff"}, {"Cookie": 'session="\\000\\377"; session=;;=;'},
    {"Cookie": "a=b; " * 1_500},
    {"Authorization": "\xff"}, {"Authorization": "Bearer \xff\xfe"}, {"Authorization": "Basic Og=="},
    {"Accept-Language": "\xff;q=\xff,*;q=nan,a;q=1e999,b;q=-1,"},
    {"Accept": ';;,q=,application/json;q=nan;x="\xff'},
    {"Accept-Encoding": "gzip;q=\xff, *;q=0"},
    {"If-None-Match": '"\xff', "If-Modified-Since": "\xff", "Range": "\xff"},
    {"traceparent": "\xff-\xff-x-y", "X-Cloud-Trace-Context": 'x"}'},
    {"X-Forwarded-For": "\xff,,, ;"},
    {"User-Agent": "\xff" * 3_000}, {"Sec-Fetch-Site": "\xff"},
])  # fmt: skip
def test_headers_that_cannot_be_read(browser: Visitor, headers: dict[str, str]) -> None:
    assert browser._send("GET", DEVICES, None, headers).status in (303, 401)
    assert browser._send("GET", "/login", None, headers).status == 200


def test_cookies_that_only_look_like_ours(stack: Stack, browser: Visitor) -> None:
    """A sibling domain can set a cookie whose name a lenient server would shorten to ours."""
    browser.log_in(stack.telegram.user("Anna").chat("assistant"), DEVICES)
    token = browser.cookies["session"]
    for prefix in ("\u2000", "\u3000", "\xa0", "\x85", "$Version=1; $", "x=y,", "="):
        cookie = f"{prefix}session={token}".encode().decode("latin-1")
        assert Visitor(stack)._send("GET", DEVICES, None, {"Cookie": cookie}).status == 303, prefix


def test_the_languages_of_a_request_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A header of 8 kB names 2,600 languages; each one listed a folder."""
    known = texts.codes()
    for place, name in ((os, "listdir"), (os, "scandir"), (Path, "glob"), (Path, "iterdir")):
        monkeypatch.setattr(place, name, lambda *_: pytest.fail("a folder is listed"))
    sent = Request(EnvironBuilder(headers={"Accept-Language": "xx," * 2_599 + "ru"}).get_environ())
    assert language.of(sent) == "ru"
    assert texts.codes() == known == {"en", "ru"}


def test_every_form_carries_the_token_of_a_session() -> None:
    """Also those of the login: a visitor may have logged in meanwhile, in another tab."""
    for path in SHARED.glob("**/templates/*.html"):
        source = path.read_text()
        forms = re.findall(r'<form[^>]*method="post".*?</form>', source, re.DOTALL)
        assert len(forms) == source.count('method="post"'), f"{path.name}: a form is not closed"
        assert [form for form in forms if "{{ csrf }}" not in form] == [], path.name


@pytest.mark.parametrize(("address", "same", "other"), [
    ("::ffff:192.0.2.1", "192.0.2.1", "::ffff:192.0.2.2"), ("2001:db8::1", "2001:db8::2", "2001:db8:1::1"),
])  # fmt: skip
def test_addresses_of_one_network(
    monkeypatch: pytest.MonkeyPatch, address: str, same: str, other: str
) -> None:
    class Settings:
        user_hash_key = "k" * 32

    def hashed(one: str) -> bytes:
        monkeypatch.setattr(client_address, "of", lambda _: one)
        return client_address.hashed(None)  # type: ignore[arg-type]

    monkeypatch.setattr(client_address, "settings", Settings)
    assert hashed(address) == hashed(same) != hashed(other)
