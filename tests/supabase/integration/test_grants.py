"""Plans, credits and free trainings that other services grant: once per reference."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.supabase.access.users import Call, Sql, create_user, remaining, subscribe, user_id_of
from tests.support import examples, in_parallel, new_telegram_id

Refused = Callable[..., str | None]


def grant(call: Call, telegram_id: int, kind: str, reference: str, **more: Any) -> Any:
    """Call grant_subscription."""
    return call("grant_subscription", p_telegram_id=telegram_id, p_kind=kind, p_reference=reference, **more)


def grants(sql: Sql, telegram_id: int) -> list[dict[str, Any]]:
    return sql("select kind from service_grants where user_id = %s", user_id_of(sql, telegram_id))


def test_a_month_is_granted_once_and_extends_what_there_is(sql: Sql, call: Call) -> None:
    anna = create_user(sql)
    subscribe(sql, anna, "10 days")
    ends_at = datetime.fromisoformat(call("check_access", p_telegram_id=anna)["details"]["ends_at"])

    first = grant(call, anna, "month", f"course:{anna}")
    again = grant(call, anna, "month", f"course:{anna}")

    assert (first["applied"], again["applied"]) == (True, False)
    assert (first["plan"], first["ends_at"]) == ("PREMIUM", again["ends_at"])
    assert first["credits"] == {"granted": 0, "left": 0}
    added = datetime.fromisoformat(first["ends_at"]) - ends_at
    assert timedelta(days=28) <= added <= timedelta(days=31, hours=1)


def test_years_and_several_months_at_once(sql: Sql, call: Call) -> None:
    anna = create_user(sql)
    year = grant(call, anna, "year", f"course:{anna}:1")
    later = grant(call, anna, "month", f"course:{anna}:2", p_quantity=3)
    added = datetime.fromisoformat(later["ends_at"]) - datetime.fromisoformat(year["ends_at"])
    assert timedelta(days=89) <= added <= timedelta(days=92, hours=1)
    assert sql("select source, status from subscriptions where user_id = %s", user_id_of(sql, anna)) == [
        {"source": "service", "status": "active"}
    ]


def test_credits_report_what_was_granted_and_what_is_left(sql: Sql, call: Call) -> None:
    anna = create_user(sql, credits=2)
    grant(call, anna, "credits", f"course:{anna}:1", p_quantity=10)
    call("consume_access", p_telegram_id=anna, p_reference=f"course:{anna}", p_quantity=5)
    now = grant(call, anna, "credits", f"course:{anna}:2", p_quantity=1)
    assert now["credits"] == {"granted": 11, "left": 8}
    assert grant(call, anna, "credits", f"course:{anna}:1", p_quantity=10)["credits"] == now["credits"]
    assert (now["plan"], now["ends_at"]) == ("FREE", None)


def test_a_user_whom_no_bot_has_seen_is_created(call: Call) -> None:
    anna = new_telegram_id()
    assert grant(call, anna, "credits", f"course:{anna}", p_quantity=3)["credits"]["left"] == 3
    assert call("grant_trainings", p_telegram_id=anna, p_reference=f"course:{anna}") == {
        "applied": True,
        "granted": 1,
        "left": 1,
    }


def test_a_reference_belongs_to_one_user_and_one_grant(sql: Sql, call: Call, refused: Refused) -> None:
    anna, ben = create_user(sql), create_user(sql)
    reference = f"course:{anna}"
    grant(call, anna, "credits", reference, p_quantity=3)
    for telegram_id, kind, quantity in ((ben, "credits", 3), (anna, "credits", 4), (anna, "month", 3)):
        given_ = {"p_telegram_id": telegram_id, "p_kind": kind, "p_quantity": quantity}
        assert refused("grant_subscription", p_reference=reference, **given_) == "S0002"
    assert (remaining(sql, anna)[0], remaining(sql, ben)[0]) == (3, 0)
    assert grants(sql, ben) == []


@pytest.mark.parametrize(
    "values",
    [
        {"p_kind": "week"},
        {"p_kind": None},
        {"p_quantity": 0},
        {"p_quantity": -1},
        {"p_quantity": None},
        {"p_quantity": 121},
        {"p_kind": "year", "p_quantity": 11},
        {"p_kind": "credits", "p_quantity": 1_000_001},
        {"p_reference": "4711"},
        {"p_reference": ":4711"},
        {"p_reference": "course:"},
        {"p_reference": None},
        {"p_reference": "course:" + "1" * 200},
        {"p_plan": "FREE"},
        {"p_plan": "GOLD"},
    ],
)
def test_invalid_grants_are_refused(sql: Sql, refused: Refused, values: dict[str, Any]) -> None:
    anna = create_user(sql)
    given_ = {"p_telegram_id": anna, "p_kind": "month", "p_reference": f"course:{anna}", **values}
    assert refused("grant_subscription", **given_) == "S0001"
    assert grants(sql, anna) == []


def test_a_granted_plan_can_be_null_for_credits(sql: Sql, call: Call) -> None:
    anna = create_user(sql)
    assert grant(call, anna, "credits", f"course:{anna}", p_plan="GOLD")["applied"] is True


def test_ten_equal_calls_at_once_grant_once(sql: Sql, database_url: str) -> None:
    anna = create_user(sql)

    def work(_number: int) -> bool:
        with psycopg.connect(database_url, autocommit=True) as connection:
            row = connection.execute(
                "select public.grant_subscription(%s, 'credits', %s, 5)", [anna, f"course:{anna}"]
            ).fetchone()
            assert row
            return bool(row[0]["applied"])

    assert sorted(in_parallel(10, work)) == [False] * 9 + [True]
    assert remaining(sql, anna)[0] == 5


def test_one_reference_for_two_users_at_once_serves_one(sql: Sql, database_url: str) -> None:
    users = [create_user(sql), create_user(sql)]

    def work(number: int) -> str:
        with psycopg.connect(database_url, autocommit=True) as connection:
            try:
                connection.execute(
                    "select public.grant_subscription(%s, 'credits', %s, 5)",
                    [users[number], f"course:{users[0]}"],
                )
            except psycopg.Error as error:
                return str(error.sqlstate)
            return "granted"

    assert sorted(in_parallel(2, work)) == ["S0002", "granted"]
    assert sorted(remaining(sql, user)[0] for user in users) == [0, 5]


def test_trainings_are_given_once_and_used_by_consume_access(sql: Sql, call: Call, refused: Refused) -> None:
    anna = create_user(sql)
    given_ = {"p_telegram_id": anna, "p_reference": f"course:{anna}", "p_quantity": 2}
    assert call("grant_trainings", **given_) == {"applied": True, "granted": 2, "left": 2}
    call("consume_access", p_telegram_id=anna, p_reference=f"spin:{anna}")
    assert call("grant_trainings", **given_) == {"applied": False, "granted": 2, "left": 1}
    assert call("grant_trainings", **given_, p_source="promo")["granted"] == 4
    assert refused("grant_trainings", **{**given_, "p_quantity": 3}) == "S0002"
    for wrong in ({"p_quantity": 0}, {"p_reference": "x"}, {"p_source": "gift"}, {"p_reference": None}):
        assert refused("grant_trainings", **{**given_, **wrong}) == "S0001"


@settings(
    max_examples=examples(30),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    database=None,
)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9)), max_size=12))
def test_credits_are_the_sum_of_accepted_references(
    sql: Sql, database_url: str, calls: list[tuple[int, int]]
) -> None:
    """Whatever is repeated, each reference counts with its first quantity."""
    anna = create_user(sql)
    first: dict[int, int] = {}
    with psycopg.connect(database_url, autocommit=True) as connection:
        for number, quantity in calls:
            known = first.setdefault(number, quantity)
            try:
                connection.execute(
                    "select public.grant_subscription(%s, 'credits', %s, %s)",
                    [anna, f"course:{anna}:{number}", quantity],
                )
            except psycopg.Error as error:
                assert (error.sqlstate, quantity == known) == ("S0002", False)
            else:
                assert quantity == known
    assert remaining(sql, anna)[0] == sum(first.values())
