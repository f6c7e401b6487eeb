"""The daily report of admins, and the alarm about figures that differ from a recount."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.stories.test_admin import Appoint, Sql, ask
from tests.support import says
from tests.telegram.test_updates import sent_to
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack
from tools.emulator.telegram.users import Chat

Clock = Callable[[str], None]
DAY = "(date '2031-05-10' + interval '{}') at time zone private.setting('quota_timezone')"


@pytest.fixture
def boss(stack: Stack, appoint: Appoint, clock: Clock) -> Chat:
    """Return the chat of an admin on a day with figures."""
    clock(DAY.format("12 hours"))
    chat = appoint("en").chat("assistant")
    chat.send("/start")
    chat.answer()
    return chat


def run(stack: Stack) -> dict[str, Any]:
    response = stack.run_job("analytics")
    assert response.status == 200, response.body
    done: dict[str, Any] = json.loads(response.body)
    return done


def reports(stack: Stack, chat: Chat) -> list[str]:
    return [text for text in sent_to(stack, chat.id) if text.startswith("📈")]


def test_a_report_comes_once_a_day_until_it_is_switched_off(
    stack: Stack, boss: Chat, sql: Sql, clock: Clock
) -> None:
    stack.ai.next(AiBehaviour(text="Hello!"))
    anna = stack.telegram.user("Anna").chat("assistant")
    anna.send("Hello")
    anna.answer()
    ask(boss, "/stats")
    boss.answers()[-1].tap("📈 Daily report").wait()
    assert sql("select hour from analytics_reports") == [{"hour": 9}]
    assert run(stack)["reports"] == 0
    clock(DAY.format("1 day 8 hours"))
    assert run(stack)["reports"] == 0
    clock(DAY.format("1 day 9 hours"))
    assert [run(stack)["reports"], run(stack)["reports"]] == [1, 0]
    (report,) = reports(stack, boss)
    assert says(report, "analytics_report_users", "en", active=2, new=2, answered=1)
    assert says(report, "analytics_report_no_revenue", "en")
    message = [one for one in boss.answers() if one.text == report][-1]
    message.tap("Turn off the daily report").wait()
    assert sql("select count(*) as n from analytics_reports")[0]["n"] == 0
    clock(DAY.format("2 days 9 hours"))
    assert run(stack)["reports"] == 0


def test_who_is_no_admin_any_more_gets_no_report(stack: Stack, boss: Chat, sql: Sql, clock: Clock) -> None:
    ask(boss, "/stats")
    boss.answers()[-1].tap("📈 Daily report").wait()
    sql("delete from admins")
    clock(DAY.format("1 day 9 hours"))
    assert run(stack)["reports"] == 0


def test_a_drift_alerts_the_admins(stack: Stack, boss: Chat, sql: Sql, clock: Clock) -> None:
    sql("update daily_totals set new_users = new_users + 5 where new_users > 0")
    clock(DAY.format("1 day 1 hour"))
    assert run(stack)["drifts"] == ["new_users"]
    assert run(stack)["drifts"] == []
    alarms = [text for text in sent_to(stack, boss.id) if text.startswith("🚨")]
    assert len(alarms) == 1
    assert "new_users: 6 / 1" in alarms[0]
