"""References, quantities and amounts at the longest and highest that the functions accept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.supabase.access.users import Call, Sql, create_user, user_id_of

Refused = Callable[..., str | None]
CREDITS = {"p_kind": "credits"}


@pytest.mark.parametrize(
    ("function", "given", "code"),
    [
        ("consume_access", {}, "Z0002"),
        ("adjust_balance", {"p_amount": 1, "p_reason": "gift"}, "L0004"),
        ("grant_subscription", CREDITS, "S0001"),
        ("grant_trainings", {}, "S0001"),
    ],
)
def test_a_reference_has_200_characters_at_most(
    sql: Sql, call: Call, refused: Refused, function: str, given: dict[str, Any], code: str
) -> None:
    given = {**given, "p_telegram_id": create_user(sql)}
    assert refused(function, **given, p_reference="test:" + "ж" * 196) == code
    call(function, **given, p_reference="test:" + "ж" * 195)


@pytest.mark.parametrize(
    ("function", "given", "most", "code"),
    [
        ("consume_access", {}, 1_000_000, "Z0002"),
        ("grant_subscription", CREDITS, 1_000_000, "S0001"),
        ("grant_subscription", {"p_kind": "month"}, 120, "S0001"),
        ("grant_subscription", {"p_kind": "year"}, 10, "S0001"),
        ("grant_trainings", {}, 1_000_000, "S0001"),
    ],
)
def test_a_quantity_is_between_1_and_the_most(
    sql: Sql, call: Call, refused: Refused, function: str, given: dict[str, Any], most: int, code: str
) -> None:
    given = {**given, "p_telegram_id": create_user(sql)}
    for quantity in (None, 0, most + 1):
        assert refused(function, **given, p_reference="test:1", p_quantity=quantity) == code
    for quantity in (1, most):
        call(function, **given, p_reference=f"test:{quantity}", p_quantity=quantity)


def test_a_balance_without_a_ledger_is_reported(sql: Sql, call: Call) -> None:
    anna, _ = create_user(sql), create_user(sql)
    sql("update users set balance = 5 where telegram_id = %s", anna)
    assert call("check_balances") == [{"user_id": user_id_of(sql, anna), "balance": "5.00", "ledger": "0"}]
