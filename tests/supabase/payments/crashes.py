"""Kill functions at a step of a payment and read the effects of the payment."""

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
    """Wait until the function has died at the step, then start another instance."""
    eventually(lambda: not stack.function(function).pid, 30)
    stack.function(function).start()


def messages_with(stack: Stack, clock: Clock, chat: Chat, words: str) -> list[str]:
    """Deliver the outbox, then return the bot's messages that contain `words`."""
    clock(LATER)  # the killed worker's delivery lease has expired
    assert stack.run_job("sweep").status == 200
    found = eventually(lambda: [one.text for one in chat.answers() if words in one.text], 30)
    return [str(text) for text in found]


def effects_of(sql: Sql, chat: Chat) -> list[dict[str, Any]]:
    """Return the effects of a user's payments: quantities granted and reversed."""
    return sql(
        "select e.effect, e.given::int, e.reversed::int from payment_effects e "
        "join users u on u.id = e.user_id "
        "where u.telegram_id = %s and e.effect <> 'commission' order by e.payment_id",
        chat.id,
    )


ONCE = [{"effect": "credits", "given": 100, "reversed": 0}]
BACK = [{"effect": "credits", "given": 100, "reversed": 100}]
