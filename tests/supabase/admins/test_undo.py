"""An adjustment is undone once by any admin; the user gets one message for it and one for its undoing."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from tests.supabase.admins.users import Call, Sql, audit_entries, new_user
from tests.support import in_parallel

_numbers = itertools.count(1)
Act = Callable[..., Any]


@pytest.fixture
def anna(sql: Sql, user: int) -> int:
    """Create a user with a private chat with the assistant; return users.id."""
    return start_private_chat(sql, user)


def start_private_chat(sql: Sql, user_id: int) -> int:
    """Store a private chat of the user with the assistant; return users.id."""
    sql(
        "insert into bot_sessions (user_id, bot, chat_id) "
        "select id, 'assistant', telegram_id from users where id = %s",
        user_id,
    )
    return user_id


@pytest.fixture
def act(call: Call, boss: str) -> Act:
    """Return a function that calls an admin function with a new reference."""

    def act(function: str, **values: Any) -> Any:
        return call(function, p_admin_email=boss, **{"p_reference": f"undo-test:{next(_numbers)}", **values})

    return act


def enqueued_messages(sql: Sql, user_id: int) -> list[tuple[str, Any, Any]]:
    """Return the enqueued messages of a user: text key and values."""
    rows = sql(
        "select o.parameters as p from telegram_outbox as o join users as u on u.telegram_id = o.chat_id "
        "where u.id = %s order by o.id",
        user_id,
    )
    values = [(row["p"]["key"], row["p"]["values"]) for row in rows]
    return [(key, value.get("count"), value.get("left")) for key, value in values]


def column(sql: Sql, user_id: int, name: str) -> Any:
    """Return a column of the user's row."""
    return sql(f"select {name} as value from users where id = %s", user_id)[0]["value"]


def trainings(sql: Sql, user_id: int) -> int:
    """Return the user's unused trainings."""
    row = sql(
        "select coalesce(sum(quantity - used), 0)::int as n from free_trainings where user_id = %s", user_id
    )
    return int(row[0]["n"])


# Messages to the user --------------------------------------------------------------------------------------


def test_every_adjustment_sends_the_user_one_message(sql: Sql, anna: int, act: Act) -> None:
    given = act("admin_add_bonus_credits", p_user_id=anna, p_credits=10, p_reference=f"gift:{anna}")
    assert len(given["outgoing"]) == 1
    again = act("admin_add_bonus_credits", p_user_id=anna, p_credits=10, p_reference=f"gift:{anna}")
    assert (again["applied"], again["outgoing"], again["id"]) == (False, [], given["id"])
    act("admin_add_bonus_credits", p_user_id=anna, p_credits=-3)
    act("admin_give_trainings", p_user_id=anna, p_quantity=2)
    act("admin_give_trainings", p_user_id=anna, p_quantity=-5)
    act("admin_adjust_balance", p_user_id=anna, p_amount="12.50")
    act("admin_set_plan", p_user_id=anna, p_plan="PREMIUM", p_days=30)
    act("admin_set_plan", p_user_id=anna, p_plan="PREMIUM", p_days=None)
    act("admin_set_plan", p_user_id=anna, p_plan="FREE", p_days=None)
    rubles = {"currency": "RUB"}
    assert enqueued_messages(sql, anna) == [
        ("gift_credits", 10, 10),
        ("gift_credits_taken", 3, 7),
        ("gift_trainings", 2, 2),
        ("gift_trainings_taken", 2, 0),
        ("gift_balance", {"amount": 12.5, **rubles}, {"amount": 12.5, **rubles}),
        ("gift_plan", None, None),
        ("gift_plan_endless", None, None),
        ("gift_plan_ended", None, None),
    ]


def test_no_message_is_sent_when_nothing_changed(sql: Sql, anna: int, act: Act) -> None:
    act("admin_add_bonus_credits", p_user_id=anna, p_credits=-5)
    act("admin_reset_user_usage", p_user_id=anna)
    act("admin_set_plan", p_user_id=anna, p_plan="FREE", p_days=None)
    assert enqueued_messages(sql, anna) == []


@pytest.mark.parametrize("state", ["banned_at = now()", "is_active = false"])
def test_a_user_who_cannot_be_messaged_still_gets_the_adjustment(
    sql: Sql, anna: int, act: Act, state: str
) -> None:
    sql(f"update users set {state} where id = %s", anna)
    assert act("admin_add_bonus_credits", p_user_id=anna, p_credits=10)["outgoing"] == []
    assert column(sql, anna, "bonus_credits") == 10
    unseen = new_user(sql)
    assert act("admin_add_bonus_credits", p_user_id=unseen, p_credits=10)["outgoing"] == []


# Undo ------------------------------------------------------------------------------------------------------


