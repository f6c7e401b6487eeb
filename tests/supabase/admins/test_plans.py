"""Plans given by admins: access follows the subscriptions and ends in time."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.supabase.admins.users import Call, Sql, audit_entries, new_user
from tests.support import in_parallel
from tools.database import admins

_updates = itertools.count(7_000_000_000)
Refused = Callable[..., str | None]


def access_of(sql: Sql, user_id: int) -> tuple[int, bool]:
    """Return vip_level and is_paid of a user."""
    row = sql("select vip_level, is_paid from users where id = %s", user_id)[0]
    return row["vip_level"], row["is_paid"]


def subscribe(sql: Sql, user_id: int, source: str, ends_in: str | None) -> None:
    """Insert a subscription that ends after an interval."""
    sql(
        "insert into subscriptions (user_id, plan, source, starts_at, ends_at) values "
        "(%s, 'PREMIUM', %s, private.clock() - interval '2 days', private.clock() + %s::interval)",
        user_id,
        source,
        ends_in,
    )
    sql("select private.refresh_access(%s)", user_id)


@pytest.fixture
def give(call: Call, boss: str) -> Callable[..., Any]:
    """Return a function that gives a plan as an admin."""

    def give(user_id: int, plan: str, days: int | None, reference: str | None = None) -> Any:
        return call(
            "admin_set_plan",
            p_user_id=user_id,
            p_plan=plan,
            p_days=days,
            p_admin_email=boss,
            p_reference=reference,
        )

    return give


def test_a_plan_is_given_for_some_days_and_taken_back(sql: Sql, user: int, give: Any) -> None:
    done = give(user, "PREMIUM", 30)
    assert done["before"] == {"plan": "FREE", "ends_at": None}
    assert done["after"]["plan"] == "PREMIUM"
    days = sql("select ends_at - starts_at as lasts from subscriptions where user_id = %s", user)[0]["lasts"]
    assert days.days == 30
    assert access_of(sql, user) == (1, True)
    taken = give(user, "FREE", None)
    assert (taken["before"], taken["after"]) == (done["after"], {"plan": "FREE", "ends_at": None})
    assert access_of(sql, user) == (0, False)
    assert [row["after"]["given"] for row in audit_entries(sql, user)] == ["PREMIUM", "FREE"]


def test_a_second_gift_starts_now_and_replaces_the_first(sql: Sql, user: int, give: Any) -> None:
    give(user, "PREMIUM", 300)
    assert give(user, "PREMIUM", 7)["before"]["plan"] == "PREMIUM"
    rows = sql(
        "select status, (ends_at - starts_at)::text as lasts from subscriptions where user_id = %s "
        "order by id",
        user,
    )
    assert rows == [{"status": "canceled", "lasts": "300 days"}, {"status": "active", "lasts": "7 days"}]
    assert give(user, "PREMIUM", None)["after"] == {"plan": "PREMIUM", "ends_at": None}


def test_a_purchased_plan_stays_when_the_gift_is_revoked(sql: Sql, user: int, give: Any) -> None:
    subscribe(sql, user, "stripe", "10 days")
    give(user, "PREMIUM", None)
    after = give(user, "FREE", None)["after"]
    assert after["plan"] == "PREMIUM"
    assert after["ends_at"] is not None
    assert access_of(sql, user) == (1, True)


def test_the_plan_applies_to_the_next_update(sql: Sql, user: int, give: Any) -> None:
    (row,) = sql("select telegram_id from users where id = %s", user)

    def limit() -> int | None:
        received = sql(
            "select receive_update('assistant', %s, gen_random_uuid(), 'message', %s, "
            "jsonb_build_object('id', %s::bigint), '{}', 1) as r",
            next(_updates),
            row["telegram_id"],
            row["telegram_id"],
        )[0]["r"]
        return received["usage"]["daily_requests"]

    assert limit() == 25
    give(user, "PREMIUM", 1)
    assert limit() == 1000
    give(user, "FREE", None)
    assert limit() == 25


def test_a_reference_acts_once(sql: Sql, user: int, give: Any) -> None:
    reference = f"plan:{user}"
    done = in_parallel(12, lambda _n: give(user, "PREMIUM", 5, reference))
    assert sum(one["applied"] for one in done) == 1
    assert len({str((one["before"], one["after"])) for one in done}) == 1
    assert len(sql("select id from subscriptions where user_id = %s", user)) == 1


def test_invalid_plans_days_users_and_admins_are_refused(
    sql: Sql, boss: str, user: int, refused: Refused, give: Any
) -> None:
    values: dict[str, Any] = {
        "p_user_id": user,
        "p_plan": "PREMIUM",
        "p_days": 1,
        "p_admin_email": boss,
        "p_reference": None,
    }
    for change, code in (
        ({"p_plan": "GOLD"}, "N0006"),
        ({"p_plan": "premium"}, "N0006"),
        ({"p_plan": None}, "N0006"),
        ({"p_days": 0}, "N0004"),
        ({"p_days": 3661}, "N0004"),
        ({"p_plan": "FREE"}, "N0004"),
        ({"p_user_id": -1}, "N0002"),
        ({"p_admin_email": "eve@example.com"}, "N0001"),
    ):
        assert refused("admin_set_plan", **(values | change)) == code, change
    give(user, "PREMIUM", 5, f"taken:{user}")
    known = {"p_reference": f"taken:{user}", "p_days": 5}
    assert refused("admin_set_plan", **(values | known | {"p_days": 6})) == "N0003"
    assert refused("admin_set_plan", **(values | known | {"p_user_id": new_user(sql)})) == "N0003"
    assert len(audit_entries(sql, user)) == 1


def test_the_sweep_ends_expired_subscriptions_only(sql: Sql, user: int) -> None:
    subscribe(sql, user, "admin", "-1 second")
    sql("update users set vip_level = 1, is_paid = true where id = %s", user)
    two = new_user(sql)
    subscribe(sql, two, "admin", "-1 hour")
    subscribe(sql, two, "stripe", "1 hour")
    assert sql("select sweep()::jsonb as s")[0]["s"]["subscriptions"] == 2
    assert access_of(sql, user) == (0, False)
    assert access_of(sql, two) == (1, True)
    rows = sql("select status, ended_at is not null as ended from subscriptions where user_id = %s", user)
    assert rows == [{"status": "expired", "ended": True}]
    assert sql("select sweep()::jsonb as s")[0]["s"]["subscriptions"] == 0


def test_sweeps_at_once_end_each_subscription_once(sql: Sql, database_url: str) -> None:
    users = [new_user(sql) for _ in range(40)]
    for one in users:
        subscribe(sql, one, "admin", "-1 minute")

    def sweep(_n: int) -> int:
        with psycopg.connect(database_url, autocommit=True, prepare_threshold=None) as connection:
            row = connection.execute("select private.expire_subscriptions(7)").fetchone()
        assert row is not None
        return int(row[0])

    ended = 0
    while count := sum(in_parallel(6, sweep)):
        ended += count
    assert ended == 40


def test_a_locked_user_is_left_to_the_next_sweep(sql: Sql, user: int, database_url: str) -> None:
    subscribe(sql, user, "admin", "-1 minute")
    with psycopg.connect(database_url, prepare_threshold=None) as other:
        other.execute("select from users where id = %s for no key update", [user])
        sql("select private.expire_subscriptions(1000)")
        assert sql("select status from subscriptions where user_id = %s", user)[0]["status"] == "active"
        other.rollback()
    sql("select private.expire_subscriptions(1000)")
    assert sql("select status from subscriptions where user_id = %s", user)[0]["status"] == "expired"


def test_an_admin_is_always_paid(sql: Sql, database_url: str) -> None:
    telegram_id = 8_999_000_001
    user_id = new_user(sql, telegram_id=telegram_id)
    admins.write(database_url, {"ADMIN_EMAILS": "a@example.com", "ADMIN_TELEGRAM_IDS": str(telegram_id)})
    assert access_of(sql, user_id) == (0, True)
    subscribe(sql, user_id, "stripe", "-1 second")
    assert access_of(sql, user_id) == (0, True)
    admins.write(database_url, {"ADMIN_EMAILS": "a@example.com", "ADMIN_TELEGRAM_IDS": "8999000002"})
    assert access_of(sql, user_id) == (0, False)
    referred_user = new_user(sql, telegram_id=8_999_000_002)
    assert access_of(sql, referred_user) == (0, True)
    sql("delete from admins")
    assert access_of(sql, referred_user) == (0, False)
