"""A course is bought in the bot, upgraded at the difference, and refunded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import ADMIN
from tests.stories.test_buy import checkout, news, speaks
from tests.stories.test_refunds import ask, messages, payment_of, tap_yes
from tests.support import eventually
from tools.emulator.stack import Stack
from tools.emulator.telegram.users import Chat, TelegramUser

Sql = Callable[..., list[dict[str, Any]]]
Appoint = Callable[..., TelegramUser]


@pytest.fixture
def course(sql: Sql) -> int:
    """Sell two tiers of a course for Stars and dollars; return its id."""
    (row,) = sql(
        "insert into courses (slug, texts, is_published) values"
        """ ('sales', '{"en": {"title": "Sales"}, "ru": {"title": "Продажи"}}', true) returning id"""
    )
    for tier, title, price in (("basic", "Sales: basics", 100), ("vip", "Sales: personal", 500)):
        sql(
            "insert into products (key, kind, texts, is_active) values"
            " (%s, 'course', jsonb_build_object('en', jsonb_build_object('title', %s::text)), true)",
            tier,
            title,
        )
        for currency in ("XTR", "USD"):
            sql("insert into product_prices values (%s, %s, %s)", tier, currency, price)
        sql(
            "insert into course_offers (product_key, course_id, tier) values (%s, %s, %s)",
            tier,
            row["id"],
            tier,
        )
    return int(row["id"])


def tiers(sql: Sql, chat: Chat) -> set[str]:
    """Return the tiers that a user has."""
    rows = sql(
        "select e.tier from enrollments e join users u on u.id = e.user_id"
        " where u.telegram_id = %s and e.withdrawn_at is null",
        chat.id,
    )
    return {row["tier"] for row in rows}


def buy(chat: Chat, title: str) -> None:
    """Buy a product for Stars."""
    chat.pay(checkout(chat, title, "Telegram Stars")).wait()
    assert f"You bought {title}" in chat.answer().text


def sweep(stack: Stack, sql: Sql) -> None:
    """Deliver what waits for the job `sweep`."""
    sql("update telegram_outbox set send_after = now()")
    stack.run_job("sweep")


def test_a_course_its_upgrade_and_their_refunds(
    stack: Stack, sql: Sql, appoint: Appoint, course: int
) -> None:
    anna = speaks(stack)
    buy(anna, "Sales: basics")
    first = payment_of(sql, anna)
    assert tiers(sql, anna) == {"basic"}

    buy(anna, "Sales: personal")
    second = payment_of(sql, anna)
    assert tiers(sql, anna) == {"basic", "vip"}
    assert sql("select amount from payments where id = %s", second)[0]["amount"] == 400

    boss = appoint("en").chat("assistant")
    assert tap_yes(ask(boss, f"/refund {first}")).text.startswith("✅ Refunded ")
    assert stack.payments.idle(20)
    sweep(stack, sql)
    news(boss, "Upgrade withdrawn")
    assert tiers(sql, anna) == set()
    assert tap_yes(ask(boss, f"/refund {second}")).text.startswith("✅ Refunded ")
    eventually(lambda: len(messages(anna, "we’ve refunded")) == 2, 20)
    assert tiers(sql, anna) == set()
    assert len(messages(boss, "Upgrade withdrawn")) == 1
    assert sql("select * from check_payments()") == []


def test_a_place_that_an_admin_gave_is_announced(
    stack: Stack, sql: Sql, appoint: Appoint, course: int
) -> None:
    appoint("en")
    anna = speaks(stack)
    given = sql(
        "select admin_enroll(id, 'sales', 'vip', %s) as result from users where telegram_id = %s",
        ADMIN,
        anna.id,
    )[0]["result"]
    assert given["outgoing"]
    sweep(stack, sql)
    news(anna, "You now have access to Sales")
    assert tiers(sql, anna) == {"vip"}
