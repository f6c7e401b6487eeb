"""The sweep deletes days and weeks that began more than 14 days ago: scores first, then their histogram."""

from __future__ import annotations

from collections.abc import Callable

import psycopg

from tests.supabase.xp.test_boards import SATURDAY, assert_boards_are_right
from tests.supabase.xp.users import Call, Sql, award, create_user

Clock = Callable[[str], None]
DAY_14 = "(timestamptz '2026-12-12 23:59:59+03')"
DAY_15 = "(timestamptz '2026-12-13 00:00:00+03')"


def periods(sql: Sql, table: str) -> list[str]:
    """Return the periods that a table has rows of."""
    rows = sql(f"select distinct period from {table} order by period")
    return [row["period"] for row in rows]


def delete(sql: Sql, limit: int) -> int:
    """Delete up to `limit` scores; return how many."""
    return int(sql("select private.delete_old_boards(%s) as n", limit)[0]["n"])


def test_scores_and_histogram_of_a_day_go_after_14_days(sql: Sql, call: Call, clock: Clock) -> None:
    clock(SATURDAY)
    for points in (100, 70, 64):
        award(call, create_user(sql), points)
    clock(DAY_14)
    delete(sql, 100)
    for table in ("board_scores", "board_histogram"):
        assert periods(sql, table) == ["all", "day"]
    clock(DAY_15)
    delete(sql, 100)
    for table in ("board_scores", "board_histogram"):
        assert periods(sql, table) == ["all"]
    assert_boards_are_right(sql, has_past=False)


def test_each_call_deletes_as_many_scores_as_it_may_and_the_histogram_last(
    sql: Sql, call: Call, clock: Clock
) -> None:
    clock(SATURDAY)
    anna, ben = create_user(sql), create_user(sql)
    for user in (anna, ben):
        for bot in ("spin", "quiz"):
            award(call, user, 50, bot=bot)
    clock(DAY_15)
    # Two users, three boards, a day and a week.
    for left in range(11, -1, -1):
        assert delete(sql, 1) == 1
        assert sql("select count(*)::int as n from board_scores where period <> 'all'") == [{"n": left}]
        assert periods(sql, "board_histogram") == ["all", "day", "week"]
    assert delete(sql, 1000) == 0
    assert periods(sql, "board_histogram") == ["all"]


def test_the_histogram_waits_while_another_transaction_folds(
    sql: Sql, call: Call, clock: Clock, database_url: str
) -> None:
    clock(SATURDAY)
    award(call, create_user(sql), 100)
    sql("select private.fold_board_changes()")
    clock(DAY_15)
    with psycopg.connect(database_url) as other:
        other.execute("select private.fold_board_changes()")
        assert delete(sql, 100) == 4
        assert periods(sql, "board_histogram") == ["all", "day", "week"]
    assert delete(sql, 100) == 0
    assert periods(sql, "board_histogram") == ["all"]
