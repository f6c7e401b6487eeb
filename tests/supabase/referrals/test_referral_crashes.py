"""A crash between any two steps still attaches and completes a referral once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support import eventually
from tests.telegram.test_crashes import LATER, kill
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat, Sent

pytestmark = pytest.mark.slow
Sql = Callable[..., list[dict[str, Any]]]
STEPS = [
    (function, when)
    for function in ("receive_update", "finish_update", "record_deliveries")
    for when in ("before", "after")
]


def recover_from_crash(stack: Stack, clock: Callable[[str], None], sent: Sent) -> None:
    """Wait until the function crashed at the step and another one has taken over the update."""
    eventually(lambda: not stack.function("telegram").pid, 30)
    clock(LATER)
    stack.function("telegram").restart()
    stack.telegram.retry_now()
    sent.wait(timeout=60)


def referrer_and_new_user(stack: Stack, sql: Sql) -> tuple[Chat, Chat, str]:
    """Return the referrer, a user who has never written, and the referral code."""
    anna = stack.telegram.user("Anna").chat("assistant")
    anna.send("/start")
    anna.answer()
    code = sql("select referral_code from users where telegram_id = %s", anna.id)[0]["referral_code"]
    return anna, stack.telegram.user("Ben").chat("assistant"), str(code)


def referral_state(sql: Sql, anna: Chat, ben: Chat) -> tuple[list[str], list[int], int]:
    """Return the states of the referral, both users' credits, and the referrer's total."""
    states = sql(
        "select r.status from user_referrals r join users u on u.id = r.referred_id where u.telegram_id = %s",
        ben.id,
    )
    rows = sql(
        "select bonus_credits, total_referrals from users where telegram_id = any(%s) order by id",
        [anna.id, ben.id],
    )
    return (
        [row["status"] for row in states],
        [row["bonus_credits"] for row in rows],
        rows[0]["total_referrals"],
    )


@pytest.mark.parametrize(("function", "when"), STEPS[:4])
def test_a_crash_while_a_new_user_is_attached(
    stack: Stack, sql: Sql, clock: Callable[[str], None], function: str, when: Any
) -> None:
    anna, ben, code = referrer_and_new_user(stack, sql)
    stack.database.on(function, when=when, do=lambda: kill(stack))
    recover_from_crash(stack, clock, ben.send(f"/start ref_{code}"))
    ben.answer()
    assert referral_state(sql, anna, ben) == (["pending"], [0, 0], 0)


@pytest.mark.parametrize(("function", "when"), STEPS)
def test_a_crash_while_a_referral_is_completed(
    stack: Stack, sql: Sql, clock: Callable[[str], None], function: str, when: Any
) -> None:
    anna, ben, code = referrer_and_new_user(stack, sql)
    ben.send(f"/start ref_{code}").wait(timeout=60)
    ben.answer()
    stack.database.on(function, when=when, do=lambda: kill(stack))
    recover_from_crash(stack, clock, ben.send(f"a first question of {ben.id}"))
    ben.answer()
    assert referral_state(sql, anna, ben) == (["completed"], [10, 5], 1)
    stack.run_job("sweep")
    messages = eventually(lambda: [one for one in anna.answers() if "Ben" in one.text])
    assert 1 <= len(messages) <= 2  # explicit messages: at least once
