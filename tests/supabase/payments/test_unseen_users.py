"""Users credited by another service before their first message: created, and still new when they write."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tests.supabase.privacy.conftest import SqlUser, next_update
from tests.support import in_parallel, new_telegram_id
from tools.emulator.stack import Stack

Sql = Callable[..., list[dict[str, Any]]]


def user(sql: Sql, telegram_id: int) -> dict[str, Any]:
    (row,) = sql("select * from users where telegram_id = %s", telegram_id)
    return row


def new_today(sql: Sql) -> int:
    return int(sql("select coalesce(sum(new_users), 0) as n from daily_totals")[0]["n"])


def active_today(sql: Sql) -> int:
    return int(
        sql("select coalesce(sum(active), 0) as n from daily_active_users where day > 'epoch'")[0]["n"]
    )


def test_an_unseen_users_balance_is_kept_and_their_first_message_still_counts_as_first(
    sql: Sql, adjust: Callable[..., Any], connect: Callable[[], psycopg.Connection]
) -> None:
    anna = SqlUser(connect)
    counted, active = new_today(sql), active_today(sql)
    assert adjust(anna.id, "12.50", f"shop:{anna.id}")["balance"] == "12.50"
    assert adjust(anna.id, "12.50", f"shop:{anna.id}")["applied"] is False
    row = user(sql, anna.id)
    assert (row["has_started"], row["is_newcomer"], row["trial_used"]) == (False, True, False)
    assert (new_today(sql), active_today(sql)) == (counted, active)

    first = anna.receive(next_update())["user"]
    second = anna.receive(next_update())["user"]

    assert (first["is_new"], first["balance"], first["id"]) == (True, "12.50", row["id"])
    assert second["is_new"] is False
    assert user(sql, anna.id)["has_started"] is True
    assert user(sql, anna.id)["first_name"] == "Anna"
    assert (new_today(sql), active_today(sql)) == (counted + 1, active + 1)


def test_a_redelivered_first_update_is_still_the_first(
    adjust: Callable[..., Any], connect: Callable[[], psycopg.Connection]
) -> None:
    anna, update = SqlUser(connect), next_update()
    adjust(anna.id, "1", f"shop:{anna.id}")
    again = {"p_lease_seconds": 0}
    assert [anna.receive(update, **again)["user"]["is_new"] for _ in range(2)] == [True, True]


def test_one_of_several_concurrent_first_messages_is_the_first(
    sql: Sql, adjust: Callable[..., Any], connect: Callable[[], psycopg.Connection]
) -> None:
    anna = SqlUser(connect)
    counted = new_today(sql)
    adjust(anna.id, "1", f"shop:{anna.id}")
    updates = [next_update() for _ in range(8)]
    in_parallel(8, lambda n: anna.receive(updates[n]))
    assert new_today(sql) == counted + 1


def test_concurrent_payments_and_a_first_message_create_one_user(
    sql: Sql, adjust: Callable[..., Any], connect: Callable[[], psycopg.Connection]
) -> None:
    for _ in range(5):
        anna, counted = SqlUser(connect), new_today(sql)
        updates = [next_update() for _ in range(8)]

        def act(n: int, anna: SqlUser = anna, updates: list[int] = updates) -> None:
            if n % 2:
                anna.receive(updates[n])
            else:
                adjust(anna.id, "1", f"shop:{anna.id}:{n}")

        in_parallel(8, act)
        anna.receive(next_update())
        row = user(sql, anna.id)
        assert (row["balance"], row["has_started"]) == (Decimal(4), True)
        assert new_today(sql) == counted + 1


@pytest.mark.parametrize("telegram_id", [None, 0, -1001234500001, 2**52, 2**62])
def test_an_impossible_telegram_id_is_rejected(
    sql: Sql, adjust: Callable[..., Any], telegram_id: int | None
) -> None:
    with pytest.raises(psycopg.Error) as caught:
        adjust(telegram_id, "5", "shop:unseen")
    assert caught.value.sqlstate == "L0001"
    assert sql("select from users where telegram_id = %s", telegram_id) == []


def test_a_debit_of_an_unseen_user_is_rejected(sql: Sql, adjust: Callable[..., Any]) -> None:
    telegram_id = new_telegram_id()
    with pytest.raises(psycopg.Error) as caught:
        adjust(telegram_id, "-5", f"shop:{telegram_id}")
    assert caught.value.sqlstate == "L0002"
    assert sql("select from users where telegram_id = %s", telegram_id) == []


def test_an_erased_user_paid_before_returning_claims_no_benefit_twice(
    sql: Sql, adjust: Callable[..., Any], connect: Callable[[], psycopg.Connection]
) -> None:
    anna = SqlUser(connect)
    anna.ask()
    sql("update users set trial_used = true where telegram_id = %s", anna.id)
    anna.erase()
    adjust(anna.id, "3", f"shop:{anna.id}")
    # Other services may grant the unseen user what the erased one had as well.
    (row,) = sql("select id from users where telegram_id = %s", anna.id)
    sql("insert into monthly_usage (user_id, month, requests) "
        "values (%s, date_trunc('month', now() at time zone 'Europe/Moscow'), 2)", row["id"])  # fmt: skip

    back = anna.receive(next_update())

    assert (back["user"]["is_new"], back["user"]["balance"]) == (True, "3.00")
    assert (back["usage"]["requests"], back["usage"]["month_requests"]) == (1, 3)
    assert user(sql, anna.id)["is_newcomer"] is False
    assert user(sql, anna.id)["trial_used"] is True


def test_grants_of_another_service_before_the_first_message_are_kept(
    sql: Sql, adjust: Callable[..., Any], connect: Callable[[], psycopg.Connection]
) -> None:
    anna = SqlUser(connect)
    anna.ask()
    anna.erase()
    adjust(anna.id, "3", f"shop:{anna.id}")
    sql("update users set trial_used = true, banned_at = now() where telegram_id = %s", anna.id)
    assert anna.receive(next_update())["user"]["ban"] is not None
    assert user(sql, anna.id)["trial_used"] is True


def test_an_unseen_user_can_still_use_an_invite_link(stack: Stack, sql: Sql) -> None:
    ben = stack.telegram.user("Ben", "en").chat("assistant")
    ben.send("/start").wait()
    anna = stack.telegram.user("Anna", "en").chat("assistant")
    sql("select adjust_balance(%s, 7, 'gift', %s)", anna.id, f"shop:{anna.id}")

    code = user(sql, ben.id)["referral_code"]
    anna.send(f"/start ref_{code}")
    welcome = anna.answer().text

    stranger = stack.telegram.user("Anna", "en").chat("assistant")
    stranger.send("/start")
    assert welcome == stranger.answer().text
    (referral,) = sql(
        "select r.status from user_referrals r join users u on u.id = r.referred_id where u.telegram_id = %s",
        anna.id,
    )
    assert referral["status"] == "pending"
    (offer,) = sql("select trial_offer(id) ->> 'outcome' as state from users where telegram_id = %s", anna.id)
    (other,) = sql(
        "select trial_offer(id) ->> 'outcome' as state from users where telegram_id = %s", stranger.id
    )
    assert offer == other
