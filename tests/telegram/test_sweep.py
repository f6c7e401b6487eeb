"""The sweep reaches everything in the end: no row that cannot be finished stands before the others."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support import in_parallel, message_update, new_telegram_id, started_user
from tests.telegram.test_updates import Sql, sent_to
from tools.emulator.stack import Stack


def leave_behind(sql: Sql, bot: str, update: Any, number: int, minutes: int) -> None:
    """Store an update whose worker failed so many minutes ago."""
    sql(
        "insert into telegram_updates (bot, update_id, kind, status, payload, lease_until) values "
        "(%s, %s, 'message', 'failed', %s, private.clock() - make_interval(mins => %s))",
        bot,
        number,
        json.dumps(update),
        minutes,
    )


def test_updates_that_nobody_can_finish_do_not_hold_up_the_others(stack: Stack, sql: Sql) -> None:
    anna = started_user(stack.telegram, "second")
    update = message_update(anna, "/show")
    for number in range(60):
        leave_behind(sql, "retired", update, number, 60)
        leave_behind(sql, "second", {"no": "update"}, number, 60)
    leave_behind(sql, "second", update, update["update_id"], 5)
    try:
        assert stack.run_job("sweep").json()["stale"] > 60  # more than a batch of them, in one run
        assert len(sent_to(stack, anna.id)) == 1
    finally:
        sql("delete from telegram_updates where bot = 'retired' or update_id < 60")


UNREADABLE = {
    "no number": {"no": "update"},
    "no object": "words",
    "a wrong shape": {
        "update_id": 7,
        "message": {"from": {"id": "seven"}, "chat": {"id": 7}, "message_id": 1},
    },
    "an unknown kind": {"update_id": 7, "moon_landing": {"from": {"id": 7}}},
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_what_cannot_be_read_is_put_aside_at_the_third_failure(
    stack: Stack, sql: Sql, clock: Callable[[str], None], what: str
) -> None:
    number = new_telegram_id()
    leave_behind(sql, "second", UNREADABLE[what], number, 60)

    def row() -> dict[str, Any]:
        return sql("select * from telegram_updates where update_id = %s", number)[0]

    try:
        for failure in (1, 2, 3):
            assert row()["status"] == "failed"
            clock(f"clock_timestamp() + interval '{failure * 2} minutes'")
            assert stack.run_job("sweep").status == 200
            assert row()["failures"] == failure
        kept = row()
        assert (kept["status"], kept["lease_until"]) == ("dead_lettered", None)
        assert kept["payload"] == UNREADABLE[what]  # for the owner, to find out why
        assert kept["error"]
        alarms = [line for line in stack.function("scheduled").raw_log.splitlines() if str(number) in line]
        assert any('"update_dead_lettered"' in line and '"ALERT"' in line for line in alarms)
        clock("clock_timestamp() + interval '9 minutes'")
        assert stack.run_job("sweep").status == 200
        assert row() == kept
    finally:
        sql("delete from telegram_updates where update_id = %s", number)


def test_of_two_sweeps_one_counts_a_failure_and_a_worker_keeps_its_lease(
    sql: Sql, call: Callable[..., Any]
) -> None:
    number = new_telegram_id()
    leave_behind(sql, "second", {"no": "update"}, number, 60)
    try:
        sql(
            "update telegram_updates set status = 'working', "
            "lease_until = private.clock() + interval '1 minute' where update_id = %s",
            number,
        )
        assert call("fail_stale_update", "second", number, "odd")["outcome"] == "superseded"
        sql("update telegram_updates set lease_until = private.clock() where update_id = %s", number)
        outcomes = in_parallel(2, lambda _: call("fail_stale_update", "second", number, "odd")["outcome"])
        row = sql("select status, failures from telegram_updates where update_id = %s", number)[0]
        assert row == {"status": "failed", "failures": outcomes.count("retry")}
        assert set(outcomes) <= {"retry", "superseded"}
    finally:
        sql("delete from telegram_updates where update_id = %s", number)
    assert call("fail_stale_update", "second", number, "odd")["outcome"] == "superseded"


def test_old_rows_leave_faster_than_they_come(stack: Stack, sql: Sql) -> None:
    sql(
        "insert into telegram_updates (bot, update_id, kind, status, received_at) "
        "select 'old', n, 'message', 'finished', private.clock() - interval '80 hours' "
        "from generate_series(1, 2500) as n"
    )
    try:
        assert stack.run_job("sweep").status == 200
        assert not sql("select from telegram_updates where bot = 'old'")
    finally:
        sql("delete from telegram_updates where bot = 'old'")
