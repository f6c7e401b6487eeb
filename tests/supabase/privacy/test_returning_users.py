"""An erased user who returns starts from zero, and gets no benefit a second time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from shared.core.signatures import user_hash
from tests.supabase.payments.promocodes import new_code
from tests.supabase.privacy.conftest import KEY, Sql, SqlUser, call, id_of, next_update
from tests.supabase.privacy.test_erasure import code_of
from tests.support import in_parallel

MakeUser = Callable[..., SqlUser]
USED_BY_FIRST_REQUEST = {
    "referral": True,
    "xp": [{"bot": "assistant", "rule": "first_request", "reference": "once:assistant"}],
}


def tombstones_of(sql: Sql, user: SqlUser) -> list[dict[str, Any]]:
    """Return the tombstone of a user, if there is one."""
    return sql("select used, usage from erased_users where user_hash = decode(%s, 'hex')", user.hash)


def receive(user: SqlUser, **more: Any) -> Any:
    """Receive a new update of a user; return the result."""
    return user.receive(next_update(), **more)


def test_the_hash_is_keyed_and_unique_per_user() -> None:
    assert user_hash(1, KEY) == user_hash(1, KEY)
    assert len({user_hash(1, KEY), user_hash(2, KEY), user_hash(1, KEY + "x")}) == 3
    assert len(user_hash(2**52, KEY)) == 64


def test_requests_of_today_still_count_after_an_erasure(sql: Sql, anna: SqlUser) -> None:
    anna.ask()
    receive(SqlUser(anna.connect, anna.id, bot="second"), p_reserve=True)
    before = receive(anna)
    assert before["usage"]["requests"] == 3
    anna.erase()
    back = receive(anna)
    assert back["usage"]["requests"] == 3
    assert back["user"]["is_new"] is True
    assert back["user"]["id"] != before["user"]["id"]
    assert back["history"] == []
    anna.ask()
    anna.erase()
    assert receive(anna)["usage"]["requests"] == 4


def test_requests_do_not_count_on_the_next_day(sql: Sql, anna: SqlUser, clock: Callable[[str], None]) -> None:
    anna.erase()
    clock("clock_timestamp() + interval '1 day'")
    assert receive(anna)["usage"]["requests"] == 0
    assert sql("select from daily_usage where user_id = %s", id_of(sql, anna)) == []


def test_requests_of_the_month_count_until_the_next_month(
    sql: Sql, make_user: MakeUser, clock: Callable[[str], None]
) -> None:
    clock("(timestamptz '2026-11-10 09:00:00+00')")
    anna = make_user()
    anna.ask()
    clock("(timestamptz '2026-11-12 09:00:00+00')")
    before = receive(anna)["usage"]["month_requests"]
    assert before > 0
    anna.erase()
    clock("(timestamptz '2026-11-30 20:59:00+00')")
    back = receive(anna)["usage"]
    assert (back["requests"], back["month_requests"]) == (0, before)
    anna.erase()
    clock("(timestamptz '2026-11-30 21:01:00+00')")  # December in Moscow
    assert receive(anna)["usage"]["month_requests"] == 0
    assert sql("select from monthly_usage where user_id = %s", id_of(sql, anna)) == []


def test_a_referral_counts_once_across_erasures(sql: Sql, make_user: MakeUser) -> None:
    anna, ben, carl = make_user(), make_user(), make_user()
    receive(anna)
    receive(carl)
    for referrer, credits in ((anna, 10), (carl, 0), (anna, 10)):
        update_id = next_update()
        ben.receive(update_id)
        ben.finish(update_id, p_session={"referrer_code": code_of(sql, referrer)})
        ben.ask()
        rows = sql("select bonus_credits from users where telegram_id = %s", referrer.id)
        assert rows == [{"bonus_credits": credits}]
        assert tombstones_of(sql, ben) == []
        ben.erase()
        assert tombstones_of(sql, ben)[0]["used"] == USED_BY_FIRST_REQUEST
    receive(ben)
    assert sql("select bonus_credits from users where telegram_id = %s", ben.id) == [{"bonus_credits": 0}]


def test_a_pending_referral_is_not_attached_again_after_an_erasure(sql: Sql, make_user: MakeUser) -> None:
    anna, ben = make_user(), make_user()
    receive(anna)
    update_id = next_update()
    ben.receive(update_id)
    ben.finish(update_id, p_session={"referrer_code": code_of(sql, anna)})
    ben.erase()
    receive(ben)
    assert sql("select is_newcomer from users where telegram_id = %s", ben.id) == [{"is_newcomer": False}]


def test_a_user_who_used_nothing_leaves_no_tombstone(sql: Sql, make_user: MakeUser) -> None:
    ben = make_user()
    receive(ben)
    ben.erase()
    assert tombstones_of(sql, ben) == []
    receive(ben)
    assert sql("select is_newcomer from users where telegram_id = %s", ben.id) == [{"is_newcomer": True}]


def test_everything_else_starts_from_zero(sql: Sql, anna: SqlUser) -> None:
    sql("update users set bonus_credits = 7, language = 'ru' where telegram_id = %s", anna.id)
    code = code_of(sql, anna)
    anna.erase()
    receive(anna)
    row = sql("select * from users where telegram_id = %s", anna.id)[0]
    assert (row["bonus_credits"], row["language"], row["total_referrals"]) == (0, None, 0)
    assert row["referral_code"] != code


def test_two_first_messages_at_once_apply_the_tombstone_once(sql: Sql, make_user: MakeUser) -> None:
    for _ in range(5):
        anna = make_user()
        anna.ask()
        anna.erase()
        done = in_parallel(6, lambda _n, a=anna: receive(a)["outcome"])
        assert done == ["work"] * 6
        rows = sql(
            "select u.is_newcomer, d.requests from users u join daily_usage d on d.user_id = u.id "
            "where telegram_id = %s",
            anna.id,
        )
        assert rows == [{"is_newcomer": False, "requests": 1}]
        assert tombstones_of(sql, anna) == []


def test_a_revision_that_sends_no_hash_still_works(sql: Sql, anna: SqlUser) -> None:
    anna.erase()
    assert receive(anna, p_telegram_user={"id": anna.id, "first_name": "Anna"})["outcome"] == "work"
    assert receive(anna)["outcome"] == "work"
    anna.erase()
    assert tombstones_of(sql, anna)[0]["used"] == USED_BY_FIRST_REQUEST  # from the first erasure


def test_another_hash_key_finds_no_tombstone(sql: Sql, anna: SqlUser) -> None:
    anna.erase()
    stranger = {"id": anna.id, "first_name": "Anna", "hash": user_hash(anna.id, "another key" * 4)}
    assert receive(anna, p_telegram_user=stranger)["usage"]["requests"] == 0
    assert tombstones_of(sql, anna) != []


@pytest.mark.parametrize("days", [31, 33])
def test_the_sweep_clears_counters_and_keeps_one_time_benefits(
    sql: Sql, make_user: MakeUser, anna: SqlUser, days: int
) -> None:
    ben = make_user()
    receive(ben, p_reserve=True)
    for user in (anna, ben):
        user.erase()
        sql(
            "update erased_users set erased_at = private.clock() - make_interval(days => %s) "
            "where user_hash = decode(%s, 'hex')",
            days,
            user.hash,
        )
    swept = sql("select sweep() as done")[0]["done"]
    if days > 32:
        assert swept["erased"] == 2
        assert tombstones_of(sql, anna) == [{"used": USED_BY_FIRST_REQUEST, "usage": {}}]
        assert tombstones_of(sql, ben) == []
    else:
        assert tombstones_of(sql, anna)[0]["usage"] != {}
        assert tombstones_of(sql, ben)[0]["usage"] != {}


def test_a_ban_survives_an_erasure(sql: Sql, anna: SqlUser) -> None:
    receive(anna)
    sql(
        "update users set banned_at = '2026-01-02', ban_reason = 'called us names', ban_notified = true "
        "where telegram_id = %s",
        anna.id,
    )
    anna.erase()
    assert "names" not in str(tombstones_of(sql, anna))
    assert receive(anna)["user"]["ban"] == {"reason": None, "notified": False}
    rows = sql("select banned_at::date::text as day from users where telegram_id = %s", anna.id)
    assert rows == [{"day": "2026-01-02"}]


# Promo codes ------------------------------------------------------------------------------------------------


def redeem(user: SqlUser, sql: Sql, code: str) -> Any:
    """Redeem a promo code for a user."""
    with user.connect() as connection:
        return call(connection, "redeem_promocode", p_user_id=id_of(sql, user), p_code=code)


def test_a_promo_code_is_redeemed_once_across_erasures(sql: Sql, make_user: MakeUser) -> None:
    anna, credits, percent = make_user(), new_code(sql, "credits", 50), new_code(sql, "percent", 20)
    receive(anna)
    assert redeem(anna, sql, credits)["outcome"] == "redeemed"
    assert redeem(anna, sql, percent)["outcome"] == "redeemed"
    for _ in range(2):
        anna.erase()
        ids = [sql("select id from promocodes where code = %s", code)[0]["id"] for code in (credits, percent)]
        assert tombstones_of(sql, anna)[0]["used"] == {f"promocode:{number}": True for number in ids}
        receive(anna)
        for code in (credits, percent):
            assert redeem(anna, sql, code) == {"outcome": "already_used", "is_unused": False}
        row = sql("select id, bonus_credits from users where telegram_id = %s", anna.id)[0]
        assert row["bonus_credits"] == 0
        assert sql("select (private.find_discount(%s)).percent", row["id"]) == [{"percent": None}]
    later = new_code(sql, "credits", 5)
    assert redeem(anna, sql, later)["outcome"] == "redeemed"
    assert (
        sql("select uses from promocodes where code = any(%s)", [credits, percent, later])
        == [{"uses": 1}] * 3
    )


def test_codes_redeemed_before_and_after_an_erasure_are_merged(sql: Sql, make_user: MakeUser) -> None:
    """The row between both erasures was created without a hash, so the tombstone was not applied to it."""
    anna, first, second = make_user(), new_code(sql), new_code(sql)
    receive(anna)
    redeem(anna, sql, first)
    anna.erase()
    receive(anna, p_telegram_user={"id": anna.id, "first_name": "Anna"})
    redeem(anna, sql, second)
    anna.erase()
    receive(anna)
    assert {redeem(anna, sql, code)["outcome"] for code in (first, second)} == {"already_used"}


def test_wrong_codes_of_today_still_count_after_an_erasure(
    sql: Sql, make_user: MakeUser, clock: Callable[[str], None]
) -> None:
    clock("(timestamptz '2026-11-10 09:00:00+00')")
    anna = make_user()
    receive(anna)
    for n in range(7):
        redeem(anna, sql, f"WRONG{n}")
    anna.erase()
    receive(anna)
    outcomes = [redeem(anna, sql, f"OTHER{n}")["outcome"] for n in range(5)]
    assert outcomes == ["unknown"] * 3 + ["too_many_attempts"] * 2
    anna.erase()
    clock("(timestamptz '2026-11-11 09:00:00+00')")
    receive(anna)
    assert redeem(anna, sql, "ANOTHER")["outcome"] == "unknown"


def test_redemption_and_erasure_at_once_redeem_once(sql: Sql, make_user: MakeUser) -> None:
    """In either order the code is redeemed once, and the tombstone keeps a redemption before the erasure."""
    for _ in range(6):
        anna, code = make_user(), new_code(sql)
        receive(anna)
        user_id = id_of(sql, anna)
        assert user_id

        def redeem_it(a: SqlUser = anna, u: int = user_id, c: str = code) -> str:
            with a.connect() as connection:
                try:
                    result = call(connection, "redeem_promocode", p_user_id=u, p_code=c)
                except psycopg.Error as error:
                    return str(error.sqlstate)
            return str(result["outcome"])

        outcome, _ = in_parallel(2, lambda n, a=anna, r=redeem_it: a.erase() if n else r())
        assert outcome in ("redeemed", "Z0005")
        receive(anna)
        again = redeem(anna, sql, code)["outcome"]
        assert (outcome, again) in {("redeemed", "already_used"), ("Z0005", "redeemed")}