def test_credits_trainings_and_balance_are_undone(sql: Sql, anna: int, act: Act) -> None:
    sql("update users set bonus_credits = 5 where id = %s", anna)
    entries = [
        act("admin_add_bonus_credits", p_user_id=anna, p_credits=10)["id"],
        act("admin_give_trainings", p_user_id=anna, p_quantity=4)["id"],
        act("admin_adjust_balance", p_user_id=anna, p_amount="99.90")["id"],
    ]
    for entry in entries:
        done = act("admin_undo", p_audit_id=entry)
        assert (done["outcome"], done["is_partial"], len(done["outgoing"])) == ("undone", False, 1)
    assert (column(sql, anna, "bonus_credits"), trainings(sql, anna)) == (5, 0)
    assert float(column(sql, anna, "balance")) == 0
    assert (
        sql("select * from jsonb_array_elements(check_balances()) where value ->> 'user_id' = %s", str(anna))
        == []
    )
    assert [key for key, _, _ in enqueued_messages(sql, anna)][3:] == [
        "gift_credits_taken",
        "gift_trainings_taken",
        "gift_balance_taken",
    ]


def test_a_deduction_is_undone(sql: Sql, anna: int, act: Act) -> None:
    act("admin_adjust_balance", p_user_id=anna, p_amount="50")
    act("admin_give_trainings", p_user_id=anna, p_quantity=3)
    for entry in (
        act("admin_adjust_balance", p_user_id=anna, p_amount="-20")["id"],
        act("admin_give_trainings", p_user_id=anna, p_quantity=-2)["id"],
    ):
        assert act("admin_undo", p_audit_id=entry)["outcome"] == "undone"
    assert (float(column(sql, anna, "balance")), trainings(sql, anna)) == (50, 3)


def test_spent_amounts_stay_spent(sql: Sql, anna: int, act: Act) -> None:
    entry = act("admin_add_bonus_credits", p_user_id=anna, p_credits=10)["id"]
    sql("update users set bonus_credits = 4 where id = %s", anna)
    done = act("admin_undo", p_audit_id=entry)
    assert (done["is_partial"], done["before"], done["after"]["amount"]) == (True, {"amount": 4}, 0)
    assert column(sql, anna, "bonus_credits") == 0


def test_an_entry_is_undone_once_by_concurrent_admins(sql: Sql, anna: int, act: Act) -> None:
    sql("update users set bonus_credits = 100 where id = %s", anna)
    entry = act("admin_add_bonus_credits", p_user_id=anna, p_credits=10)["id"]
    outcomes = in_parallel(6, lambda _n: act("admin_undo", p_audit_id=entry)["outcome"])
    assert sorted(outcomes) == ["known"] * 5 + ["undone"]
    assert column(sql, anna, "bonus_credits") == 100
    assert [row["action"] for row in audit_entries(sql, anna)] == ["add_bonus_credits", "undo"]
    assert len(enqueued_messages(sql, anna)) == 2


def test_a_repeated_update_gets_the_same_answer(sql: Sql, anna: int, act: Act) -> None:
    entry = act("admin_add_bonus_credits", p_user_id=anna, p_credits=10)["id"]
    first = act("admin_undo", p_audit_id=entry, p_reference=f"once:{anna}")
    again = act("admin_undo", p_audit_id=entry, p_reference=f"once:{anna}")
    assert again == {**first, "outgoing": []}
    assert act("admin_undo", p_audit_id=entry)["outcome"] == "known"


def test_undo_and_a_new_gift_at_once_lose_nothing(sql: Sql, anna: int, act: Act) -> None:
    entry = act("admin_add_bonus_credits", p_user_id=anna, p_credits=10)["id"]

    def step(n: int) -> None:
        if n == 0:
            act("admin_undo", p_audit_id=entry)
        else:
            act("admin_add_bonus_credits", p_user_id=anna, p_credits=7)

    in_parallel(4, step)
    assert column(sql, anna, "bonus_credits") == 21


def test_a_plan_is_undone_and_the_previous_one_is_restored(sql: Sql, anna: int, act: Act) -> None:
    act("admin_set_plan", p_user_id=anna, p_plan="PREMIUM", p_days=90)
    second = act("admin_set_plan", p_user_id=anna, p_plan="PREMIUM", p_days=10)
    done = act("admin_undo", p_audit_id=second["id"])
    assert (done["outcome"], done["after"]["ends_at"]) == ("undone", second["before"]["ends_at"])
    ended = act("admin_set_plan", p_user_id=anna, p_plan="FREE", p_days=None)
    assert column(sql, anna, "vip_level") == 0
    assert act("admin_undo", p_audit_id=ended["id"])["after"]["plan"] == "PREMIUM"
    assert column(sql, anna, "vip_level") == 1


