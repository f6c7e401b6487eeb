"""Functions that die at a step of a payment, and what became of the money."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from tests.support import eventually
from tests.telegram.test_crashes import LATER
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

Sql = Callable[..., list[dict[str, Any]]]
Clock = Callable[[str], None]
When = Literal["before", "after"]
WHEN: tuple[When, When] = ("before", "after")


def kill_at(stack: Stack, statement: str, when: When, function: str = "payments") -> None:
    stack.database.on(statement, when=when, do=lambda: stack.function(function).kill())


def restart(stack: Stack, function: str = "payments") -> None:
    """It died at the step; another instance starts, and the provider comes again as it does."""
    eventually(lambda: not stack.function(function).pid, 30)
    stack.function(function).start()


def messages_with(stack: Stack, clock: Clock, chat: Chat, words: str) -> list[str]:
    """What the bot said with these words, once everything that is owed has been sent."""
    clock(LATER)  # what a dead worker wanted to send is free again
    assert stack.run_job("sweep").status == 200
    found = eventually(lambda: [one.text for one in chat.answers() if words in one.text], 30)
    return [str(text) for text in found]


def effects_of(sql: Sql, chat: Chat) -> list[dict[str, Any]]:
    """What a person was given for money, and what was taken back."""
    return sql(
        "select e.effect, e.given::int, e.reversed::int from payment_effects e "
        "join users u on u.id = e.user_id "
        "where u.telegram_id = %s and e.effect <> 'commission' order by e.payment_id",
        chat.id,
    )


ONCE = [{"effect": "credits", "given": 100, "reversed": 0}]
BACK = [{"effect": "credits", "given": 100, "reversed": 100}]
