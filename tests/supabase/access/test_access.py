"""check_access and consume_access: a subscription, then credits, then free trainings."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime
from typing import Any

import psycopg
import pytest

from tests.supabase.access.users import Call, Sql, create_user, remaining, subscribe, user_id_of
from tests.supabase.privacy.conftest import SqlUser, next_update
from tests.support import in_parallel, new_telegram_id

Refused = Callable[..., str | None]
_numbers = itertools.count(1)


def new_reference() -> str:
    """Return an unused reference."""
    return f"simulator:{next(_numbers)}"


def consume(call: Call, telegram_id: int, quantity: int = 1, reference: str = "") -> Any:
    """Consume access with `reference`, or with a new one."""
    return call(
        "consume_access",
        p_telegram_id=telegram_id,
        p_reference=reference or new_reference(),
        p_quantity=quantity,
    )


def taken(answer: Any) -> tuple[str, int, int]:
    """Return what a call took: the source, credits and trainings."""
    return answer["access_type"], answer["taken"]["credits"], answer["taken"]["trainings"]


# check_access ---------------------------------------------------------------------------------------------


def test_a_subscription_comes_first_then_credits_then_trainings(sql: Sql, call: Call) -> None:
    anna = create_user(sql, credits=2, trainings=1)
    check = lambda: call("check_access", p_telegram_id=anna)  # noqa: E731
    assert check() == {
        "has_access": True,
        "access_type": "credits",
        "details": {
            "plan": "FREE",
            "ends_at": None,
            "bonus_credits": 2,
            "free_trainings": 1,
            "is_admin": False,
            "is_banned": False,
        },
    }
    sql("update users set bonus_credits = 0 where telegram_id = %s", anna)
    assert (check()["has_access"], check()["access_type"]) == (True, "trainings")
    sql("update free_trainings set used = 1 where user_id = %s", user_id_of(sql, anna))
    assert (check()["has_access"], check()["access_type"]) == (False, "none")
    subscribe(sql, anna)
    assert (check()["has_access"], check()["access_type"]) == (True, "subscription")
    assert check()["details"]["plan"] == "PREMIUM"
    assert check()["details"]["ends_at"] is not None


def test_credits_and_trainings_count_together(sql: Sql, call: Call) -> None:
    anna = create_user(sql, credits=2, trainings=1)
    allowed = [call("check_access", p_telegram_id=anna, p_quantity=n)["access_type"] for n in (1, 3, 4)]
    assert allowed == ["credits", "credits", "none"]


def test_an_expired_plan_gives_no_access_before_the_sweep(
    sql: Sql, call: Call, clock: Callable[[str], None]
) -> None:
    anna = create_user(sql)
    subscribe(sql, anna, "1 day")
    clock("clock_timestamp() + interval '25 hours'")
    assert sql("select vip_level from users where telegram_id = %s", anna) == [{"vip_level": 1}]
    answer = call("check_access", p_telegram_id=anna)
    assert (answer["access_type"], answer["details"]["plan"]) == ("none", "FREE")
    assert consume(call, anna)["has_access"] is False


def test_the_plan_stays_active_while_a_renewal_is_late(
    sql: Sql, call: Call, clock: Callable[[str], None]
) -> None:
    anna = create_user(sql)
    subscribe(sql, anna, "1 day")
    renewal = sql(
        "insert into renewals (user_id, product_key, provider, provider_subscription_id, status, currency, "
        "amount, plan, period, bot) "
        "select id, 'premium_month', 'stripe', 'access_' || id, 'active', 'RUB', 499, 'PREMIUM', 'month', "
        "'assistant' from users where telegram_id = %s returning id",
        anna,
    )[0]["id"]
    clock("clock_timestamp() + interval '25 hours'")
    answer = call("check_access", p_telegram_id=anna)
    assert answer["access_type"] == "subscription"
    now = sql("select private.clock() as now")[0]["now"]
    assert datetime.fromisoformat(answer["details"]["ends_at"]) > now, "until it is kept, not the past end"
    assert taken(consume(call, anna)) == ("subscription", 0, 0)
    sql("delete from renewals where id = %s", renewal)
    assert call("check_access", p_telegram_id=anna)["access_type"] == "none"


def test_a_plan_without_an_end_and_an_admin(sql: Sql, call: Call) -> None:
    anna, boss = create_user(sql), create_user(sql)
    subscribe(sql, anna, None, "admin")
    # admins is the source; access reads the copy in users.is_admin.
    sql("update users set is_admin = true, is_paid = true where telegram_id = %s", boss)
    assert call("check_access", p_telegram_id=anna)["details"]["ends_at"] is None
    for user in (anna, boss):
        assert taken(consume(call, user, 5)) == ("subscription", 0, 0)


def test_a_banned_or_unknown_user_has_no_access(sql: Sql, call: Call) -> None:
    banned = create_user(sql, credits=5, trainings=2, banned_at="2026-01-01")
    subscribe(sql, banned)
    answer = call("check_access", p_telegram_id=banned)
    assert (answer["has_access"], answer["details"]["is_banned"]) == (False, True)
    assert consume(call, banned)["applied"] is False
    assert remaining(sql, banned) == (5, 2)
    unknown_id = new_telegram_id()
    for answer in (call("check_access", p_telegram_id=unknown_id), consume(call, unknown_id)):
        assert (answer["has_access"], answer["access_type"]) == (False, "none")
        assert answer["details"]["bonus_credits"] == answer["details"]["free_trainings"] == 0


# consume_access ------------------------------------------------------------------------------------------


def test_sources_are_used_in_order_and_never_below_zero(sql: Sql, call: Call) -> None:
    anna = create_user(sql, credits=2, trainings=2)
    assert taken(consume(call, anna)) == ("credits", 1, 0)
    assert taken(consume(call, anna, 2)) == ("credits", 1, 1)
    last = consume(call, anna)
    assert taken(last) == ("trainings", 0, 1)
    assert last["details"]["free_trainings"] == 0, "as it is afterwards"
    refusal = consume(call, anna)
    assert (refusal["has_access"], refusal["applied"], taken(refusal)) == (False, False, ("none", 0, 0))
    assert remaining(sql, anna) == (0, 0)


def test_a_quantity_is_taken_completely_or_not_at_all(sql: Sql, call: Call) -> None:
    anna = create_user(sql, credits=2, trainings=1)
    assert consume(call, anna, 4)["has_access"] is False
    assert remaining(sql, anna) == (2, 1)


def test_a_subscription_is_not_used_up(sql: Sql, call: Call) -> None:
    anna = create_user(sql, credits=2, trainings=1)
    subscribe(sql, anna)
    assert taken(consume(call, anna, 3)) == ("subscription", 0, 0)
    assert remaining(sql, anna) == (2, 1)


def test_the_oldest_trainings_are_used_first(sql: Sql, call: Call) -> None:
    anna = create_user(sql)
    user_id = user_id_of(sql, anna)
    for reference, quantity in (("a", 2), ("b", 3)):
        sql("select private.give_trainings(%s, 'promo', %s, %s)", user_id, reference, quantity)
    consume(call, anna, 3)
    rows = sql("select reference, used from free_trainings where user_id = %s order by id", user_id)
    assert rows == [{"reference": "a", "used": 2}, {"reference": "b", "used": 1}]


def test_the_same_reference_takes_once_and_returns_the_same(sql: Sql, call: Call) -> None:
    anna, reference = create_user(sql, credits=1, trainings=5), new_reference()
    first = consume(call, anna, 2, reference)
    assert (first["applied"], taken(first)) == (True, ("credits", 1, 1))
    subscribe(sql, anna)  # the source recorded then does not change
    again = consume(call, anna, 2, reference)
    assert (again["has_access"], again["applied"], taken(again)) == (True, False, taken(first))
    assert remaining(sql, anna) == (0, 4)


def test_a_repeated_call_succeeds_when_nothing_is_left(sql: Sql, call: Call) -> None:
    anna, reference = create_user(sql, credits=1), new_reference()
    consume(call, anna, 1, reference)
    sql("update users set banned_at = now() where telegram_id = %s", anna)
    assert consume(call, anna, 1, reference)["has_access"] is True


def test_a_refused_reference_may_try_again(sql: Sql, call: Call) -> None:
    anna, reference = create_user(sql), new_reference()
    assert consume(call, anna, 1, reference)["has_access"] is False
    sql("update users set bonus_credits = 1 where telegram_id = %s", anna)
    assert consume(call, anna, 1, reference)["applied"] is True


def test_a_used_reference_with_other_values_is_refused(sql: Sql, call: Call, refused: Refused) -> None:
    anna, ben, reference = create_user(sql, credits=9), create_user(sql, credits=9), new_reference()
    consume(call, anna, 1, reference)
    for telegram_id, quantity in ((ben, 1), (anna, 2), (new_telegram_id(), 1)):
        code = refused(
            "consume_access", p_telegram_id=telegram_id, p_reference=reference, p_quantity=quantity
        )
        assert code == "Z0003"
    assert (remaining(sql, anna)[0], remaining(sql, ben)[0]) == (8, 9)


@pytest.mark.parametrize(
    ("reference", "quantity"),
    [
        ("", 1),
        (None, 1),
        ("no number", 1),
        (":1", 1),
        ("s:" + "x" * 200, 1),
        ("s:1", 0),
        ("s:1", -1),
        ("s:1", None),
    ],
)
def test_invalid_values_are_refused(
    sql: Sql, refused: Refused, reference: str | None, quantity: int | None
) -> None:
    anna = create_user(sql, credits=5)
    given = {"p_telegram_id": anna, "p_quantity": quantity}
    assert refused("consume_access", p_reference=reference, **given) == "Z0002"
    if quantity != 1:
        assert refused("check_access", **given) == "Z0002"
    assert remaining(sql, anna) == (5, 0)


# Concurrency ----------------------------------------------------------------------------------------------


def test_fifty_calls_at_once_take_no_more_than_available(sql: Sql, call: Call) -> None:
    anna = create_user(sql, credits=7, trainings=5)
    answers = in_parallel(50, lambda _n: consume(call, anna))
    assert sum(answer["applied"] for answer in answers) == 12
    assert sum(answer["taken"]["credits"] for answer in answers) == 7
    assert sum(answer["taken"]["trainings"] for answer in answers) == 5
    assert remaining(sql, anna) == (0, 0)


def test_fifty_repetitions_at_once_take_once(sql: Sql, call: Call) -> None:
    anna, reference = create_user(sql, credits=50), new_reference()
    answers = in_parallel(50, lambda _n: consume(call, anna, 1, reference))
    assert sum(answer["applied"] for answer in answers) == 1
    assert all(answer["has_access"] and taken(answer) == ("credits", 1, 0) for answer in answers)
    assert remaining(sql, anna) == (49, 0)


def test_two_users_with_one_reference_at_once(sql: Sql, call: Call) -> None:
    anna, ben, reference = create_user(sql, credits=5), create_user(sql, credits=5), new_reference()

    def work(number: int) -> Any:
        try:
            return consume(call, (anna, ben)[number], 1, reference)["applied"]
        except psycopg.Error as error:
            return error.sqlstate

    assert sorted(map(str, in_parallel(2, work))) == ["True", "Z0003"]
    assert remaining(sql, anna)[0] + remaining(sql, ben)[0] == 9


# Rights and erasure ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("role", "may"), [("service_role", True), ("anon", False), ("authenticated", False)])
@pytest.mark.parametrize(
    "call_", ["check_access(%s)", "consume_access(%s, 'simulator:' || gen_random_uuid())"]
)
def test_other_services_may_call_it_and_visitors_may_not(
    sql: Sql, database_url: str, role: str, may: bool, call_: str
) -> None:
    anna = create_user(sql, credits=1)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"set role {role}".encode())
        if may:
            row = connection.execute(f"select public.{call_}".encode(), [anna]).fetchone()
            assert row and row[0]["access_type"] == "credits"
        else:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"select public.{call_}".encode(), [anna])


def test_an_erasure_deletes_credits_and_trainings(
    sql: Sql, call: Call, make_user: Callable[..., SqlUser]
) -> None:
    anna, reference = make_user(), new_reference()
    anna.receive(next_update())
    sql("update users set bonus_credits = 3 where telegram_id = %s", anna.id)
    consume(call, anna.id, 1, reference)
    anna.erase()
    assert sql("select from access_usages where reference = %s", reference) == []
    assert consume(call, anna.id, 1, reference)["has_access"] is False
    anna.receive(next_update())
    assert consume(call, anna.id, 1, reference)["has_access"] is False
