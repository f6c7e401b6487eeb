"""Telegram's command menu changes with products on sale and admins, without a deployment."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shared import bots
from tests.stories.test_admin import Appoint, Sql, ask, started_user, tap
from tests.stories.test_products import WORDS, open_card
from tests.support import eventually
from tools.emulator.stack import Stack
from tools.emulator.telegram.users import TelegramUser

ADMINS = ["menu", "clear", "stats", "user", "payment", "products", "promocode", "help"]
TITLE = "100 requests"


@pytest.fixture
def only_product(stack: Stack, sql: Sql) -> Iterator[str]:
    """Leave one product on sale."""
    active = [row["key"] for row in sql("select key from products where is_active")]
    sql("update products set is_active = key = 'credits_100'")
    yield "credits_100"
    sql("update products set is_active = key = any(%s)", active)
    stack.register()


def menu(stack: Stack, where: str) -> list[str]:
    return [item["command"] for item in stack.telegram.bot("assistant").commands.get(where, [])]


def everyones(stack: Stack) -> list[bool]:
    """Return for each language whether /buy is in its menu."""
    return ["buy" in menu(stack, code) for code in ("", "en", "ru")]


def switch(stack: Stack, boss: TelegramUser, words: str) -> None:
    card = open_card(boss.chat("assistant"), TITLE)
    tap(card, WORDS["en"][words])
    tap(card, WORDS["en"][words])


def test_the_shop_is_in_the_menu_while_something_is_on_sale(
    stack: Stack, appoint: Appoint, sql: Sql, only_product: str
) -> None:
    boss = appoint("en")
    switch(stack, boss, "hide")
    eventually(lambda: everyones(stack) == [False] * 3, 20)
    assert menu(stack, "en") == [
        "menu", "profile", "new", "chats", "mode", "image", "help",
    ]  # fmt: skip
    switch(stack, boss, "show")
    eventually(lambda: everyones(stack) == [True] * 3, 20)


def test_a_menu_that_telegram_delays_is_set_later(
    stack: Stack, appoint: Appoint, sql: Sql, only_product: str
) -> None:
    boss = appoint("en")
    card = open_card(boss.chat("assistant"), TITLE)
    tap(card, WORDS["en"]["hide"])
    stack.telegram.fail("setMyCommands", status=429, retry_after=60)
    tap(card, WORDS["en"]["hide"])
    assert WORDS["en"]["hidden"] in card.text, "the answer does not wait for the menu"
    queued = "select count(*)::int as n from telegram_outbox where method = 'setMyCommands'"
    eventually(lambda: sql(queued + " and attempts > 0")[0]["n"] == 3, 20)
    assert everyones(stack) == [True] * 3
    sql("update telegram_outbox set send_after = private.clock() where method = 'setMyCommands'")
    assert stack.run_job("sweep").status == 200
    eventually(lambda: everyones(stack) == [False] * 3, 20)
    assert sql(queued)[0]["n"] == 0


def test_a_new_admin_gets_the_admins_menu_at_start(stack: Stack, appoint: Appoint) -> None:
    boss = appoint("en")
    where = f"chat:{boss.id}:"
    assert menu(stack, where) == []
    answer = ask(boss.chat("assistant"), "/start")
    assert "Olga" in answer.text, "the welcome comes first"
    eventually(lambda: [menu(stack, where + code) for code in ("", "en", "ru")] == [ADMINS] * 3, 20)
    assert set(ADMINS) <= {*bots.load("assistant").commands(), *bots.load("assistant").admin_commands()}


def test_other_users_get_no_menu_and_cause_no_call(stack: Stack, appoint: Appoint) -> None:
    appoint("en")
    before = len(stack.telegram.calls)
    anna = started_user(stack)
    assert menu(stack, f"chat:{anna.id}:") == []
    assert not [one for one in stack.telegram.calls[before:] if one["method"] == "setMyCommands"]
