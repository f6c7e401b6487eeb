"""Sequences: who enters and leaves, when steps are due, and that each step goes to a user once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.supabase.broadcasts.conftest import CONTENT, World, at_once
from tests.supabase.broadcasts.test_results import pay


@pytest.fixture
def boss(world: World) -> int:
    """An admin who gets no broadcasts."""
    found = world.admin()
    world.sql("update users set is_active = false where id = %s", found)
    return found


def sequence(world: World, boss: int, *delays: int, step: dict[str, Any] | None = None, **values: Any) -> int:
    """Make an active sequence with a step after each delay in minutes."""
    given = {
        "name": "Welcome", "event": "first_payment", "kind": "marketing", "bot": None, "segment": {},
        "ignores_limit": True, "leaves_on_purchase": True, "leaves_on_reply": True, **values,
    }  # fmt: skip
    saved = world.call("save_sequence", p_actor_id=boss, p_id=None, p_version=None, p_values=given)
    number = saved["id"]
    for delay in delays:
        world.draft(boss, sequence_id=number, delay_minutes=delay, **(step or {}))
    done = world.call("switch_sequence", p_actor_id=boss, p_id=number, p_action="start")
    assert done["outcome"] == "done"
    return int(number)


def advance(world: World) -> int:
    return int(world.call("advance_sequences", p_limit=500)["queued"])


def sent(world: World) -> list[int]:
    """Advance, send and record; return who got a message."""
    advance(world)
    claimed = world.call("claim_broadcast", p_bot="assistant", p_limit=25)["messages"]
    for one in claimed:
        world.record(one["broadcast_id"], [one["user_id"]])
    world.sql("delete from private.bot_pace")
    return [one["user_id"] for one in claimed]


def state(world: World, number: int) -> dict[str, Any]:
    (row,) = world.sql("select entered, finished, left_counts from sequences where id = %s", number)
    return row


def enter(world: World, user: int, event: str = "first_payment") -> None:
    world.sql("select private.enter_sequences(%s, %s)", user, event)


def test_steps_come_one_after_the_other_and_once(world: World, boss: int) -> None:
    ann = world.user()
    number = sequence(world, boss, 0, 60, 24 * 60, leaves_on_purchase=False)
    pay(world, ann)
    pay(world, ann)
    at_once(lambda _: advance(world), range(3))
    assert world.claim() == [ann]
    assert sent(world) == []
    world.at("2026-12-01 13:00:00+03:00")
    assert sent(world) == [ann]
    assert sent(world) == []
    world.at("2026-12-02 13:00:00+03:00")
    assert sent(world) == [ann]
    assert state(world, number) == {"entered": 1, "finished": 1, "left_counts": {}}
    enter(world, ann)
    assert sent(world) == [], "a user passes a sequence once"


def test_a_purchase_ends_it_even_when_the_step_is_queued(world: World, boss: int) -> None:
    ann = world.user()
    number = sequence(world, boss, 0, 60, event="checkout_opened")
    enter(world, ann, "checkout_opened")
    assert advance(world) == 1
    pay(world, ann)
    assert world.claim() == []
    assert sent(world) == []
    assert state(world, number)["left_counts"] == {"purchase": 1}


def test_a_reply_ends_it(world: World, boss: int) -> None:
    ann, boris = world.user("Ann"), world.user("Boris")
    number = sequence(world, boss, 0, 60)
    world.sql("update bot_sessions set last_update_id = 5")
    enter(world, ann)
    enter(world, boris)
    assert set(sent(world)) == {ann, boris}
    world.sql("update bot_sessions set last_update_id = 6 where user_id = %s", ann)
    world.at("2026-12-01 13:00:00+03:00")
    assert sent(world) == [boris]
    assert state(world, number)["left_counts"] == {"reply": 1}


def test_who_unsubscribes_or_blocks_leaves(world: World, boss: int) -> None:
    ann, boris = world.user("Ann"), world.user("Boris")
    number = sequence(world, boss, 30)
    enter(world, ann)
    enter(world, boris)
    world.call("set_marketing", p_user_id=ann, p_wants=False)
    world.sql("update bot_sessions set is_blocked = true where user_id = %s", boris)
    world.at("2026-12-01 12:30:00+03:00")
    assert sent(world) == []
    assert state(world, number) == {
        "entered": 2, "finished": 0, "left_counts": {"unsubscribed": 1, "unreachable": 1},
    }  # fmt: skip


def test_conditions_of_the_sequence_and_of_a_step(world: World, boss: int) -> None:
    ann, boris = world.user("Ann"), world.user("Boris", language="ru")
    number = sequence(world, boss, 0, segment={"languages": ["en"]})
    enter(world, ann)
    enter(world, boris)
    assert sent(world) == [ann]
    assert state(world, number)["left_counts"] == {"segment": 1}
    skipping = sequence(world, boss, 0, 10, event="course_bought", step={"segment": {"languages": ["ru"]}})
    enter(world, ann, "course_bought")
    assert sent(world) == []
    steps = world.call("get_sequence", p_actor_id=boss, p_id=skipping)["steps"]
    assert [(one["total"], one["skipped"], one["sent"]) for one in steps] == [(1, 1, 0), (0, 0, 0)]


def test_a_step_waits_for_the_morning(world: World, boss: int) -> None:
    world.at("2026-12-01 23:00:00+03:00")
    ann = world.user()
    sequence(world, boss, 0)
    enter(world, ann)
    assert sent(world) == []
    world.at("2026-12-02 09:00:00+03:00")
    assert sent(world) == [ann]


def test_who_starts_a_bot_enters_and_who_did_before_does_not(world: World, boss: int) -> None:
    world.user("Early")
    world.at("2026-12-01 12:30:00+03:00")
    sequence(world, boss, 5, event="start")
    ann = world.user("Ann")
    world.sql("update bot_sessions set created_at = private.clock() where user_id = %s", ann)
    assert sent(world) == []
    world.at("2026-12-01 12:35:00+03:00")
    assert sent(world) == [ann]


def test_a_stopped_sequence_neither_takes_nor_moves_users(world: World, boss: int) -> None:
    ann, boris = world.user("Ann"), world.user("Boris")
    number = sequence(world, boss, 0, 10)
    enter(world, ann)
    assert advance(world) == 1
    assert world.call("switch_sequence", p_actor_id=boss, p_id=number, p_action="stop")["outcome"] == "done"
    enter(world, boris)
    assert sent(world) == []
    world.call("switch_sequence", p_actor_id=boss, p_id=number, p_action="start")
    assert sent(world) == [ann]
    world.call("switch_sequence", p_actor_id=boss, p_id=number, p_action="stop")
    assert world.call("switch_sequence", p_actor_id=boss, p_id=number, p_action="delete")["outcome"] == "done"
    assert world.sql("select from sequence_runs") == []


def test_a_trial_and_a_plan_that_end(world: World, boss: int) -> None:
    ann, boris = world.user("Ann"), world.user("Boris")
    trial, plan = sequence(world, boss, 0, event="trial_ended"), sequence(world, boss, 0, event="plan_ended")
    for user, source in ((ann, "trial"), (boris, "purchase")):
        world.sql(
            "insert into subscriptions (user_id, plan, source, starts_at, ends_at)"
            " values (%s, 'PREMIUM', %s, '2026-11-01', '2026-11-20')",
            user,
            source,
        )
    world.sql("select private.expire_subscriptions(100)")
    runs = world.sql("select sequence_id, user_id from sequence_runs")
    assert {(row["sequence_id"], row["user_id"]) for row in runs} == {(trial, ann), (plan, boris)}


def test_a_step_changes_while_it_runs_and_its_first_text_is_used(world: World, boss: int) -> None:
    number = sequence(world, boss, 0)
    (step,) = world.call("get_sequence", p_actor_id=boss, p_id=number)["steps"]
    values = {**step, "content": {**CONTENT, "texts": {"en": "New"}}}
    saved = world.call(
        "save_broadcast", p_actor_id=boss, p_id=step["id"], p_version=step["version"], p_values=values
    )
    assert saved["outcome"] == "saved"
    assert world.switch(boss, step["id"], "cancel") == "state"
