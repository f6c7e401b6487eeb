"""Crypto Pay: invoices in fiat currencies, lost responses, and expiries without webhooks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from shared.payments.events import EventKind
from shared.payments.provider import Checkout, InvalidSignature, Order, PaymentError
from shared.payments.providers import load
from tests.payments.conftest import Shop, body_of
from tests.payments.orders import TIMEOUT, order
from tests.payments.recorded.crypto_pay.sample import Sample
from tools.emulator.payments import NotPossible
from tools.emulator.web import Response

SAMPLE = Sample()


@pytest.fixture
def provider() -> Any:
    return load("crypto_pay")


@pytest.fixture
def keys(environment: Callable[..., None]) -> None:
    environment(**SAMPLE.ENV)


def bought(shop: Shop, action: str = "pay", **changed: Any) -> tuple[Order, Checkout]:
    made = order(**changed)
    checkout = load("crypto_pay").create(made, TIMEOUT)
    shop.registry.press(checkout.url, action)
    return made, checkout


def test_a_payment_is_reported_and_can_be_fetched(shop: Shop, provider: Any) -> None:
    made = order()
    checkout = provider.create(made, TIMEOUT)
    assert provider.fetch(made.id, checkout.reference, TIMEOUT) == ()
    shop.registry.press(checkout.url, "pay")
    paid = shop.wait_for_events(1)[0]
    assert (paid["kind"], paid["order_id"], paid["payment_id"]) == (
        EventKind.PAID,
        made.id,
        checkout.reference,
    )
    assert (Decimal(paid["amount"]), paid["currency"]) == (Decimal(299), "RUB")
    assert [one.to_json() for one in provider.fetch(made.id, checkout.reference, TIMEOUT)] == [paid]


@pytest.mark.parametrize(
    ("action", "amount"), [("wrong_amount", 149), ("pay_later", 299), ("deliver_twice", 299)]
)
def test_every_operation_is_reported(shop: Shop, action: str, amount: int) -> None:
    bought(shop, action)
    count = 2 if action == "deliver_twice" else 1
    assert {Decimal(one["amount"]) for one in shop.wait_for_events(count)} == {Decimal(amount)}
    assert len({event.key for event in shop.events}) == 1


def test_an_expiry_is_not_reported_and_is_fetched(shop: Shop, provider: Any) -> None:
    made, checkout = bought(shop, "expire")
    asked = provider.fetch(made.id, checkout.reference, TIMEOUT)
    assert [(one.kind, one.order_id) for one in asked] == [(EventKind.CANCELED, made.id)]
    del shop.fake_server("crypto_pay").invoices[checkout.reference]
    asked = provider.fetch(made.id, checkout.reference, TIMEOUT)
    assert [(one.kind, one.reason) for one in asked] == [(EventKind.CANCELED, "deleted")]
    assert not shop.calls


def test_a_forged_webhook_is_rejected(shop: Shop) -> None:
    bought(shop, "forge")
    assert shop.fake_server("crypto_pay").callbacks.idle(20)
    assert [type(error) for error in shop.refused] == [InvalidSignature]
    assert not shop.events


def test_there_are_no_refunds_and_no_declined_payments(shop: Shop) -> None:
    made = order()
    checkout = load("crypto_pay").create(made, TIMEOUT)
    for action in ("refund", "decline"):
        with pytest.raises(NotPossible):
            shop.registry.press(checkout.url, action)


def test_an_invoice_is_found_after_a_lost_response(shop: Shop, provider: Any) -> None:
    fake_server: Any = shop.fake_server("crypto_pay")
    provider.create(order(), TIMEOUT)
    fake_server.lose_answers = 1
    made = order()
    checkout = provider.create(made, TIMEOUT)
    assert fake_server.invoices[checkout.reference].object["payload"] == str(made.id)
    assert len(fake_server.invoices) == 2
    fake_server.lose_answers = 2
    with pytest.raises(PaymentError, match="502") as failed:
        provider.create(order(), TIMEOUT)
    assert not failed.value.not_executed


def test_a_refused_invoice_is_not_searched_for(provider: Any, keys: None, answers: dict[str, Any]) -> None:
    answers["/api/createInvoice"] = Response(503, b"")
    answers["/api/getInvoices"] = {"ok": True, "result": {"items": [{"payload": "1"}, 7, {}]}}
    with pytest.raises(PaymentError, match="503"):
        provider.create(order(), TIMEOUT)
    answers["/api/createInvoice"] = {"ok": False, "error": {"code": 400, "name": "FIAT_INVALID"}}
    with pytest.raises(PaymentError, match="FIAT_INVALID") as refused:
        provider.create(order(), TIMEOUT)
    assert refused.value.not_executed
    answers["/api/createInvoice"] = {"ok": True, "result": {"invoice_id": 7}}
    with pytest.raises(PaymentError, match="without an address"):
        provider.create(order(), TIMEOUT)


def test_a_wrong_token_is_refused(shop: Shop, provider: Any, environment: Callable[..., None]) -> None:
    environment(CRYPTO_PAY_TOKEN="12345:AAanother")
    with pytest.raises(PaymentError, match="401: UNAUTHORIZED") as refused:
        provider.create(order(), TIMEOUT)
    assert refused.value.not_executed


@pytest.mark.parametrize(("left", "seconds"), [(7200, 7200), (-5, 60), (10**8, 2_678_400), (None, 2_678_400)])
def test_an_invoice_expires_with_its_order(shop: Shop, provider: Any, left: int | None, seconds: int) -> None:
    expires_at = None if left is None else datetime.now(UTC) + timedelta(seconds=left)
    checkout = provider.create(order(expires_at=expires_at), TIMEOUT)
    invoice = shop.fake_server("crypto_pay").invoices[checkout.reference].object
    lives = datetime.fromisoformat(invoice["expiration_date"]) - datetime.now(UTC)
    assert abs(lives.total_seconds() - seconds) < 60


def test_coins_of_the_test_network_are_test_money(provider: Any, environment: Callable[..., None]) -> None:
    call = SAMPLE.sign(body_of(dict(SAMPLE.recorded())["invoice_paid"]))
    environment(**SAMPLE.ENV)
    assert not provider.parse(call).payment_events[0].is_test
    environment(CRYPTO_PAY_API_URL="https://testnet-pay.crypt.bot")
    assert provider.parse(call).payment_events[0].is_test


def test_a_webhook_that_fails_for_days_is_switched_off(shop: Shop) -> None:
    shop.status = 500
    bought(shop)
    fake_server: Any = shop.fake_server("crypto_pay")
    assert fake_server.callbacks.idle(60)
    assert (len(fake_server.callbacks.attempts), fake_server.is_webhook_on) == (17, False)
    shop.status = None
    bought(shop)
    assert fake_server.callbacks.idle(5)
    assert not shop.events
