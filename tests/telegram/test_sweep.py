"""The sweep reaches everything in the end: no row that cannot be finished stands before the others."""

from __future__ import annotations

import json
from typing import Any

from tests.support import acquainted, message_update
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
    anna = acquainted(stack.telegram, "second")
    update = message_update(anna, "/show")
    for number in range(60):
        leave_behind(sql, "retired", update, number, 60)
        leave_behind(sql, "second", {"no": "update"}, number, 60)
    leave_behind(sql, "second", update, update["update_id"], 5)
    try:
        assert stack.run_job("sweep").status == 200
        assert stack.run_job("sweep").status == 200
        assert len(sent_to(stack, anna.id)) == 1
    finally:
        sql("delete from telegram_updates where bot = 'retired' or update_id < 60")


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
