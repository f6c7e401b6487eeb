"""Boards equal a recount of the ledger, whatever happens to users, and show each user what they may see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.supabase.privacy.conftest import SqlUser, id_of, next_update
from tests.supabase.xp.users import Call, Sql, award, create_user, user_id_of
from tests.support import examples, in_parallel

MakeUser = Callable[..., SqlUser]
SATURDAY = "(timestamptz '2026-11-28 12:00:00+03')"
SUNDAY_NIGHT = "(timestamptz '2026-11-29 23:59:59+03')"
MONDAY = "(timestamptz '2026-11-30 00:00:01+03')"
PERIODS = ("day", "week", "all")

# The ledger of users who are neither banned nor admins, counted anew for each board; nothing goes below zero.
RECOUNT = """
    with recursive rows as (
      select a.user_id, b.board, p.period, p.starts_on, a.points,
        row_number() over (partition by a.user_id, b.board, p.period, p.starts_on order by a.id) as n
        from xp_awards a
       cross join lateral (select '' union select a.bot) b (board)
       cross join lateral (
         select 'all', date 'epoch' union all
         select p, date_trunc(p, a.created_at at time zone 'Europe/Moscow')::date
           from unnest(array['day', 'week']) p where a.rule <> 'correction'
       ) p (period, starts_on)
       where a.points <> 0
    ), sums as (
      select user_id, board, period, starts_on, n, greatest(points, 0)::bigint as xp from rows where n = 1
      union all
      select r.user_id, r.board, r.period, r.starts_on, r.n, greatest(s.xp + r.points, 0)
        from sums s join rows r using (user_id, board, period, starts_on) where r.n = s.n + 1
    )
    select board, period, starts_on, user_id, (array_agg(xp order by n desc))[1] as xp
      from sums join users u on u.id = user_id
     where u.banned_at is null and not u.is_admin
     group by 1, 2, 3, 4 having (array_agg(xp order by n desc))[1] > 0
"""
HISTOGRAM = """
    select board, period, starts_on, l.lvl, x.xp >> (6 * l.lvl) as k, sum(x.n)::bigint as n from (
      select board, period, starts_on, old_xp as xp, -1 as n from board_changes
      union all select board, period, starts_on, new_xp, 1 from board_changes
    ) x cross join generate_series(0, 3) as l (lvl) where x.xp > 0 group by 1, 2, 3, 4, 5
    union all select board, period, starts_on, lvl, k, n from board_histogram
