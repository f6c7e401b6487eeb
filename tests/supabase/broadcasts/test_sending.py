"""Sending: the pace, quiet hours, the message of the week, leases, stops, and that nothing goes out twice."""

from __future__ import annotations

from typing import Any

import pytest

from tests.supabase.broadcasts.conftest import World, at_once


@pytest.fixture
def boss(world: World) -> int:
    """An admin who gets no broadcasts."""
    found = world.admin()
    world.sql("update users set is_active = false where id = %s", found)
    return found


def test_a_message_is_claimed_once_and_counted_once(world: World, boss: int) -> None:
    ann = world.user()
    number = world.start(boss)
    assert world.claim() == [ann]
    assert world.claim() == []
    assert world.record(number, [ann]) == 1
    assert world.record(number, [ann]) == 0, "a result that is repeated changes nothing"
    world.call("prepare_broadcasts")
    row = world.row(number)
    assert (row["status"], row["sent"], row["total"]) == ("done", 1, 1)
    assert row["finished_at"]


def test_all_runs_together_keep_the_pace(world: World, boss: int) -> None:
    users = [world.user() for _ in range(60)]
    world.start(boss)
    claims = at_once(lambda _: world.call("claim_broadcast", p_bot="assistant", p_limit=25), range(4))
    assert sum(len(one["messages"]) for one in claims) == 25
    assert {one["wait"] for one in claims if not one["messages"]} == {1}
    world.at("2026-12-01 12:00:00.9+03:00")
    assert world.call("claim_broadcast", p_bot="assistant", p_limit=25)["messages"] == []
    world.at("2026-12-01 12:00:01+03:00")
    later = at_once(lambda _: world.call("claim_broadcast", p_bot="assistant", p_limit=25), range(4))
    taken = [message["user_id"] for one in claims + later for message in one["messages"]]
    assert len(taken) == len(set(taken)) == 50
    assert set(taken) <= set(users)


def test_answers_that_wait_come_first(world: World, boss: int) -> None:
    for _ in range(30):
        world.user()
    world.start(boss)
    world.sql(
        "insert into telegram_outbox (bot, chat_id, method, parameters, send_after)"
        " select 'assistant', n, 'sendMessage', '{}', %s from generate_series(1, 20) as n",
        "2026-12-01 11:59:00+03:00",
    )
    assert len(world.claim()) == 5
    world.sql(
        "insert into telegram_outbox (bot, chat_id, method, parameters, send_after)"
        " select bot, chat_id, method, parameters, send_after from telegram_outbox limit 10"
    )
    assert world.claim() == []


def test_telegram_asks_to_wait(world: World, boss: int) -> None:
    ann, boris = world.user("Ann"), world.user("Boris")
    number = world.start(boss)
    assert set(world.claim()) == {ann, boris}
    world.record(number, [ann])
    world.record(number, [boris], "later", pause=17)
    assert world.call("claim_broadcast", p_bot="assistant")["wait"] == 17
    world.at("2026-12-01 12:00:17+03:00")
    assert world.claim() == [boris]
    assert world.row(number)["failed"] == 0


def test_what_a_killed_job_claimed_is_unknown_and_never_sent_again(world: World, boss: int) -> None:
    ann, boris = world.user("Ann"), world.user("Boris")
    number = world.start(boss)
    world.claim()
    world.record(number, [ann])
    world.at("2026-12-01 12:02:01+03:00")
    assert world.claim() == []
    world.call("prepare_broadcasts")
    assert world.statuses(number) == {ann: "sent", boris: "unknown"}
    assert world.claim() == []
    row = world.row(number)
    assert (row["status"], row["sent"], row["unknown"]) == ("done", 1, 1)

    assert world.record(number, [boris], "later") == 0, "it may have arrived"
    assert world.record(number, [boris]) == 1, "a late result is the truth"
    row = world.row(number)
    assert (row["sent"], row["unknown"]) == (2, 0)


@pytest.mark.parametrize(("zone", "moment", "first"), [
    ("Europe/Moscow", "2026-12-01 23:30:00+03:00", "2026-12-02 09:00:00+03:00"),
    ("Europe/Moscow", "2026-12-01 08:59:59+03:00", "2026-12-01 09:00:00+03:00"),
    ("America/New_York", "2026-12-01 12:00:00+03:00", "2026-12-01 17:00:00+03:00"),
    # The clocks go forward (29 March 2026) and back (25 October 2026) in this night.
    ("Europe/Berlin", "2026-03-28 22:30:00+01:00", "2026-03-29 09:00:00+02:00"),
    ("Europe/Berlin", "2026-10-24 22:30:00+02:00", "2026-10-25 09:00:00+01:00"),
])  # fmt: skip
def test_quiet_hours_are_those_of_the_user(
    world: World, boss: int, zone: str, moment: str, first: str
) -> None:
    world.at(moment)
    ann = world.user(zone=zone)
    world.start(boss)
    assert world.claim() == []
    world.at(first)
    assert world.claim() == [ann]
    (row,) = world.sql("select send_after = %s::timestamptz as is_first from broadcast_recipients", first)
    assert row["is_first"]


