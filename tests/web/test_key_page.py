"""The page of the user's API keys: added, used and removed, and never shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.core.texts import text
from tests.stories.test_keys import a_key
from tests.web.pages import check_page
from tests.web.visitor import Visitor
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

Sql = Callable[..., list[dict[str, Any]]]
PATH = "/account/keys"


def stored(sql: Sql) -> list[dict[str, Any]]:
    return sql("select provider, last_four, is_active, checked_at from user_tokens order by provider")


def test_a_key_is_checked_stored_and_used(stack: Stack, browser: Visitor, anna: Chat, sql: Sql) -> None:
    key = a_key("OpenAI")
    check_page(browser.get(PATH).body)
    done = browser.post(f"{PATH}/add", {"provider": "openai", "secret": f"  {key} "})
    assert done.headers["Location"] == f"/console{PATH}?notice=keys_added_notice"
    page = browser.get(PATH)
    check_page(page.body)
    assert f"…{key[-4:]}" in page.body
    assert key not in page.body
    assert key[:-4] not in stack.function("console").raw_log
    assert [(one["provider"], one["last_four"], one["is_active"]) for one in stored(sql)] == [
        ("openai", key[-4:], True)
    ]
    anna.send("/keys")
    assert f"…{key[-4:]}" in anna.answer(20).text
    browser.get(PATH)
    assert browser.post(f"{PATH}/use", {"provider": ""}).status == 303
    assert [one["is_active"] for one in stored(sql)] == [False]
    browser.get(PATH)
    assert browser.post(f"{PATH}/use", {"provider": "openai"}).status == 303
    assert [one["is_active"] for one in stored(sql)] == [True]
    for expected in ("removed", "gone"):
        browser.get(PATH)
        done = browser.post(f"{PATH}/remove", {"provider": "openai"})
        assert done.headers["Location"].endswith(f"notice=keys_{expected}_notice")
    assert stored(sql) == []


@pytest.mark.parametrize(("provider", "secret", "key"), [
    ("openai", "", "keys_page_no_key"), ("openai", "not a key", "keys_page_no_key"),
    ("openai", "<b>x</b>", "keys_page_no_key"),
    ("openai", "anthropic", "keys_page_other"), ("openai", "wrong", "keys_page_wrong"),
    ("none", "right", "web_field_wrong"),
])  # fmt: skip
def test_what_is_no_key_is_refused_and_not_repeated(
    browser: Visitor, sql: Sql, provider: str, secret: str, key: str
) -> None:
    keys = {"anthropic": a_key("Anthropic"), "wrong": a_key("OpenAI", "wrong"), "right": a_key("OpenAI")}
    sent = keys.get(secret, secret)
    browser.get(PATH)
    refused = browser.post(f"{PATH}/add", {"provider": provider, "secret": sent})
    assert refused.status == 422
    check_page(refused.body)
    assert text("en", key, name="OpenAI", other="Anthropic") in refused.body
    assert not sent or sent not in refused.body
    assert stored(sql) == []


def test_keys_of_others_stay(stack: Stack, browser: Visitor, sql: Sql) -> None:
    browser.get(PATH)
    browser.post(f"{PATH}/add", {"provider": "openai", "secret": a_key("OpenAI")})
    ben = Visitor(stack)
    ben.log_in(stack.telegram.user("Ben", language_code="en").chat("assistant"))
    ben.get(PATH)
    assert "gone" in ben.post(f"{PATH}/remove", {"provider": "openai"}).headers["Location"]
    ben.get(PATH)
    assert "gone" in ben.post(f"{PATH}/use", {"provider": "openai"}).headers["Location"]
    assert len(stored(sql)) == 1
