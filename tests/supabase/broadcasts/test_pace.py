"""One rate for a bot: broadcasts and the jobs that reserve their place stay within it together."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.supabase.broadcasts.conftest import NOON, World, at_once

RATE = 25
START = datetime.fromisoformat(NOON)


@pytest.fixture
def boss(world: World) -> int:
    """An admin who gets no broadcasts."""
    found = world.admin()
    world.sql("update users set is_active = false where id = %s", found)
    return found


def reserve(world: World, count: int = RATE, patience: float = 600, bot: str = "assistant") -> Any:
    return world.call("reserve_messages", p_bot=bot, p_count=count, p_patience=patience)


def waiting(world: World, count: int, bot: str = "assistant") -> None:
    """Let messages of a bot wait in the outbox."""
    world.sql(
        "insert into telegram_outbox (bot, chat_id, method, parameters, send_after)"
        " select %s, n, 'sendMessage', '{}', private.clock() - interval '1 second'"
        " from generate_series(1, %s) as n",
        bot,
        count,
    )


def test_places_of_jobs_at_once_follow_each_other(world: World) -> None:
    waits = [one["wait"] for one in at_once(lambda _: reserve(world), range(6))]
    assert sorted(waits) == [0, 1, 2, 3, 4, 5]
    assert reserve(world, bot="quiz")["wait"] == 0, "each bot has its own rate"


def test_jobs_and_a_broadcast_at_once_stay_within_the_rate(world: World, boss: int) -> None:
    """Two runs of a job and two of broadcasts, for ten seconds of the database's clock."""
    for _ in range(200):
        world.user()
    world.start(boss)
    sent: list[tuple[datetime, int]] = []
    free: dict[int, datetime] = {0: START, 1: START}  # when a run of the job has sent its batch
    for tick in range(50):
        now = START + timedelta(seconds=tick / 5)
        world.at(now.isoformat())

        def act(worker: int, now: datetime = now) -> tuple[int, datetime, int] | None:
            if worker < 2 and free[worker] > now:
                return None
            if worker < 2:
                count = 10 + worker
                return worker, now + timedelta(seconds=reserve(world, count)["wait"]), count
            claimed = world.call("claim_broadcast", p_bot="assistant", p_limit=RATE)["messages"]
            return worker, now, len(claimed)

        for done in at_once(act, range(4)):
            if done is None:
                continue
            worker, begins, count = done
            sent.append((begins, count))
            if worker < 2:
                free[worker] = begins + timedelta(seconds=1)
    for first, _ in sent:
        for last, _ in sent:
            total = sum(count for at, count in sent if first <= at <= last)
            if first <= last:
                assert total <= RATE * (last - first).total_seconds() + RATE
    assert sum(count for _, count in sent) >= 6 * RATE, "the rate is used"


def test_a_broadcast_waits_for_places_that_are_reserved(world: World, boss: int) -> None:
    world.user()
    world.start(boss)
    assert reserve(world)["wait"] == 0
    claim = world.call("claim_broadcast", p_bot="assistant")
    assert (claim["messages"], claim["wait"]) == ([], 1)
    world.at("2026-12-01 12:00:01+03:00")
    assert len(world.call("claim_broadcast", p_bot="assistant")["messages"]) == 1


def test_answers_that_wait_come_before_a_place(world: World) -> None:
    waiting(world, 10)
    waiting(world, 50, "quiz")
    assert reserve(world)["wait"] == pytest.approx(10 / RATE)
    assert reserve(world, bot="quiz")["wait"] == 1, "no more than a second of them"


def test_no_place_is_taken_that_comes_too_late(world: World) -> None:
    world.sql(
        "insert into private.bot_pace (bot, paused_until) values ('assistant', %s)",
        "2026-12-01 12:10:00+03:00",
    )
    assert reserve(world, patience=40) == {"is_reserved": False, "wait": 600}
    world.at("2026-12-01 12:10:00+03:00")
    assert reserve(world, patience=40) == {"is_reserved": True, "wait": 0}
    assert reserve(world, patience=0)["is_reserved"] is False
    assert reserve(world, patience=1) == {"is_reserved": True, "wait": 1}


def test_messages_are_deleted_at_the_pace_of_their_bot(world: World, boss: int) -> None:
    users = [world.user(bot="quiz" if number == 1 else "assistant") for number in range(3)]
    number = world.start(boss)
    for bot in ("assistant", "quiz"):
        world.record(number, world.claim(bot))
    world.sql("delete from private.bot_pace")
    assert world.switch(boss, number, "delete_sent") == "done"
    deleted = []
    for bot in ("assistant", "quiz", "assistant"):
        claim = world.call("claim_deletions")
        assert [one["bot"] for one in claim["messages"]] == [bot]
        deleted += [one["user_id"] for one in claim["messages"]]
        assert world.sql(
            "select next_at > private.clock() as moved from private.bot_pace where bot = %s", bot
        ) == [{"moved": True}]
        world.sql("delete from private.bot_pace")
    assert deleted == users
