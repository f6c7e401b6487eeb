"""Reminders as rules: an active sequence replaces the bot's own reminder, and one cause has one message."""

from __future__ import annotations

from typing import Any

import pytest

from tests.supabase.broadcasts.conftest import World, at_once
from tests.supabase.broadcasts.test_results import pay
from tests.supabase.broadcasts.test_sequences import advance, sent, sequence, state


@pytest.fixture
def boss(world: World) -> int:
    """An admin who gets no broadcasts."""
    found = world.admin()
    world.sql("update users set is_active = false where id = %s", found)
    return found


def rule(world: World, boss: int, *delays: int, event: str, **values: Any) -> int:
    return sequence(
        world, boss, *delays, **{"event": event, "kind": "service", "ignores_limit": False, **values}
    )


def plan(world: World, user: int, source: str = "purchase") -> None:
    """Give a plan that ends in two days and a half."""
    world.sql(
        "insert into subscriptions (user_id, plan, source, starts_at, ends_at)"
        " values (%s, 'PREMIUM', %s, '2026-11-04 00:00+03', '2026-12-04 00:00+03')",
        user,
        source,
    )


def own(world: World) -> list[str]:
    """Return the bot's own reminders of ending plans that are enqueued now."""
    return [one["parameters"]["key"] for one in world.call("enqueue_expiry_reminders")]


def test_a_rule_replaces_both_notices_before_the_end(world: World, boss: int) -> None:
    ann = world.user()
    rule(world, boss, 0, event="plan_ending")
    plan(world, ann)
    assert at_once(lambda _: own(world), range(3)) == [[], [], []]
    assert sent(world) == [ann]
    world.at("2026-12-03 12:00:00+03:00")
    assert own(world) == []
    assert sent(world) == []
    world.at("2026-12-04 01:00:00+03:00")
    assert own(world) == ["ends_over"], "the end is another cause"


def test_without_a_rule_that_takes_the_user_the_bot_reminds(world: World, boss: int) -> None:
    ann, boris, vera = world.user("Ann"), world.user("Boris", language="ru"), world.user("Vera")
    rule(world, boss, 0, event="plan_ending", segment={"languages": ["en"]}, kind="marketing")
    world.call("set_marketing", p_user_id=vera, p_wants=False)
    for user in (ann, boris, vera):
        plan(world, user)
    assert own(world) == ["ends_days", "ends_days"]
    assert sent(world) == [ann]


def test_the_first_of_two_rules_takes_the_user(world: World, boss: int) -> None:
    ann = world.user()
    first, second = (rule(world, boss, 0, event="plan_ending") for _ in range(2))
    plan(world, ann)
    assert own(world) == []
    assert sent(world) == [ann]
    assert (state(world, first)["entered"], state(world, second)["entered"]) == (1, 0)


@pytest.mark.parametrize("reminder_first", [True, False])
def test_the_end_has_one_message(world: World, boss: int, reminder_first: bool) -> None:
    ann = world.user()
    rule(world, boss, 0, event="plan_ended")
    plan(world, ann)
    assert own(world) == ["ends_days"]
    world.at("2026-12-04 10:00:00+03:00")
    if reminder_first:
        assert own(world) == []
    world.sql("select private.expire_subscriptions(100)")
    assert own(world) == []
    assert sent(world) == [ann]
    assert sent(world) == []


def test_who_renewed_leaves(world: World, boss: int) -> None:
    ann = world.user()
    number = rule(world, boss, 24 * 60, event="plan_ending")
    plan(world, ann)
    assert own(world) == []
    world.sql("update subscriptions set ends_at = ends_at + interval '30 days' where user_id = %s", ann)
    world.at("2026-12-02 12:00:00+03:00")
    assert sent(world) == []
    assert state(world, number)["left_counts"] == {"resolved": 1}


def test_a_user_enters_again_after_the_set_time(world: World, boss: int) -> None:
    ann = world.user()
    number = sequence(world, boss, 0, reenter_days=10, leaves_on_purchase=False, ignores_limit=False)
    pay(world, ann)
    assert sent(world) == [ann]

    def again(moment: str) -> list[int]:
        world.at(moment)
        at_once(lambda _: world.sql("select private.enter_sequences(%s, 'first_payment')", ann), range(3))
        return sent(world)

    assert again("2026-12-11 11:59:00+03:00") == []
    assert again("2026-12-11 12:00:00+03:00") == [ann]
    assert again("2026-12-11 12:01:00+03:00") == []
    (step,) = world.call("get_sequence", p_actor_id=boss, p_id=number)["steps"]
    assert (step["total"], step["sent"], state(world, number)["entered"]) == (2, 2, 2)


def test_the_message_of_the_week_limits_the_second_way_too(world: World, boss: int) -> None:
    ann = world.user()
    sequence(world, boss, 0, reenter_days=1, leaves_on_purchase=False, ignores_limit=False)
    world.sql("select private.enter_sequences(%s, 'first_payment')", ann)
    assert sent(world) == [ann]
    world.at("2026-12-03 12:00:00+03:00")
    world.sql("select private.enter_sequences(%s, 'first_payment')", ann)
    assert advance(world) == 1
    assert world.claim() == []
