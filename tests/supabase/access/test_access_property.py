"""Any order of grants and takes, also concurrent: nothing below zero, and all quantities add up."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.supabase.access.users import Call, Sql, create_user, remaining, subscribe, user_id_of
from tests.support import examples, in_parallel

SLOW = settings(
    max_examples=examples(25),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    database=None,
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("consume"), st.integers(0, 5), st.integers(1, 4)),  # which reference, how many
        st.tuples(st.just("give"), st.integers(0, 3), st.integers(1, 4)),
        st.tuples(st.just("credit"), st.just(0), st.integers(1, 4)),
        st.tuples(st.just("subscribe"), st.just(0), st.just(0)),
    ),
    min_size=1,
    max_size=20,
)


@SLOW
@given(steps, st.integers(1, 4))
def test_taken_and_remaining_quantities_add_up(sql: Sql, call: Call, steps: list[Any], workers: int) -> None:
    anna = create_user(sql)
    user_id = user_id_of(sql, anna)
    # A reference has one quantity: another one is an error of the caller (Z0003).
    quantities = {which: quantity for what, which, quantity in reversed(steps) if what == "consume"}

    def step(what: str, which: int, quantity: int) -> Any:
        match what:
            case "consume":
                return which, call(
                    "consume_access",
                    p_telegram_id=anna,
                    p_reference=f"property:{user_id}:{which}",
                    p_quantity=quantities[which],
                )
            case "give":
                sql_of_worker(
                    "select private.give_trainings(%s, 'promo', %s, %s)", user_id, str(which), quantity
                )
            case "credit":
                sql_of_worker(
                    "update users set bonus_credits = bonus_credits + %s where id = %s", quantity, user_id
                )
            case "subscribe":
                subscribe(sql_of_worker, anna)
        return None

    def sql_of_worker(statement: str, *values: Any) -> list[dict[str, Any]]:
        return sql(statement, *values)  # one connection, which takes one statement at a time

    done = in_parallel(workers, lambda n: [step(*each) for each in steps[n::workers]])

    answers = [answer for part in done for answer in part if answer]
    rows = {row["reference"]: row for row in sql("select * from access_usages where user_id = %s", user_id)}
    credits, trainings = remaining(sql, anna)
    assert credits >= 0
    assert trainings >= 0
    given_credits = sum(quantity for what, _, quantity in steps if what == "credit")
    (given_trainings,) = sql(
        "select coalesce(sum(quantity), 0) as n from free_trainings where user_id = %s", user_id
    )
    assert given_credits - credits == sum(row["credits"] for row in rows.values())
    assert given_trainings["n"] - trainings == sum(row["trainings"] for row in rows.values())
    for which, answer in answers:
        row = rows.get(f"property:{user_id}:{which}")
        if answer["has_access"]:
            assert row is not None
            assert row["access_type"] == answer["access_type"]
            assert answer["taken"] == {"credits": row["credits"], "trainings": row["trainings"]}
    applied = [which for which, answer in answers if answer["applied"]]
    assert sorted(applied) == sorted({int(name.rpartition(":")[2]) for name in rows}), "each reference once"
