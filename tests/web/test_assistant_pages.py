"""The pages about the assistant: memory, reminders and shared pages, beside the bot that has the same."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from html import escape
from typing import Any

import pytest

from shared.core.texts import text
from tests.stories.test_conversations import ask
from tests.stories.test_shared_pages import TOKEN, share
from tests.support import in_parallel
from tests.web.pages import check_page
from tests.web.visitor import Visitor
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

Sql = Callable[..., list[dict[str, Any]]]
MEMORY, REMINDERS, SHARED = "/account/memory", "/account/reminders", "/account/shared"
HOSTILE = "</p><script>alert(1)</script>"
SECRET = "sk-proj-Zq8vR2mXw7LpT4nKc9BdYh3Jf6Gs1AeU5iOtQyPxWvMz"


@pytest.fixture
def ben(stack: Stack, browser: Visitor) -> Visitor:
    """The browser of another user."""
    found = Visitor(stack)
    found.log_in(stack.telegram.user("Ben", language_code="en").chat("assistant"))
    return found


def field(page: str, name: str) -> str:
    """Return the value of the first hidden field of this name."""
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    assert found, page
    return found[1]


def remember(browser: Visitor, words: str) -> int:
    """Send the form of a new fact; return the status."""
    page = browser.get(MEMORY)
    check_page(page.body)
    fields = {"bot": "assistant", "words": words, "reference": field(page.body, "reference")}
    return browser.post(f"{MEMORY}/add", fields).status


def test_facts_are_those_of_the_bot(browser: Visitor, anna: Chat) -> None:
    ask(anna, "Remember that I'm vegan")
    page = browser.get(MEMORY)
    check_page(page.body)
    assert "I&#39;m vegan" in page.body
    assert remember(browser, HOSTILE) == 303
    page = browser.get(MEMORY)
    check_page(page.body)
    assert HOSTILE not in page.body
    assert escape(HOSTILE) in page.body
    assert HOSTILE in ask(anna, "/memory").text
    numbers = re.findall(r'/memory/change">.*?name="id" value="(\d+)"', page.body, re.DOTALL)
    assert len(numbers) == 2
    changed = {"bot": "assistant", "id": numbers[1], "words": "I live in Riga"}
    assert browser.post(f"{MEMORY}/change", changed).status == 303
    assert "I live in Riga" in browser.get(MEMORY).body
    for expected in ("forgotten", "gone"):
        done = browser.post(f"{MEMORY}/forget", {"bot": "assistant", "id": numbers[1]})
        assert done.headers["Location"].endswith(f"notice=memory_{expected}_notice")
        browser.get(MEMORY)
    assert browser.post(f"{MEMORY}/clear", {"bot": "assistant"}).status == 303
    assert text("en", "memory_none") in browser.get(MEMORY).body


def test_the_memory_is_switched_for_all_bots(browser: Visitor, anna: Chat, sql: Sql) -> None:
    browser.get(MEMORY)
    for is_on in ("false", "false", "true"):
        assert browser.post(f"{MEMORY}/switch", {"is_on": is_on}).status == 303
        stored = sql("select memory_enabled as is_on from users where telegram_id = %s", anna.id)[0]["is_on"]
        assert stored is (is_on == "true")
        browser.get(MEMORY)


@pytest.mark.parametrize("words", ["", "   ", "x" * 301, f"my key is {SECRET}"])
def test_what_is_no_fact_is_refused(browser: Visitor, sql: Sql, words: str) -> None:
    assert remember(browser, words) == 422
    assert sql("select from ai_memory") == []


def test_a_fact_sent_twice_is_kept_once(browser: Visitor, sql: Sql) -> None:
    page = browser.get(MEMORY).body
    fields = {"bot": "assistant", "words": "I'm vegan", "reference": field(page, "reference")}
    fields["csrf"] = browser.csrf
    assert set(in_parallel(4, lambda _number: browser.post(f"{MEMORY}/add", fields).status)) == {303}
    assert len(sql("select from ai_memory")) == 1


def test_a_proposal_is_decided(browser: Visitor, anna: Chat, sql: Sql) -> None:
    for words in ("I have two cats", "I drive a van"):
        sql(
            "insert into ai_memory_proposals (user_id, bot, content)"
            " select u.id, 'assistant', %s from users as u where u.telegram_id = %s",
            words,
            anna.id,
        )
    page = browser.get(MEMORY)
    check_page(page.body)
    numbers = list(dict.fromkeys(re.findall(r'/decide">.*?name="id" value="(\d+)"', page.body, re.DOTALL)))
    for number, is_kept in zip(numbers, ("true", "false"), strict=True):
        done = browser.post(f"{MEMORY}/decide", {"bot": "assistant", "id": number, "is_kept": is_kept})
        assert done.status == 303
        browser.get(MEMORY)
    assert [one["content"] for one in sql("select content from ai_memory")] == ["I have two cats"]


def test_facts_of_others_are_out_of_reach(browser: Visitor, ben: Visitor, anna: Chat, sql: Sql) -> None:
    ask(anna, "Remember that I'm vegan")
    number = str(sql("select id from ai_memory")[0]["id"])
    page = ben.get(MEMORY)
    assert "vegan" not in page.body
    ben.post(f"{MEMORY}/change", {"bot": "assistant", "id": number, "words": "mine"})
    ben.post(f"{MEMORY}/forget", {"bot": "assistant", "id": number})
    ben.post(f"{MEMORY}/clear", {"bot": "assistant"})
    assert [one["content"] for one in sql("select content from ai_memory")] == ["I'm vegan"]


def at(**later: float) -> str:
    """Return a time of the clock in Moscow, the time zone of users who chose none."""
    from zoneinfo import ZoneInfo

    return f"{datetime.now(ZoneInfo('Europe/Moscow')) + timedelta(**later):%Y-%m-%dT%H:%M}"


def remind(browser: Visitor, words: str, moment: str) -> int:
    """Send the form of a new reminder; return the status."""
    page = browser.get(REMINDERS)
    check_page(page.body)
    fields = {name: field(page.body, name) for name in ("bot", "reference")}
    return browser.post(f"{REMINDERS}/new", {**fields, "words": words, "at": moment}).status


def test_a_reminder_is_set_listed_and_deleted(browser: Visitor, ben: Visitor, anna: Chat, sql: Sql) -> None:
    assert remind(browser, HOSTILE, at(hours=2)) == 303
    page = browser.get(REMINDERS)
    check_page(page.body)
    assert HOSTILE not in page.body
    assert escape(HOSTILE) in page.body
    assert HOSTILE in ask(anna, "/remind").text
    number = str(sql("select id from reminders")[0]["id"])
    ben.get(REMINDERS)
    ben.post(f"{REMINDERS}/delete", {"id": number})
    assert len(sql("select from reminders")) == 1
    for expected in ("deleted", "gone"):
        done = browser.post(f"{REMINDERS}/delete", {"id": number})
        assert done.headers["Location"].endswith(f"notice=remind_{expected}_notice")
        browser.get(REMINDERS)
    assert sql("select from reminders") == []


@pytest.mark.parametrize(("words", "moment"), [
    ("tea", -1), ("tea", 9_600), ("", 1), (SECRET, 1), ("tea", "tomorrow"), ("tea", ""), ("x" * 1001, 1),
])  # fmt: skip
def test_what_cannot_be_reminded_of_is_refused(browser: Visitor, sql: Sql, words: str, moment: str) -> None:
    assert remind(browser, words, moment) == 422
    assert sql("select from reminders") == []


def test_a_reminder_sent_twice_is_set_once(browser: Visitor, sql: Sql) -> None:
    page = browser.get(REMINDERS).body
    fields = {name: field(page, name) for name in ("bot", "reference", "csrf")}
    fields |= {"words": "tea", "at": at(hours=3)}
    assert set(in_parallel(4, lambda _number: browser.post(f"{REMINDERS}/new", fields).status)) == {303}
    assert len(sql("select from reminders")) == 1


def test_shared_pages_are_closed_by_their_owner(browser: Visitor, ben: Visitor, anna: Chat, sql: Sql) -> None:
    ask(anna, "/new <b>Plans</b>")
    ask(anna, "How do I plan?")
    found = TOKEN.search(share(anna).text)
    assert found
    page = browser.get(SHARED)
    check_page(page.body)
    assert "<b>Plans" not in page.body
    assert f'href="/console/s/{found[1]}"' in page.body
    number = field(page.body, "id")
    ben.get(SHARED)
    ben.post(f"{SHARED}/stop", {"id": number})
    assert browser.get(f"/s/{found[1]}").status == 200
    browser.get(SHARED)
    for expected in ("stopped", "gone"):
        done = browser.post(f"{SHARED}/stop", {"id": number})
        assert done.headers["Location"].endswith(f"notice=chatshare_{expected}_notice")
        browser.get(SHARED)
    assert browser.get(f"/s/{found[1]}").status == 410
    assert text("en", "chatshare_empty") in browser.get(SHARED).body


def test_a_conversation_is_shared_from_the_page(browser: Visitor, ben: Visitor, anna: Chat, sql: Sql) -> None:
    page = browser.get(SHARED).body
    empty = browser.post(
        f"{SHARED}/new", {"conversation": "assistant:0", "reference": field(page, "reference")}
    )
    assert empty.status == 422
    assert text("en", "chatexport_empty") in empty.body
    ask(anna, "/new <b>Plans</b>")
    ask(anna, "How do I plan?")
    page = browser.get(SHARED).body
    check_page(page)
    assert "&lt;b&gt;Plans" in page
    found = re.findall(r'<option value="(assistant:[1-9][0-9]*)"', page)
    form = {"conversation": found[0], "reference": field(page, "reference"), "csrf": browser.csrf}
    done = in_parallel(4, lambda _: browser.post(f"{SHARED}/new", form).status)
    assert set(done) == {303}
    assert len(sql("select from shared_conversations")) == 1
    listed = browser.get(SHARED)
    link = TOKEN.search(listed.body)
    assert link
    assert "How do I plan?" in browser.get(f"/s/{link[1]}").body
    ben_page = ben.get(SHARED).body
    stolen = ben.post(f"{SHARED}/new", {"conversation": found[0], "reference": field(ben_page, "reference")})
    assert stolen.status == 422, "another user's conversation is empty"
    for wrong in ("nope:0", "assistant", "assistant:x", "admin:0"):
        answer = browser.post(f"{SHARED}/new", {"conversation": wrong, "reference": form["reference"]})
        assert answer.status == 422
    sql("update private.settings set value = '1' where key = 'shared_pages'")
    ask(anna, "And then?")
    fresh = field(browser.get(SHARED).body, "reference")
    full = browser.post(f"{SHARED}/new", {"conversation": found[0], "reference": fresh})
    assert full.status == 422
    assert text("en", "chatshare_page_limit", limit=1) in full.body
