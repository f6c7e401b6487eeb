"""SIGTERM of Cloud Run: requests in progress finish within 10 s, then connections are closed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shared.core import server
from tests.conftest import make_stack
from tests.support import eventually
from tests.telegram.test_updates import Sql, history_of, requests_of
from tools.emulator.ai import AiBehaviour
from tools.emulator.functions import STOP_SECONDS, Function
from tools.emulator.stack import Stack

pytestmark = pytest.mark.slow


@pytest.fixture
def own_stack(backend_url: str) -> Iterator[Stack]:
    """A stack of its own whose requests may take longer than the grace period."""
    stack = make_stack(backend_url, RESPONSE_TIMEOUT="20")
    stack.start()
    yield stack
    stack.stop()


def stopped_line(function: Function) -> dict[str, Any] | None:
    lines = [line for line in function.logs if line.get("action") == "process_stopped"]
    return lines[-1] if lines else None


def connections(sql: Sql) -> int:
    rows = sql("select count(*) from pg_stat_activity where usename = 'bot_backend'")
    return int(rows[0]["count"])


def test_sigterm_finishes_requests_and_closes_connections(own_stack: Stack, sql: Sql) -> None:
    anna = own_stack.telegram.user("Anna")
    chat = anna.chat("assistant")
    chat.send("/start")
    chat.answer()
    own_stack.ai.next(AiBehaviour(text="finished", delay=3))
    question = chat.send("hello")
    eventually(lambda: own_stack.ai.requests)
    function = own_stack.function("telegram")
    opened = connections(sql)
    started = time.monotonic()
    function.stop()
    assert time.monotonic() - started < STOP_SECONDS
    question.wait(timeout=5)
    assert chat.answer().text == "finished"
    assert question.attempts == 1
    assert requests_of(sql, anna.id) == 1
    line = stopped_line(function)
    assert line is not None
    assert line["cut_requests"] == 0
    assert line["pool"]["requests_num"] >= 3
    eventually(lambda: connections(sql) < opened)


def test_a_request_beyond_the_grace_period_is_processed_once_by_the_next_process(
    own_stack: Stack, sql: Sql, clock: Callable[[str], None]
) -> None:
    anna = own_stack.telegram.user("Anna")
    chat = anna.chat("assistant")
    own_stack.ai.next(AiBehaviour(text="too late", delay=15))
    question = chat.send("hello")
    eventually(lambda: own_stack.ai.requests)
    function = own_stack.function("telegram")
    started = time.monotonic()
    function.stop()
    assert server.STOP_SECONDS - 1 < time.monotonic() - started < STOP_SECONDS
    line = stopped_line(function)
    assert line is not None
    assert line["cut_requests"] == 1
    clock("clock_timestamp() + interval '3 minutes'")  # its lease has expired
    function.start()
    own_stack.telegram.retry_now()
    question.wait(timeout=30)
    chat.answer()
    assert requests_of(sql, anna.id) == 1
    assert history_of(sql, anna.id) == ["user", "assistant"]
