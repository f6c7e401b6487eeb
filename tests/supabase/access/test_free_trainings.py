"""Free trainings: each source and reference gives a user once, also after an erasure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.supabase.admins.users import audit_entries, new_user
from tests.supabase.privacy.conftest import SqlUser, id_of, next_update
from tests.support import in_parallel

Sql = Callable[..., list[dict[str, Any]]]


def give(
    sql: Sql, user_id: int, quantity: int | None = 3, source: str = "promo", reference: str = "A"
) -> Any:
    """Give a user trainings."""
    return sql(
        "select private.give_trainings(%s, %s, %s, %s) as given", user_id, source, reference, quantity
    )[0]["given"]


def trainings_of(sql: Sql, user_id: int | None) -> list[tuple[Any, ...]]:
    """Return the user's trainings."""
    rows = sql(
        "select source, reference, quantity, used from free_trainings where user_id = %s order by id", user_id
    )
    return [tuple(row.values()) for row in rows]


def test_a_source_and_reference_give_trainings_once(sql: Sql) -> None:
    anna, ben = new_user(sql), new_user(sql)
    assert give(sql, anna) is True
    assert give(sql, anna) is False
    assert give(sql, anna, 9) is False
    assert give(sql, anna, 1, source="admin") is True
    assert give(sql, anna, 2, reference="B") is True
    assert give(sql, ben) is True
    assert trainings_of(sql, anna) == [("promo", "A", 3, 0), ("admin", "A", 1, 0), ("promo", "B", 2, 0)]


def test_fifty_grants_at_once_give_trainings_once(sql: Sql, database_url: str) -> None:
    anna = new_user(sql)

    def once(_number: int) -> bool:
        with psycopg.connect(database_url, autocommit=True) as connection:
            row = connection.execute("select private.give_trainings(%s, 'promo', 'A', 1)", [anna]).fetchone()
            return bool(row and row[0])

    assert sum(in_parallel(50, once)) == 1
    assert trainings_of(sql, anna) == [("promo", "A", 1, 0)]


@pytest.mark.parametrize("quantity", [None, 0, -1, 1_000_001])
def test_an_invalid_number_is_refused(sql: Sql, quantity: int | None) -> None:
    with pytest.raises(psycopg.Error) as caught:
        give(sql, new_user(sql), quantity)
    assert caught.value.sqlstate == "Z0001"


def test_a_channel_gives_trainings_once_across_erasures(sql: Sql, make_user: Callable[..., SqlUser]) -> None:
    anna = make_user()
    anna.receive(next_update())
    for source, reference in (("channel", "-1001"), ("admin", "one"), ("channel", "-1002")):
        assert give(sql, id_of(sql, anna) or 0, 2, source, reference)
    for _ in range(2):  # each erasure stores it again
        anna.erase()
        kept = sql("select used from erased_users where user_hash = decode(%s, 'hex')", anna.hash)
        assert kept[0]["used"]["channels"] == ["-1001", "-1002"]
        anna.receive(next_update())
        back = id_of(sql, anna) or 0
        assert trainings_of(sql, back) == [("channel", "-1001", 0, 0), ("channel", "-1002", 0, 0)]
        assert give(sql, back, 2, "channel", "-1001") is False
    assert give(sql, back, 2, "admin", "one") is True


# Channels and admins --------------------------------------------------------------------------------------


def test_each_channel_gives_trainings_once(sql: Sql, call: Any, refused: Any) -> None:
    anna = new_user(sql)
    join = lambda channel: call("give_channel_trainings", p_user_id=anna, p_channel_id=channel)  # noqa: E731
    assert join(-1001) == {"outcome": "given", "trainings": 1}
    assert join(-1001) == {"outcome": "already_given", "trainings": 1}
    assert join(-1002)["outcome"] == "given"
    outcomes = [answer["outcome"] for answer in in_parallel(20, lambda _n: join(-1003))]
    assert outcomes.count("given") == 1
    overview = call("training_overview", p_user_id=anna)
    assert overview["channels"] == ["-1001", "-1002", "-1003"]
    assert overview["access"]["access_type"] == "trainings"
    assert overview["trainings"][0] == {"source": "channel", "quantity": 1, "used": 0}
    sql("update private.settings set value = '0' where key = 'channel_trainings'")
    assert join(-1004)["outcome"] == "off"
    assert refused("give_channel_trainings", p_user_id=-1, p_channel_id=-1001) == "Z0004"


@pytest.fixture
def give_by_admin(call: Any, boss: str) -> Callable[..., Any]:
    """Return a function that gives trainings as an admin."""

    def give_by_admin(user_id: int, quantity: int, reference: str | None = None, **more: Any) -> Any:
        given = {
            "p_user_id": user_id,
            "p_quantity": quantity,
            "p_admin_email": boss,
            "p_reference": reference,
        }
        return call("admin_give_trainings", **(given | more))

    return give_by_admin


def test_an_admin_gives_and_takes_back_unused_trainings(sql: Sql, give_by_admin: Any) -> None:
    anna = new_user(sql)
    give(sql, anna, 1)
    given = give_by_admin(anna, 5, p_reason="a kind word")
    assert (given["applied"], given["before"], given["after"]) == (True, 1, 6)
    assert give_by_admin(anna, -2)["after"] == 4
    taken = give_by_admin(anna, -100)
    assert (taken["applied"], taken["before"], taken["after"]) == (True, 4, 0)
    first, _second, third = audit_entries(sql, anna)
    assert (first["action"], first["admin_email"]) == ("give_trainings", "boss@example.com")
    assert first["after"] == {"trainings": 6, "quantity": 5, "reason": "a kind word"}
    assert third["before"] == {"trainings": 4}


def test_with_a_reference_an_admin_acts_once(sql: Sql, give_by_admin: Any) -> None:
    anna = new_user(sql)
    reference = f"admin:{anna}"
    done = in_parallel(20, lambda _n: give_by_admin(anna, 2, reference))
    assert sum(answer["applied"] for answer in done) == 1
    assert {(answer["before"], answer["after"]) for answer in done} == {(0, 2)}
    assert len(audit_entries(sql, anna)) == 1


def test_invalid_admin_calls_are_refused(sql: Sql, give_by_admin: Any) -> None:
    anna = new_user(sql)

    def code(*values: Any, **more: Any) -> str | None:
        with pytest.raises(psycopg.Error) as caught:
            give_by_admin(*values, **more)
        return caught.value.sqlstate

    assert code(anna, 1, p_admin_email="anna@example.com") == "N0001"
    assert code(-1, 1) == "N0002"
    assert code(anna, 0) == "N0004"
    assert code(anna, 1_000_001) == "N0004"
    assert code(anna, 1, p_reason="x" * 501) == "N0004"
    give_by_admin(anna, 1, f"number:{anna}")
    assert code(anna, 2, f"number:{anna}") == "N0003"
    assert code(new_user(sql), 1, f"number:{anna}") == "N0003"
    assert trainings_of(sql, anna) == [("admin", f"number:{anna}", 1, 0)]
