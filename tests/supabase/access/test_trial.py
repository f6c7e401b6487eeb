"""The free trial: once per user, not for buyers, with reminders of its end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.supabase.access.users import Call, Sql, create_user, subscribe, user_id_of
from tests.supabase.privacy.conftest import SqlUser, id_of, next_update
from tests.support import in_parallel

Clock = Callable[[str], None]
Refused = Callable[..., str | None]


def start(call: Call, sql: Sql, telegram_id: int) -> Any:
    """Start the trial."""
    return call("start_trial", p_user_id=user_id_of(sql, telegram_id))


def offer(call: Call, sql: Sql, telegram_id: int) -> Any:
    """Return the state of the trial."""
    return call("trial_offer", p_user_id=user_id_of(sql, telegram_id))["outcome"]


def access_of(sql: Sql, telegram_id: int) -> tuple[int, bool]:
    """Return vip_level and is_paid of a user."""
    row = sql("select vip_level, is_paid from users where telegram_id = %s", telegram_id)[0]
    return row["vip_level"], row["is_paid"]


@pytest.fixture
def setting(sql: Sql) -> Any:
    """Change a setting for one test, as `setting("trial_days", "0")`."""

    def change(key: str, value: str) -> None:
        sql("update private.settings set value = %s where key = %s", value, key)

    return change


def test_the_trial_gives_the_plan_for_its_days(sql: Sql, call: Call, clock: Clock) -> None:
    anna = create_user(sql)
    assert call("trial_offer", p_user_id=user_id_of(sql, anna)) == {
        "outcome": "available",
        "plan": "PREMIUM",
        "days": 3,
        "ends_at": None,
    }
    started = start(call, sql, anna)
    assert (started["outcome"], started["plan"], started["days"]) == ("started", "PREMIUM", 3)
    row = sql("select * from subscriptions where user_id = %s", user_id_of(sql, anna))[0]
    assert (row["source"], row["ends_at"] - row["starts_at"]) == ("trial", timedelta(days=3))
    assert datetime.fromisoformat(started["ends_at"]) == row["ends_at"]
    assert access_of(sql, anna) == (1, True)
    clock("clock_timestamp() + interval '73 hours'")
    sql("select private.expire_subscriptions(1000)")
    assert access_of(sql, anna) == (0, False)


def test_the_trial_starts_once_per_user(sql: Sql, call: Call, clock: Clock) -> None:
    anna = create_user(sql)
    first = start(call, sql, anna)
    again = start(call, sql, anna)
    assert (again["outcome"], again["ends_at"]) == ("already_used", first["ends_at"])
    assert offer(call, sql, anna) == "already_used"
    clock("clock_timestamp() + interval '400 days'")
    sql("select private.expire_subscriptions(1000)")
    over = start(call, sql, anna)
    assert (over["outcome"], over["ends_at"]) == ("already_used", None)


def test_fifty_taps_at_once_start_one_trial(sql: Sql, call: Call) -> None:
    anna = create_user(sql)
    outcomes = [answer["outcome"] for answer in in_parallel(50, lambda _n: start(call, sql, anna))]
    assert (outcomes.count("started"), outcomes.count("already_used")) == (1, 49)
    assert len(sql("select from subscriptions where user_id = %s", user_id_of(sql, anna))) == 1


@pytest.mark.parametrize(
    ("source", "ends_in"), [("purchase", "5 days"), ("purchase", "-1 day"), ("admin", None)]
)
def test_a_user_who_paid_or_has_a_plan_gets_no_trial(
    sql: Sql, call: Call, source: str, ends_in: str | None
) -> None:
    anna = create_user(sql)
    subscribe(sql, anna, ends_in, source)
    assert offer(call, sql, anna) == "paid_already"
    assert start(call, sql, anna)["outcome"] == "paid_already"


def test_an_expired_gift_leaves_the_trial_available(sql: Sql, call: Call) -> None:
    anna = create_user(sql)
    subscribe(sql, anna, "-1 day", "admin")
    assert start(call, sql, anna)["outcome"] == "started"


@pytest.mark.parametrize(
    ("key", "value"), [("trial_days", "0"), ("trial_plan", '"NOSUCH"'), ("trial_plan", '"FREE"')]
)
def test_an_owner_may_switch_it_off(sql: Sql, call: Call, setting: Any, key: str, value: str) -> None:
    setting(key, value)
    anna = create_user(sql)
    assert offer(call, sql, anna) == "off"
    assert start(call, sql, anna)["outcome"] == "off"
    assert sql("select trial_used from users where telegram_id = %s", anna) == [{"trial_used": False}]


def test_an_unknown_user_has_no_trial(call: Call, refused: Refused) -> None:
    assert call("trial_offer", p_user_id=-1) is None
    assert refused("start_trial", p_user_id=-1) == "Z0004"


def test_an_erased_user_who_returns_gets_no_trial(
    sql: Sql, call: Call, make_user: Callable[..., SqlUser]
) -> None:
    anna, ben = make_user(), make_user()
    for user in (anna, ben):
        user.receive(next_update())
    assert start(call, sql, anna.id)["outcome"] == "started"
    subscribe(sql, ben.id, "-1 day")  # a buyer gets no trial either
    for _ in range(2):  # each erasure stores it again
        for user in (anna, ben):
            user.erase()
            kept = sql("select used from erased_users where user_hash = decode(%s, 'hex')", user.hash)
            assert kept[0]["used"] == {"trial": True}
            user.receive(next_update())
            assert id_of(sql, user) is not None
            assert offer(call, sql, user.id) == "already_used"
            assert start(call, sql, user.id)["outcome"] == "already_used"
            assert access_of(sql, user.id) == (0, False)


# Purchases and reminders ----------------------------------------------------------------------------------


def reminders(call: Call) -> list[str]:
    """Enqueue the due reminders, all by the second bot; return their text keys."""
    due = call("enqueue_expiry_reminders")
    assert all(one["bot"] == "second" for one in due)
    return [one["parameters"]["key"] for one in due]


@pytest.fixture
def anna(sql: Sql, make_user: Callable[..., SqlUser]) -> SqlUser:
    """Return a user without orders who last wrote to the second bot."""
    anna = make_user(bot="second")
    anna.receive(next_update())
    sql(
        "insert into bot_sessions (user_id, bot, chat_id) select id, 'second', telegram_id from users "
        "where telegram_id = %s on conflict do nothing",
        anna.id,
    )
    return anna


def test_a_plan_bought_during_the_trial_starts_when_it_ends(sql: Sql, call: Call, anna: SqlUser) -> None:
    ends_at = datetime.fromisoformat(start(call, sql, anna.id)["ends_at"])
    sql(
        "select private.extend_subscription(id, 'PREMIUM', 'purchase', null, 86400) from users "
        "where telegram_id = %s",
        anna.id,
    )
    row = sql(
        "select s.ends_at from subscriptions s join users u on u.id = s.user_id "
        "where u.telegram_id = %s and s.source = 'purchase'",
        anna.id,
    )[0]
    assert row["ends_at"] == ends_at + timedelta(days=1)


def test_the_user_is_reminded_a_day_before_the_end_and_at_the_end(
    sql: Sql, call: Call, clock: Clock, anna: SqlUser
) -> None:
    start(call, sql, anna.id)
    assert reminders(call) == [], "it has only begun"
    clock("clock_timestamp() + interval '49 hours'")
    assert reminders(call) == ["ends_trial_day"]
    assert reminders(call) == []
    clock("clock_timestamp() + interval '73 hours'")
    assert reminders(call) == ["ends_trial_over"]


def test_the_end_of_a_long_trial_is_announced_three_days_before(
    sql: Sql, call: Call, clock: Clock, anna: SqlUser, setting: Any
) -> None:
    setting("trial_days", "14")
    start(call, sql, anna.id)
    clock("clock_timestamp() + interval '12 days'")
    assert reminders(call) == ["ends_trial_days"]


def test_a_user_whose_plan_continues_gets_no_reminder(
    sql: Sql, call: Call, clock: Clock, anna: SqlUser
) -> None:
    start(call, sql, anna.id)
    subscribe(sql, anna.id, "30 days", "admin")
    for hours in (49, 73):
        clock(f"clock_timestamp() + interval '{hours} hours'")
        assert reminders(call) == []
