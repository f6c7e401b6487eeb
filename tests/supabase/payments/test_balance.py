"""The balance: shared with other services, exact, never negative, each reference applied once."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support import examples, in_parallel, new_telegram_id

Sql = Callable[..., list[dict[str, Any]]]
SLOW = settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    database=None,
)


@pytest.fixture
def anna(sql: Sql) -> int:
    """Create a user and return the Telegram id."""
    return create_user(sql)


def create_user(sql: Sql) -> int:
    telegram_id = new_telegram_id()
    sql("insert into users (telegram_id, first_name) values (%s, 'Anna')", telegram_id)
    return telegram_id


def state(sql: Sql, telegram_id: int) -> tuple[Decimal, Decimal, int]:
    """Return the balance, the sum of the ledger and the number of its rows."""
    row = sql(
        "select u.balance, coalesce(sum(t.amount), 0) as ledger, count(t.id) as rows from users u "
        "left join balance_transactions t on t.user_id = u.id where u.telegram_id = %s group by u.id",
        telegram_id,
    )[0]
    return row["balance"], row["ledger"], row["rows"]


def code_of(error: psycopg.Error) -> str:
    return error.sqlstate or ""


def test_a_change_applies_once_and_returns_its_result(
    sql: Sql, anna: int, adjust: Callable[..., Any]
) -> None:
    first = adjust(anna, "10.50", f"shop:{anna}")
    assert (first["balance"], first["applied"]) == ("10.50", True)
    again = adjust(anna, "10.50", f"shop:{anna}")
    assert again == {"balance": "10.50", "applied": False, "transaction_id": first["transaction_id"]}
    assert adjust(anna, "-0.50", f"shop:{anna}:2")["balance"] == "10.00"
    assert state(sql, anna) == (Decimal("10.00"), Decimal("10.00"), 2)


@pytest.mark.parametrize(
    ("amount", "reason", "reference", "code"),
    [
        (0, "test", "shop:1", "L0004"),
        (None, "test", "shop:1", "L0004"),
        ("0.001", "test", "shop:1", "L0004"),
        ("NaN", "test", "shop:1", "L0004"),
        ("Infinity", "test", "shop:1", "L0004"),
        ("10000000000", "test", "shop:1", "L0004"),
        (1, "", "shop:1", "L0004"),
        (1, None, "shop:1", "L0004"),
        (1, "test", "shop", "L0004"),
        (1, "test", "shop:" + "1" * 196, "L0004"),
        (1, "test", ":1", "L0004"),
        (1, "test", None, "L0004"),
        ("-0.01", "test", "shop:1", "L0002"),
    ],
)
def test_an_invalid_change_is_rejected(
    sql: Sql, anna: int, adjust: Callable[..., Any], amount: Any, reason: Any, reference: Any, code: str
) -> None:
    with pytest.raises(psycopg.Error) as caught:
        adjust(anna, amount, reference, reason)
    assert code_of(caught.value) == code
    assert state(sql, anna) == (Decimal(0), Decimal(0), 0)


def test_a_used_reference_with_another_amount_or_user_is_an_error(
    sql: Sql, anna: int, adjust: Callable[..., Any]
) -> None:
    adjust(anna, 5, f"shop:{anna}")
    ben = create_user(sql)
    for telegram_id, amount in ((anna, 6), (ben, 5)):
        with pytest.raises(psycopg.Error) as caught:
            adjust(telegram_id, amount, f"shop:{anna}")
        assert code_of(caught.value) == "L0003"


def test_200_concurrent_changes_with_repeated_references_give_the_exact_sum(
    sql: Sql, anna: int, adjust: Callable[..., Any]
) -> None:
    adjust(anna, 100, f"start:{anna}")
    amounts = [3, -7, 11, -13, 17]  # in any order the balance stays positive

    def change(n: int) -> bool:
        kind = n % 40  # each reference five times
        return bool(adjust(anna, amounts[kind % 5], f"race:{anna}:{kind}")["applied"])

    applied = [
        result for batch in range(10) for result in in_parallel(20, lambda n, b=batch: change(b * 20 + n))
    ]
    assert sum(applied) == 40
    total = Decimal(100 + 8 * sum(amounts))
    assert state(sql, anna) == (total, total, 41)


def test_concurrent_debits_never_overdraw_the_balance(
    sql: Sql, anna: int, adjust: Callable[..., Any]
) -> None:
    adjust(anna, 10, f"start:{anna}")

    def spend(n: int) -> str:
        try:
            return str(adjust(anna, -10, f"spend:{anna}:{n}")["balance"])
        except psycopg.Error as error:
            return code_of(error)

    assert sorted(in_parallel(20, spend)) == ["0.00"] + ["L0002"] * 19


def test_one_reference_used_for_two_users_concurrently_applies_to_one(
    sql: Sql, anna: int, adjust: Callable[..., Any]
) -> None:
    people = [anna, *(create_user(sql) for _ in range(9))]

    def claim(n: int) -> str:
        try:
            return str(adjust(people[n], 1, f"claim:{anna}")["applied"])
        except psycopg.Error as error:
            return code_of(error)

    assert sorted(in_parallel(10, claim)) == ["L0003"] * 9 + ["True"]


@SLOW
@given(
    changes=st.lists(
        st.tuples(
            st.integers(0, 2),
            st.decimals("-50", "50", places=2, allow_nan=False).filter(bool),
            st.integers(0, 6),
        ),
        max_size=25,
    )
)
def test_any_sequence_keeps_balance_and_ledger_equal(
    sql: Sql, adjust: Callable[..., Any], changes: list[tuple[int, Decimal, int]]
) -> None:
    people = [create_user(sql) for _ in range(3)]
    balances = dict.fromkeys(people, Decimal(0))
    known: dict[int, tuple[int, Decimal]] = {}
    for user, amount, number in changes:
        telegram_id = people[user]
        try:
            adjust(telegram_id, amount, f"any:{people[0]}:{number}")
        except psycopg.Error as error:
            if number in known:
                assert code_of(error) == "L0003" and known[number] != (telegram_id, amount)
            else:
                assert code_of(error) == "L0002" and balances[telegram_id] + amount < 0
        else:
            if number not in known:
                known[number] = (telegram_id, amount)
                balances[telegram_id] += amount
            assert known[number] == (telegram_id, amount)
    for telegram_id in people:
        balance, ledger, _rows = state(sql, telegram_id)
        assert balance == ledger == balances[telegram_id] >= 0


def test_the_ledger_is_immutable_even_for_its_owner(sql: Sql, anna: int, adjust: Callable[..., Any]) -> None:
    adjust(anna, 5, f"shop:{anna}")
    for statement in (
        "update balance_transactions set amount = 6 where reference = %s",
        "update balance_transactions set user_id = null, amount = 6 where reference = %s",
        "delete from balance_transactions where reference = %s",
    ):
        with pytest.raises(psycopg.Error) as caught:
            sql(statement, f"shop:{anna}")
        assert code_of(caught.value) == "T0001"
    assert state(sql, anna) == (Decimal(5), Decimal(5), 1)


def test_a_user_row_deleted_without_an_erasure_is_found_by_the_check(
    sql: Sql, anna: int, adjust: Callable[..., Any]
) -> None:
    adjust(anna, 5, f"shop:{anna}")
    sql("delete from users where telegram_id = %s", anna)
    row = sql("select user_id, amount from balance_transactions where reference = %s", f"shop:{anna}")[0]
    assert row == {"user_id": None, "amount": Decimal("5.00")}
    wrong = {"user_id": None, "balance": "0", "ledger": "5.00"}
    assert sql("select check_balances() as wrong") == [{"wrong": [wrong]}]
    sql(
        "insert into balance_transactions (amount, balance_after, reason, reference) "
        "values (-5, 0, 'erased', %s)",
        f"erased:{anna}",
    )
    assert sql("select check_balances() as wrong") == [{"wrong": []}]


def test_check_balances_finds_differences(
    sql: Sql, anna: int, adjust: Callable[..., Any], backend_url: str
) -> None:
    adjust(anna, 5, f"shop:{anna}")
    sql("update users set balance = balance + 1 where telegram_id = %s", anna)
    with psycopg.connect(backend_url, prepare_threshold=None) as connection:
        row = connection.execute("select public.check_balances()").fetchone()
    assert row is not None
    user_id = sql("select id from users where telegram_id = %s", anna)[0]["id"]
    assert row[0] == [{"user_id": user_id, "balance": "6.00", "ledger": "5.00"}]


@pytest.mark.parametrize(
    ("role", "may"),
    [("bot_backend", True), ("service_role", True), ("anon", False), ("authenticated", False)],
)
def test_only_the_backend_role_and_the_secret_key_may_call(
    database_url: str, anna: int, role: str, may: bool
) -> None:
    for call in (f"adjust_balance({anna}, 1, 'test', 'role:{role}:{anna}')", "check_balances()"):
        with psycopg.connect(database_url, prepare_threshold=None) as connection:
            connection.execute(f"set local role {role}")
            if may:
                connection.execute(f"select public.{call}")
            else:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(f"select public.{call}")
            connection.rollback()