def test_a_pause_over_night_does_not_wake_users(world: World, boss: int) -> None:
    ann = world.user()
    number = world.start(boss)
    assert world.switch(boss, number, "pause") == "done"
    world.at("2026-12-01 23:00:00+03:00")
    assert world.switch(boss, number, "resume") == "done"
    assert world.claim() == []
    world.at("2026-12-02 09:00:00+03:00")
    assert world.claim() == [ann]


def test_quiet_hours_can_be_switched_off(world: World, boss: int) -> None:
    world.setting("broadcast_quiet_from", 9)
    world.at("2026-12-01 03:00:00+03:00")
    ann = world.user()
    world.start(boss)
    assert world.claim() == [ann]


def test_one_marketing_message_a_week(world: World, boss: int) -> None:
    ann = world.user()
    first, second = world.start(boss), world.start(boss, name="Second")
    service = world.start(boss, kind="service")
    again = world.start(boss, ignores_limit=True)
    claimed = world.call("claim_broadcast", p_bot="assistant", p_limit=25)["messages"]
    assert {one["broadcast_id"] for one in claimed} == {first, service, again}
    assert world.statuses(second) == {ann: "skipped"}
    assert world.row(second)["skipped"] == 1
    world.at("2026-12-09 12:00:00+03:00")
    assert world.start(boss, name="Third")
    assert world.claim() == [ann]


def test_two_broadcasts_at_once_are_one_message_of_the_week(world: World, boss: int) -> None:
    users = [world.user() for _ in range(10)]
    for user in users:
        world.sql(
            "insert into bot_sessions (user_id, bot, chat_id)"
            " select id, 'quiz', telegram_id from users where id = %s",
            user,
        )
    world.start(boss, bot="assistant")
    world.start(boss, bot="quiz")
    claims = at_once(lambda bot: world.call("claim_broadcast", p_bot=bot, p_limit=25), ["assistant", "quiz"])
    taken = [message["user_id"] for one in claims for message in one["messages"]]
    assert len(taken) == len(set(taken))
    while more := world.claim() + world.claim("quiz"):
        taken += more
    assert sorted(taken) == sorted(users)


def test_a_message_that_fails_is_not_the_one_of_the_week(world: World, boss: int) -> None:
    ann = world.user()
    first = world.start(boss)
    assert world.claim() == [ann]
    world.record(first, [ann], "failed")
    second = world.start(boss, name="Second")
    assert world.claim() == [ann]
    world.record(second, [ann], "later")
    assert world.claim() == [ann], "queued again, it is still the one of the week"


def test_who_unsubscribes_blocks_or_is_banned_after_the_start_is_skipped(world: World, boss: int) -> None:
    stopped, blocked, banned = world.user(), world.user(), world.user()
    number = world.start(boss)
    world.call("set_marketing", p_user_id=stopped, p_wants=False)
    world.sql("update bot_sessions set is_blocked = true where user_id = %s", blocked)
    world.sql("update users set banned_at = now() where id = %s", banned)
    assert world.claim() == []
    reasons = world.sql("select user_id, error from broadcast_recipients where broadcast_id = %s", number)
    assert {row["user_id"]: row["error"] for row in reasons} == {
        stopped: "unsubscribed", blocked: "blocked", banned: "banned",
    }  # fmt: skip
    world.call("prepare_broadcasts")
    assert (world.row(number)["skipped"], world.row(number)["status"]) == (3, "done")


def test_a_blocked_bot_is_remembered(world: World, boss: int) -> None:
    ann = world.user()
    number = world.start(boss)
    world.claim()
    world.record(number, [ann], "blocked")
    assert world.row(number)["blocked"] == 1
    (row,) = world.sql("select is_active from users where id = %s", ann)
    assert row["is_active"] is False


def test_pause_resume_cancel(world: World, boss: int) -> None:
    users = [world.user() for _ in range(3)]
    number = world.start(boss)
    assert len(world.claim(limit=1)) == 1
    assert world.switch(boss, number, "pause") == "done"
    assert world.switch(boss, number, "pause") == "state"
    assert world.claim() == []
    assert world.switch(boss, number, "resume") == "done"
    assert len(world.claim(limit=1)) == 1
    assert world.switch(boss, number, "cancel") == "done"
    assert world.claim() == []
    assert world.switch(boss, number, "resume") == "state"
    assert sorted(world.statuses(number).values()) == ["queued", "sending", "sending"]
    assert set(world.statuses(number)) == set(users)


