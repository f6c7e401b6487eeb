"""The sheet on which an invoice in Stars is paid, and every way it can end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.support import eventually
from tests.tools.emulator.control.conftest import Api
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat
from tools.emulator.telegram.stars import PERIOD

Owner = Callable[..., list[dict[str, Any]]]


def invoice(control: Stack, owner: Owner, chat: Chat) -> str:
    """The address of an invoice for 100 requests."""
    (row,) = owner(
        "select create_order((select id from users where telegram_id = %s), 'credits_100', "
        "'telegram_stars', 'XTR', 'assistant') as made",
        chat.id,
    )
    parameters = {
        "title": "100 requests",
        "description": "100 requests",
        "payload": str(row["made"]["id"]),
        "currency": "XTR",
        "prices": [{"label": "100 requests", "amount": int(float(row["made"]["amount"]))}],
    }
    return str(control.telegram.request("assistant", "createInvoiceLink", parameters))


@pytest.mark.parametrize(("outcome", "state", "asks"), [
    ("pay", "paid", True), ("fail_after_check", "failed", True), ("close", "closed", False),
    ("no_stars", "no_stars", False),
])  # fmt: skip
def test_only_what_is_paid_is_given(
    api: Api, control: Stack, owner: Owner, anna: Chat, outcome: str, state: str, asks: bool
) -> None:
    link = invoice(control, owner, anna)
    before = control.events.last_id
    shown = api.get("invoice", user=anna.id, bot="assistant", link=link)["invoice"]
    assert (shown["title"], shown["description"], shown["currency"]) == (
        "100 requests",
        "100 requests",
        "XTR",
    )
    answer = api.post("pay", user=anna.id, bot="assistant", link=link, outcome=outcome)
    assert (answer["outcome"], answer["amount"]) == (outcome, shown["total_amount"])
    assert (answer["pre_checkout_query_id"] is not None) == asks

    def purchase() -> bool:
        sent = b"".join(piece for number, piece in list(control.events._buffer) if number > before)
        return b"event: purchase" in sent and f'"state": "{state}"'.encode() in sent

    assert eventually(purchase, 20)
    control.telegram.idle(10)
    (user,) = owner("select bonus_credits from users where telegram_id = %s", anna.id)
    assert user["bonus_credits"] == (100 if state == "paid" else 0)


def test_another_outcome_is_refused(api: Api, control: Stack, owner: Owner, anna: Chat) -> None:
    link = invoice(control, owner, anna)
    assert "pay, close" in api.refused("pay", user=anna.id, bot="assistant", link=link, outcome="steal")


def test_a_subscription_does_only_what_its_state_allows(
    api: Api, control: Stack, owner: Owner, anna: Chat
) -> None:
    """Renewed, failed or canceled while active, resumed while canceled, and nothing once it ended."""
    link = invoice(control, owner, anna)
    control.telegram.stars.links[link] = replace(
        control.telegram.stars.links[link], subscription_period=PERIOD
    )
    here = {"user": anna.id, "bot": "assistant"}
    api.post("pay", link=link, **here)
    eventually(lambda: api.get("chat", **here)["subscriptions"], 20)
    charge = api.get("chat", **here)["subscriptions"][0]["charges"][0]

    def possible() -> list[str]:
        return list(api.get("chat", **here)["subscriptions"][0]["actions"])

    def change(wish: str) -> Any:
        return api.post("subscription", charge_id=charge, do=wish, **here)["state"]

    def refused(wish: str) -> str:
        return api.refused("subscription", charge_id=charge, do=wish, **here)

    assert possible() == ["renew", "failed", "canceled"]
    assert "is active" in refused("active")
    assert change("canceled") == "canceled"
    assert possible() == ["active"]
    for wish in ("renew", "failed", "canceled"):
        assert "until it is resumed" in refused(wish)
    assert [change("active"), change("failed"), change("renew")] == ["active", "failed", "active"]
    control.telegram.stars.subscriptions[-1].state = "ended"
    assert possible() == []
    for wish in ("renew", "failed", "canceled", "active"):
        assert "has ended" in refused(wish)
    assert "cannot be stolen" in refused("stolen")
    control.telegram.idle(10)
