"""A provider's callback gets lost: the job finds the payment, and a late callback changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.payments import providers
from tests.stories.test_buy import LABELS, checkout, credits, speaks
from tests.support import eventually
from tools.emulator.stack import Stack

Sql = Callable[..., list[dict[str, Any]]]
LATER = "clock_timestamp() + interval '6 minutes'"  # an order is asked about five minutes after it was made
ASKABLE = sorted(key for key in LABELS if providers.load(key).SUPPORTS_STATUS)


@pytest.mark.parametrize("provider", ASKABLE)
def test_the_job_finds_a_payment_whose_callback_was_lost(
    stack: Stack, sql: Sql, clock: Callable[[str], None], provider: str
) -> None:
    anna = speaks(stack)
    link = checkout(anna, "100 requests", LABELS[provider])
    stack.payments[provider].callbacks.lose_next(5)
    stack.payments.press(link, "pay")
    assert stack.payments.idle(20)
    assert credits(sql, anna) == 0
    stack.payments.clear()

    clock(LATER)

    assert stack.run_job("payments").status == 200
    assert credits(sql, anna) == 100
    eventually(lambda: any("Paid, thank you!" in one.text for one in anna.answers()), 20)
    stack.payments.press(link, "deliver_twice")
    assert stack.payments.idle(20)
    assert stack.run_job("payments").status == 200
    assert credits(sql, anna) == 100
    assert sql("select * from check_payments()") == []


def test_the_job_applies_an_event_after_a_bug_was_fixed(stack: Stack, sql: Sql) -> None:
    """The job retries a stored event without another callback."""
    anna = speaks(stack)
    link = checkout(anna, "100 requests", LABELS["fake"])
    sql("alter table payment_effects rename to payment_effects_away")
    try:
        invoice = stack.payments.press(link, "pay")
        callback_ids = [callback.id for callback in invoice.callbacks]
        attempts = stack.payments["fake"].callbacks.attempts
        eventually(lambda: any(one["id"] in callback_ids and one["status"] == 503 for one in attempts), 20)
        stack.payments.clear()  # nor does the provider come again
    finally:
        sql("alter table payment_effects_away rename to payment_effects")
    assert credits(sql, anna) == 0

    eventually(lambda: stack.run_job("payments").status == 200 and credits(sql, anna) == 100, 30)
    assert sql("select * from check_payments()") == []
