"""Free trainings: what gives once gives a person once, also after an erasure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.admins.people import new_user
from tests.people.conftest import Someone, connect, id_of, next_update, someone
from tests.support import in_parallel

__all__ = ["connect", "someone"]  # fixtures

Sql = Callable[..., list[dict[str, Any]]]


def give(
    sql: Sql, user_id: int, quantity: int | None = 3, source: str = "promo", reference: str = "A"
) -> Any:
    return sql(
        "select private.give_trainings(%s, %s, %s, %s) as given", user_id, source, reference, quantity
    )[0]["given"]


def trainings_of(sql: Sql, user_id: int | None) -> list[tuple[Any, ...]]:
    rows = sql(
        "select source, reference, quantity, used from free_trainings where user_id = %s order by id", user_id
    )
    return [tuple(row.values()) for row in rows]


def test_what_gives_once_gives_once(sql: Sql) -> None:
    anna, ben = new_user(sql), new_user(sql)
    assert give(sql, anna) is True
    assert give(sql, anna) is False
    assert give(sql, anna, 9) is False
    assert give(sql, anna, 1, source="admin") is True
    assert give(sql, anna, 2, reference="B") is True
    assert give(sql, ben) is True
    assert trainings_of(sql, anna) == [("promo", "A", 3, 0), ("admin", "A", 1, 0), ("promo", "B", 2, 0)]


def test_given_fifty_times_at_once_it_is_given_once(sql: Sql, database_url: str) -> None:
    anna = new_user(sql)

    def once(_number: int) -> bool:
        with psycopg.connect(database_url, autocommit=True) as connection:
            row = connection.execute("select private.give_trainings(%s, 'promo', 'A', 1)", [anna]).fetchone()
            return bool(row and row[0])

    assert sum(in_parallel(50, once)) == 1
    assert trainings_of(sql, anna) == [("promo", "A", 1, 0)]


@pytest.mark.parametrize("quantity", [None, 0, -1, 1_000_001])
def test_a_number_that_is_none_is_refused(sql: Sql, quantity: int | None) -> None:
    with pytest.raises(psycopg.Error) as caught:
        give(sql, new_user(sql), quantity)
    assert caught.value.sqlstate == "Z0001"


def test_a_channel_gives_once_in_a_life(sql: Sql, someone: Callable[..., Someone]) -> None:
    anna = someone()
    anna.receive(next_update())
    for source, reference in (("channel", "-1001"), ("admin", "one"), ("channel", "-1002")):
        assert give(sql, id_of(sql, anna) or 0, 2, source, reference)
    for _ in range(2):  # it is remembered anew each time
        anna.erase()
        kept = sql("select used from erased_people where person_hash = decode(%s, 'hex')", anna.hash)
        assert kept[0]["used"]["channels"] == ["-1001", "-1002"]
        anna.receive(next_update())
        back = id_of(sql, anna) or 0
        assert trainings_of(sql, back) == [("channel", "-1001", 0, 0), ("channel", "-1002", 0, 0)]
        assert give(sql, back, 2, "channel", "-1001") is False
    assert give(sql, back, 2, "admin", "one") is True
