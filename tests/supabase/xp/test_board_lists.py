"""Lists of a board have limits, and users without XP are on none."""

from __future__ import annotations

from collections.abc import Callable

from tests.supabase.privacy.conftest import SqlUser, next_update
from tests.supabase.xp.test_boards import assert_boards_are_right, name_user
from tests.supabase.xp.users import Call, Sql, award, create_user, user_id_of

FILL = """
    with added as (
      insert into users (telegram_id, first_name, total_xp)
      select 7900000000 + n, 'Anna', n from generate_series(1, %s) as n
      returning id, total_xp
    )
    insert into board_scores (user_id, board, period, starts_on, xp, reached_at, is_ranked, is_listed)
    select id, '', 'all', 'epoch', total_xp, now(), true, true from added
"""


def test_limit_and_offset_beyond_their_range_are_moved_into_it(sql: Sql, call: Call) -> None:
    sql(FILL, 10_002)
    for limit, offset, shown in (
        (-1, 0, []),
        (0, 0, []),
        (2, -5, [10_002, 10_001]),
        (5, 10_001, [2, 1]),
        (5, 20_000, [2, 1]),
        (1000, 9000, list(range(1002, 902, -1))),
    ):
        board = call("get_leaderboard", p_limit=limit, p_offset=offset)
        assert [entry["xp"] for entry in board["entries"]] == shown


def test_the_neighbours_of_a_user_are_those_of_the_board(sql: Sql, call: Call) -> None:
    anna, ben, carl = (create_user(sql) for _ in range(3))
    for bot, points in (("spin", (30, 20, 10)), ("quiz", (5, 6, 7))):
        for user, xp in zip((anna, ben, carl), points, strict=True):
            award(call, user, xp, bot=bot)

    def around(user: int, board: str) -> tuple[int, list[int], list[int]]:
        rank = call("get_user_rank", p_telegram_id=user, p_board=board)
        return rank["xp"], *([entry["xp"] for entry in rank[side]] for side in ("above", "below"))

    assert around(ben, "spin") == (20, [30], [10])
    assert around(ben, "quiz") == (6, [7], [5])
    assert around(ben, "") == (26, [35], [17])


def test_one_xp_is_enough_for_lists_and_neighbours(sql: Sql, call: Call) -> None:
    anna, ben = create_user(sql), create_user(sql)
    for user in (anna, ben):
        award(call, user, 1)
    assert [entry["xp"] for entry in call("get_leaderboard")["entries"]] == [1, 1]
    for user, above, below in ((anna, [], [1]), (ben, [1], [])):
        own = call("get_user_rank", p_telegram_id=user)
        assert [[entry["xp"] for entry in own[side]] for side in ("above", "below")] == [above, below]
        assert (own["rank"], call("get_profile", p_user_id=user_id_of(sql, user))["rank"]) == (1, 1)


def test_the_profile_of_a_user_at_zero(sql: Sql, call: Call) -> None:
    anna, ben = create_user(sql), create_user(sql)
    for user, name in ((anna, "Anna"), (ben, "Ben")):
        name_user(sql, call, user, name)
        award(call, user, 5, bot="quiz")
        award(call, user, 1)
    award(call, anna, -5, bot="quiz", rule="correction")
    profile = call("get_profile", p_user_id=user_id_of(sql, anna))
    assert (profile["name"], profile["rank"], profile["bots"]) == ("Anna", 2, [{"bot": "spin", "xp": 1}])
    award(call, anna, -1, rule="correction")
    profile = call("get_profile", p_user_id=user_id_of(sql, anna))
    assert (profile["rank"], profile["total"], profile["bots"]) == (None, 1, [])


def test_a_user_whose_xp_were_taken_is_on_no_list(sql: Sql, call: Call) -> None:
    anna, ben, carl = (create_user(sql) for _ in range(3))
    award(call, anna, 10)
    award(call, ben, 20)
    award(call, ben, -20, rule="correction")
    assert [entry["xp"] for entry in call("get_leaderboard")["entries"]] == [10]
    own = call("get_user_rank", p_telegram_id=anna)
    assert (own["rank"], own["total"], own["below"]) == (1, 1, [])
    for user in (ben, carl):
        own = call("get_user_rank", p_telegram_id=user)
        assert (own["rank"], own["xp"], own["above"], own["below"]) == (None, 0, [], [])
    sql("update users set banned_at = now() where telegram_id = %s", ben)
    assert_boards_are_right(sql)


