"""The pages of pictures and videos: signed links for their owner alone."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Callable
from html import escape
from typing import Any

import pytest

from shared.core.texts import text
from tests.stories.test_images import drawn
from tests.web.pages import check_page
from tests.web.visitor import Visitor
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

Sql = Callable[..., list[dict[str, Any]]]
PATH = "/account/pictures"
HOSTILE = '"><script>alert(1)</script>'


def draw(stack: Stack, chat: Chat, words: str) -> None:
    chat.send(f"/image {words}")
    chat.answer()
    drawn(stack, chat)


def files_of(page: str) -> list[str]:
    return list(dict.fromkeys(re.findall(r'<img src="/console(/account/pictures/[^"]+)"', page)))


@pytest.mark.parametrize("language", ["en", "ru"])
def test_pictures_are_shown_by_links_that_end(
    stack: Stack, browser: Visitor, anna: Chat, language: str
) -> None:
    empty = browser.get(f"{PATH}?lang={language}")
    check_page(empty.body)
    assert text(language, "gallery_no_pictures") in empty.body
    draw(stack, anna, f"a fox {HOSTILE}")
    page = browser.get(PATH)
    check_page(page.body)
    assert HOSTILE not in page.body
    assert escape("<script>alert(1)</script>") in page.body
    (file,) = files_of(page.body)
    led = browser.get(file)
    assert led.status == 303
    link = led.headers["Location"]
    origin = "/".join(link.split("/")[:3])
    assert f"img-src 'self' {origin}" in page.headers["Content-Security-Policy"]
    with urllib.request.urlopen(link, timeout=10) as answer:
        assert answer.headers["Content-Type"].startswith("image/")
    assert browser.get(file.removesuffix("0") + "1").status == 404
    assert browser.get(file.replace("pictures", "videos")).status == 404
    assert browser.get(file.replace("assistant", "spin")).status == 404


def test_pictures_that_are_no_longer_kept_say_so(
    stack: Stack, browser: Visitor, anna: Chat, sql: Sql
) -> None:
    draw(stack, anna, "a fox")
    (file,) = files_of(browser.get(PATH).body)
    sql("update stored_files set delete_after = now() - interval '1 minute'")
    page = browser.get(PATH)
    check_page(page.body)
    assert files_of(page.body) == []
    assert "a fox" in page.body
    assert browser.get(file).status == 410


def test_without_storage_a_picture_waits(stack: Stack, browser: Visitor, anna: Chat) -> None:
    draw(stack, anna, "a fox")
    (file,) = files_of(browser.get(PATH).body)
    stack.storage.down()
    answer = browser.get(file)
    stack.storage.clear()
    assert answer.status == 503
    assert browser.get(file).status == 303


def test_older_pictures_are_on_further_pages(browser: Visitor, anna: Chat, sql: Sql) -> None:
    sql(
        "insert into generations (user_id, bot, chat_id, kind, provider, model, reference, day, is_sold,"
        " deadline, state, request, ended_at)"
        " select u.id, 'assistant', u.telegram_id, 'image', 'google', 'm', 'page:' || n, now()::date, false,"
        " now(), 'delivered', jsonb_build_object('prompt', 'fox number ' || n), now()"
        " from users as u, generate_series(1, 14) as n where u.telegram_id = %s",
        anna.id,
    )
    first = browser.get(PATH).body
    assert "fox number 3<" in first
    assert "fox number 2<" not in first
    older = re.search(r'href="/console(/account/pictures\?before=\d+)"', first)
    assert older
    second = browser.get(older[1]).body
    assert "fox number 2<" in second
    assert "fox number 3<" not in second
    for odd in ("x", "-1", "9" * 30, "%00"):
        assert browser.get(f"{PATH}?before={odd}").status == 200