def test_a_plan_that_was_replaced_since_is_not_undone(sql: Sql, anna: int, act: Act) -> None:
    first = act("admin_set_plan", p_user_id=anna, p_plan="PREMIUM", p_days=90)
    act("admin_set_plan", p_user_id=anna, p_plan="PREMIUM", p_days=10)
    assert act("admin_undo", p_audit_id=first["id"])["outcome"] == "replaced"
    assert column(sql, anna, "vip_level") == 1


def test_undoing_a_gift_keeps_a_purchased_plan(sql: Sql, anna: int, act: Act) -> None:
    sql(
        "insert into subscriptions (user_id, plan, source, ends_at) "
        "values (%s, 'PREMIUM', 'purchase', private.clock() + interval '5 days')",
        anna,
    )
    given = act("admin_set_plan", p_user_id=anna, p_plan="PREMIUM", p_days=90)
    assert act("admin_undo", p_audit_id=given["id"])["after"]["plan"] == "PREMIUM"
    rows = sql("select source, status from subscriptions where user_id = %s order by id", anna)
    assert [tuple(row.values()) for row in rows] == [("purchase", "active"), ("admin", "canceled")]


def test_a_reset_is_undone_within_its_month(
    sql: Sql, anna: int, act: Act, clock: Callable[[str], None]
) -> None:
    clock("timestamptz '2030-05-17 12:00+00'")
    sql(
        "insert into daily_usage (user_id, bot, day, requests) values (%s, 'assistant', '2030-05-17', 4)",
        anna,
    )
    sql("insert into monthly_usage values (%s, '2030-05-01', 12, 0)", anna)
    entry = act("admin_reset_user_usage", p_user_id=anna)["id"]
    sql("update daily_usage set requests = 1 where user_id = %s", anna)
    sql("update monthly_usage set requests = 1 where user_id = %s", anna)
    late = act("admin_reset_user_usage", p_user_id=new_user(sql))["id"]
    assert act("admin_undo", p_audit_id=late)["outcome"] == "impossible", "it had reset nothing"
    assert act("admin_undo", p_audit_id=entry)["outcome"] == "undone"
    assert sql("select requests from daily_usage where user_id = %s", anna) == [{"requests": 5}]
    assert sql("select requests from monthly_usage where user_id = %s", anna) == [{"requests": 13}]
    entry = act("admin_reset_user_usage", p_user_id=anna)["id"]
    clock("timestamptz '2030-06-02 12:00+00'")
    assert act("admin_undo", p_audit_id=entry)["outcome"] == "replaced"


def test_entries_that_cannot_be_undone(
    sql: Sql, anna: int, act: Act, refused: Callable[..., Any], boss: str
) -> None:
    act("admin_ban_user", p_user_id=anna, p_reason=None)
    ban = sql("select max(id) as id from audit_log where user_id = %s", anna)[0]["id"]
    for entry in (ban, -1, None):
        assert act("admin_undo", p_audit_id=entry) == {"outcome": "impossible"}
    gift = act("admin_add_bonus_credits", p_user_id=anna, p_credits=10)["id"]
    undone = act("admin_undo", p_audit_id=gift)
    mark = sql("select max(id) as id from audit_log where user_id = %s", anna)[0]["id"]
    assert (undone["outcome"], act("admin_undo", p_audit_id=mark)["outcome"]) == ("undone", "impossible")
    values = {"p_audit_id": gift, "p_admin_email": "eve@example.com"}
    assert refused("admin_undo", **values) == "N0001"
    values = {"p_user_id": anna, "p_amount": "1", "p_admin_email": "eve@example.com"}
    assert refused("admin_adjust_balance", **values) == "N0001"


@pytest.mark.parametrize(
    ("amount", "code"), [("0", "N0004"), ("0.001", "N0004"), ("1000000.01", "N0004"), ("-0.01", "L0002")]
)
def test_an_invalid_amount_is_refused(
    sql: Sql, anna: int, refused: Callable[..., Any], boss: str, amount: str, code: str
) -> None:
    assert refused("admin_adjust_balance", p_user_id=anna, p_amount=amount, p_admin_email=boss) == code
    assert float(column(sql, anna, "balance")) == 0


def test_the_user_card_offers_undo_for_the_last_action_only(
    sql: Sql, anna: int, act: Act, call: Call, boss: str
) -> None:
    def offered() -> Any:
        found = call(
            "admin_find_user", p_identifier=str(column(sql, anna, "telegram_id")), p_admin_email=boss
        )
        return found["undo"] and found["undo"]["id"], found["has_given_plan"]

    assert offered() == (None, False)
    credits_ = act("admin_add_bonus_credits", p_user_id=anna, p_credits=10)["id"]
    assert offered() == (credits_, False)
    plan = act("admin_set_plan", p_user_id=anna, p_plan="PREMIUM", p_days=9)["id"]
    assert offered() == (plan, True)
    act("admin_undo", p_audit_id=plan)
    assert offered() == (None, False)
