"""The sheet on which an invoice in Stars is paid, and every way it can end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.emulator.control.conftest import Api
from tests.support import eventually
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

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
    answer = api.post("pay", person=anna.id, bot="assistant", link=link, outcome=outcome)
    assert (answer["outcome"], answer["amount"] > 0) == (outcome, True)
    assert (answer["pre_checkout_query_id"] is not None) == asks

    def purchase() -> bool:
        told = b"".join(piece for number, piece in control.events._buffer if number > before)
        return b"event: purchase" in told and f'"state": "{state}"'.encode() in told

    assert eventually(purchase, 20)
    control.telegram.idle(10)
    (user,) = owner("select bonus_credits from users where telegram_id = %s", anna.id)
    assert user["bonus_credits"] == (100 if state == "paid" else 0)


def test_another_outcome_is_refused(api: Api, control: Stack, owner: Owner, anna: Chat) -> None:
    link = invoice(control, owner, anna)
    assert "pay, close" in api.refused("pay", person=anna.id, bot="assistant", link=link, outcome="steal")
