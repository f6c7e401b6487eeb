"""The function is killed during a checkout: one order exists, and the link that is shown can be paid."""

from __future__ import annotations

import pytest

from tests.stories.test_buy import LABELS, checkout, credits, link_of, speaks, tap
from tests.supabase.payments.crashes import ONCE, WHEN, Clock, Sql, When, effects_of, kill_at, restart
from tests.support import eventually
from tests.telegram.test_crashes import LATER
from tools.emulator.stack import Stack
from tools.emulator.telegram import Answer, Chat

pytestmark = pytest.mark.usefixtures("alive")


KEYS = {label: key for key, label in LABELS.items()}


def chosen(chat: Chat, provider: str) -> tuple[Answer, str]:
    """Open the payment options; return the message and the data of the button that creates the order."""
    checkout(chat, "1,000 requests", provider)  # stores the receipt contact
    seen = len(chat.answers())
    chat.send("/buy").wait()
    shop = eventually(lambda: chat.answers()[seen:], 20)[0]
    options = tap(shop, "100 requests")
    key = KEYS.get(provider, "telegram_stars")
    currency = {"yookassa": "RUB", "telegram_stars": "XTR"}.get(key, "USD")
    return options, f"pay:credits_100:{key}:{currency}"


@pytest.mark.parametrize(
    ("provider", "statement", "when"),
    [
        *((label, "save_checkout", "before") for label in (*LABELS.values(), "Telegram Stars")),
        *((LABELS["fake"], name, when) for name in ("create_order", "finish_update") for when in WHEN),
        (LABELS["fake"], "save_checkout", "after"),
    ],
)
def test_one_order_exists_and_can_be_paid_when_killed_during_checkout(
    stack: Stack, sql: Sql, clock: Clock, provider: str, statement: str, when: When
) -> None:
    anna = speaks(stack)
    options, data = chosen(anna, provider)
    before = _orders(sql, anna)
    kill_at(stack, statement, when, "telegram")
    tapped = anna.tap(options.stored, data)
    restart(stack, "telegram")
    clock(LATER)
    stack.telegram.retry_now()
    tapped.wait(timeout=60)
    link = link_of(
        eventually(lambda: options if any(b.url for row in options.buttons for b in row) else None, 30)
    )
    assert _orders(sql, anna) == before + 1

    if provider == "Telegram Stars":
        anna.pay(link).wait()
    else:
        stack.payments.press(link, "pay")
        assert stack.payments.idle(90)
    eventually(lambda: effects_of(sql, anna) == ONCE, 60)
    assert credits(sql, anna) == 100


def _orders(sql: Sql, chat: Chat) -> int:
    rows = sql("select from orders o join users u on u.id = o.user_id where u.telegram_id = %s", chat.id)
    return len(rows)
