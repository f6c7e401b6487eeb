"""The sweep: finishes stale updates; one that cannot be finished does not delay others."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support import in_parallel, message_update, new_telegram_id, started_user
from tests.telegram.test_updates import Sql, sent_to
from tools.emulator.stack import Stack


def add_stale_update(sql: Sql, bot: str, update: Any, number: int, minutes: int) -> None:
    """Store an update whose worker failed `minutes` ago."""
    sql(
        "insert into telegram_updates (bot, update_id, kind, status, payload, lease_until) values "
        "(%s, %s, 'message', 'failed', %s, private.clock() - make_interval(mins => %s))",
        bot,
        number,
        json.dumps(update),
        minutes,
    )


def test_updates_that_cannot_be_finished_do_not_delay_others(stack: Stack, sql: Sql) -> None:
    anna = started_user(stack.telegram, "second")
    update = message_update(anna, "/show")
    for number in range(60):
        add_stale_update(sql, "retired", update, number, 60)
        add_stale_update(sql, "second", {"no": "update"}, number, 60)
    add_stale_update(sql, "second", update, update["update_id"], 5)
    assert stack.run_job("sweep").json()["stale"] > 60  # more than one batch in one run
    assert len(sent_to(stack, anna.id)) == 1


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
def test_an_unreadable_stored_update_is_dead_lettered_at_the_third_failure(
    stack: Stack, sql: Sql, clock: Callable[[str], None], what: str
) -> None:
    number = new_telegram_id()
    add_stale_update(sql, "second", UNREADABLE[what], number, 60)

    def row() -> dict[str, Any]:
        return sql("select * from telegram_updates where update_id = %s", number)[0]

    for failure in (1, 2, 3):
        assert row()["status"] == "failed"
        clock(f"clock_timestamp() + interval '{failure * 2} minutes'")
        assert stack.run_job("sweep").status == 200
        assert row()["failures"] == failure
    kept = row()
    assert (kept["status"], kept["lease_until"]) == ("dead_lettered", None)
    assert kept["payload"] == UNREADABLE[what]  # for the owner to investigate
    assert kept["error"]
    alarms = [line for line in stack.function("scheduled").raw_log.splitlines() if str(number) in line]
    assert any('"update_dead_lettered"' in line and '"ALERT"' in line for line in alarms)
    clock("clock_timestamp() + interval '9 minutes'")
    assert stack.run_job("sweep").status == 200
    assert row() == kept


def test_concurrent_sweeps_count_one_failure_and_respect_leases(sql: Sql, call: Callable[..., Any]) -> None:
    number = new_telegram_id()
    add_stale_update(sql, "second", {"no": "update"}, number, 60)
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
    sql("delete from telegram_updates where update_id = %s", number)
    assert call("fail_stale_update", "second", number, "odd")["outcome"] == "superseded"


def test_expired_rows_are_deleted_in_batches_until_none_are_left(stack: Stack, sql: Sql) -> None:
    sql(
        "insert into telegram_updates (bot, update_id, kind, status, received_at) "
        "select 'old', n, 'message', 'finished', private.clock() - interval '80 hours' "
        "from generate_series(1, 2500) as n"
    )
    assert stack.run_job("sweep").status == 200
    assert not sql("select from telegram_updates where bot = 'old'")
