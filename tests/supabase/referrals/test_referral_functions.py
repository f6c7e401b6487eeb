"""Referrals: one permanent referrer, credits once for both users, no cycles, a daily limit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.support import in_parallel, new_telegram_id

Sql = Callable[..., list[dict[str, Any]]]
Call = Callable[..., Any]


def user_with_code(sql: Sql) -> tuple[int, str]:
    """Create a user; return users.id and referral code."""
    row = sql("insert into users (telegram_id) values (%s) returning id, referral_code", new_telegram_id())[0]
    return int(row["id"]), str(row["referral_code"])


def credits_of(sql: Sql, user_id: int) -> tuple[int, int]:
    """Return a user's bonus credits."""
    row = sql("select bonus_credits, total_referrals from users where id = %s", user_id)[0]
    return row["bonus_credits"], row["total_referrals"]


def test_both_users_get_their_credits(sql: Sql, call: Call) -> None:
    anna, code = user_with_code(sql)
    ben, _ = user_with_code(sql)
    done = call("complete_referral", ben, code.upper())
    assert done == {"outcome": "completed", "referrer_credits": 10, "referred_credits": 5}
    assert credits_of(sql, anna) == (10, 1)
    assert credits_of(sql, ben) == (5, 0)
    again = call("complete_referral", ben, code)
    assert again == {"outcome": "already_completed", "referrer_credits": 0, "referred_credits": 0}
    assert credits_of(sql, anna) == (10, 1)


def test_the_first_referrer_stays(sql: Sql, call: Call) -> None:
    anna, code = user_with_code(sql)
    carl, other_code = user_with_code(sql)
    ben, _ = user_with_code(sql)
    call("complete_referral", ben, code)
    assert call("complete_referral", ben, other_code)["outcome"] == "not_new"
    assert (credits_of(sql, anna), credits_of(sql, carl)) == ((10, 1), (0, 0))


def test_a_user_who_was_served_before_is_not_new(sql: Sql, call: Call) -> None:
    anna, code = user_with_code(sql)
    ben, _ = user_with_code(sql)
    sql("update users set is_newcomer = false where id = %s", ben)
    assert call("complete_referral", ben, code)["outcome"] == "not_new"
    assert call("complete_referral", -1, code)["outcome"] == "not_new"
    assert credits_of(sql, anna) == (0, 0)


@pytest.mark.parametrize("code", ["nosuchcode00", "", None, "' or true --"])
def test_an_unknown_code_gives_nothing(sql: Sql, call: Call, code: str | None) -> None:
    ben, _ = user_with_code(sql)
    assert call("complete_referral", ben, code)["outcome"] == "unknown_code"
    assert credits_of(sql, ben) == (0, 0)


def test_self_referrals_and_cycles_are_refused(sql: Sql, call: Call) -> None:
    users = [user_with_code(sql) for _ in range(4)]
    assert call("complete_referral", users[0][0], users[0][1])["outcome"] == "self"
    for (user, _), (_, code) in zip(users[1:], users, strict=False):
        assert call("complete_referral", user, code)["outcome"] == "completed"
    # The last user of the chain cannot refer the first.
    assert call("complete_referral", users[0][0], users[-1][1])["outcome"] == "not_new"


def test_fifty_completions_at_once_pay_once(sql: Sql, call: Call) -> None:
    anna, code = user_with_code(sql)
    ben, _ = user_with_code(sql)
    outcomes = [
        outcome
        for _ in range(2)
        for outcome in in_parallel(25, lambda _n: call("complete_referral", ben, code)["outcome"])
    ]
    assert sorted(outcomes) == ["already_completed"] * 49 + ["completed"]
    assert credits_of(sql, anna) == (10, 1)
    assert credits_of(sql, ben) == (5, 0)


