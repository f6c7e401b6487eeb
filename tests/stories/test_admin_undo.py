"""Searching users by a part of a name, undoing actions, and executing each action once."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.stories.test_admin import (
    Appoint,
    Sql,
    ask,
    column,
    labels,
    started_user,
    tap,
)
from tests.support import deliver_until_done, eventually, message_update
from tests.telegram.test_crashes import LATER
from tools.emulator.stack import Stack


@pytest.mark.parametrize(("language", "more"), [("ru", "не все, кто нашёлся"), ("en", "more matches")])
def test_users_are_found_by_a_part_of_their_name(
    stack: Stack, appoint: Appoint, sql: Sql, language: str, more: str
) -> None:
    boss = appoint(language).chat("assistant")
    name = f"Zyablikova{language}"
    first, second = started_user(stack, f"Mila {name}"), started_user(stack, f"Vera {name}")
    listed = ask(boss, f"/user {name[2:]}")
    assert {label for row in labels(listed) for label in row} == {
        f"Mila {name} (@{first.account.username})",
        f"Vera {name} (@{second.account.username})",
    }
    tap(listed, f"Vera {name} (@{second.account.username})")
    assert f"ID: {second.id}" in listed.text
    assert f"ID: {first.id}" in ask(boss, f"/user mila {name}").text, "the only one is shown at once"
    sql(
        "insert into users (telegram_id, first_name) select 8100000000 + n + %s, %s || n "
        "from generate_series(1, 8) as n",
        100 * ord(language[0]),
        name,
    )
    found = ask(boss, f"/user {name}")
    assert more in found.text
    shown = [label for row in labels(found) for label in row]
    without_username = [label for label in shown if "@" not in label]
    assert without_username and all(re.search(r" · 81\d{8}$", label) for label in without_username), shown


@pytest.mark.parametrize(
    ("language", "undo", "done", "known"),
    [
        ("ru", "↩️ Отменить", "Отменено: 50 → 0", "уже отменено"),
        ("en", "↩️ Undo", "Undone: 50 → 0", "already been undone"),
    ],
)
def test_a_grant_notifies_the_user_and_is_undone_once(
    stack: Stack, appoint: Appoint, sql: Sql, language: str, undo: str, done: str, known: str
) -> None:
    boss, anna = appoint(language).chat("assistant"), started_user(stack)
    answer = ask(boss, f"/grant {anna.id} 50")
    assert "50 бонусных запросов" in anna.chat("assistant").answers()[-1].text
    card = ask(boss, f"/user {anna.id}")
    assert any(undo in label and "+50" in label for row in labels(card) for label in row)
    assert tap(answer, undo) == done
    assert f"ID: {anna.id}" in answer.text
    assert column(sql, anna, "bonus_credits") == 0
    assert "Списано: 50" in anna.chat("assistant").answers()[-1].text
    again = next(label for row in labels(card) for label in row if undo in label)
    assert known in str(card.tap(again).answer(20)["text"])
    log = ask(boss, f"/audit {anna.id}").text
    assert ("отменено: бонусные запросы" if language == "ru" else "undone: bonus requests") in log


def test_added_balance_notifies_the_user(stack: Stack, appoint: Appoint, sql: Sql) -> None:
    boss, anna = appoint("en").chat("assistant"), started_user(stack)
    added = ask(boss, f"/addbalance {anna.id} 100,50 for the outage")
    assert "balance 0\u00a0₽ → 100.50\u00a0₽" in added.text
    assert "Начислено на баланс: 100,50\u00a0₽" in anna.chat("assistant").answers()[-1].text
    assert "doesn’t have that much" in ask(boss, f"/addbalance {anna.id} -101").text
    assert float(column(sql, anna, "balance")) == 100.5


def test_a_bought_plan_is_ended_by_its_refund_alone(stack: Stack, appoint: Appoint, sql: Sql) -> None:
    boss, anna = appoint("en").chat("assistant"), started_user(stack)
    sql(
        "insert into subscriptions (user_id, plan, source, ends_at) select id, 'PREMIUM', 'purchase', "
        "private.clock() + interval '9 days' from users where telegram_id = %s",
        anna.id,
    )
    sql("select private.refresh_access(id) from users where telegram_id = %s", anna.id)
    card = ask(boss, f"/user {anna.id}")
    tap(card, "🎁 Give")
    assert "End the plan" not in str(labels(card))
    assert "paid for this plan" in ask(boss, f"/plan {anna.id} FREE").text
    ask(boss, f"/plan {anna.id} PREMIUM 90")
    card = ask(boss, f"/user {anna.id}")
    tap(card, "🎁 Give")
    tap(card, "End the plan")
    assert "Premium until" in card.text


def test_stats_are_followed_by_revenue(stack: Stack, appoint: Appoint) -> None:
    for language, head, paying in (
        ("ru", "💰 Выручка", "Сколько новых пользователей заплатили"),
        ("en", "💰 Revenue", "New users who paid"),
    ):
        boss = appoint(language).chat("assistant")
        ask(boss, "/stats")
        money = boss.answers()[-1].text
        assert money.startswith(head) and paying in money
        assert len(money) < 1500


# Once, whatever happens ------------------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("statement", ["admin_add_bonus_credits", "finish_update"])
def test_a_killed_worker_grants_once_and_answers_the_same(
    stack: Stack, appoint: Appoint, sql: Sql, clock: Callable[[str], None], statement: str, when: Any
) -> None:
    boss, anna = appoint("en"), started_user(stack)
    stack.database.on(statement, when=when, do=lambda: stack.function("telegram").kill())
    sent = boss.chat("assistant").send(f"/grant {anna.id} 7")
    eventually(lambda: not stack.function("telegram").pid, 20)
    clock(LATER)
    stack.function("telegram").restart()
    stack.telegram.retry_now()
    sent.wait(timeout=20)
    assert "bonus requests 0 → 7" in boss.chat("assistant").answer().text
    assert column(sql, anna, "bonus_credits") == 7
    (row,) = sql(
        "select reference from audit_log join users on users.id = user_id where telegram_id = %s", anna.id
    )
    assert row["reference"].startswith(f"telegram:assistant:{sent.update_id}:")


def test_a_repeated_update_id_long_after_is_another_update(stack: Stack, appoint: Appoint, sql: Sql) -> None:
    boss, anna = appoint("en"), started_user(stack)
    update = message_update(boss, f"/grant {anna.id} 7")
    assert "0 → 7" in deliver_until_done(stack.telegram, update, "assistant").json()["text"]
    assert "0 → 7" in deliver_until_done(stack.telegram, update, "assistant").json()["text"]
    assert column(sql, anna, "bonus_credits") == 7
    sql("delete from telegram_updates where update_id = %s", update["update_id"])
    update["message"]["date"] += 8 * 86_400
    assert "7 → 14" in deliver_until_done(stack.telegram, update, "assistant").json()["text"]
    assert column(sql, anna, "bonus_credits") == 14


@pytest.mark.parametrize(
    "data", ["admin:undo:%s", "admin:grant:1:%s", "admin:audit:1:%s", "admin:payment:%s", "admin:ban_yes:%s"]
)
def test_a_number_too_large_for_the_database_is_an_old_button(
    stack: Stack, appoint: Appoint, data: str
) -> None:
    boss = appoint("en").chat("assistant")
    tapped = boss.tap(ask(boss, "/stats").stored, data % ("9" * 40))
    assert "old message" in tapped.answer(20)["text"]
