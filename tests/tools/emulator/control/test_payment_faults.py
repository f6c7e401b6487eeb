"""Payment APIs that fail on request, and everything that can happen at a checkout: over HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from shared.core import http
from tests.payments import provider_lists
from tests.support import eventually
from tests.tools.emulator.control.conftest import Api
from tools.emulator import trace
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

Owner = Callable[..., list[dict[str, Any]]]


def call(stack: Stack, path: str = "v1/events", timeout: float = 5.0) -> http.Response:
    """A call of the shop's to Stripe, as the functions make it."""
    return http.request("GET", f"{stack.url}/pay/stripe/{path}", timeout=timeout)


def test_an_error_is_answered_count_times(api: Api, control: Stack) -> None:
    faults = api.post("payment-faults", provider="stripe", status=502, count=2)["faults"]
    assert [(one["kind"], one["status"], one["count"]) for one in faults] == [("error", 502, 2)]
    assert api.get("state")["switches"]["payments"] == {"stripe": 1}
    assert [call(control).status for _ in range(3)] == [502, 502, 401]
    assert api.get("payment-faults")["faults"] == []
    assert api.get("state")["switches"]["payments"] == {}


def test_calls_are_reset_kept_waiting_or_answered_with_a_page(
    api: Api, control: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace, "JOIN_SECONDS", 0.3)  # no function logs these calls
    api.post("payment-faults", provider="stripe", kind="reset")
    with pytest.raises(http.ConnectionLost):
        call(control, "v1/unreached")
    api.post("payment-faults", provider="stripe", kind="timeout")
    began = time.monotonic()
    with pytest.raises(http.Timeout):
        call(control, "v1/waited", timeout=0.3)
    assert time.monotonic() - began < 3
    api.post("payment-faults", provider="stripe", kind="wrong_answer")
    answer = call(control, "v1/page")
    assert (answer.status, answer.data[:6]) == (200, b"<html>")
    assert eventually(lambda: _recorded(control, "v1/unreached"), 10) == [0]
    assert eventually(lambda: _recorded(control, "v1/waited"), 10) == [0]
    assert eventually(lambda: _recorded(control, "v1/page"), 10) == [200]


def test_a_fault_stays_until_it_is_removed(api: Api, control: Stack) -> None:
    (fault,) = api.post("payment-faults", provider="stripe", count=None, path="v1/ev")["faults"]
    assert [call(control).status for _ in range(4)] == [503] * 4
    assert call(control, "v1/refunds").status == 401
    assert api.post("payment-faults/clear", id=fault["id"])["faults"] == []
    assert call(control).status == 401
    everywhere = api.post("payment-faults", provider="*")["faults"]
    assert {one["provider"] for one in everywhere} == set(control.payments)
    left = api.post("payment-faults/clear", provider="stripe")["faults"]
    assert "stripe" not in {one["provider"] for one in left}
    assert api.post("payment-faults/clear")["faults"] == []


@pytest.mark.parametrize(("body", "words"), [
    ({"provider": "bank"}, "no payment provider bank"),
    ({}, "no payment provider"),
    ({"provider": "stripe", "kind": "earthquake"}, "no fault named"),
    ({"provider": "stripe", "status": 200}, "between 500 and 599"),
    ({"provider": "stripe", "count": 0}, "between 1 and 1000"),
    ({"provider": "stripe", "count": "many"}, "must be a number"),
])  # fmt: skip
def test_a_senseless_fault_is_refused(api: Api, body: Any, words: str) -> None:
    assert words in api.refused("payment-faults", **body)
    assert api.get("payment-faults")["faults"] == []


def _recorded(stack: Stack, path: str) -> list[Any]:
    """The statuses of the calls of a path; those that no function logs are recorded a little later."""
    calls = (event for event in stack.trace.events() if event["kind"] == "payment_call")
    return [one["status"] for one in calls if path in one["title"]]


def checkout_of(api: Api, number: str) -> Any:
    return next(one for one in api.get("checkouts")["checkouts"] if one["id"] == number)


