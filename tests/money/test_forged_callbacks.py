"""Who only claims to be a provider is refused, and leaves nothing behind: no event, no alarm."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import Any

import pytest

from shared.payments.providers import names
from tests.stories.test_buy import LABELS, checkout, credits, speaks
from tools.emulator.payments import Callback
from tools.emulator.stack import Stack

Sql = Callable[..., list[dict[str, Any]]]
YOOKASSAS = "185.71.76.5"
FORGEABLE = sorted(set(names()) - {"telegram_stars"})


def events(sql: Sql) -> int:
    return int(sql("select count(*) as count from payment_events")[0]["count"])


def claim(stack: Stack, body: dict[str, Any], address: str) -> int:
    """Tell the shop something in YooKassa's name; the status it answers with."""
    headers, text = {"Content-Type": "application/json"}, json.dumps(body).encode()
    callback = Callback("a claim", lambda _attempt: (headers, text), address=address)
    return stack.payments["yookassa"].callbacks.ask(callback).status


@pytest.mark.parametrize("address", [YOOKASSAS, "203.0.113.66", ""])
def test_a_payment_that_yookassa_does_not_know_is_nobodys(stack: Stack, sql: Sql, address: str) -> None:
    before, printed = events(sql), stack.function("payments").printed
    for kind in ("payment", "refund"):
        number = f"{secrets.token_hex(4)}-000f-5000-9000-{secrets.token_hex(6)}"
        told = {"id": number, "status": "succeeded", "metadata": {"order_id": "1"}}
        assert claim(stack, _notification(f"{kind}.succeeded", told), address) == 401
    assert events(sql) == before
    said = "\n".join(stack.function("payments").lines_after(printed))
    assert "payment_forged" in said
    assert "ALERT" not in said


@pytest.mark.parametrize("address", ["203.0.113.66", ""])
@pytest.mark.parametrize("event", ["payout.succeeded", "moon.landed", ""])
def test_news_that_cannot_be_asked_about_are_kept_only_from_yookassa(
    stack: Stack, sql: Sql, address: str, event: str
) -> None:
    before = events(sql)
    assert claim(stack, _notification(event, {"id": secrets.token_hex(8)}), address) == 401
    assert events(sql) == before


@pytest.mark.parametrize("provider", FORGEABLE)
def test_a_forgery_leaves_no_event(stack: Stack, sql: Sql, provider: str) -> None:
    anna = speaks(stack)
    link = checkout(anna, "100 requests", LABELS[provider])
    before = events(sql)
    for _ in range(3):
        stack.payments.press(link, "forge")
    assert stack.payments.idle(20)
    assert events(sql) == before
    assert credits(sql, anna) == 0


def _notification(event: str, found: dict[str, Any]) -> dict[str, Any]:
    return {"type": "notification", "event": event, "object": found}
