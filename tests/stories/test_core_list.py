"""The sixteen guarantees of the database to every bot, each checked through the running stack.

1 connection            5 language updated     9 session mode       13 daily requests
2 user created          6 subscription type   10 session language   14 balance refreshed
3 user retrieved        7 daily limits        11 history managed    15 active sessions counted
4 balance updated       8 session created     12 history cleared    16 clean disconnect
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tests.support import eventually, says
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

Sql = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def anna(stack: Stack) -> Chat:
    """Return the chat of a user who has started no bot."""
    return stack.telegram.user("Anna", language_code="en").chat("assistant")


@pytest.fixture
def premium(stack: Stack, sql: Sql) -> Callable[[Chat], None]:
    """Give a user of the bot the plan PREMIUM for a month, as a purchase does."""

    def give(chat: Chat) -> None:
        sql(
            "insert into subscriptions (user_id, plan, ends_at, source) "
            "select id, 'PREMIUM', private.clock() + interval '30 days', 'admin' "
            "from users where telegram_id = %s",
            chat.id,
        )
        sql("select private.refresh_access(id) from users where telegram_id = %s", chat.id)

    return give


def user(sql: Sql, chat: Chat) -> dict[str, Any]:
    [row] = sql("select * from users where telegram_id = %s", chat.id)
    return row


def session(sql: Sql, chat: Chat) -> dict[str, Any]:
    [row] = sql(
        "select s.* from bot_sessions s join users u on u.id = s.user_id where u.telegram_id = %s", chat.id
    )
    return row


def say(chat: Chat, text: str) -> str:
    chat.send(text)
    return chat.answer().text


def test_01_connection(backend_url: str) -> None:
    with psycopg.connect(backend_url, prepare_threshold=None) as connection:
        row = connection.execute("select current_user, public.stale_updates(0)").fetchone()
    assert row == ("bot_backend", [])


def test_02_user_created(anna: Chat, sql: Sql) -> None:
    say(anna, "/start")
    created = user(sql, anna)
    assert (created["first_name"], created["language_code"], created["language"]) == ("Anna", "en", None)
    assert (created["balance"], created["vip_level"], created["is_active"]) == (Decimal(0), 0, True)
    assert created["created_at"] <= created["updated_at"]


def test_03_user_retrieved(anna: Chat, sql: Sql) -> None:
    say(anna, "/start")
    first = user(sql, anna)
    assert f"ID: {anna.id}" in say(anna, "/profile")
    assert user(sql, anna)["id"] == first["id"], "a second message finds the same user"


def test_04_balance_updated(anna: Chat, sql: Sql) -> None:
    say(anna, "/start")
    sql("select adjust_balance(%s, 100, 'bonus', %s)", anna.id, f"core:{anna.id}:1")
    sql("select adjust_balance(%s, -30.50, 'purchase', %s)", anna.id, f"core:{anna.id}:2")
    assert user(sql, anna)["balance"] == Decimal("69.50")


def test_05_language_updated(anna: Chat, sql: Sql) -> None:
    anna.send("/language")
    menu = anna.answer()
    menu.tap("🇷🇺 Русский")
    menu.wait_for_edit()
    eventually(lambda: user(sql, anna)["language"] == "ru", 5)
    assert "Ваш профиль" in say(anna, "/profile")


def test_06_subscription_type(anna: Chat, sql: Sql, premium: Callable[[Chat], None]) -> None:
    assert "Plan: Free" in say(anna, "/profile")
    premium(anna)
    profile = say(anna, "/profile")
    assert "Plan: Premium" in profile
    assert says(profile, "profile_plan_ends")
    assert "Auto-renewal: off" in profile
    assert user(sql, anna)["vip_level"] == 1


def test_07_daily_limits(anna: Chat, sql: Sql, premium: Callable[[Chat], None]) -> None:
    assert "Today: 0 of 25 requests" in say(anna, "/profile")
    sql(
        "insert into daily_usage (user_id, bot, day, requests) select id, 'assistant', "
        "(private.clock() at time zone private.setting('quota_timezone'))::date, 25 "
        "from users where telegram_id = %s",
        anna.id,
    )
    assert "25 requests" in say(anna, "One more question"), "the limit is named"
    premium(anna)
    assert "Today: 25 of 1,000 requests" in say(anna, "/profile")


def test_08_session_created(anna: Chat, sql: Sql) -> None:
    say(anna, "/start")
    created = session(sql, anna)
    assert (created["bot"], created["chat_id"], created["mode"]) == ("assistant", anna.id, "chat")
    assert created["last_update_id"] is not None


def test_09_session_mode(anna: Chat, sql: Sql) -> None:
    anna.send("/mode")
    menu = anna.answer()
    menu.tap("🔤 Translator")
    menu.wait_for_edit()
    eventually(lambda: session(sql, anna)["mode"] == "translate", 5)
    say(anna, "/cancel")
    assert session(sql, anna)["mode"] == "chat"


def test_10_session_language(stack: Stack, sql: Sql) -> None:
    ivan = stack.telegram.user("Иван", language_code="ru").chat("assistant")
    assert "Здравствуйте" in say(ivan, "/start")
    kim = stack.telegram.user("Kim", language_code="ko").chat("assistant")
    assert "Здравствуйте" in say(kim, "/start"), "the configured language where there is no other"
    assert user(sql, kim)["language_code"] == "ko"


def test_11_history_managed(anna: Chat, stack: Stack, sql: Sql) -> None:
    say(anna, "first question")
    say(anna, "second question")
    sent = [message["content"] for message in stack.ai.requests[-1]["messages"] if message["role"] == "user"]
    assert sent == ["first question", "second question"]
    kept = sql("select role from messages where user_id = %s order by id", user(sql, anna)["id"])
    assert [message["role"] for message in kept] == ["user", "assistant"] * 2


def test_12_history_cleared(anna: Chat, sql: Sql) -> None:
    say(anna, "a question")
    assert says(say(anna, "/clear"), "clear_done")
    assert sql("select from messages where user_id = %s", user(sql, anna)["id"]) == []


def test_13_daily_requests(anna: Chat, sql: Sql) -> None:
    for number in range(3):
        say(anna, f"question {number}")
    rows = sql("select requests from daily_usage where user_id = %s", user(sql, anna)["id"])
    assert [row["requests"] for row in rows] == [3]
    assert "Today: 3 of 25 requests" in say(anna, "/profile")


def test_14_balance_refreshed(anna: Chat, sql: Sql) -> None:
    assert "Balance: 0\u00a0₽" in say(anna, "/profile")
    sql("select adjust_balance(%s, 12.34, 'bonus', %s)", anna.id, f"core:{anna.id}")
    assert "Balance: 12.34\u00a0₽" in say(anna, "/profile")


def test_15_active_sessions_counted(stack: Stack, sql: Sql, backend_url: str) -> None:
    def count(minutes: int = 60) -> int:
        with psycopg.connect(backend_url, prepare_threshold=None) as connection:
            row = connection.execute("select public.count_active_sessions(%s)", [minutes]).fetchone()
        assert row is not None
        return int(row[0])

    anna, ivan = (stack.telegram.user(name).chat("assistant") for name in ("Anna", "Ivan"))
    for text in ("/start", "/help", "a question"):
        say(anna, text)
    say(ivan, "/start")
    assert count() == 2
    sql(
        "update telegram_updates set received_at = private.clock() - interval '90 minutes' "
        "where chat_id = %s",
        ivan.id,
    )
    assert (count(), count(120)) == (1, 2)
    sql(
        "update telegram_updates set received_at = private.clock() - interval '25 hours' where chat_id = %s",
        ivan.id,
    )
    assert (count(1440), count(100_000)) == (1, 1)


def test_16_clean_disconnect(backend_url: str, sql: Sql) -> None:
    program = (
        "from shared.core import db; db.call('stale_updates', p_limit=0); print('asked', flush=True); input()"
    )
    env = os.environ | {
        "DATABASE_URL": backend_url,
        "BOT_TOKENS": '{"assistant": "123456:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}',
        "TELEGRAM_WEBHOOK_SECRET": "webhook-secret-of-tests",
        "USER_HASH_KEY": "a-key-of-at-least-32-characters-for-tests",
    }

    def connections() -> set[int]:
        return {row["pid"] for row in sql("select pid from pg_stat_activity where usename = 'bot_backend'")}

    others = connections()

    with subprocess.Popen(
        [sys.executable, "-c", program], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "asked\n"
        own = connections() - others
        assert own
        process.communicate("\n", timeout=20)
    assert process.returncode == 0
    eventually(lambda: not own & connections(), 5)