def test_the_profile_without_levels(sql: Sql, call: Call) -> None:
    anna = create_user(sql)
    sql("delete from levels")
    profile = call("get_profile", p_user_id=user_id_of(sql, anna))
    assert [profile[key] for key in ("level_name", "level_xp", "next_level_xp")] == ["novice", 0, None]


def test_a_hidden_user_stays_hidden_on_the_boards_of_a_new_day(sql: Sql, call: Call) -> None:
    anna, ben = create_user(sql), create_user(sql)
    name_user(sql, call, anna, "Anna", is_hidden=True)
    name_user(sql, call, ben, "Ben")
    for user in (anna, ben):
        award(call, user, 10)
    for period in ("day", "all"):
        board = call("get_leaderboard", p_period=period)
        assert ([entry["name"] for entry in board["entries"]], board["total"]) == (["Ben"], 2)


def test_a_user_without_a_name_is_listed_again_after_a_ban(sql: Sql, call: Call) -> None:
    award(call, create_user(sql), 10)
    for banned_at, shown in (("now()", []), ("null", [10])):
        sql(f"update users set banned_at = {banned_at}, is_active = {banned_at} is null")
        assert [entry["xp"] for entry in call("get_leaderboard")["entries"]] == shown


def test_a_hidden_user_with_one_xp_loses_the_rank_during_a_ban(sql: Sql, call: Call) -> None:
    anna = create_user(sql)
    award(call, anna, 1)
    name_user(sql, call, anna, "Anna", is_hidden=True)
    for banned_at, rank, total in (("now()", None, 0), ("null", 1, 1)):
        sql(f"update users set banned_at = {banned_at}, is_active = {banned_at} is null")
        own = call("get_user_rank", p_telegram_id=anna)
        assert (own["rank"], own["total"]) == (rank, total)
    assert_boards_are_right(sql)


def test_a_rebuilt_histogram_counts_from_one_xp_on(sql: Sql, call: Call) -> None:
    anna, ben = create_user(sql), create_user(sql)
    award(call, anna, 1)
    award(call, ben, 5)
    award(call, ben, -5, rule="correction")
    sql("select private.rebuild_board_histogram()")
    assert_boards_are_right(sql)
    assert sql("select min(k)::int as least from board_histogram where lvl = 0") == [{"least": 1}]


def test_an_erased_user_takes_the_last_xp_along(
    sql: Sql, call: Call, make_user: Callable[[], SqlUser]
) -> None:
    anna, ben, carl = make_user(), make_user(), make_user()
    for user, points in ((anna, 1), (ben, 20), (carl, 5)):
        user.receive(next_update())
        award(call, user.id, points)
    award(call, ben.id, -20, rule="correction")
    anna.erase()
    ben.erase()
    assert call("get_leaderboard")["total"] == 1
    assert sql("select from board_changes where old_xp = new_xp") == []


def test_a_user_is_hidden_only_by_choice(sql: Sql, call: Call) -> None:
    user = {"p_user_id": user_id_of(sql, create_user(sql)), "p_is_hidden": None}
    refused = call("set_board_profile", **user, p_name="12345")
    assert (refused["outcome"], refused["name"], refused["is_hidden"]) == ("invalid_name", None, False)
    assert call("set_board_profile", **user, p_name="Anna")["is_hidden"] is False


def test_a_name_has_32_characters_at_most(sql: Sql, call: Call) -> None:
    anna = create_user(sql)
    assert name_user(sql, call, anna, "ж" * 32)["outcome"] == "saved"
    assert name_user(sql, call, anna, "ж" * 33)["outcome"] == "invalid_name"


def test_neighbours_one_xp_apart_have_their_own_ranks(sql: Sql, call: Call) -> None:
    for points in (100, 99, 98):
        award(call, create_user(sql), points)
    for _ in range(2):
        assert [entry["rank"] for entry in call("get_leaderboard")["entries"]] == [1, 2, 3]
        sql("select private.fold_board_changes()")


def test_a_user_who_rises_after_the_last_folding_leaves_the_old_place(sql: Sql, call: Call) -> None:
    users = [create_user(sql) for _ in range(3)]
    for user, points in zip(users, (100, 99, 98), strict=True):
        award(call, user, points)
    sql("select private.fold_board_changes()")
    award(call, users[1], 51)
    board = call("get_leaderboard")["entries"]
    assert [(entry["rank"], entry["xp"]) for entry in board] == [(1, 150), (2, 100), (3, 98)]