"""


def assert_boards_are_right(sql: Sql, has_past: bool = True) -> None:
    """Compare scores, histogram and ranks with a recount of the ledger; without past periods, of all time."""
    order = "order by board, period, starts_on, user_id"
    counted = [row for row in sql(f"{RECOUNT} {order}") if has_past or row["period"] == "all"]
    stored = sql(
        "select board, period, starts_on, user_id, xp from board_scores where is_ranked and xp > 0 " + order
    )
    assert stored == counted
    keys = "board, period, starts_on, lvl, k"
    grouped = f"group by {keys} having sum(n) <> 0 order by {keys}"
    levels = (
        "select s.*, l as lvl, s.xp >> (6 * l) as k, is_ranked::int as n "
        "from board_scores s, generate_series(0, 3) l where s.xp > 0"
    )
    assert sql(f"select {keys}, sum(n)::int as n from ({HISTOGRAM}) x {grouped}") == sql(
        f"select {keys}, sum(n)::int as n from ({levels}) x {grouped}"
    )
    ranks = sql(
        "select board, xp, private.board_rank(board, period, starts_on, xp) as rank, "
        "rank() over (partition by board, period, starts_on order by xp desc) as counted "
        "from board_scores where is_ranked and xp > 0"
    )
    assert [row for row in ranks if row["rank"] != row["counted"]] == []
    assert sql("select from board_changes where old_xp = new_xp") == []


def assert_lists_are_right(sql: Sql, call: Call, users: list[SqlUser]) -> None:
    """Compare lists and neighbours on two boards of all time with ranks that a window function counts."""
    for board in ("", "spin"):
        rows = sql(
            "select u.telegram_id, s.xp, s.is_listed, rank() over (order by s.xp desc) as rank "
            "from board_scores s join users u on u.id = s.user_id "
            "where s.board = %s and s.period = 'all' and s.is_ranked and s.xp > 0 "
            "order by s.xp desc, s.reached_at, s.user_id",
            board,
        )
        listed = [(row["rank"], row["xp"]) for row in rows if row["is_listed"]]
        entries = call("get_leaderboard", p_board=board, p_limit=100)["entries"]
        assert [(entry["rank"], entry["xp"]) for entry in entries] == listed[:100]
        for index, row in enumerate(rows):
            if row["telegram_id"] not in {user.id for user in users}:
                continue  # of an earlier example
            own = call("get_user_rank", p_telegram_id=row["telegram_id"], p_board=board)
            above = [(other["rank"], other["xp"]) for other in rows[:index] if other["is_listed"]]
            below = [(other["rank"], other["xp"]) for other in rows[index + 1 :] if other["is_listed"]]
            assert (own["rank"], own["xp"], own["total"]) == (row["rank"], row["xp"], len(rows))
            assert [(entry["rank"], entry["xp"]) for entry in own["above"]] == above[-2:]
            assert [(entry["rank"], entry["xp"]) for entry in own["below"]] == below[:2]


def names(entries: list[dict[str, Any]]) -> list[tuple[int, str | None, int]]:
    """Return rank, name and XP of lines of a board."""
    return [(entry["rank"], entry["name"], entry["xp"]) for entry in entries]


def name_user(sql: Sql, call: Call, telegram_id: int, name: str | None, is_hidden: bool = False) -> Any:
    """Set how a user appears on boards."""
    given = {"p_user_id": user_id_of(sql, telegram_id), "p_name": name, "p_is_hidden": is_hidden}
    return call("set_board_profile", **given)


def board_of(sql: Sql, call: Call, points: dict[str, int]) -> dict[str, int]:
    """Give users of these names XP, in this order; return their Telegram ids."""
    users = {name: create_user(sql) for name in points}
    for name, xp in points.items():
        award(call, users[name], xp)
        name_user(sql, call, users[name], name)
    return users


# Recount ---------------------------------------------------------------------------------------------------

CHANGES = ["ban", "unban", "hide", "show", "erase", "appoint", "dismiss", "fold"]
who = st.integers(0, 3)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("award"), who, st.sampled_from([1, 5, 63, 64, 65, 700, 5000, 300_000])),
        st.tuples(st.just("correct"), who, st.sampled_from([-5, -64, -1000, 70])),
        st.tuples(st.sampled_from(CHANGES), who, st.just(0)),
    ),
    min_size=1,
    max_size=25,
)  # fmt: skip


@settings(
    max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps, st.integers(1, 4))
def test_boards_equal_a_recount(
    sql: Sql, call: Call, make_user: MakeUser, boss: str, steps: list[Any], workers: int
) -> None:
    users = [make_user() for _ in range(4)]
    for user in users:
        user.receive(next_update())

    def step(what: str, index: int, points: int) -> None:
        user = users[index]
        try:
            match what:
                case "award":
                    award(call, user.id, points, bot=("spin", "quiz")[points % 2])
                case "correct":
                    award(call, user.id, points, bot=("spin", "")[points % 2], rule="correction")
                case "ban":
                    call("admin_ban_user", p_user_id=id_of(sql, user), p_reason=None, p_admin_email=boss)
                case "unban":
                    call("admin_unban_user", p_user_id=id_of(sql, user), p_admin_email=boss)
                case "hide" | "show":
                    name_user(sql, call, user.id, None, what == "hide")
                case "erase":
                    user.erase()
                    user.receive(next_update())
                case "appoint":
                    sql("insert into admins (email, telegram_id) values (%s, %s) on conflict do nothing",
                        f"{user.id}@example.com", user.id)  # fmt: skip
                case "dismiss":
                    sql("delete from admins where telegram_id = %s", user.id)
                case "fold":
                    sql("select private.fold_board_changes()")
        except psycopg.Error as error:
            assert error.sqlstate in {"Z0004", "N0002", "N0005", None}, error
        except IndexError:  # erased at this moment
            pass

    in_parallel(workers, lambda n: [step(*each) for each in steps[n::workers]])
    assert_boards_are_right(sql)
    assert_lists_are_right(sql, call, users)
    sql("select private.fold_board_changes()")
    assert sql("select count(*)::int as n from board_changes")[0]["n"] == 0
    assert_boards_are_right(sql)
    assert_lists_are_right(sql, call, users)


def test_many_users_and_boards_at_once_do_not_deadlock(sql: Sql, call: Call) -> None:
    users = [create_user(sql) for _ in range(12)]
    deadlocks = sql("select deadlocks from pg_stat_database where datname = current_database()")

    def work(number: int) -> None:
        for turn in range(40):
            award(call, users[(number * 5 + turn * 7) % 12], 1 + turn * 13, bot=("spin", "quiz")[turn % 2])

    in_parallel(8, work)
    assert sql("select deadlocks from pg_stat_database where datname = current_database()") == deadlocks
    assert_boards_are_right(sql)
    assert sql("select count(*)::int as n from board_changes")[0]["n"] < 1500, "awards fold what waits"


def test_folding_does_not_wait_for_another_transaction_that_folds(
    sql: Sql, call: Call, database_url: str
) -> None:
    anna = create_user(sql)
    award(call, anna, 10)
    with psycopg.connect(database_url) as other:
        other.execute("select private.fold_board_changes()")
        award(call, anna, 20)
        assert sql("select private.fold_board_changes() as n") == [{"n": 0}]
        assert call("get_user_rank", p_telegram_id=anna)["rank"] == 1
        assert_boards_are_right(sql)
    assert sql("select private.fold_board_changes() as n") == [{"n": 6}]
    assert_boards_are_right(sql)


def test_rebuilding_changes_nothing(sql: Sql, call: Call) -> None:
    board_of(sql, call, {"Anna": 10, "Ben": 70, "Carl": 300_000})
    sql("select private.rebuild_board_histogram()")
    assert_boards_are_right(sql)


# What users see --------------------------------------------------------------------------------------------


def test_equal_xp_share_a_rank_and_the_first_to_reach_them_comes_first(sql: Sql, call: Call) -> None:
    users = board_of(sql, call, {"Carl": 50, "Anna": 100, "Ben": 50, "Dora": 20})
    award(call, users["Dora"], 30)
    board = call("get_leaderboard")
    assert names(board["entries"]) == [(1, "Anna", 100), (2, "Carl", 50), (2, "Ben", 50), (2, "Dora", 50)]
    emil = create_user(sql)
    award(call, emil, 10)
    rank = call("get_user_rank", p_telegram_id=emil)
    assert (rank["rank"], rank["xp"], rank["total"]) == (5, 10, 5)
    assert names(rank["above"]) == [(2, "Ben", 50), (2, "Dora", 50)]
    rank = call("get_user_rank", p_telegram_id=users["Carl"])
    assert (names(rank["above"]), names(rank["below"])) == (
        [(1, "Anna", 100)],
        [(2, "Ben", 50), (2, "Dora", 50)],
    )
    assert names(call("get_leaderboard", p_limit=2, p_offset=1)["entries"]) == [
        (2, "Carl", 50),
        (2, "Ben", 50),
    ]


def test_a_user_without_a_name_is_a_number(sql: Sql, call: Call) -> None:
    anna = create_user(sql, first_name="Anna", username="anna")
    award(call, anna, 150)
    (entry,) = call("get_leaderboard")["entries"]
    assert entry == {"rank": 1, "name": None, "number": entry["number"], "xp": 150, "level": 2}
    assert 10_000 <= entry["number"] <= 99_999
    saved = name_user(sql, call, anna, "  Anna \n of  Tver ")
    assert saved == {
        "outcome": "saved",
        "name": "Anna of Tver",
        "is_hidden": False,
        "number": entry["number"],
    }
    assert name_user(sql, call, anna, None)["name"] is None


@pytest.mark.parametrize(
    "name",
    [
        "x" * 33,
        "12345",
        "join @spam",
        "http://x",
        "see t.me/x",
        "shop.ru",
        "bit.ly/abc",
        "Buy.XYZ now",
        "An\u202ena",
        "A\u200bnna",
        # Letters to Postgres, and nothing to the eye.
        "\u3164",
        "\u115f\u1160",
        "Anna\u2800",
        "A\u0335\u0351\u036bnna",
    ],
)
def test_a_name_with_a_link_or_without_letters_is_refused(sql: Sql, call: Call, name: str) -> None:
    anna = create_user(sql)
    name_user(sql, call, anna, "Anna")
    refused = name_user(sql, call, anna, name, is_hidden=True)
    assert (refused["outcome"], refused["name"], refused["is_hidden"]) == ("invalid_name", "Anna", False)


@pytest.mark.parametrize(
    "name", ["А. Петров", "J. R. Smith", "Việt Ánh", "Зоё́", "مريم", "O’Neil 🙂", "x" * 32]
)
def test_a_name_of_a_person_is_taken(sql: Sql, call: Call, name: str) -> None:
    assert name_user(sql, call, create_user(sql), name)["name"] == name


def test_a_hidden_user_is_skipped_and_keeps_a_private_rank(sql: Sql, call: Call) -> None:
    users = board_of(sql, call, {"Anna": 100, "Ben": 50, "Carl": 20})
    name_user(sql, call, users["Ben"], "Ben", is_hidden=True)
    board = call("get_leaderboard", p_board="spin", p_period="day")
    assert (names(board["entries"]), board["total"]) == ([(1, "Anna", 100), (3, "Carl", 20)], 3)
    own = call("get_user_rank", p_telegram_id=users["Ben"], p_board="spin", p_period="day")
    assert (own["rank"], own["is_hidden"]) == (2, True)
    assert names(call("get_user_rank", p_telegram_id=users["Carl"])["above"]) == [(1, "Anna", 100)]
    name_user(sql, call, users["Ben"], "Ben")
    assert len(call("get_leaderboard", p_board="spin")["entries"]) == 3


def test_banned_users_and_admins_leave_at_once_and_come_back(sql: Sql, call: Call, boss: str) -> None:
    users = board_of(sql, call, {"Anna": 100, "Ben": 50})
    given = {"p_user_id": user_id_of(sql, users["Anna"]), "p_admin_email": boss}
    for leave, come_back in (
        (lambda: call("admin_ban_user", p_reason=None, **given), lambda: call("admin_unban_user", **given)),
        (
            lambda: sql(
                "insert into admins (email, telegram_id) values ('a@example.com', %s)", users["Anna"]
            ),
            lambda: sql("delete from admins where email = 'a@example.com'"),
        ),
    ):
        leave()
        assert names(call("get_leaderboard")["entries"]) == [(1, "Ben", 50)]
        own = call("get_user_rank", p_telegram_id=users["Anna"])
        assert (own["rank"], own["xp"], own["total"], own["below"]) == (None, 100, 1, [])
        award(call, users["Anna"], 0)
        come_back()
        assert names(call("get_leaderboard")["entries"]) == [(1, "Anna", 100), (2, "Ben", 50)]
    assert_boards_are_right(sql)


def test_xp_during_a_ban_count_after_it(sql: Sql, call: Call) -> None:
    users = board_of(sql, call, {"Anna": 100, "Ben": 120})
    sql("update users set banned_at = private.clock() where telegram_id = %s", users["Anna"])
    award(call, users["Anna"], 50)
    assert call("get_leaderboard")["total"] == 1
    sql("update users set banned_at = null, is_active = false where telegram_id = %s", users["Anna"])
    assert names(call("get_leaderboard")["entries"]) == [(1, "Anna", 150), (2, "Ben", 120)]
    assert_boards_are_right(sql)


def test_an_erased_user_is_gone_at_once(sql: Sql, call: Call, make_user: MakeUser) -> None:
    anna, ben = make_user(), create_user(sql)
    anna.receive(next_update())
    award(call, anna.id, 100)
    award(call, ben, 50)
    anna.erase()
    assert [entry["xp"] for entry in call("get_leaderboard")["entries"]] == [50]
    rank = call("get_user_rank", p_telegram_id=ben)
    assert (rank["rank"], rank["total"]) == (1, 1)
    assert call("get_user_rank", p_telegram_id=anna.id)["rank"] is None
    assert_boards_are_right(sql)


def test_boards_of_a_bot_a_day_and_a_week(sql: Sql, call: Call, clock: Callable[[str], None]) -> None:
    anna, ben = create_user(sql), create_user(sql)

    def board(bot: str, period: str) -> list[int]:
        return [entry["xp"] for entry in call("get_leaderboard", p_board=bot, p_period=period)["entries"]]

    clock(SATURDAY)
    award(call, anna, 100)
    award(call, ben, 30, bot="quiz")
    clock(SUNDAY_NIGHT)
    award(call, ben, 10, bot="quiz")
    award(call, ben, 500, rule="import")
    assert [board("", period) for period in PERIODS] == [[10], [100, 40], [540, 100]]
    assert [board("quiz", period) for period in PERIODS] == [[10], [40], [40]]
    clock(MONDAY)
    assert [board("", period) for period in PERIODS] == [[], [], [540, 100]]
    award(call, anna, 1)
    week = call("get_leaderboard", p_period="week")
    assert (week["starts_on"], week["total"]) == ("2026-11-30", 1)
    assert call("get_user_rank", p_telegram_id=ben, p_period="week")["rank"] is None


def test_the_sweep_deletes_past_periods(sql: Sql, call: Call, clock: Callable[[str], None]) -> None:
    anna = create_user(sql)
    clock(SATURDAY)
    award(call, anna, 100)
    clock("(timestamptz '2026-12-12 23:00:00+03')")
    assert call("sweep")["boards"] == 2, "the week of Monday 23 November"
    clock("(timestamptz '2026-12-13 00:00:01+03')")
    assert call("sweep")["boards"] == 2
    left = "select distinct period from board_scores union select distinct period from board_histogram"
    assert sql(left) == [{"period": "all"}]
    assert call("get_user_rank", p_telegram_id=anna)["rank"] == 1
    assert sql("select count(*)::int as n from board_changes")[0]["n"] == 0


def test_an_unknown_period_is_refused(call: Call, refused: Callable[..., str | None]) -> None:
    assert refused("get_leaderboard", p_period="year") == "Z0002"
    assert refused("get_user_rank", p_telegram_id=1, p_period="") == "Z0002"
    assert call("get_user_rank", p_telegram_id=1)["rank"] is None
