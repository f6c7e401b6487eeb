"""Erase an active user over HTTP: no data remain, whichever process crashes."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.supabase.privacy.conftest import Sql, dump_rows
from tests.support import deliver_until_done, eventually, message_update
from tests.telegram.test_crashes import LATER, kill
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack
from tools.emulator.telegram import Answer
from tools.emulator.telegram.users import TelegramUser

WORDS = "xylophone-orchestra"
ANSWER = "zebra-crossing"
_numbers = itertools.count(100)


@pytest.fixture
def anna(stack: Stack) -> TelegramUser:
    """Return a user with a unique name and unique texts."""
    number = next(_numbers)
    return stack.telegram.user(f"Annabellina-{number}", "en", f"annabellina_{number}_here")


def rows_with(sql: Sql, user: TelegramUser) -> list[str]:
    """Return the rows that contain the user's id, name or texts."""
    account = user.account
    what = rf"{account.first_name}\b|{account.username}|{WORDS}|{ANSWER}|\b{user.id}\b"
    return [line for line in dump_rows(sql).splitlines() if re.search(what, line)]


def open_erasure_dialog(user: TelegramUser) -> Answer:
    """Send /deleteme and return the confirmation."""
    chat = user.chat("assistant")
    chat.send("/deleteme").wait()
    return eventually(lambda: [a for a in chat.answers() if "Delete all your data" in a.text])[-1]


def test_an_active_user_leaves_no_data(stack: Stack, sql: Sql, anna: TelegramUser) -> None:
    chat = anna.chat("assistant")
    stack.ai.next(AiBehaviour(text=ANSWER))
    chat.send(f"Tell me of the {WORDS}")
    chat.answer()
    anna.chat("second").send(f"/data {WORDS}=1").wait()
    group = stack.telegram.group("Team", [anna], ["second"])
    group.by(anna).send(f"/data {WORDS}=2").wait()
    broken = message_update(anna, f"/boom {WORDS}")  # three times: dead-lettered with its payload
    deliver_until_done(stack.telegram, broken, "second")
    stack.telegram.deliver(json.dumps({"from": {"id": anna.id}}).encode() + b"{", "second")
    sql("select adjust_balance(%s, 15, 'gift', %s)", anna.id, f"http:{anna.id % 997}")
    assert len(rows_with(sql, anna)) >= 8
    asked = open_erasure_dialog(anna)
    asked.tap("🗑 Delete everything")
    asked.wait_for_edit().tap("🗑 Yes, delete everything").wait()
    assert "Done" in asked.wait_for_edit().text
    assert rows_with(sql, anna) == []
    assert sql("select check_balances() as wrong")[0]["wrong"] == []
    stack.run_job("sweep")
    assert rows_with(sql, anna) == []


def test_a_lost_response_is_repeated_without_creating_the_user(
    stack: Stack, sql: Sql, anna: TelegramUser
) -> None:
    asked = open_erasure_dialog(anna)
    stack.telegram.lose_responses(1)
    asked.tap("🗑 Delete everything").wait(timeout=20)
    assert "Done" in asked.wait_for_edit().text
    assert rows_with(sql, anna) == []


def test_an_erasure_delivered_twice_erases_once(stack: Stack, sql: Sql, anna: TelegramUser) -> None:
    asked = open_erasure_dialog(anna)
    stack.telegram.deliver_twice(1)
    asked.tap("🗑 Delete everything").wait(timeout=20)
    assert "Done" in asked.wait_for_edit().text
    stack.telegram.idle(10)
    assert rows_with(sql, anna) == []


def test_a_streaming_answer_is_discarded_by_an_erasure(stack: Stack, sql: Sql, anna: TelegramUser) -> None:
    asked = open_erasure_dialog(anna)
    chat = anna.chat("assistant")
    stack.ai.next(AiBehaviour(text=ANSWER, delay=2))
    words = f"Tell {anna.id} of the {WORDS}"
    sent = chat.send(words)
    eventually(lambda: any(r["messages"][-1]["content"] == words for r in stack.ai.requests), 20)
    asked.tap("🗑 Delete everything").wait(timeout=20)
    assert "Done" in asked.wait_for_edit().text
    sent.wait(timeout=30)
    assert ANSWER not in [answer.text for answer in chat.answers()]
    assert rows_with(sql, anna) == []
    chat.send("/start").wait()
    assert eventually(lambda: [a for a in chat.answers() if "Annabellina-" in a.text], 20)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("statement", ["receive_update", "finish_update"])
def test_a_crash_at_any_step_erases_the_user_once(
    stack: Stack, sql: Sql, clock: Callable[[str], None], anna: TelegramUser, statement: str, when: Any
) -> None:
    asked = open_erasure_dialog(anna)
    stack.telegram.idle(10)
    stack.database.on(statement, when=when, do=lambda: kill(stack))
    tap = asked.tap("🗑 Delete everything")
    eventually(lambda: not stack.function("telegram").pid, 20)
    clock(LATER)
    stack.function("telegram").restart()
    stack.telegram.retry_now()
    tap.wait(timeout=30)
    assert "Done" in asked.wait_for_edit().text
    assert rows_with(sql, anna) == []


def test_money_received_after_the_confirmation_stops_the_erasure(
    stack: Stack, sql: Sql, anna: TelegramUser
) -> None:
    asked = open_erasure_dialog(anna)

    def pay() -> None:
        sql("select adjust_balance(%s, 30, 'late', %s)", anna.id, f"late:{anna.id % 991}")

    stack.database.on("finish_update", when="before", do=pay)
    asked.tap("🗑 Delete everything").wait(timeout=20)
    assert "• 30\u00a0₽ on your balance" in asked.wait_for_edit().text
    assert sql("select balance::int from users where telegram_id = %s", anna.id) == [{"balance": 30}]


def test_a_renewal_started_after_the_confirmation_stops_the_erasure(
    stack: Stack, sql: Sql, anna: TelegramUser
) -> None:
    asked = open_erasure_dialog(anna)

    def renew() -> None:
        sql(
            "insert into renewals "
            "(user_id, product_key, provider, provider_subscription_id, currency, amount, plan, period, bot) "
            "select id, 'premium_month', 'yookassa', %s, 'RUB', 499, 'PREMIUM', 'month', 'assistant' "
            "from users where telegram_id = %s",
            f"late:{anna.id % 977}",
            anna.id,
        )

    stack.database.on("finish_update", when="before", do=renew)
    asked.tap("🗑 Delete everything").wait(timeout=20)
    assert "Turn off auto-renewal first" in asked.wait_for_edit().text
    assert sql("select from users where telegram_id = %s", anna.id)
