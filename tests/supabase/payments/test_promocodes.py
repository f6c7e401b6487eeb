"""Promo codes: what each kind grants, when it grants nothing, and that it grants once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from tests.supabase.payments.conftest import Money, message_keys, paid, refunded, unique_id
from tests.supabase.payments.promocodes import failed_attempts_of, new_code, redeem, row_of, usages_of
from tests.support import in_parallel

Sql = Callable[..., list[dict[str, Any]]]
Clock = Callable[[str], None]
MOSCOW = ZoneInfo("Europe/Moscow")


def promo_ends(sql: Sql, user_id: int) -> datetime:
    (row,) = sql("select ends_at from subscriptions where user_id = %s and source = 'promo'", user_id)
    moment: datetime = row["ends_at"]
    return moment


# What each kind grants --------------------------------------------------------------------------------------


def test_credits_are_granted_immediately(money: Money, sql: Sql) -> None:
    anna, code = money.user(), new_code(sql, "credits", 50)
    assert redeem(money, anna, code) == {
        "outcome": "redeemed",
        "code": code,
        "kind": "credits",
        "value": 50,
    }
    assert money.user_row(anna)["bonus_credits"] == 50
    assert row_of(sql, code)["uses"] == 1


def test_trainings_are_granted_immediately(money: Money, sql: Sql) -> None:
    anna, code = money.user(), new_code(sql, "trainings", 3)
    assert redeem(money, anna, code)["outcome"] == "redeemed"
    rows = sql("select source, reference, quantity, used from free_trainings where user_id = %s", anna)
    reference = f"promocode:{row_of(sql, code)['id']}"
    assert rows == [{"source": "promo", "reference": reference, "quantity": 3, "used": 0}]


def test_a_promo_month_is_a_calendar_month(money: Money, sql: Sql, clock: Clock) -> None:
    clock("timestamptz '2027-01-31 12:00:00+03'")
    anna = money.user()
    result = redeem(money, anna, new_code(sql, "month", 1))
    assert (result["kind"], result["plan"]) == ("month", "PREMIUM")
    assert datetime.fromisoformat(result["until"]) == datetime(2027, 2, 28, 12, tzinfo=MOSCOW)
    assert (money.user_row(anna)["vip_level"], money.user_row(anna)["is_paid"]) == (1, True)
    redeem(money, anna, new_code(sql, "month", 2))
    assert promo_ends(sql, anna) == datetime(2027, 4, 30, 12, tzinfo=MOSCOW)


def test_promo_months_and_purchases_extend_each_other(money: Money, sql: Sql, clock: Clock) -> None:
    clock("timestamptz '2027-01-10 12:00:00+03'")
    anna = money.user()
    money.record(paid(unique_id(), money.order(anna, "premium_month"), "499.00"))
    redeem(money, anna, new_code(sql, "month", 1))
    assert promo_ends(sql, anna) == datetime(2027, 3, 10, 12, tzinfo=MOSCOW)
    money.record(paid(unique_id(), money.order(anna, "premium_month"), "499.00"))
    assert money.ends_at(anna) == datetime(2027, 4, 10, 12, tzinfo=MOSCOW)


@pytest.mark.parametrize("promo_first", [True, False])
def test_a_refunded_purchase_leaves_the_promo_month_only(
    money: Money, sql: Sql, clock: Clock, promo_first: bool
) -> None:
    clock("timestamptz '2027-01-10 12:00:00+03'")
    anna, pay, code = money.user(), unique_id(), new_code(sql, "month", 1)
    if promo_first:
        redeem(money, anna, code)
    money.record(paid(pay, money.order(anna, "premium_year"), "4990.00"))
    if not promo_first:
        redeem(money, anna, code)
    (before,) = sql("select max(ends_at) as ends from subscriptions where user_id = %s", anna)
    assert before["ends"] == datetime(2028, 2, 10, 12, tzinfo=MOSCOW)

    money.record(refunded(pay, "4990.00"))

    rows = sql(
        "select max(ends_at) as ends from subscriptions where user_id = %s and status = 'active'", anna
    )
    assert abs((rows[0]["ends"] - datetime(2027, 2, 10, 12, tzinfo=MOSCOW)).days) <= 3, rows
    assert money.user_row(anna)["vip_level"] == 1
    clock("timestamptz '2027-02-15 12:00:00+03'")
    sql("select private.expire_subscriptions(1000)")
    assert money.user_row(anna)["vip_level"] == 0


def test_a_promo_month_after_a_partial_refund_is_a_full_month(money: Money, sql: Sql, clock: Clock) -> None:
    clock("timestamptz '2027-01-10 12:00:00+03'")
    anna, pay = money.user(), unique_id()
    money.record(paid(pay, money.order(anna, "premium_month"), "499.00"))
    money.record(refunded(pay, "249.50"))
    ended = money.ends_at(anna)
    redeem(money, anna, new_code(sql, "month", 1))
    assert 27 < (promo_ends(sql, anna) - ended).days < 32


def test_the_expiry_of_a_promo_month_is_notified_once_and_only_if_the_plan_ends(
    money: Money, sql: Sql, clock: Clock
) -> None:
    clock("timestamptz '2027-01-10 12:00:00+03'")
    anna = money.user()
    sql(
        "insert into bot_sessions (user_id, bot, chat_id) select id, 'assistant', telegram_id from users "
        "where id = %s",
        anna,
    )
    money.record(paid(unique_id(), money.order(anna, "premium_month"), "499.00"))
    redeem(money, anna, new_code(sql, "month", 1))

    def result() -> list[str]:
        (row,) = sql("select telegram_id from users where id = %s", anna)
        outgoing = money.call("enqueue_expiry_reminders")
        return message_keys([one for one in outgoing if one["parameters"]["chat_id"] == row["telegram_id"]])

    clock("timestamptz '2027-02-08 12:00:00+03'")
    assert result() == [], "the promo month continues the plan"
    clock("timestamptz '2027-03-08 12:00:00+03'")
    assert result() == ["ends_days"]
    assert result() == []


# Rejected codes ---------------------------------------------------------------------------------------------


def test_a_code_is_case_insensitive_and_trimmed(money: Money, sql: Sql) -> None:
    anna, code = money.user(), new_code(sql)
    assert redeem(money, anna, f"  {code.lower()} ")["outcome"] == "redeemed"


@pytest.mark.parametrize(
    ("columns", "outcome"),
    [
        ({"is_active": False}, "expired"),
        ({"valid_from": "2026-01-01", "valid_until": "2026-02-01"}, "expired"),
        ({"valid_from": "2099-01-01"}, "not_yet"),
        ({"max_uses": 1, "uses": 1}, "used_up"),
    ],
)
def test_a_code_that_cannot_be_redeemed_returns_the_reason_and_counts_as_an_attempt(
    money: Money, sql: Sql, columns: dict[str, Any], outcome: str
) -> None:
    anna, code = money.user(), new_code(sql, **columns)
    result = redeem(money, anna, code)
    assert result["outcome"] == outcome
    assert ("from" in result) == (outcome == "not_yet")
    assert money.user_row(anna)["bonus_credits"] == 0
    assert usages_of(sql, code) == []
    assert failed_attempts_of(sql, anna) == 1


def test_each_user_redeems_a_code_once(money: Money, sql: Sql) -> None:
    anna, ben, code = money.user(), money.user(), new_code(sql)
    assert redeem(money, anna, code)["outcome"] == "redeemed"
    again = redeem(money, anna, code)
    assert again == {
        "outcome": "already_used",
        "is_unused": False,
        "code": code,
        "kind": "credits",
        "value": 50,
    }
    assert redeem(money, ben, code)["outcome"] == "redeemed"
    assert money.user_row(anna)["bonus_credits"] == 50
    assert row_of(sql, code)["uses"] == 2
    assert failed_attempts_of(sql, anna) == 0, "a code that the user has redeemed is no wrong attempt"


def test_one_reference_redeems_once_and_returns_the_same_result(money: Money, sql: Sql) -> None:
    anna, ben, code, other = money.user(), money.user(), new_code(sql), new_code(sql)
    reference = f"story:{code}"
    first = redeem(money, anna, code, reference)
    assert redeem(money, anna, code, reference) == first
    assert first["outcome"] == "redeemed"
    for user_id, wrong in ((anna, other), (ben, code)):
        with pytest.raises(psycopg.Error) as caught:
            redeem(money, user_id, wrong, reference)
        assert caught.value.sqlstate == "Z0006"
    assert (money.user_row(anna)["bonus_credits"], money.user_row(ben)["bonus_credits"]) == (50, 0)
    assert (row_of(sql, code)["uses"], row_of(sql, other)["uses"]) == (1, 0)


def test_redeeming_for_an_unknown_user_is_rejected(money: Money, sql: Sql) -> None:
    with pytest.raises(psycopg.Error) as caught:
        redeem(money, -1, new_code(sql))
    assert caught.value.sqlstate == "Z0005"


# Guessing ---------------------------------------------------------------------------------------------------


def test_wrong_codes_are_limited_per_day(money: Money, sql: Sql, clock: Clock) -> None:
    clock("timestamptz '2027-01-10 23:00:00+03'")
    anna, ben, code = money.user(), money.user(), new_code(sql)
    for guess in range(10):
        assert redeem(money, anna, f"GUESS{guess}")["outcome"] == "unknown"
    assert redeem(money, anna, "GUESS10") == {"outcome": "too_many_attempts"}
    assert redeem(money, anna, code) == {"outcome": "too_many_attempts"}, "the valid code neither"
    assert redeem(money, ben, code)["outcome"] == "redeemed"
    clock("timestamptz '2027-01-11 00:01:00+03'")
    assert redeem(money, anna, code)["outcome"] == "redeemed"


def test_a_repeated_call_with_a_wrong_code_is_one_attempt(money: Money, sql: Sql) -> None:
    anna = money.user()
    for _ in range(15):
        assert redeem(money, anna, "NOSUCH", "update:1")["outcome"] == "unknown"
    assert failed_attempts_of(sql, anna) == 1
    for guess in range(9):
        redeem(money, anna, "NOSUCH", f"guess:{guess}")
    assert redeem(money, anna, "NOSUCH", "guess:8")["outcome"] == "unknown"
    assert redeem(money, anna, "NOSUCH", "guess:9")["outcome"] == "too_many_attempts"


def test_fifty_concurrent_guesses_are_limited_to_ten(money: Money, sql: Sql) -> None:
    anna = money.user()
    result = in_parallel(50, lambda n: redeem(money, anna, f"AT-ONCE-{n}")["outcome"])
    assert sorted(result) == ["too_many_attempts"] * 40 + ["unknown"] * 10


# Concurrency ------------------------------------------------------------------------------------------------


def test_fifty_concurrent_users_redeem_a_code_for_one_once(money: Money, sql: Sql) -> None:
    users = [money.user() for _ in range(50)]
    code = new_code(sql, max_uses=1)
    result = in_parallel(50, lambda n: redeem(money, users[n], code)["outcome"])
    assert sorted(result) == ["redeemed"] + ["used_up"] * 49
    assert row_of(sql, code)["uses"] == 1
    (given,) = sql("select sum(bonus_credits) as given from users where id = any(%s)", users)
    assert given["given"] == 50


def test_fifty_concurrent_calls_of_one_user_redeem_once(money: Money, sql: Sql) -> None:
    anna, code = money.user(), new_code(sql, "month", 1)
    result = in_parallel(50, lambda _n: redeem(money, anna, code)["outcome"])
    assert sorted(result) == ["already_used"] * 49 + ["redeemed"]
    assert row_of(sql, code)["uses"] == 1
    assert (promo_ends(sql, anna) - datetime.now(MOSCOW)).days in range(27, 32)


def test_redeeming_and_paying_concurrently_do_not_deadlock(money: Money, sql: Sql) -> None:
    """Redemptions and payments of the same users, in both orders, do not deadlock."""
    users = [money.user() for _ in range(3)]
    codes = [new_code(sql, kind, 10 if kind != "month" else 1) for kind in ("percent", "month", "credits")]
    orders = [money.order(user, "premium_month") for user in users]

    def work(n: int) -> str:
        user = n % 3
        if n % 2:
            return str(money.record(paid(f"{codes[0]}-{n}", orders[user], "499.00"))["outcome"])
        return str(redeem(money, users[user], codes[n // 2 % 3])["outcome"])

    done = in_parallel(18, work)
    assert set(done) <= {"applied", "redeemed", "already_used"}, done


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role", "bot_backend"])
def test_only_our_own_roles_redeem(money: Money, sql: Sql, database_url: str, role: str) -> None:
    anna, code = money.user(), new_code(sql)
    with psycopg.connect(database_url, autocommit=True, prepare_threshold=None) as connection:
        connection.execute(f"set role {role}".encode())
        statement = b"select public.redeem_promocode(%s, %s) ->> 'outcome'"
        if role in ("anon", "authenticated"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement, [anna, code])
        else:
            assert connection.execute(statement, [anna, code]).fetchone() == ("redeemed",)
        for table in ("promocodes", "promocode_usages", "promocode_attempts"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"select from public.{table}".encode())
