"""What tests of the ways to log in share: a user, a browser, and a log without secrets."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.web.visitor import Visitor
from tools.emulator.stack import Stack
from tools.emulator.telegram.users import TelegramUser


@pytest.fixture
def anna(stack: Stack) -> TelegramUser:
    return stack.telegram.user("Anna", "en")


@pytest.fixture
def browser(stack: Stack) -> Visitor:
    return Visitor(stack)


@pytest.fixture(autouse=True)
def log_of_console(stack: Stack) -> Iterator[Callable[[], str]]:
    """What the console wrote during the test; no secret may be in it."""
    before = len(stack.function("console").raw_log)

    def written() -> str:
        return stack.function("console").raw_log[before:]

    yield written
    for bot in stack.telegram.state.bots.values():
        assert bot.token.partition(":")[2] not in written()
    assert stack.login.secret not in written()
    for line in written().splitlines():
        assert '"severity":"ERROR"' not in line, line