@pytest.mark.parametrize("action", ["pause", "cancel"])
def test_a_claim_at_the_same_time_as_a_stop(world: World, boss: int, action: str) -> None:
    for _ in range(40):
        world.user()
    number = world.start(boss)

    def one(step: str) -> Any:
        return world.switch(boss, number, action) if step == "stop" else world.claim(limit=5)

    at_once(one, ["claim", "claim", "stop", "claim", "claim"])
    sending = list(world.statuses(number).values()).count("sending")
    assert world.claim() == [], "nothing is claimed after the stop"
    assert list(world.statuses(number).values()).count("sending") == sending <= 20


def test_a_broadcast_that_only_fails_stops_itself(world: World, boss: int) -> None:
    for _ in range(30):
        world.user()
    number = world.start(boss)
    world.record(number, world.claim(limit=20), "failed")
    assert world.row(number)["status"] == "paused"


def test_a_large_broadcast_waits_for_a_second_admin(world: World, boss: int) -> None:
    world.setting("broadcast_approval_size", 2)
    users = [world.user() for _ in range(3)]
    other = world.admin("other")
    world.sql("update users set is_active = false where id = %s", other)
    number = world.start(boss)
    assert world.row(number)["status"] == "waiting"
    assert world.claim() == []
    assert world.call("approve_broadcast", p_actor_id=boss, p_id=number)["outcome"] == "own"
    outcomes = at_once(
        lambda _: world.call("approve_broadcast", p_actor_id=other, p_id=number)["outcome"], range(2)
    )
    assert sorted(outcomes) == ["approved", "state"]
    assert sorted(world.claim()) == users
    entries = world.sql("select action, admin_email from audit_log order by id")
    assert [(one["action"], one["admin_email"]) for one in entries][-2:] == [
        ("broadcast_start", "boss@example.com"), ("broadcast_approve", "other@example.com"),
    ]  # fmt: skip


def test_a_draft_that_comes_back_loses_its_list(world: World, boss: int) -> None:
    world.setting("broadcast_approval_size", 1)
    world.user()
    world.user()
    world.admin("other")
    number = world.start(boss)
    assert world.switch(boss, number, "return") == "done"
    row = world.row(number)
    assert (row["status"], row["total"], row["started_by"]) == ("draft", 0, None)
    assert world.statuses(number) == {}
    started = world.call("start_broadcast", p_actor_id=boss, p_id=number, p_version=1)
    assert started["outcome"] == "started"


def test_the_only_admin_needs_no_approval(world: World, boss: int) -> None:
    world.sql("delete from admins where email <> 'boss@example.com'")
    world.setting("broadcast_approval_size", 1)
    world.user()
    world.user()
    assert world.row(world.start(boss))["status"] == "running"


def test_an_edit_of_an_older_version_changes_nothing(world: World, boss: int) -> None:
    number = world.draft(boss)
    values = {"name": "New", "kind": "service", "bot": None, "segment": {}, "content": {}}

    def save(version: int) -> str:
        done = world.call("save_broadcast", p_actor_id=boss, p_id=number, p_version=version, p_values=values)
        return str(done["outcome"])

    assert sorted(at_once(lambda _: save(1), range(2))) == ["changed", "saved"]
    start = {"p_actor_id": boss, "p_id": number}
    assert world.call("start_broadcast", **start, p_version=1)["outcome"] == "changed"
    assert world.call("start_broadcast", **start, p_version=2)["outcome"] == "empty"
    world.sql('update broadcasts set content = \'{"texts": {"en": "x"}}\' where id = %s', number)
    assert world.call("start_broadcast", **start, p_version=2)["outcome"] == "started"
    assert save(2) == "started"


def test_messages_younger_than_48_hours_are_deleted_again(world: World, boss: int) -> None:
    users = [world.user() for _ in range(3)]
    number = world.start(boss)
    world.record(number, world.claim(limit=1))
    world.at("2026-12-03 12:00:01+03:00")
    world.record(number, world.claim(limit=1))
    assert world.switch(boss, number, "delete_sent") == "done"
    assert world.switch(boss, number, "delete_sent") == "state"
    assert world.row(number)["status"] == "canceled"
    assert world.claim() == []
    (one,) = world.call("claim_deletions")["messages"]
    assert one["bot"] == "assistant"
    world.at("2026-12-03 12:03:00+03:00")
    assert world.call("claim_deletions")["messages"] == [], "it is being deleted"
    world.call("prepare_broadcasts")  # the job was killed: deleted once more, which Telegram allows
    (again,) = world.call("claim_deletions")["messages"]
    assert again["message_id"] == one["message_id"]
    world.at("2026-12-03 12:03:05+03:00")
    result = {"broadcast_id": number, "user_id": one["user_id"], "outcome": "deleted"}
    assert world.call("record_deletions", p_results=[result])["deleted"] == 1
    assert world.call("claim_deletions")["is_open"] is False
    assert world.call("claim_deletions")["is_open"] is False
    assert world.row(number)["deleted"] == 1
    assert world.row(number)["deleting_after"] is None
    assert set(world.statuses(number)) == set(users)
