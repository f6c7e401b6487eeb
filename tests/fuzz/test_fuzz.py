"""A small fuzz run with every run of the suite; `./switchboard fuzz` is the large one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tests.fuzz.requests import GENERATORS, Request
from tests.fuzz.run import Result, prepare, run, take_answer, take_log
from tools.emulator.stack import Stack

COUNT = 400


@pytest.mark.parametrize("name", GENERATORS)
def test_mutated_requests_are_answered_without_alerts(stack: Stack, database_url: str, name: str) -> None:
    result = run(stack, prepare(stack, database_url), name, seed=1, count=COUNT)
    assert not result.problems, result.text()
    assert sum(result.statuses.values()) == COUNT
    assert len(result.statuses) > 1, "not all are refused at the door"


def logged(*lines: dict[str, Any]) -> Any:
    return SimpleNamespace(logs=list(lines))


@pytest.mark.parametrize("status", ["500", "502", "RemoteDisconnected"])
def test_a_wrong_answer_is_a_problem(status: str) -> None:
    result = Result("telegram", 1)
    for one in ("200", "404", "503", status):
        take_answer(result, Request("/assistant", b"{}"), one)
    assert [problem.split()[0] for problem in result.problems] == [status]


@pytest.mark.parametrize(
    ("line", "is_problem"),
    [
        ({"severity": "ALERT", "action": "call_refused", "reason": "400 chat not found"}, False),
        ({"severity": "ALERT", "action": "call_refused", "reason": "400 message is too long"}, True),
        ({"severity": "ALERT", "action": "update_dead_lettered", "error": "InvalidPayload: x"}, False),
        ({"severity": "ALERT", "action": "update_dead_lettered", "error": "KeyError: x"}, True),
        ({"severity": "ALERT", "action": "webhook_failed", "error": "KeyError: x"}, True),
        ({"severity": "ALERT", "action": "something_new"}, True),
        ({"severity": "ERROR", "action": "handler_failed", "counts": True, "error": "KeyError: x"}, True),
        ({"severity": "WARNING", "action": "database_unavailable", "reason": "bad value"}, True),
        ({"severity": "INFO", "action": "update_finished"}, False),
    ],
)
def test_a_line_that_a_user_must_not_have_to_read_is_a_problem(
    line: dict[str, Any], is_problem: bool
) -> None:
    result = Result("telegram", 1)
    assert take_log(result, logged(line), None) is line
    assert bool(result.problems) == is_problem
    take_log(result, logged(line), line)
    assert len(result.problems) == int(is_problem), "lines are read once"
