"""Property: users redeem, buy, are erased and return, also concurrently; no code exceeds its limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.supabase.payments.buyers import order_row
from tests.supabase.payments.conftest import Money, paid, unique_id
from tests.supabase.payments.promocodes import new_code, redeem, row_of, usages_of
from tests.supabase.privacy.conftest import SqlUser, id_of, next_update
from tests.support import in_parallel

pytestmark = pytest.mark.slow

Sql = Callable[..., list[dict[str, Any]]]
KINDS = {"credits": 50, "percent": 20, "month": 1, "trainings": 2}

steps = st.lists(
    st.tuples(
        st.integers(0, 2),  # which user
        st.sampled_from(["redeem", "redeem", "redeem", "guess", "buy", "leave"]),
        st.integers(0, 3),  # which code
        st.integers(1, 2),  # how often the update is delivered
    ),
    min_size=1,
    max_size=24,
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    database=None,
)
@given(steps, st.integers(1, 3))
def test_no_promo_code_grants_more_than_its_limits(
    money: Money, sql: Sql, buyer: Callable[[], SqlUser], done: list[Any], max_uses: int
) -> None:
    users = [buyer() for _ in range(3)]
    codes = [new_code(sql, kind, value, max_uses=max_uses) for kind, value in KINDS.items()]
    given_to: set[tuple[int, str]] = set()

    def do(n: int) -> None:
        for index, (who, what, which, times) in list(enumerate(done))[n::4]:
            for _ in range(times):
                _act(money, sql, users[who], what, codes[which], f"{codes[0]}:{index}", given_to)

    in_parallel(4, do)

    assert money.inconsistencies() == []
    for code in codes:
        row = row_of(sql, code)
        redeemed = {who for who, what in given_to if what == code}
        assert row["uses"] == len(redeemed) <= max_uses, "once per user, also across an erasure"
        assert len(usages_of(sql, code)) <= row["uses"]


def _act(
    money: Money, sql: Sql, user: SqlUser, what: str, code: str, reference: str, given_to: set[Any]
) -> None:
    try:
        user.receive(next_update())
        user_id = id_of(sql, user)
        if user_id is None:  # erased
            return
        if what == "leave":
            user.erase()
        elif what == "buy":
            order = money.order(user_id)
            money.record(paid(unique_id(), order, str(order_row(money, order)["amount"])))
        else:
            word = code if what == "redeem" else "NO-SUCH-CODE"
            result = redeem(money, user_id, word, reference)
            if result["outcome"] == "redeemed":
                given_to.add((user.id, code))
    except psycopg.Error as error:
        # The user was erased, or the reference belongs to an erased user: rejected, nothing is granted.
        assert error.sqlstate in ("Z0005", "M0003", "40001"), error