def test_mutual_referrals_complete_one_without_a_deadlock(sql: Sql, call: Call) -> None:
    for _ in range(10):
        (anna, anna_code), (ben, ben_code) = user_with_code(sql), user_with_code(sql)
        pairs = [(anna, ben_code), (ben, anna_code)]
        outcomes = in_parallel(8, lambda n, p=pairs: call("complete_referral", *p[n % 2])["outcome"])
        assert outcomes.count("completed") == 1
        assert set(outcomes) <= {"completed", "already_completed", "not_new"}
        assert sorted([credits_of(sql, anna), credits_of(sql, ben)]) == [(5, 0), (10, 1)]


def test_different_new_users_of_one_referrer_all_count(sql: Sql, call: Call) -> None:
    anna, code = user_with_code(sql)
    users = [user_with_code(sql)[0] for _ in range(15)]
    outcomes = in_parallel(15, lambda n: call("complete_referral", users[n], code)["outcome"])
    assert outcomes == ["completed"] * 15
    assert credits_of(sql, anna) == (150, 15)


def test_the_daily_limit_of_referrals(sql: Sql, call: Call, clock: Callable[[str], None]) -> None:
    anna, code = user_with_code(sql)
    sql("update private.settings set value = '2' where key = 'referral_daily_limit'")
    clock("timestamptz '2026-11-20 20:59:00+00'")  # a minute before midnight in Moscow
    users = [user_with_code(sql)[0] for _ in range(5)]
    outcomes = in_parallel(4, lambda n: call("complete_referral", users[n], code)["outcome"])
    assert sorted(outcomes) == ["completed", "completed", "limit_reached", "limit_reached"]
    assert credits_of(sql, anna) == (20, 2)
    refused = users[outcomes.index("limit_reached")]
    clock("timestamptz '2026-11-20 21:01:00+00'")
    assert call("complete_referral", users[4], code)["outcome"] == "completed"
    assert call("complete_referral", refused, code)["outcome"] == "limit_reached"


def test_the_overview_and_the_top_referrers_of_a_period(sql: Sql, call: Call) -> None:
    anna, code = user_with_code(sql)
    for _ in range(3):
        call("complete_referral", user_with_code(sql)[0], code)
    waiting, _ = user_with_code(sql)
    sql("insert into user_referrals (referrer_id, referred_id) values (%s, %s)", anna, waiting)
    assert call("referral_overview", anna) == {
        "code": code,
        "invited": 4,
        "completed": 3,
        "credits": 30,
        "second_credits": 0,
        "referrer_credits": 10,
        "referred_credits": 5,
        "was_referred": False,
    }
    assert call("referral_overview", waiting)["was_referred"] is True
    assert call("referral_overview", -1) is None
    sql(
        "update user_referrals set completed_at = '2020-01-02' "
        "where referrer_id = %s and status = 'completed'",
        anna,
    )
    best = call("top_referrers", "2020-01-01", "2020-02-01")
    assert [(row["user_id"], row["referrals"], row["credits"]) for row in best] == [(anna, 3, 30)]


def test_codes_cannot_be_guessed_and_differ(sql: Sql) -> None:
    codes = {user_with_code(sql)[1] for _ in range(200)}
    assert len(codes) == 200
    assert all(len(code) == 12 and set(code) <= set("023456789abcdefghjkmnpqrstuvwxyz") for code in codes)


@pytest.mark.parametrize(
    ("role", "allowed"),
    [("bot_backend", 3), ("service_role", 2), ("anon", 0), ("authenticated", 0)],
)
def test_other_services_may_complete_referrals_and_list_the_top(
    database_url: str, sql: Sql, role: str, allowed: int
) -> None:
    anna, code = user_with_code(sql)
    statements = (
        f"select public.complete_referral({anna}, '{code}')",
        "select public.top_referrers('2026-01-01')",
        f"select public.referral_overview({anna})",
    )
    for number, statement in enumerate(statements):
        with psycopg.connect(database_url, prepare_threshold=None) as connection:
            connection.execute(f"set local role {role}")
            if number < allowed:
                connection.execute(statement)
            else:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement)
            connection.rollback()
