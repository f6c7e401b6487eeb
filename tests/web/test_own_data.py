"""What is stored about the user: the download, and the erasure with a typed word."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from shared.core.texts import text
from shared.features.privacy.export_file import SECTIONS
from tests.support import in_parallel
from tests.web.pages import check_page
from tests.web.visitor import Visitor
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

Sql = Callable[..., list[dict[str, Any]]]
DATA, DELETE = "/account/data", "/account/data/delete"


def rows(sql: Sql, chat: Chat) -> list[dict[str, Any]]:
    return sql("select id from users where telegram_id = %s", chat.id)


def give(sql: Sql, chat: Chat, amount: str) -> None:
    sql("select adjust_balance(%s, %s, 'top-up', %s)", chat.id, amount, f"own:{chat.id}:{amount}")


def confirm(browser: Visitor, word: str = "DELETE") -> dict[str, str]:
    """Open the page of the erasure; return the fields of its form."""
    page = browser.get(DELETE)
    check_page(page.body)
    found = re.search(r'name="losses" value="([0-9a-f]{16})"', page.body)
    assert found, page.body
    return {"losses": found[1], "word": word}


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_page_lists_everything_and_the_file_holds_it(
    stack: Stack, browser: Visitor, anna: Chat, language: str
) -> None:
    anna.send("The <b>capital</b> of France?")
    anna.answer()
    page = browser.get(f"{DATA}?lang={language}")
    check_page(page.body)
    for name in (*SECTIONS, "messages"):
        assert text(language, f"section_{name}") in page.body
    answer = browser.post(f"{DATA}/file?lang={language}")
    assert answer.status == 200
    assert re.fullmatch(
        r'attachment; filename="mydata-[0-9-]{10}\.json"', answer.headers["Content-Disposition"]
    )
    assert answer.headers["Cache-Control"] == "private, no-store"
    content = json.loads(answer.body)
    assert next(iter(content)) == text(language, "mydata_title")
    assert len(content) == len(SECTIONS) + 2
    messages = content[text(language, "section_messages")][text(language, "mydata_stored")]
    assert "The <b>capital</b> of France?" in [one["content"] for one in messages]


def test_a_long_conversation_comes_whole(browser: Visitor, anna: Chat, sql: Sql) -> None:
    sql(
        "insert into messages (user_id, bot, chat_id, role, content)"
        " select u.id, 'assistant', %s, 'user', repeat('x', 1000) || n"
        " from users as u, generate_series(1, 11000) as n where u.telegram_id = %s",
        anna.id,
        anna.id,
    )
    browser.get(DATA)
    content = json.loads(browser.post(f"{DATA}/file").body)
    messages = content[text("en", "section_messages")][text("en", "mydata_stored")]
    assert [one["content"][1000:] for one in messages][-11000:] == [str(n) for n in range(1, 11001)]


def test_the_file_comes_once_an_hour(browser: Visitor, clock: Callable[[str], None]) -> None:
    browser.get(DATA)
    token = browser.csrf
    answers = in_parallel(2, lambda _number: browser.post(f"{DATA}/file", {"csrf": token}).status)
    assert sorted(answers) == [200, 429]
    browser.get(DATA)
    refused = browser.post(f"{DATA}/file")
    assert refused.status == 429
    check_page(refused.body)
    clock("clock_timestamp() + interval '61 minutes'")
    browser.get(DATA)
    assert browser.post(f"{DATA}/file").status == 200


@pytest.mark.parametrize(("language", "word"), [("en", " delete "), ("ru", "удалить")])
def test_the_typed_word_erases_the_account(
    stack: Stack, browser: Visitor, anna: Chat, sql: Sql, language: str, word: str
) -> None:
    other = Visitor(stack)
    other.log_in(anna)
    fields = confirm(browser, word)
    done = browser.post(f"{DELETE}/confirm?lang={language}", fields)
    assert done.status == 303
    assert "session" not in browser.cookies
    assert text(language, "erase_done_notice") in browser.get(done.headers["Location"]).body
    assert rows(sql, anna) == []
    assert other.get("/account").status == 303


@pytest.mark.parametrize("word", ["", "delet", "DELETE me", "<script>"])
def test_without_the_word_nothing_is_erased(browser: Visitor, anna: Chat, sql: Sql, word: str) -> None:
    refused = browser.post(f"{DELETE}/confirm", confirm(browser, word))
    assert refused.status == 422
    check_page(refused.body)
    assert text("en", "erase_word_wrong") in refused.body
    assert rows(sql, anna)


def test_what_is_lost_is_shown_and_must_still_be_true(browser: Visitor, anna: Chat, sql: Sql) -> None:
    fields = confirm(browser)
    give(sql, anna, "12.50")
    refused = browser.post(f"{DELETE}/confirm", fields)
    assert refused.status == 409
    assert text("en", "erase_changed") in refused.body
    assert "12.50" in refused.body
    assert rows(sql, anna)
    assert browser.post(f"{DELETE}/confirm", confirm(browser)).status == 303
    assert rows(sql, anna) == []
    left = sql("select amount, reason from balance_transactions where reason = 'erased'")
    assert [str(one["amount"]) for one in left] == ["-12.50"]


def test_two_confirmations_at_once_erase_once(browser: Visitor, anna: Chat, sql: Sql) -> None:
    fields = {**confirm(browser), "csrf": browser.csrf}
    answers = in_parallel(4, lambda _number: browser.post(f"{DELETE}/confirm", fields).status)
    assert answers.count(303) == 1
    assert set(answers) <= {303, 401, 404, 503}
    assert rows(sql, anna) == []
    assert len(sql("select from private.erasures")) == 1
