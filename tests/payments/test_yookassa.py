"""YooKassa: only its API proves a webhook; receipts, saved methods, refunds."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from shared.payments.events import EventKind
from shared.payments.provider import Checkout, InvalidSignature, Order, PaymentError, Receipt, WebhookRequest
from shared.payments.providers import load, yookassa
from tests.payments.conftest import Shop
from tests.payments.orders import TIMEOUT, order
from tests.payments.recorded.yookassa.sample import Sample
from tests.payments.sample import VECTORS
from tests.support import in_parallel
from tools.emulator.payments import NotPossible
from tools.emulator.web import Response, json_response

SAMPLE = Sample()
CASE = dict(SAMPLE.recorded())["payment_succeeded"]
PAYMENT = CASE["body"]["object"]
PATH = f"/v3/payments/{PAYMENT['id']}"
THEIRS = "185.71.76.5"


@pytest.fixture
def provider() -> Any:
    return load("yookassa")


@pytest.fixture
def keys(environment: Callable[..., None]) -> None:
    environment(**SAMPLE.ENV)


def bought(shop: Shop, action: str = "pay", **changed: Any) -> tuple[Order, Checkout]:
    made = order(**changed)
    checkout = load("yookassa").create(made, TIMEOUT)
    shop.registry.press(checkout.url, action)
    return made, checkout


def notification(event: str, found: Any, address: str = "") -> WebhookRequest:
    body = json.dumps({"type": "notification", "event": event, "object": found}).encode()
    return WebhookRequest("", "POST", {}, body, client_address=address)


# Addresses.


@pytest.mark.parametrize("address", [*VECTORS["yookassa_ip"]["trusted"], "::ffff:185.71.76.1", ""])
def test_yookassas_networks_and_an_unknown_address_are_accepted(
    provider: Any, keys: None, address: str
) -> None:
    provider.verify(notification("payment.succeeded", PAYMENT, address))


@pytest.mark.parametrize(
    "address",
    [
        *VECTORS["yookassa_ip"]["untrusted"],
        "::ffff:127.0.0.1",
        "unknown",
        "185.71.76.1, 1.2.3.4",
        "é",
        "\ud800",
    ],
)
def test_other_addresses_are_rejected(provider: Any, keys: None, address: str) -> None:
    with pytest.raises(InvalidSignature):
        provider.verify(notification("payment.succeeded", PAYMENT, address))


# Webhooks.


@pytest.mark.parametrize(
    "number",
    [
        None,
        "",
        7,
        "22d6d597-000f-5000-9000-145f6df21d6",
        "22d6d597-000f-5000-9000-145f6df21d6f/../x",
        "../../v3/payments",
        "22D6D597-000F-5000-9000-145F6DF21D6F",
        "22d6d597-000f-5000-9000-145f6df21d6f\n",
        "http://evil.example/",
    ],
)
def test_an_id_of_another_form_is_not_fetched(
    provider: Any, keys: None, answers: dict[str, Any], number: Any
) -> None:
    for address in (THEIRS, ""):
        with pytest.raises(InvalidSignature, match="not an id"):
            provider.parse(notification("payment.succeeded", PAYMENT | {"id": number}, address))


@pytest.mark.parametrize("address", [THEIRS, ""])
def test_an_unknown_object_or_one_of_another_shop_is_not_authentic(
    provider: Any, keys: None, answers: dict[str, Any], address: str
) -> None:
    call = notification("payment.succeeded", PAYMENT, address)
    with pytest.raises(InvalidSignature, match="does not know the object"):
        provider.parse(call)
    answers[PATH] = PAYMENT | {"recipient": {"account_id": "999"}}
    with pytest.raises(InvalidSignature, match="another shop"):
        provider.parse(call)


def test_a_response_with_another_object_is_a_payment_error(
    provider: Any, keys: None, answers: dict[str, Any]
) -> None:
    answers[PATH] = PAYMENT | {"id": "22d6d597-000f-5000-9000-000000000000"}
    with pytest.raises(PaymentError, match="another object"):
        provider.parse(notification("payment.succeeded", PAYMENT))


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[", b'{"type": "notification"}', b'{"event": "payment.succeeded"}']
)
def test_a_body_without_a_notification_is_not_authentic(provider: Any, keys: None, body: bytes) -> None:
    for address in (THEIRS, ""):
        with pytest.raises(InvalidSignature, match="no notification"):
            provider.parse(WebhookRequest("", "POST", {}, body, client_address=address))


def test_an_event_before_its_state_is_retried_and_uses_no_key(
    provider: Any, keys: None, answers: dict[str, Any]
) -> None:
    for state in ("pending", "waiting_for_capture"):
        answers[PATH] = PAYMENT | {"status": state}
        with pytest.raises(PaymentError, match="does not have the reported state"):
            provider.parse(notification("payment.succeeded", PAYMENT))
    answers[PATH] = PAYMENT | {"status": "canceled", "cancellation_details": {"reason": "fraud_suspected"}}
    event = provider.parse(notification("payment.succeeded", PAYMENT))
    assert event.key.startswith("payment.canceled:")
    assert event.payment_events[0].kind is EventKind.FAILED


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_without_a_response_nothing_is_recorded(
    provider: Any, keys: None, answers: dict[str, Any], status: int
) -> None:
    answers[PATH] = json_response({"type": "error", "code": "internal_server_error"}, status)
    with pytest.raises(PaymentError, match=f"{status}: internal_server_error"):
        provider.parse(notification("payment.succeeded", PAYMENT))


def test_a_connection_failure_is_a_payment_error(
    provider: Any, keys: None, environment: Callable[..., None]
) -> None:
    environment(YOOKASSA_API_URL="http://127.0.0.1:9")
    with pytest.raises(PaymentError, match="did not answer"):
        provider.parse(notification("payment.succeeded", PAYMENT))


@pytest.mark.parametrize("kind", ["payout.succeeded", "deal.closed", "payment_method.active"])
def test_other_events_fetch_nothing(provider: Any, keys: None, kind: str) -> None:
    first, second = (
        provider.parse(notification(kind, {"id": number}, THEIRS)) for number in ("po-1", "po-2")
    )
    assert first.key != second.key
    assert [payment_event.kind for payment_event in first.payment_events] == [EventKind.OTHER]
    with pytest.raises(InvalidSignature, match="nothing proves"):
        provider.parse(notification(kind, {"id": "po-1"}))


# Money.


def test_a_payment_is_reported_and_can_be_fetched(shop: Shop, provider: Any) -> None:
    made = order()
    checkout = provider.create(made, TIMEOUT)
    assert provider.fetch(made.id, checkout.reference, TIMEOUT) == ()
    shop.registry.press(checkout.url, "pay")
    paid = shop.wait_for_events(1)[0]
    assert (paid["kind"], paid["order_id"], paid["amount"]) == (EventKind.PAID, made.id, "299.00")
    assert (paid["payment_id"], paid["is_test"]) == (checkout.reference, True)
    assert "saved_method" not in paid
    assert [one.to_json() for one in provider.fetch(made.id, checkout.reference, TIMEOUT)] == [paid]
    assert shop.calls[0].client_address == "185.71.76.5"


@pytest.mark.parametrize(
    ("action", "kinds"),
    [
        ("wrong_amount", [("paid", "149.00")]),
        ("decline", [("failed", None)]),
        ("expire", [("canceled", None)]),
        ("pay_later", [("paid", "299.00"), ("paid", "299.00")]),
    ],
)
def test_every_operation_is_reported(shop: Shop, action: str, kinds: list[tuple[str, str | None]]) -> None:
    made, _ = bought(shop, action)
    found = shop.wait_for_events(len(kinds))
    assert [(one["kind"], one.get("amount")) for one in found] == kinds
    assert {one["order_id"] for one in found} == {made.id}
    assert len({event.key for event in shop.events}) == 1  # a webhook of an earlier state has the current one


def test_a_forged_webhook_is_rejected(shop: Shop) -> None:
    bought(shop, "forge")
    assert shop.fake_server("yookassa").callbacks.idle(20)
    assert sorted(type(error).__name__ for error in shop.refused) == ["InvalidSignature", "PaymentError"]
    assert not shop.events


def test_another_status_than_200_is_retried(shop: Shop) -> None:
    shop.status = 202
    bought(shop)
    assert shop.fake_server("yookassa").callbacks.idle(30)
    assert [one["attempt"] for one in shop.fake_server("yookassa").callbacks.attempts] == list(range(1, 9))


def test_the_same_order_gets_the_same_payment(shop: Shop, provider: Any) -> None:
    made = order(idempotency_key="order: 4200 / ключ, much too long for the header" * 3)
    first = provider.create(made, TIMEOUT)
    assert {one.url for one in in_parallel(5, lambda _: provider.create(made, TIMEOUT))} == {first.url}
    assert len(shop.fake_server("yookassa").invoices) == 1
    shop.registry.press(first.url, "pay")
    assert provider.create(made, TIMEOUT) == first  # the first response again


def test_a_payment_without_a_page_is_an_error(provider: Any, keys: None, answers: dict[str, Any]) -> None:
    answers["/v3/payments"] = PAYMENT
    with pytest.raises(PaymentError, match="without an address"):
        provider.create(order(), TIMEOUT)
    answers["/v3/payments"] = PAYMENT | {
        "id": "?",
        "confirmation": {"confirmation_url": "https://yookassa.ru/"},
    }
    with pytest.raises(PaymentError, match="invalid response"):
        provider.create(order(), TIMEOUT)
    answers["/v3/payments"] = Response(500, b"")
    with pytest.raises(PaymentError) as failed:
        provider.create(order(), TIMEOUT)
    assert not failed.value.not_executed


# Receipts (54-FZ).


@pytest.mark.parametrize(
    ("contact", "customer"),
    [
        ("anna@example.com", {"email": "anna@example.com"}),
        ("+7 (999) 123-45-67", {"phone": "79991234567"}),
    ],
)
def test_payment_and_refund_have_a_receipt(
    shop: Shop,
    provider: Any,
    environment: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    contact: str,
    customer: dict[str, str],
) -> None:
    environment(RECEIPT_TAX_SYSTEM="2", RECEIPT_VAT_CODE="4")
    asked: list[dict[str, Any]] = []
    fake_server = shop.fake_server("yookassa")
    answer = fake_server.api

    def listening(request: Any, path: str) -> Any:
        if request.method == "POST":
            asked.append(request.json())
        return answer(request, path)

    monkeypatch.setattr(fake_server, "api", listening)
    made, checkout = bought(shop, contact=contact)
    shop.wait_for_events(1)
    receipt = Receipt(contact, made.title)
    provider.refund(
        checkout.reference, Decimal(100), "RUB", key="r", telegram_id=1, timeout=TIMEOUT, receipt=receipt
    )
    for body, amount in zip(asked, ("299.00", "100.00"), strict=True):
        assert body["receipt"]["customer"] == customer
        assert body["receipt"]["tax_system_code"] == 2
        (item,) = body["receipt"]["items"]
        assert (item["description"], item["vat_code"]) == (made.title, 4)
        assert item["amount"] == {"value": amount, "currency": "RUB"} == body["amount"]


@pytest.mark.parametrize("settings", [{"RECEIPT_VAT_CODE": "13"}, {"RECEIPT_TAX_SYSTEM": "9"}])
def test_an_invalid_receipt_is_refused(
    shop: Shop, provider: Any, environment: Callable[..., None], settings: dict[str, str]
) -> None:
    environment(**settings)
    with pytest.raises(PaymentError, match=r"400: invalid_request receipt") as refused:
        provider.create(order(contact="anna@example.com"), TIMEOUT)
    assert refused.value.not_executed
    assert not shop.fake_server("yookassa").invoices


def test_an_invalid_contact_is_refused(shop: Shop, provider: Any) -> None:
    with pytest.raises(PaymentError, match=r"receipt\.customer"):
        provider.create(order(contact="Анна"), TIMEOUT)


# Saved methods.


def test_a_saved_method_is_charged(shop: Shop, provider: Any) -> None:
    _, checkout = bought(shop, period="month")
    saved = shop.wait_for_events(1)[0]["saved_method"]
    next_one = order(period="month")
    payment_event = provider.charge_saved_method(next_one, saved, TIMEOUT)
    assert (payment_event.kind, payment_event.order_id, payment_event.amount) == (
        EventKind.PAID,
        next_one.id,
        Decimal("299.00"),
    )
    assert payment_event.saved_method == saved
    assert provider.charge_saved_method(next_one, saved, TIMEOUT) == payment_event
    assert shop.wait_for_events(2)[1]["payment_id"] == payment_event.payment_id
    shop.registry.press(checkout.url, "fail_renewal")
    refused = provider.charge_saved_method(order(period="month"), saved, TIMEOUT)
    assert (refused.kind, refused.reason) == (EventKind.FAILED, "insufficient_funds")
    shop.registry.press(checkout.url, "mend_renewal")
    assert provider.charge_saved_method(order(period="month"), saved, TIMEOUT).kind is EventKind.PAID
    shop.registry.press(checkout.url, "remove_method")
    removed = provider.charge_saved_method(order(period="month"), saved, TIMEOUT)
    assert (removed.kind, removed.reason) == (EventKind.CANCELED, "permission_revoked")


def test_a_charge_that_is_refused_before_an_attempt_is_a_refusal(shop: Shop, provider: Any) -> None:
    made = order()
    unknown = provider.charge_saved_method(made, "22d6d597-000f-5000-9000-000000000000", TIMEOUT)
    assert (unknown.kind, unknown.payment_id, unknown.order_id) == (EventKind.CANCELED, None, made.id)
    bought(shop, period="month")
    saved = shop.wait_for_events(1)[0]["saved_method"]
    wrong = provider.charge_saved_method(order(contact="Анна"), saved, TIMEOUT)
    assert (wrong.kind, wrong.payment_id) == (EventKind.FAILED, None)
    assert wrong.reason == "contact_refused"
    with pytest.raises(PaymentError, match="Idempotence-Key"):  # the key was used for an attempt
        provider.create(order(idempotency_key="used", id=made.id), TIMEOUT)
        provider.charge_saved_method(order(idempotency_key="used"), saved, TIMEOUT)


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_an_open_outcome_is_not_a_refusal(
    provider: Any, keys: None, answers: dict[str, Any], status: int
) -> None:
    answers["/v3/payments"] = json_response({"type": "error", "code": "internal_server_error"}, status)
    with pytest.raises(PaymentError, match=str(status)):
        provider.charge_saved_method(order(), PAYMENT["id"], TIMEOUT)


def test_a_charge_with_a_lost_response_is_repeated_or_searched_for(shop: Shop, provider: Any) -> None:
    before = datetime.now(UTC) - timedelta(minutes=1)
    bought(shop, period="month")
    saved = shop.wait_for_events(1)[0]["saved_method"]
    fake_server: Any = shop.fake_server("yookassa")
    made = order()
    assert provider.find_charge(made.id, before, TIMEOUT) is None
    fake_server.unsure = 1
    with pytest.raises(PaymentError, match="500") as failed:
        provider.charge_saved_method(made, saved, TIMEOUT)
    assert not failed.value.not_executed
    paid = provider.charge_saved_method(made, saved, TIMEOUT)
    assert paid.kind is EventKind.PAID
    assert provider.find_charge(made.id, before, TIMEOUT) == paid
    assert provider.find_charge(made.id, datetime.now(UTC) + timedelta(minutes=1), TIMEOUT) is None
    charged = [
        invoice
        for invoice in fake_server.invoices.values()
        if invoice.object["metadata"]["order_id"] == str(made.id)
    ]
    assert len(charged) == 1
    # YooKassa forgets a key after a day: then only a search is safe.
    fake_server.clock.advance(86_401)
    assert provider.charge_saved_method(made, saved, TIMEOUT).payment_id != paid.payment_id


def test_all_pages_are_searched(shop: Shop, provider: Any) -> None:
    before = datetime.now(UTC) - timedelta(minutes=1)
    first, _ = bought(shop)
    for _ in range(101):
        provider.create(order(), TIMEOUT)
    found = provider.find_charge(first.id, before, TIMEOUT)
    assert (found.kind, found.order_id) == (EventKind.PAID, first.id)
    with pytest.raises(PaymentError, match="in time"):
        provider.find_charge(first.id, before, 0)


def test_a_single_payment_saves_no_method(shop: Shop, provider: Any) -> None:
    _, checkout = bought(shop)
    assert "saved_method" not in shop.wait_for_events(1)[0]
    with pytest.raises(NotPossible):
        shop.registry.press(checkout.url, "fail_renewal")
    assert provider.charge_saved_method(order(), checkout.reference, TIMEOUT).kind is EventKind.CANCELED


# Refunds.


def test_partial_refunds_are_made_once_each(shop: Shop, provider: Any) -> None:
    made, checkout = bought(shop)
    shop.wait_for_events(1)

    def give_back(amount: str, key: str) -> Any:
        return provider.refund(
            checkout.reference, Decimal(amount), "RUB", key=key, telegram_id=1, timeout=TIMEOUT
        )

    first = give_back("100.00", "one")
    assert (first.kind, first.payment_id, first.amount) == (
        EventKind.REFUNDED,
        checkout.reference,
        Decimal(100),
    )
    assert give_back("100.00", "one") == first
    with pytest.raises(PaymentError, match=r"amount\.value") as refused:
        give_back("200.00", "two")
    assert refused.value.not_executed
    give_back("199.00", "three")
    found = [one for one in shop.wait_for_events(3) if one["kind"] == EventKind.REFUNDED]
    assert sorted(one["amount"] for one in found) == ["100.00", "199.00"]
    asked = provider.fetch(made.id, checkout.reference, TIMEOUT)
    assert [one.kind for one in asked] == [EventKind.PAID, EventKind.REFUNDED, EventKind.REFUNDED]


def test_a_refund_in_the_cabinet_is_reported(shop: Shop) -> None:
    _, checkout = bought(shop)
    shop.wait_for_events(1)
    shop.registry.press(checkout.url, "refund")
    assert shop.wait_for_events(2)[1]["amount"] == "299.00"
    with pytest.raises(NotPossible):
        shop.registry.press(checkout.url, "refund")


def test_a_pending_refund_is_no_event(provider: Any, keys: None, answers: dict[str, Any]) -> None:
    case = dict(SAMPLE.recorded())["refund_succeeded"]["body"]["object"]
    answers["/v3/refunds"] = case | {"status": "pending"}
    arguments: Any = {"key": "k", "telegram_id": 1, "timeout": TIMEOUT}
    assert provider.refund(PAYMENT["id"], Decimal(1), "RUB", **arguments) is None
    answers["/v3/refunds"] = {"id": "?"}
    with pytest.raises(PaymentError, match="invalid response"):
        provider.refund(PAYMENT["id"], Decimal(1), "RUB", **arguments)


def test_the_state_of_a_pending_refund_is_fetched(provider: Any, keys: None, answers: dict[str, Any]) -> None:
    """A known key returns the first response, and no webhook reports that a refund was canceled."""
    case = dict(SAMPLE.recorded())["refund_succeeded"]["body"]["object"]
    answers["/v3/refunds"] = case | {"status": "pending"}
    arguments: Any = {"key": "k", "telegram_id": 1, "timeout": TIMEOUT}
    for state, kind in (("succeeded", "refunded"), ("canceled", "refund_failed")):
        answers[f"/v3/refunds/{case['id']}"] = case | {"status": state}
        result = provider.refund(PAYMENT["id"], Decimal(1), "RUB", **arguments)
        assert (result.kind, result.operation_id) == (kind, case["id"])
    answers[f"/v3/refunds/{case['id']}"] = case | {"status": "pending"}
    assert provider.refund(PAYMENT["id"], Decimal(1), "RUB", **arguments) is None


@pytest.mark.parametrize(
    ("reason", "is_final"),
    [
        ("card_expired", True),
        ("fraud_suspected", True),
        ("invalid_card_number", True),
        ("permission_revoked", True),
        ("insufficient_funds", False),
        ("general_decline", False),
        ("issuer_unavailable", False),
        ("internal_timeout", False),
        ("call_issuer", False),
    ],
)
def test_final_reasons_of_a_refusal(reason: str, is_final: bool) -> None:
    payment = {
        "id": "22d6d597-000f-5000-9000-145f6df21d6f",
        "status": "canceled",
        "amount": {"value": "1.00", "currency": "RUB"},
        "cancellation_details": {"party": "payment_network", "reason": reason},
    }
    assert yookassa._payment_event(payment).is_final is is_final
