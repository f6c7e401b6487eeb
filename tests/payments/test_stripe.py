"""Stripe: signatures, payloads, and payments at the fake server."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from shared.payments.events import EventKind, PaymentEvent
from shared.payments.provider import Checkout, InvalidPayload, InvalidSignature, Order, PaymentError
from shared.payments.providers import load
from shared.payments.providers.stripe import payloads
from shared.payments.providers.stripe.checkout import session_form
from shared.payments.providers.stripe.money import major_units, minor_units
from tests.payments.conftest import Shop, body_of
from tests.payments.orders import TIMEOUT, order
from tests.payments.recorded.stripe.sample import Sample
from tests.payments.sample import with_headers
from tests.support import in_parallel
from tools.emulator.payments import NotPossible
from tools.emulator.web import Response, json_response

SAMPLE = Sample()


@pytest.fixture
def provider() -> Any:
    return load("stripe")


@pytest.fixture
def keys(environment: Callable[..., None]) -> None:
    environment(**SAMPLE.ENV)


def bought(shop: Shop, action: str = "pay", **changed: Any) -> tuple[Order, Checkout]:
    """An order with its checkout after an action."""
    made = order(**changed)
    checkout = load("stripe").create(made, TIMEOUT)
    shop.registry.press(checkout.url, action)
    return made, checkout


# The signature.


@pytest.mark.parametrize("seconds", [-290, 0, 290])
def test_a_webhook_may_be_some_minutes_old(provider: Any, keys: None, seconds: int) -> None:
    provider.verify(SAMPLE.sign(SAMPLE.paid(), at=time.time() + seconds))


@pytest.mark.parametrize("seconds", [-310, 310, -86400, 365 * 86400])
def test_an_old_or_future_time_is_rejected(provider: Any, keys: None, seconds: int) -> None:
    with pytest.raises(InvalidSignature, match="long ago"):
        provider.verify(SAMPLE.sign(SAMPLE.paid(), at=time.time() + seconds))


@pytest.mark.parametrize("stamp", ["", " 1", "+1", "-1", "1e9", "٣", "²", "9" * 400, "nan", "1_0"])
def test_the_time_consists_of_digits(provider: Any, keys: None, stamp: str) -> None:
    call = SAMPLE.sign(SAMPLE.paid())
    rest = call.headers["stripe-signature"].partition(",")[2]
    with pytest.raises(InvalidSignature):
        provider.verify(with_headers(call, stripe_signature=f"t={stamp},{rest}"))


def test_one_valid_signature_is_enough_and_other_schemes_are_ignored(provider: Any, keys: None) -> None:
    call = SAMPLE.sign(SAMPLE.paid())
    stamp, _, good = call.headers["stripe-signature"].partition(",")
    provider.verify(with_headers(call, stripe_signature=f"{stamp},v1={'0' * 64},{good},v0={'1' * 64}"))
    with pytest.raises(InvalidSignature):
        provider.verify(with_headers(call, stripe_signature=f"{stamp},{good.replace('v1', 'v0')}"))
    with pytest.raises(InvalidSignature):
        provider.verify(with_headers(call, stripe_signature=good))


def test_a_second_time_is_not_accepted(provider: Any, keys: None) -> None:
    call = SAMPLE.sign(SAMPLE.paid(), at=time.time() - 4000)
    header = f"t={int(time.time())},{call.headers['stripe-signature']}"
    with pytest.raises(InvalidSignature):
        provider.verify(with_headers(call, stripe_signature=header))


@pytest.mark.parametrize(
    "name", ["session_completed", "invoice_paid", "refund_created", "dispute_created", "subscription_deleted"]
)
def test_an_event_of_a_connected_account_changes_nothing(provider: Any, keys: None, name: str) -> None:
    """A connected shop has its own orders, whose numbers may equal ours. Nothing is fetched for it."""
    body = dict(SAMPLE.recorded())[name]["body"] | {"account": "acct_other"}
    event = provider.parse(SAMPLE.sign(json.dumps(body).encode()))
    (payment_event,) = event.payment_events
    assert payment_event.to_json() == {"kind": "other", "reason": "of a connected account"}
    assert (event.key, event.type) == (body["id"], body["type"])


# Requests.


def test_a_checkout_has_the_order_number_in_every_object() -> None:
    made = order(contact="anna@example.com", currency="JPY", amount=Decimal(500))
    form = dict(session_form(made))
    number = str(made.id)
    assert form["client_reference_id"] == form["metadata[order_id]"] == number
    assert form["payment_intent_data[metadata][order_id]"] == number
    assert "subscription_data[metadata][order_id]" not in form
    assert (form["line_items[0][price_data][unit_amount]"], form["customer_email"]) == (
        "500",
        "anna@example.com",
    )
    form = dict(session_form(replace(made, period="year")))
    assert form["mode"] == "subscription"
    assert form["subscription_data[metadata][order_id]"] == number
    assert form["line_items[0][price_data][recurring][interval]"] == "year"
    assert "payment_intent_data[metadata][order_id]" not in form


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("299.00", "RUB", 29900),
        ("0.01", "USD", 1),
        ("500", "JPY", 500),
        ("500.00", "KRW", 500),
        ("5.120", "KWD", 5120),
        ("5", "UGX", 500),
        ("5", "ISK", 500),
    ],
)
def test_amounts_are_in_the_smallest_unit(amount: str, currency: str, minor: int) -> None:
    assert minor_units(Decimal(amount), currency) == minor
    assert major_units(minor, currency) == Decimal(amount)


@pytest.mark.parametrize(("amount", "currency"), [("0.5", "JPY"), ("1.001", "USD")])
def test_an_amount_below_the_smallest_unit_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(PaymentError) as refused:
        minor_units(Decimal(amount), currency)
    assert refused.value.not_executed


@pytest.mark.parametrize("value", [None, True, -1, 1.5, "100", []])
@pytest.mark.parametrize("field", ["amount", "currency"])
def test_only_a_positive_integer_with_a_currency_is_an_amount(field: str, value: Any) -> None:
    refund = {"id": "re_1", "payment_intent": "pi_1", "status": "succeeded", "amount": 100, "currency": "usd"}
    assert payloads.refund_event(refund, PaymentEvent).amount == Decimal("1.00")
    if (field, value) == ("currency", "100"):
        return  # has the form of a currency
    with pytest.raises(InvalidPayload, match=field):
        payloads.refund_event(refund | {field: value}, PaymentEvent)


def test_the_same_order_gets_the_same_checkout(shop: Shop, provider: Any) -> None:
    made = order()
    first = provider.create(made, TIMEOUT)
    assert provider.create(made, TIMEOUT) == first
    assert {one.url for one in in_parallel(5, lambda _: provider.create(made, TIMEOUT))} == {first.url}
    assert provider.create(order(), TIMEOUT) != first
    assert len(shop.fake_server("stripe").invoices) == 2


def test_another_order_under_the_same_key_is_refused(shop: Shop, provider: Any) -> None:
    made = order()
    provider.create(made, TIMEOUT)
    with pytest.raises(PaymentError, match="other parameters") as refused:
        provider.create(replace(made, amount=Decimal(1)), TIMEOUT)
    assert not refused.value.not_executed
    assert len(shop.fake_server("stripe").invoices) == 1


def test_the_key_returns_the_checkout_of_an_order_that_is_about_to_expire(
    shop: Shop, provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = order(expires_at=datetime.now(UTC) + timedelta(minutes=40))
    first = provider.create(made, TIMEOUT)
    monkeypatch.setattr("shared.payments.providers.stripe.checkout._SHORTEST", timedelta(hours=1))
    assert provider.create(made, TIMEOUT) == first  # sent without the expiry, created with it
    other = order(expires_at=datetime.now(UTC) + timedelta(minutes=40))
    second = provider.create(other, TIMEOUT)
    monkeypatch.setattr("shared.payments.providers.stripe.checkout._SHORTEST", timedelta(minutes=31))
    assert provider.create(other, TIMEOUT) == second  # and the other way round


# Money.


def test_a_payment_is_reported_and_can_be_fetched(shop: Shop, provider: Any) -> None:
    made = order()
    checkout = provider.create(made, TIMEOUT)
    assert provider.fetch(made.id, checkout.reference, TIMEOUT) == ()
    shop.registry.press(checkout.url, "pay")
    events = shop.wait_for_events(1)
    assert (events[0]["kind"], events[0]["order_id"], events[0]["amount"]) == (
        EventKind.PAID,
        made.id,
        "299.00",
    )
    assert events[0]["is_test"] is True
    asked = provider.fetch(made.id, checkout.reference, TIMEOUT)
    assert [(one.kind, one.payment_id, one.amount) for one in asked] == [
        (EventKind.PAID, events[0]["payment_id"], Decimal("299.00"))
    ]


@pytest.mark.parametrize(
    ("action", "kinds"),
    [
        ("wrong_amount", [("paid", "149.00")]),
        ("decline", [("failed", None)]),
        ("expire", [("canceled", None)]),
        ("pay_later", [("paid", "299.00"), ("pending", None)]),
        ("dispute", [("paid", "299.00"), ("disputed", "299.00"), ("disputed", "299.00")]),
    ],
)
def test_every_operation_is_reported(shop: Shop, action: str, kinds: list[tuple[str, str | None]]) -> None:
    made, checkout = bought(shop, "pay" if action == "dispute" else action)
    if action == "dispute":
        shop.wait_for_events(1)
        shop.registry.press(checkout.url, action)
    events = shop.wait_for_events(len(kinds))
    assert [(one["kind"], one.get("amount")) for one in events] == kinds
    assert {one["order_id"] for one in events if "order_id" in one} == {made.id}
    assert not shop.refused


def test_an_expired_checkout_is_canceled(shop: Shop, provider: Any) -> None:
    made, checkout = bought(shop, "expire")
    assert [one.kind for one in provider.fetch(made.id, checkout.reference, TIMEOUT)] == [EventKind.CANCELED]


def test_a_retry_has_a_new_signature_and_the_same_key(shop: Shop) -> None:
    shop.status = 503
    bought(shop, "deliver_twice")
    fake_server = shop.fake_server("stripe")
    assert fake_server.callbacks.idle(20)
    assert len(shop.calls) > 2  # both were retried until Stripe gave up
    shop.status = None
    fake_server.callbacks.send(next(iter(fake_server.invoices.values())).callbacks)
    assert len(shop.wait_for_events(1)) == len({event.key for event in shop.events}) == 1
    assert len({call.headers["stripe-signature"] for call in shop.calls}) > 1


def test_a_forged_webhook_is_rejected(shop: Shop) -> None:
    bought(shop, "forge")
    assert shop.fake_server("stripe").callbacks.idle(20)
    assert [type(error) for error in shop.refused] == [InvalidSignature]
    assert shop.fake_server("stripe").callbacks.attempts[-1]["status"] == 401
    assert not shop.events


def test_partial_refunds_are_made_once_each(shop: Shop, provider: Any) -> None:
    made, checkout = bought(shop)
    payment_id = shop.wait_for_events(1)[0]["payment_id"]

    def give_back(amount: str, key: str) -> Any:
        return provider.refund(payment_id, Decimal(amount), "RUB", key=key, telegram_id=777, timeout=TIMEOUT)

    first = give_back("100.00", "one")
    assert (first.kind, first.payment_id, first.amount) == (EventKind.REFUNDED, payment_id, Decimal("100.00"))
    assert give_back("100.00", "one") == first
    second = give_back("199.00", "two")
    assert second.operation_id != first.operation_id
    with pytest.raises(PaymentError, match="charge_already_refunded") as refused:
        give_back("1.00", "three")
    assert refused.value.not_executed
    events = [one for one in shop.wait_for_events(5) if one["kind"] == EventKind.REFUNDED]
    assert {one["operation_id"] for one in events} == {first.operation_id, second.operation_id}
    asked = provider.fetch(made.id, checkout.reference, TIMEOUT)
    assert sorted(str(one.amount) for one in asked) == ["100.00", "199.00", "299.00"]
    shop.fake_server("stripe").fail_refund(first.operation_id)
    assert shop.wait_for_events(6)[-1] | {"happened_at": ""} == {
        "kind": EventKind.REFUND_FAILED,
        "payment_id": payment_id,
        "operation_id": first.operation_id,
        "amount": "100.00",
        "currency": "RUB",
        "is_test": True,
        "reason": "expired_or_canceled_card",
        "happened_at": "",
    }


def test_a_key_with_other_parameters_leaves_the_outcome_open(shop: Shop, provider: Any) -> None:
    bought(shop)
    payment_id = shop.wait_for_events(1)[0]["payment_id"]
    arguments: Any = {"key": "same", "telegram_id": 1, "timeout": TIMEOUT}
    provider.refund(payment_id, Decimal(100), "RUB", **arguments)
    with pytest.raises(PaymentError) as refused:
        provider.refund(payment_id, Decimal(50), "RUB", **arguments)
    assert not refused.value.not_executed


def test_a_dispute_can_be_won(shop: Shop) -> None:
    _, checkout = bought(shop)
    with pytest.raises(NotPossible):
        shop.registry.press(checkout.url, "win_dispute")
    shop.registry.press(checkout.url, "dispute")
    shop.wait_for_events(3)
    shop.registry.press(checkout.url, "win_dispute")
    events = shop.wait_for_events(4)
    disputed = {one["operation_id"] for one in events if one["kind"] == EventKind.DISPUTED}
    won = [one["operation_id"] for one in events if one["kind"] == EventKind.DISPUTE_WON]
    assert len(disputed) == 1, "two events of one dispute: opened and funds withdrawn"
    assert won == list(disputed)


# Subscriptions.


def test_each_period_of_a_subscription_is_a_payment_of_its_own(shop: Shop, provider: Any) -> None:
    made, checkout = bought(shop, period="month")
    events = shop.wait_for_events(3)
    paid = next(one for one in events if one["kind"] == EventKind.PAID)
    assert (paid["order_id"], paid["amount"]) == (made.id, "299.00")
    assert datetime.fromisoformat(paid["period_ends_at"]) > datetime.now(UTC) + timedelta(days=27)
    assert {one["kind"] for one in events} == {EventKind.PAID, EventKind.SUBSCRIPTION_ACTIVE, EventKind.OTHER}
    shop.registry.press(checkout.url, "renew")
    again = [one for one in shop.wait_for_events(5) if one["kind"] == EventKind.PAID][-1]
    assert again["payment_id"] != paid["payment_id"]
    assert (again["subscription_id"], again["order_id"]) == (paid["subscription_id"], made.id)
    assert again["period_ends_at"] > paid["period_ends_at"]
    asked = provider.fetch(made.id, checkout.reference, TIMEOUT)
    assert [one.payment_id for one in asked] == [paid["payment_id"]]


def test_a_late_event_of_a_subscription_reports_its_current_state(shop: Shop, provider: Any) -> None:
    _, checkout = bought(shop, period="month")
    events = shop.wait_for_events(3)
    number = next(one["subscription_id"] for one in events if "subscription_id" in one)
    late = next(call for call in shop.calls if b'"customer.subscription.created"' in call.body)
    provider.cancel_subscription(number, 777, TIMEOUT)
    shop.wait_for_events(4)
    assert [one.kind for one in provider.parse(late).payment_events] == [EventKind.SUBSCRIPTION_CANCELED]
    server = shop.fake_server("stripe")
    server.end_subscription(server.invoices[checkout.reference])
    shop.wait_for_events(5)
    assert [one.kind for one in provider.parse(late).payment_events] == [EventKind.SUBSCRIPTION_ENDED]
    [event] = provider.parse(shop.calls[-1]).payment_events
    assert (event.kind, event.subscription_id) == (EventKind.SUBSCRIPTION_ENDED, number)


@pytest.mark.parametrize(("status", "refused"), [(500, False), (429, False), (403, True), (404, True)])
def test_an_event_of_a_subscription_counts_where_its_state_must_not_be_read(
    answers: dict[str, Any], provider: Any, status: int, refused: bool
) -> None:
    answers["/v1/subscriptions/sub_1Na"] = json_response({"error": {"code": "x"}}, status)
    call = SAMPLE.sign(body_of(dict(SAMPLE.recorded())["subscription_past_due"]))
    if refused:
        assert [one.kind for one in provider.parse(call).payment_events] == [EventKind.SUBSCRIPTION_PAST_DUE]
    else:
        with pytest.raises(PaymentError):
            provider.parse(call)


def test_a_renewal_that_fails_and_a_subscription_that_ends(shop: Shop, provider: Any) -> None:
    _, checkout = bought(shop, period="month")
    number = next(one["subscription_id"] for one in shop.wait_for_events(3) if "subscription_id" in one)
    shop.registry.press(checkout.url, "fail_renewal")
    assert {one["kind"] for one in shop.wait_for_events(5)[3:]} == {EventKind.SUBSCRIPTION_PAST_DUE}
    shop.registry.press(checkout.url, "renew")
    shop.wait_for_events(7)
    provider.cancel_subscription(number, 777, TIMEOUT)
    assert shop.wait_for_events(8)[-1]["kind"] == EventKind.SUBSCRIPTION_CANCELED
    shop.fake_server("stripe").end_subscription(shop.fake_server("stripe").invoices[checkout.reference])
    assert shop.wait_for_events(9)[-1]["kind"] == EventKind.SUBSCRIPTION_ENDED
    provider.cancel_subscription(number, 777, TIMEOUT)  # already ended
    with pytest.raises(PaymentError, match="resource_missing"):
        provider.cancel_subscription("sub_unknown", 777, TIMEOUT)


def test_a_renewal_that_credit_covers_is_paid_with_what_was_charged(shop: Shop) -> None:
    made, checkout = bought(shop, period="month")
    shop.wait_for_events(3)
    shop.fake_server("stripe").credit = 35000
    for _ in range(3):
        shop.registry.press(checkout.url, "renew")
    paid = [one for one in shop.wait_for_events(9) if one["kind"] == EventKind.PAID]
    assert sorted(Decimal(one["amount"]) for one in paid) == [0, 248, 299, 299]
    assert {one["order_id"] for one in paid} == {made.id}
    assert len({one["subscription_id"] for one in paid}) == 1
    assert len({one["payment_id"] for one in paid}) == len({one["period_ends_at"] for one in paid}) == 4
    (free,) = [one for one in paid if Decimal(one["amount"]) == 0]
    assert free["payment_id"].startswith("in_"), "nothing was charged: the invoice is all there is"


def test_an_unpaid_first_period_is_no_event(provider: Any, keys: None, answers: dict[str, Any]) -> None:
    session = {"id": "cs_1", "mode": "subscription", "status": "complete", "livemode": False}
    answers["/v1/checkout/sessions/cs_1"] = session
    assert provider.fetch(1, "cs_1", TIMEOUT) == ()
    answers["/v1/checkout/sessions/cs_1"] = session | {"invoice": "in_1"}
    answers["/v1/invoices/in_1"] = {"id": "in_1", "status": "open"}
    assert provider.fetch(1, "cs_1", TIMEOUT) == ()


# Failures.


@pytest.mark.parametrize(
    ("status", "not_executed"),
    [(400, True), (401, True), (402, True), (409, False), (429, True), (500, False)],
)
def test_the_status_decides_whether_a_request_was_executed(
    provider: Any, keys: None, answers: dict[str, Any], status: int, not_executed: bool
) -> None:
    secret = "sk_test_contract"
    error = {"error": {"type": "api_error", "message": f"Invalid API Key provided: {secret}"}}
    answers["/v1/checkout/sessions"] = json_response(error, status)
    with pytest.raises(PaymentError, match=f"stripe answered {status}: api_error") as refused:
        provider.create(order(), TIMEOUT)
    assert refused.value.not_executed is not_executed
    assert secret not in str(refused.value)


@pytest.mark.parametrize(
    "answer",
    [
        Response(200, b"<html>"),
        Response(200, b"[]"),
        json_response({}),
        json_response({"url": 7, "id": "cs_1"}),
        Response(302, b"", headers={"Location": "http://127.0.0.1:1/"}),
    ],
    ids=["html", "list", "empty", "odd", "redirect"],
)
def test_an_invalid_response_is_a_payment_error(
    provider: Any, keys: None, answers: dict[str, Any], answer: Response
) -> None:
    answers["/v1/checkout/sessions"] = answer
    answers["/v1/refunds"] = answer
    answers["/v1/checkout/sessions/cs_1"] = json_response(
        {"status": "complete", "mode": "payment", "payment_status": "paid"}
    )
    with pytest.raises(PaymentError):
        provider.create(order(), TIMEOUT)
    with pytest.raises(PaymentError):
        provider.fetch(1, "cs_1", TIMEOUT)


def test_a_connection_failure_is_a_payment_error(
    provider: Any, keys: None, environment: Callable[..., None]
) -> None:
    environment(STRIPE_API_URL="http://127.0.0.1:9")
    with pytest.raises(PaymentError, match="stripe did not answer") as failed:
        provider.create(order(), 2)
    assert not failed.value.not_executed


def test_a_key_with_a_line_break_does_not_reach_the_log(
    provider: Any, environment: Callable[..., None]
) -> None:
    environment(STRIPE_SECRET_KEY="sk_test_first\nX-Second: line")
    with pytest.raises(PaymentError) as refused:
        provider.create(order(), 2)
    assert "first" not in str(refused.value)


def test_an_invoice_is_retried_until_its_payment_is_known(
    provider: Any, keys: None, answers: dict[str, Any]
) -> None:
    body = json.dumps(dict(SAMPLE.recorded())["invoice_paid"]["body"]).encode()
    answers["/v1/invoice_payments?invoice=in_1Na&status=paid&limit=10"] = Response(500)
    with pytest.raises(PaymentError):
        provider.parse(SAMPLE.sign(body))


def test_an_event_without_required_fields_is_an_invalid_payload(provider: Any, keys: None) -> None:
    event = dict(SAMPLE.recorded())["session_completed"]["body"]
    for odd in (
        {},
        event | {"object": "v2.core.event"},
        event | {"id": "e" * 300},
        event | {"id": None},
        event | {"data": {}},
        event | {"data": {"object": event["data"]["object"] | {"amount_total": None}}},
        event | {"type": "refund.created", "data": {"object": {"status": "succeeded"}}},
        event | {"type": "charge.dispute.created", "data": {"object": {"status": "lost"}}},
    ):
        with pytest.raises(InvalidPayload):
            provider.parse(SAMPLE.sign(json.dumps(odd).encode()))


def test_a_form_is_encoded_as_stripe_expects(shop: Shop, provider: Any) -> None:
    made = order(title='Кредиты "100" & ещё = [1]')
    checkout = provider.create(made, TIMEOUT)
    asked = shop.fake_server("stripe").asked[checkout.reference]
    assert asked["line_items"]["0"]["price_data"]["product_data"]["name"] == made.title
