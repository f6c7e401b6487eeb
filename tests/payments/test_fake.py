"""The fake provider: every operation, and only in development and tests."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from shared.core.errors import ConfigError
from shared.payments.events import EventKind
from shared.payments.provider import MAX_BODY, InvalidPayload, InvalidSignature, PaymentError, WebhookRequest
from shared.payments.providers import configured, load
from tests.payments.conftest import Shop
from tests.payments.orders import TIMEOUT, order
from tests.support import eventually

ENV = {
    "FAKE_SECRET_KEY": "fake-secret-of-tests",
    "FAKE_API_URL": "http://127.0.0.1:1",
    "ENVIRONMENT": "development",
}
EVENT = {"id": "event-1", "type": "paid", "events": [{"kind": "paid", "payment_id": "p", "amount": "1"}]}


@pytest.fixture
def provider(environment: Callable[..., None]) -> Any:
    environment(**ENV)
    return load("fake")


@pytest.fixture
def fake_shop(shop: Shop, environment: Callable[..., None]) -> Shop:
    environment(ENVIRONMENT="development")
    return shop


def signed(body: bytes, secret: str = "fake-secret-of-tests") -> WebhookRequest:
    signature = hmac.digest(secret.encode(), body, "sha256").hex()
    return WebhookRequest("", "POST", {"x-fake-signature": signature}, body)


def test_it_is_not_configured_outside_development(provider: Any, environment: Callable[..., None]) -> None:
    call = signed(json.dumps(EVENT).encode())
    provider.verify(call)
    assert "fake" in configured()
    for elsewhere in ("production", "staging"):
        environment(ENVIRONMENT=elsewhere)
        assert not provider.is_configured()
        assert "fake" not in configured()
        with pytest.raises(InvalidSignature, match="development"):
            provider.verify(call)
    environment(ENVIRONMENT="test")
    assert provider.is_configured()


def test_only_signed_bodies_are_authentic(provider: Any, environment: Callable[..., None]) -> None:
    call = signed(json.dumps(EVENT).encode())
    for other in (
        signed(call.body, "another"),
        WebhookRequest("", "POST", call.headers, call.body + b" "),
        WebhookRequest("", "POST", {}, call.body),
        WebhookRequest("", "POST", {"x-fake-signature": "\udce9\ud800"}, call.body),
        signed(b"x" * (MAX_BODY + 1)),
    ):
        with pytest.raises(InvalidSignature):
            provider.verify(other)
    environment(FAKE_SECRET_KEY="new-secret-of-tests, fake-secret-of-tests")
    provider.verify(call)
    environment(FAKE_SECRET_KEY="")
    with pytest.raises(ConfigError):
        provider.verify(signed(call.body, ""))


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"\xff", b"{}", b'{"id": 1.5}', b'{"id": "1", "events": [{"kind": "?"}]}']
)
def test_a_body_without_an_event_is_an_invalid_payload(provider: Any, body: bytes) -> None:
    provider.verify(signed(body))
    with pytest.raises(InvalidPayload):
        provider.parse(signed(body))


def test_a_purchase_from_checkout_to_refund(fake_shop: Shop) -> None:
    provider = load("fake")
    made = order()
    checkout = provider.create(made, TIMEOUT)
    assert provider.create(made, TIMEOUT) == checkout
    fake_shop.registry.press(checkout.url, "pay")
    (paid,) = fake_shop.wait_for_events(1)
    assert paid["is_test"] and (paid["order_id"], paid["amount"]) == (made.id, "299.00")

    refund = provider.refund(
        paid["payment_id"], Decimal("99.00"), "RUB", key="r", telegram_id=1, timeout=TIMEOUT
    )
    assert refund is not None
    event = fake_shop.wait_for_events(2)[1]
    assert (event["kind"], event["operation_id"], event["amount"]) == (
        "refunded",
        refund.operation_id,
        "99.00",
    )
    found = provider.fetch(made.id, checkout.reference, TIMEOUT)
    assert [payment_event.kind for payment_event in found] == [EventKind.PAID, EventKind.REFUNDED]


def test_a_subscription_renews_until_it_is_canceled(fake_shop: Shop) -> None:
    provider = load("fake")
    checkout = provider.create(order(period="year"), TIMEOUT)
    for action in ("pay", "renew", "fail_renewal"):
        fake_shop.registry.press(checkout.url, action)
        assert fake_shop.registry.idle(20)
    first, second, failed = fake_shop.wait_for_events(3)
    assert first["subscription_id"] == second["subscription_id"] == failed["subscription_id"]
    assert second["period_ends_at"] > first["period_ends_at"]
    provider.cancel_subscription(first["subscription_id"], 1, TIMEOUT)
    assert fake_shop.wait_for_events(4)[3]["kind"] == "subscription_canceled"


@pytest.mark.parametrize(
    ("action", "kinds"), [("pay_later", ["paid", "failed"]), ("deliver_twice", ["paid", "paid"])]
)
def test_other_actions_of_a_payer_are_reported(fake_shop: Shop, action: str, kinds: list[str]) -> None:
    fake_shop.registry.press(load("fake").create(order(), TIMEOUT).url, action)
    assert [payment_event["kind"] for payment_event in fake_shop.wait_for_events(len(kinds))] == kinds


def test_a_forged_event_is_rejected(fake_shop: Shop) -> None:
    fake_shop.registry.press(load("fake").create(order(), TIMEOUT).url, "forge")
    eventually(lambda: fake_shop.refused, 20)
    assert not fake_shop.events


def test_a_refusal_is_not_executed(fake_shop: Shop, environment: Callable[..., None]) -> None:
    environment(FAKE_SECRET_KEY="wrong-secret-of-tests")
    with pytest.raises(PaymentError) as refused:
        load("fake").create(order(), TIMEOUT)
    assert refused.value.not_executed