@pytest.mark.parametrize("provider", provider_lists.offering("challenge"))
def test_three_d_secure_is_passed_or_not(
    api: Api, control: Stack, owner: Owner, anna: Chat, order: Callable[..., str], provider: str
) -> None:
    first, second = order(anna, provider), order(anna, provider, product="credits_1000")
    for number in (first, second):
        invoice = api.post("checkouts/act", provider=provider, checkout=number, action="challenge")[
            "checkout"
        ]
        assert invoice["state"] == "challenge"
        enabled = {one["name"] for one in invoice["actions"] if one["enabled"]}
        assert {"pass_challenge", "fail_challenge", "expire"} <= enabled
        assert not enabled & {"pay", "decline", "challenge", "refund"}
    failed = api.post("checkouts/act", provider=provider, checkout=first, action="fail_challenge")["checkout"]
    assert failed["state"] in ("declined", "open")
    paid = api.post("checkouts/act", provider=provider, checkout=second, action="pass_challenge")["checkout"]
    assert paid["state"] == "paid"
    assert "asked for 3-D Secure" in api.refused(
        "checkouts/act", provider=provider, checkout=second, action="fail_challenge"
    )
    control.payments.idle(20)
    assert eventually(lambda: _bonus(owner, anna), 20) == 1000
    assert _bonus(owner, anna) == 1000  # the one that failed gives nothing


@pytest.mark.parametrize("provider", provider_lists.CALLING)
def test_a_checkout_can_expire_at_every_provider(
    api: Api, control: Stack, owner: Owner, anna: Chat, order: Callable[..., str], provider: str
) -> None:
    number = order(anna, provider)
    invoice = checkout_of(api, number)
    assert (invoice["state"], invoice["provider"], invoice["name"]) == (
        "open", provider, control.payments[provider].NAME,
    )  # fmt: skip
    gone = api.post("checkouts/act", provider=provider, checkout=number, action="expire")["checkout"]
    assert gone["state"] == "canceled"
    assert "already" in api.refused("checkouts/act", provider=provider, checkout=number, action="pay")
    control.payments.idle(20)
    assert _bonus(owner, anna) == 0


def test_a_declined_card_has_a_callback_at_every_card_provider(
    api: Api, control: Stack, anna: Chat, order: Callable[..., str]
) -> None:
    for provider in provider_lists.CARDS:
        number = order(anna, provider)
        invoice = api.post("checkouts/act", provider=provider, checkout=number, action="decline")["checkout"]
        assert invoice["deliveries"], provider
    control.payments.idle(20)


def test_a_dispute_is_opened_and_lost(
    api: Api, control: Stack, owner: Owner, anna: Chat, order: Callable[..., str]
) -> None:
    number = order(anna, "stripe")
    api.post("checkouts/act", provider="stripe", checkout=number, action="pay")
    eventually(lambda: _bonus(owner, anna), 20)
    assert "no dispute" in api.refused(
        "checkouts/act", provider="stripe", checkout=number, action="lose_dispute"
    )
    for action in ("dispute", "lose_dispute"):
        invoice = api.post("checkouts/act", provider="stripe", checkout=number, action=action)["checkout"]
        control.payments.idle(20)
    titles = [api.get(f"deliveries/{one}")["title"] for one in invoice["deliveries"]]
    assert titles[-1] == "Stripe: charge.dispute.closed"
    assert control.payments["stripe"].disputes[-1]["status"] == "lost"  # type: ignore[attr-defined]


@pytest.mark.parametrize(("body", "words"), [
    ({"provider": "stripe", "checkout": "no", "action": "pay"}, "no such checkout"),
    ({"provider": "bank", "checkout": "no", "action": "pay"}, "no payment provider"),
])  # fmt: skip
def test_an_unknown_checkout_is_refused(api: Api, body: Any, words: str) -> None:
    assert words in api.refused("checkouts/act", **body)


def test_an_unknown_action_is_refused(api: Api, anna: Chat, order: Callable[..., str]) -> None:
    number = order(anna, "stripe")
    for action in ("__init__", "send", "steal", ""):
        assert "no button" in api.refused("checkouts/act", provider="stripe", checkout=number, action=action)


def _bonus(owner: Owner, chat: Chat) -> int:
    return int(owner("select bonus_credits from users where telegram_id = %s", chat.id)[0]["bonus_credits"])
