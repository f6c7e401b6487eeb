"""CloudPayments: two signatures, the pre-payment check, orders, refunds, subscriptions."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as given_settings
from hypothesis import strategies as st

from shared.core.errors import ConfigError
from shared.payments.events import EventKind
from shared.payments.provider import (
    Checkout,
    InvalidPayload,
    InvalidSignature,
    Order,
    PaymentError,
    PrecheckResult,
    Receipt,
    WebhookRequest,
)
from shared.payments.providers import load
from tests.payments.conftest import Shop, body_of
from tests.payments.orders import TIMEOUT, order
from tests.payments.recorded.cloudpayments.sample import Sample, mac
from tests.support import eventually, examples
from tools.emulator.payments import NotPossible
from tools.emulator.web import Response, json_response

SAMPLE = Sample()
SECRET = SAMPLE.ENV["CLOUDPAYMENTS_API_SECRET"]
FORM = {"content-type": "application/x-www-form-urlencoded"}
PAID = {"TransactionId": 1, "Amount": "10.00", "Currency": "RUB", "Status": "Completed"}


@pytest.fixture
def provider() -> Any:
    return load("cloudpayments")


@pytest.fixture
def keys(environment: Callable[..., None]) -> None:
    environment(**SAMPLE.ENV)


def bought(shop: Shop, action: str = "pay", **changed: Any) -> tuple[Order, Checkout]:
    made = order(**changed)
    checkout = load("cloudpayments").create(made, TIMEOUT)
    shop.registry.press(checkout.url, action)
    return made, checkout


def of_kind(shop: Shop, kind: str) -> list[dict[str, Any]]:
    return [
        payment_event.to_json()
        for event in list(shop.events)
        if event.type == kind
        for payment_event in event.payment_events
    ]


# Signatures.


@given(text=st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=40))
@given_settings(
    max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_each_header_signs_its_own_form_of_the_body(keys: None, text: str) -> None:
    provider = load("cloudpayments")
    body = f"TransactionId=1&Description={quote(text)}".encode()
    plain = f"TransactionId=1&Description={text}".encode()
    for headers in (
        {"content-hmac": mac(SECRET, body)},
        {"x-content-hmac": mac(SECRET, plain)},
        {"content-hmac": "wrong", "x-content-hmac": mac(SECRET, plain)},
    ):
        provider.verify(WebhookRequest("pay", "POST", FORM | headers, body))
    if plain != body:
        for headers in (
            {"x-content-hmac": mac(SECRET, body)},
            {"content-hmac": mac(SECRET, plain)},
        ):
            with pytest.raises(InvalidSignature):
                provider.verify(WebhookRequest("pay", "POST", FORM | headers, body))


def test_a_get_request_is_signed_by_its_query(keys: None, provider: Any) -> None:
    query = urlencode(PAID | {"Description": "Оплата + чек"}).encode()
    call = WebhookRequest("pay", "GET", {"content-hmac": mac(SECRET, query)}, b"", query)
    provider.verify(call)
    assert provider.parse(call).payment_events[0].amount == Decimal("10.00")
    with pytest.raises(InvalidSignature):
        provider.verify(WebhookRequest("pay", "GET", call.headers, query, b""))
    with pytest.raises(InvalidSignature):
        provider.verify(WebhookRequest("pay", "POST", call.headers, b"", query))


def test_a_json_body_is_not_url_decoded(keys: None, provider: Any) -> None:
    body = json.dumps(PAID | {"Description": "50%25 + 1"}).encode()
    headers = {"content-type": "application/json; charset=utf-8", "x-content-hmac": mac(SECRET, body)}
    provider.verify(WebhookRequest("pay", "POST", headers, body))


def test_a_body_that_is_not_utf8_is_an_invalid_payload(keys: None, provider: Any) -> None:
    body = "TransactionId=1&Amount=1&Currency=RUB&Description=%CE%EF".encode("ascii")
    call = WebhookRequest("pay", "POST", FORM | {"content-hmac": mac(SECRET, body)}, body)
    provider.verify(call)
    with pytest.raises(InvalidPayload, match="UTF-8"):
        provider.parse(call)


def test_requests_use_the_current_secret(environment: Callable[..., None], provider: Any) -> None:
    environment(CLOUDPAYMENTS_API_SECRET=" new , old ")
    assert provider.secrets("CLOUDPAYMENTS_API_SECRET") == ("new", "old")


# Payloads.


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"TransactionId": ""}, "TransactionId"),
        ({"TransactionId": "1;2"}, "TransactionId"),
        ({"Amount": ""}, "Amount"),
        ({"Amount": "-1"}, "Amount"),
        ({"Amount": "1e3"}, "Amount"),
        ({"Amount": "NaN"}, "Amount"),
        ({"Amount": "1,5"}, "Amount"),
        ({"Currency": ""}, "Currency"),
    ],
)
def test_an_undocumented_value_is_an_invalid_payload(
    keys: None, provider: Any, change: dict[str, str], reason: str
) -> None:
    with pytest.raises(InvalidPayload, match=reason):
        provider.parse(SAMPLE.sign(urlencode(PAID | change).encode()))


def test_a_refund_without_its_payment_is_an_invalid_payload(keys: None, provider: Any) -> None:
    body = urlencode(PAID | {"OperationType": "Refund"}).encode()
    with pytest.raises(InvalidPayload, match="PaymentTransactionId"):
        provider.parse(SAMPLE.sign(body, case={"kind": "refund"}))


def test_too_many_fields_are_an_invalid_payload(keys: None, provider: Any) -> None:
    body = urlencode({**PAID, **{f"field{number}": 1 for number in range(300)}}).encode()
    with pytest.raises(InvalidPayload, match="too many"):
        provider.parse(SAMPLE.sign(body))


@pytest.mark.parametrize("invoice", ["", "order-42", "042x", "4 2", "42\n", "9" * 30, "-1"])
def test_a_foreign_order_number_gives_a_payment_without_an_order(
    keys: None, provider: Any, invoice: str
) -> None:
    payment_event = provider.parse(
        SAMPLE.sign(urlencode(PAID | {"InvoiceId": invoice}).encode())
    ).payment_events[0]
    assert (payment_event.kind, payment_event.order_id) == (EventKind.PAID, None)


# Responses.


def test_only_success_has_code_zero(keys: None, provider: Any) -> None:
    for kind in provider.WEBHOOK_KINDS:
        call = SAMPLE.sign(SAMPLE.paid(), case={"kind": kind})
        assert json.loads(provider.success_response(call).body) == {"code": 0}
        assert json.loads(provider.retry_response(call).body)["code"] != 0
        assert json.loads(provider.rejection_response(call).body)["code"] != 0


@pytest.mark.parametrize(
    ("result", "code"),
    [
        (PrecheckResult.PAYABLE, 0),
        (PrecheckResult.UNKNOWN_ORDER, 10),
        (PrecheckResult.WRONG_PAYER, 11),
        (PrecheckResult.WRONG_AMOUNT, 12),
        (PrecheckResult.PAID, 13),
        (PrecheckResult.EXPIRED, 20),
    ],
)
def test_check_returns_the_code_of_the_result(
    keys: None, provider: Any, result: PrecheckResult, code: int
) -> None:
    call = SAMPLE.sign(SAMPLE.paid(), case={"kind": "check"})
    assert call.kind in provider.PRECHECK_KINDS
    reply = provider.precheck_response(call, result)
    assert (reply.status, json.loads(reply.body)) == (200, {"code": code})


def test_check_declines_with_status_200_when_the_database_is_down(keys: None, provider: Any) -> None:
    reply = provider.retry_response(SAMPLE.sign(SAMPLE.paid(), case={"kind": "check"}))
    assert (reply.status, json.loads(reply.body)) == (200, {"code": 13})
    assert provider.retry_response(SAMPLE.sign(SAMPLE.paid())).status == 503


# With the fake server.


@pytest.mark.parametrize(("style", "method"), [("form", "POST"), ("json", "POST"), ("form", "GET")])
def test_an_order_is_checked_paid_and_reported(shop: Shop, style: str, method: str) -> None:
    fake_server: Any = shop.fake_server("cloudpayments")
    fake_server.style, fake_server.method = style, method
    made, checkout = bought(shop)
    assert checkout.reference
    events = shop.wait_for_events(2)
    assert [event.type for event in shop.events] == ["check", "pay"]
    assert events[1] | {"happened_at": ""} == {
        "kind": "paid",
        "payment_id": events[1]["payment_id"],
        "order_id": made.id,
        "amount": "299.00",
        "currency": "RUB",
        "telegram_id": 777,
        "is_test": True,
        "happened_at": "",
    }


def test_the_same_key_returns_the_same_order(shop: Shop, provider: Any) -> None:
    made = order()
    assert provider.create(made, TIMEOUT) == provider.create(made, TIMEOUT)
    assert provider.create(order(), TIMEOUT) != provider.create(made, TIMEOUT)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"code": 10}', "order is unknown"),
        (b'{"code": 12}', "amount"),
        (b'{"code": 20}', "expired"),
        (b'{"code": "0"}', "no answer"),
        (b"OK", "no answer"),
    ],
)
def test_a_declined_check_prevents_the_charge(
    shop: Shop, provider: Any, monkeypatch: pytest.MonkeyPatch, body: bytes, words: str
) -> None:
    served = shop.handle

    def answer(request: Any) -> Response:
        return Response(200, body) if request.path.endswith("/check") else served(request)

    monkeypatch.setattr(shop, "handle", answer)

    made = order()
    checkout = provider.create(made, TIMEOUT)
    for action in ("pay", "decline"):
        with pytest.raises(NotPossible, match=words):
            shop.registry.press(checkout.url, action)
    assert not shop.events
    (declined,) = provider.fetch(made.id, checkout.reference, TIMEOUT)
    assert declined.kind is EventKind.FAILED


def test_a_declined_order_can_still_be_paid(shop: Shop) -> None:
    _, checkout = bought(shop, "decline")
    eventually(lambda: of_kind(shop, "fail"), 20)
    assert of_kind(shop, "fail")[0]["reason"] == "5051 InsufficientFunds"
    shop.registry.press(checkout.url, "pay")
    eventually(lambda: of_kind(shop, "pay"), 20)


def test_a_webhook_is_retried_until_code_zero(shop: Shop) -> None:
    _, checkout = bought(shop)
    shop.wait_for_events(2)
    shop.status = 503
    shop.registry.press(checkout.url, "refund")
    eventually(lambda: [call.kind for call in shop.calls].count("refund") >= 3, 20)
    shop.status = 200  # without a code
    before = len(shop.calls)
    eventually(lambda: len(shop.calls) > before + 1, 20)
    shop.status = None
    eventually(lambda: of_kind(shop, "refund"), 20)


def test_a_forged_payment_is_rejected(shop: Shop) -> None:
    bought(shop, "forge")
    eventually(lambda: shop.refused, 20)
    assert isinstance(shop.refused[0], InvalidSignature)
    assert not shop.events


def test_a_partial_payment_is_reported_with_its_amount(shop: Shop) -> None:
    bought(shop, "wrong_amount", amount=Decimal("300.00"))
    assert shop.wait_for_events(2)[1]["amount"] == "150.00"


def test_a_payment_may_be_reported_before_the_earlier_failure(shop: Shop) -> None:
    bought(shop, "pay_later")
    eventually(lambda: of_kind(shop, "fail"), 20)
    assert [event.type for event in shop.events if event.type != "check"] == ["pay", "fail"]


@pytest.mark.parametrize("contact", ["anna@example.com", "+79990001122"])
@pytest.mark.parametrize(("vat", "tax"), [("1", ""), ("4", "1"), ("11", "2"), ("12", "6")])
def test_a_receipt_is_valid_for_cloudkassir(
    shop: Shop, environment: Callable[..., None], contact: str, vat: str, tax: str
) -> None:
    environment(RECEIPT_VAT_CODE=vat, RECEIPT_TAX_SYSTEM=tax)
    _, checkout = bought(shop, amount=Decimal("1299.90"), contact=contact)
    invoice = shop.fake_server("cloudpayments").invoices[checkout.url.rpartition("/")[2]]
    (receipt,) = json.loads(invoice.object["JsonData"])["cloudPayments"].values()
    assert contact in (receipt.get("email"), receipt.get("phone"))
    assert receipt.get("taxationSystem") == (int(tax) - 1 if tax else None)
    assert receipt["Items"][0]["vat"] == {"1": None, "4": 20, "11": 22, "12": 122}[vat]


def test_an_invalid_vat_code_is_a_config_error(
    shop: Shop, environment: Callable[..., None], provider: Any
) -> None:
    environment(RECEIPT_VAT_CODE="13")
    with pytest.raises(ConfigError, match="RECEIPT_VAT_CODE"):
        provider.create(order(contact="a@b.example"), TIMEOUT)


def test_a_refusal_has_a_reason_and_is_not_executed(shop: Shop, provider: Any) -> None:
    with pytest.raises(PaymentError, match="Invalid Currency value") as refused:
        provider.create(order(currency="XYZ"), TIMEOUT)
    assert refused.value.not_executed


def test_wrong_credentials_are_not_executed(
    shop: Shop, environment: Callable[..., None], provider: Any
) -> None:
    environment(CLOUDPAYMENTS_API_SECRET="wrong-secret-of-ours")
    with pytest.raises(PaymentError) as refused:
        provider.create(order(), TIMEOUT)
    assert refused.value.not_executed
    assert "wrong-secret" not in str(refused.value)


@pytest.mark.parametrize(
    "answer",
    [
        Response(500, b"", "text/plain"),
        Response(200, b"<html>", "text/html"),
        Response(200, b"[]"),
        json_response({"Success": True, "Model": {"Url": "javascript:1"}}),
        json_response({"Success": True, "Model": "no"}),
    ],
)
def test_an_invalid_response_leaves_the_outcome_open(
    keys: None, answers: dict[str, Any], provider: Any, answer: Response
) -> None:
    answers["/orders/create"] = answer
    with pytest.raises(PaymentError) as failed:
        provider.create(order(), TIMEOUT)
    assert not failed.value.not_executed


def test_the_state_of_an_order_can_be_fetched(shop: Shop, provider: Any) -> None:
    unpaid = order()
    assert provider.fetch(unpaid.id, provider.create(unpaid, TIMEOUT).reference, TIMEOUT) == ()

    made, checkout = bought(shop)
    (paid,) = provider.fetch(made.id, checkout.reference, TIMEOUT)
    assert (paid.kind, paid.order_id, paid.amount) == (EventKind.PAID, made.id, Decimal("299.0"))

    other, checkout = bought(shop, "decline")
    (failed,) = provider.fetch(other.id, checkout.reference, TIMEOUT)
    assert failed.kind is EventKind.FAILED


def test_after_a_refund_both_operations_are_fetched(shop: Shop, provider: Any) -> None:
    made, checkout = bought(shop)
    (paid,) = provider.fetch(made.id, checkout.reference, TIMEOUT)
    refund = provider.refund(
        paid.payment_id, Decimal("99.50"), "RUB", key="r1", telegram_id=777, timeout=TIMEOUT
    )
    again = provider.refund(
        paid.payment_id, Decimal("99.50"), "RUB", key="r1", telegram_id=777, timeout=TIMEOUT
    )
    assert refund == again
    found = provider.fetch(made.id, checkout.reference, TIMEOUT)
    assert [payment_event.kind for payment_event in found] == [EventKind.PAID, EventKind.REFUNDED]
    assert found[1].operation_id == refund.operation_id
    eventually(lambda: of_kind(shop, "refund"), 20)
    (event,) = of_kind(shop, "refund")
    assert (event["operation_id"], event["payment_id"]) == (refund.operation_id, paid.payment_id)


def test_a_refund_has_a_receipt_and_at_most_the_amount_paid(shop: Shop, provider: Any) -> None:
    made, checkout = bought(shop)
    (paid,) = provider.fetch(made.id, checkout.reference, TIMEOUT)
    receipt = Receipt("anna@example.com", "Premium")
    back = {"telegram_id": 777, "timeout": TIMEOUT}
    provider.refund(paid.payment_id, Decimal("299"), "RUB", key="whole", receipt=receipt, **back)
    for payment in (paid.payment_id, "not-a-number", "1"):
        with pytest.raises(PaymentError) as refused:
            provider.refund(payment, Decimal("0.01"), "RUB", key=f"more-{payment}", **back)
        assert refused.value.not_executed


def test_an_invalid_state_is_a_payment_error(keys: None, answers: dict[str, Any], provider: Any) -> None:
    answers["/v2/payments/find"] = {"Success": True, "Model": {"TransactionId": 1, "Status": "Completed"}}
    with pytest.raises(PaymentError):
        provider.fetch(1, "", TIMEOUT)


def test_a_subscription_begins_renews_fails_and_is_canceled(shop: Shop, provider: Any) -> None:
    made, checkout = bought(shop, period="month")
    first = shop.wait_for_events(3)
    assert [payment_event["kind"] for payment_event in first] == ["pending", "paid", "subscription_active"]
    name = first[1]["subscription_id"]
    assert first[2]["subscription_id"] == name

    shop.registry.press(checkout.url, "renew")
    renewed = shop.wait_for_events(5)[3]
    assert (renewed["kind"], renewed["subscription_id"]) == ("paid", name)
    assert "order_id" not in renewed
    assert renewed["payment_id"] != first[1]["payment_id"]

    shop.registry.press(checkout.url, "fail_renewal")
    assert [payment_event["kind"] for payment_event in shop.wait_for_events(7)[5:]] == [
        "failed",
        "subscription_past_due",
    ]

    provider.cancel_subscription(name, 777, TIMEOUT)
    assert shop.wait_for_events(8)[7]["kind"] == "subscription_canceled"
    provider.cancel_subscription(name, 777, TIMEOUT)  # repeating it is safe
    with pytest.raises(NotPossible):
        shop.registry.press(checkout.url, "renew")
    with pytest.raises(PaymentError) as unknown:
        provider.cancel_subscription("sc_unknown", 777, TIMEOUT)
    assert unknown.value.not_executed
    assert made.period == "month"


def test_a_late_notification_of_a_subscription_reports_its_current_status(shop: Shop, provider: Any) -> None:
    bought(shop, period="month")
    name = shop.wait_for_events(3)[2]["subscription_id"]
    late = shop.calls[-1]
    assert late.kind == "recurrent"
    provider.cancel_subscription(name, 777, TIMEOUT)
    shop.wait_for_events(4)
    again = provider.parse(late)
    assert [one.kind for one in again.payment_events] == [EventKind.SUBSCRIPTION_CANCELED]
    assert again.key == shop.events[2].key != shop.events[3].key


@pytest.mark.parametrize(("status", "refused"), [(500, False), (403, True)])
def test_a_notification_of_a_subscription_counts_where_its_status_must_not_be_read(
    answers: dict[str, Any], keys: None, provider: Any, status: int, refused: bool
) -> None:
    answers["/subscriptions/get"] = Response(status, b"", "text/plain")
    case = dict(SAMPLE.recorded())["recurrent_pastdue"]
    call = SAMPLE.sign(body_of(case), case=case)
    if refused:
        assert provider.parse(call).payment_events[0].kind is EventKind.SUBSCRIPTION_PAST_DUE
    else:
        with pytest.raises(PaymentError):
            provider.parse(call)


def test_three_failures_end_a_subscription(shop: Shop) -> None:
    _, checkout = bought(shop, period="month")
    shop.wait_for_events(3)
    for _ in range(3):
        shop.registry.press(checkout.url, "fail_renewal")
        assert shop.registry.idle(20)
    kinds = [payment_event["kind"] for payment_event in shop.wait_for_events(9)]
    assert kinds.count("subscription_past_due") == 2
    assert kinds[-1] == "subscription_ended"


def test_only_months_are_renewed_by_the_provider(provider: Any) -> None:
    assert provider.renews("month", "RUB")
    assert not provider.renews("year", "RUB")
    assert not provider.renews("month", "XTR")
