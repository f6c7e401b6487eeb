"""Ranks are exact at the borders of the histogram's levels; the number of a user without a name stays."""

from __future__ import annotations

import pytest

from tests.supabase.xp.test_boards import assert_boards_are_right
from tests.supabase.xp.users import Call, Sql, award, create_user

# Around the powers of 64, with which a level's cells begin, and their multiples.
BORDERS = (
    *(1, 2, 63, 64, 65, 127, 128, 129, 4032, 4095, 4096, 4097, 4160, 8191, 8192),
    *(258_048, 262_143, 262_144, 262_145, 266_240, 524_287, 524_288, 786_432, 1_000_000),
)


@pytest.mark.parametrize("waiting", [0, 7, 1000], ids=["folded", "partly folded", "not folded"])
def test_ranks_are_exact_at_the_borders_of_the_histogram(sql: Sql, call: Call, waiting: int) -> None:
    for points in (*BORDERS, 65, 4096):
        award(call, create_user(sql), points)
    left = sql("select count(*)::int as n from board_changes")[0]["n"]
    if waiting < left:
        sql("select private.fold_board_changes(%s)", left - waiting)
        assert sql("select count(*)::int as n from board_changes") == [{"n": waiting}]
    assert_boards_are_right(sql)


@pytest.mark.parametrize(("user_id", "number"), [(1, 56_732), (2, 90_764), (1_000_000, 45_810)])
def test_the_number_of_a_user_stays_the_same(sql: Sql, user_id: int, number: int) -> None:
    assert sql("select private.board_number(%s) as n", user_id) == [{"n": number}]
