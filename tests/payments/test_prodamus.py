"""Prodamus: forms signed as PHP parses them, links, subscriptions of the cabinet."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as given_settings
from hypothesis import strategies as st

from shared.core.errors import ConfigError
from shared.payments.events import EventKind
from shared.payments.provider import (
    MAX_BODY,
    Checkout,
    InvalidPayload,
    InvalidSignature,
    Order,
    PaymentError,
    WebhookRequest,
)
from shared.payments.providers import load
from shared.payments.providers.prodamus import php_forms
from tests.payments import php_reference
from tests.payments.conftest import Shop, body_of
from tests.payments.orders import TIMEOUT, order
from tests.payments.recorded.prodamus.sample import FORM, PAGE_SECRET, Sample
from tests.payments.sample import VECTORS
from tests.payments.test_php_forms import FORMS, multipart
from tests.support import eventually, examples
from tools.emulator.payments import NotPossible
from tools.emulator.web import Response

SAMPLE = Sample()
DEMO_KEY = next(one["key"] for one in VECTORS["vectors"] if one["name"].startswith("P1"))


@pytest.fixture
def provider() -> Any:
    return load("prodamus")


@pytest.fixture
def keys(environment: Callable[..., None]) -> None:
    environment(**SAMPLE.ENV)


def bought(shop: Shop, action: str = "pay", **changed: Any) -> tuple[Order, Checkout]:
    made = order(**changed)
    checkout = load("prodamus").create(made, TIMEOUT)
    shop.registry.press(checkout.url, action)
    return made, checkout


def sign(text: str, secret: str = PAGE_SECRET) -> str:
    return hmac.digest(secret.encode(), text.encode(), "sha256").hex()


# The signature.


@given(fields=FORMS, is_multipart=st.booleans())
@given_settings(
    max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_signature_of_any_form_is_that_of_php(
    keys: None, fields: list[tuple[str, str]], is_multipart: bool
) -> None:
    provider = load("prodamus")
    if any("--b0undary" in value for _, value in fields):
        return
    content_type, body = multipart(fields) if is_multipart else (FORM, urlencode(fields).encode())
    signature = sign(php_reference.encode(php_reference.post(fields)))
    provider.verify(WebhookRequest("", "POST", {"content-type": content_type, "sign": signature}, body))
    provider.verify(
        WebhookRequest("", "POST", {"content-type": content_type, "sign": signature.upper()}, body)
    )
    with pytest.raises(InvalidSignature):
        provider.verify(
            WebhookRequest("", "POST", {"content-type": content_type, "sign": signature[:-1] + "g"}, body)
        )


def test_the_signature_ignores_the_order_of_fields_but_not_their_values(keys: None, provider: Any) -> None:
    call = SAMPLE.sign(SAMPLE.paid())
    turned = b"&".join(reversed(call.body.split(b"&")))
    provider.verify(WebhookRequest("", "POST", call.headers, turned))
    with pytest.raises(InvalidSignature):
        provider.verify(WebhookRequest("", "POST", call.headers, turned.replace(b"770.00", b"7.00")))


def test_the_signature_of_demo_mode_is_rejected_with_a_reason(keys: None, provider: Any) -> None:
    with pytest.raises(InvalidSignature, match="not live"):
        provider.verify(SAMPLE.sign(SAMPLE.paid(), secret=f"{PAGE_SECRET}demo"))


def test_the_published_key_is_a_config_error_in_production(
    environment: Callable[..., None], provider: Any
) -> None:
    environment(**{**SAMPLE.ENV, "PRODAMUS_SECRET_KEY": DEMO_KEY, "ENVIRONMENT": "production"})
    with pytest.raises(ConfigError, match=r"demo\.payform"):
        provider.verify(SAMPLE.sign(SAMPLE.paid(), secret=DEMO_KEY))


@pytest.mark.parametrize(
    "body",
    [
        b"a[3000000]=1",
        b"a[999999999999999999999999]=1",
        b"&".join(b"a[]=1" for _ in range(400)),
        b"a" + b"[b]" * 5000 + b"=1",
        b"x=" + b"y" * MAX_BODY,
        b"a=%ff",
    ],
)
def test_a_form_is_bounded_before_its_signature_is_computed(keys: None, provider: Any, body: bytes) -> None:
    with pytest.raises(InvalidSignature):
        provider.verify(WebhookRequest("", "POST", {"content-type": FORM, "sign": sign("")}, body))


def test_a_form_that_is_not_utf8_is_not_authentic(keys: None, provider: Any) -> None:
    """PHP signs an empty text for bytes that are not UTF-8."""
    for content_type, body in ((FORM, b"a=\xff"), multipart([]), (FORM, b"")):
        call = WebhookRequest("", "POST", {"content-type": content_type, "sign": sign("")}, body)
        with pytest.raises(InvalidSignature):
            provider.verify(call)


def test_a_form_is_parsed_once(keys: None, provider: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = []
    nested, from_json = php_forms.nested, php_forms.from_json
    monkeypatch.setattr(php_forms, "nested", lambda pairs: counted.append("form") or nested(pairs))
    monkeypatch.setattr(php_forms, "from_json", lambda body: counted.append("json") or from_json(body))
    for name in ("success", "success_json"):
        case = dict(SAMPLE.recorded())[name]
        call = SAMPLE.sign(body_of(case), case=case)
        provider.verify(call)
        assert provider.parse(call).payment_events[0].kind is EventKind.PAID
    assert counted == ["form", "json"]


# Payloads.

RENEWAL_OF_OLD = dict(SAMPLE.recorded())["renewal_of_old"]["raw"].encode()
OF_OLD = dict(SAMPLE.recorded())["renewal_of_old"]["events"][0]["subscription_id"]
RIGHT = {"order_id": "1", "payment_status": "success", "sum": "1.00"}


@pytest.mark.parametrize(
    "change",
    [
        {"order_id": ""},
        {"order_id": "a b"},
        {"payment_status": ""},
        {"sum": ""},
        {"sum": "1,00"},
        {"sum": "-1.00"},
        {"sum": "1e3"},
        {"subscription[action_code]": "finish"},
        {"subscription[id]": "1", "subscription[action_code]": "finish"},
    ],
)
def test_an_undocumented_value_is_an_invalid_payload(
    keys: None, provider: Any, change: dict[str, str]
) -> None:
    call = SAMPLE.sign(urlencode(RIGHT | change).encode())
    provider.verify(call)
    with pytest.raises(InvalidPayload):
        provider.parse(call)


def test_a_retried_notification_has_the_same_key(keys: None, provider: Any) -> None:
    events = [
        provider.parse(SAMPLE.sign(SAMPLE.paid().replace(b"attempt=1", b"attempt=%d" % attempt)))
        for attempt in (1, 2, 23)
    ]
    assert len({event.key for event in events}) == 1


def test_a_renewal_without_an_order_id_has_a_payment_id(keys: None, provider: Any) -> None:
    case = dict(SAMPLE.recorded())["renewal"]
    body = case["raw"].replace("order_id=35999001", "order_id=0").encode()
    (payment_event,) = provider.parse(SAMPLE.sign(body)).payment_events
    assert (payment_event.kind, payment_event.payment_id) == (EventKind.PAID, "2473695:1063347:2")


# With the fake server.


def test_a_link_is_created_paid_and_reported(shop: Shop) -> None:
    made, _ = bought(shop, amount=Decimal("770"), title='Курс "Старт" / тариф №1')
    (event,) = shop.wait_for_events(1)
    assert event | {"happened_at": "", "payment_id": ""} == {
        "kind": "paid",
        "payment_id": "",
        "order_id": made.id,
        "amount": "770.00",
        "currency": "RUB",
        "happened_at": "",
    }
    call = shop.calls[0]
    assert call.headers["content-type"].startswith("multipart/form-data")
    assert not shop.refused


def test_a_notification_is_retried_until_status_200(shop: Shop) -> None:
    shop.status = 202
    bought(shop)
    eventually(lambda: len(shop.calls) >= 4, 20)
    signatures = {call.headers["sign"] for call in shop.calls}
    assert len(signatures) == len(shop.calls), "each try says its number"
    shop.status = None
    shop.wait_for_events(1)


@pytest.mark.parametrize(
    ("action", "kinds"),
    [
        ("decline", ["failed"]),
        ("pay_later", ["paid", "canceled"]),
        ("deliver_twice", ["paid", "paid"]),
    ],
)
def test_other_actions_of_a_payer_are_reported(shop: Shop, action: str, kinds: list[str]) -> None:
    bought(shop, action)
    assert [payment_event["kind"] for payment_event in shop.wait_for_events(len(kinds))] == kinds


def test_a_forged_notification_is_rejected(shop: Shop) -> None:
    bought(shop, "forge")
    eventually(lambda: shop.refused, 20)
    assert not shop.events


def test_a_partial_payment_is_reported_with_its_amount(shop: Shop) -> None:
    bought(shop, "wrong_amount", amount=Decimal("770"))
    assert shop.wait_for_events(1)[0]["amount"] == "385.00"


def test_a_page_in_demo_mode_delivers_nothing(shop: Shop) -> None:
    fake_server: Any = shop.fake_server("prodamus")
    fake_server.is_live = False
    bought(shop)
    eventually(lambda: shop.refused, 20)
    assert "not live" in str(shop.refused[0])


def test_a_refund_is_not_reported(shop: Shop) -> None:
    _, checkout = bought(shop)
    shop.wait_for_events(1)
    shop.registry.press(checkout.url, "refund")
    assert shop.registry.idle(20)
    assert len(shop.calls) == 1


def test_the_link_has_every_field_of_the_order(shop: Shop, environment: Callable[..., None]) -> None:
    environment(PUBLIC_URL="https://backend.example", RECEIPT_VAT_CODE="11")
    made, checkout = bought(shop, contact="+79990001122", description="Тысяча запросов")
    asked = shop.fake_server("prodamus").invoices[checkout.url.rpartition("/")[2]].object
    assert asked["order_id"] == str(made.id)
    assert asked["currency"] == "rub"
    assert asked["payments_limit"] == "1"
    assert asked["sys"] == "switchboard"
    assert asked["urlNotification"] == "https://backend.example/payments/prodamus"
    assert asked["urlReturn"] == asked["urlSuccess"] == made.return_url
    assert asked["customer_phone"] == "+79990001122"
    assert asked["products"][0]["price"] == "299.00"
    assert asked["products"][0]["tax"] == {"tax_type": "14"}
    assert made.expires_at is not None
    assert asked["link_expired"].count(".") == 2


def test_without_a_vat_code_the_cabinets_rate_applies(shop: Shop, environment: Callable[..., None]) -> None:
    environment(RECEIPT_VAT_CODE="", PRODAMUS_SYS="")
    _, checkout = bought(shop, contact="anna@example.com")
    asked = shop.fake_server("prodamus").invoices[checkout.url.rpartition("/")[2]].object
    assert "tax" not in asked["products"][0]
    assert "urlNotification" not in asked
    assert asked["customer_email"] == "anna@example.com"


def test_a_link_with_a_wrong_signature_is_refused(
    shop: Shop, environment: Callable[..., None], provider: Any
) -> None:
    environment(PRODAMUS_SECRET_KEY="wrong-key-of-ours")
    with pytest.raises(PaymentError, match="signature") as refused:
        provider.create(order(), TIMEOUT)
    assert refused.value.not_executed
    assert "wrong-key" not in str(refused.value)


@pytest.mark.parametrize(
    ("answer", "not_executed"),
    [
        (Response(500, b"", "text/plain"), False),
        (Response(200, b"error: no such shop", "text/plain"), True),
        (Response(200, b"javascript:alert(1)", "text/plain"), True),
        (Response(200, b"https://payform.ru/x <b>", "text/html"), True),
        (Response(200, b"\xff\xfe", "text/plain"), True),
    ],
)
def test_a_response_without_a_link_is_an_error(
    environment: Callable[..., None],
    answers: dict[str, Any],
    provider: Any,
    answer: Response,
    not_executed: bool,
) -> None:
    from shared.core.config import settings

    base = settings().variable("FAKE_API_URL")
    environment(**{**SAMPLE.ENV, "PRODAMUS_URL": base})
    answers["/"] = answer
    with pytest.raises(PaymentError) as failed:
        provider.create(order(), TIMEOUT)
    assert failed.value.not_executed is not_executed


def test_an_invalid_page_address_is_a_config_error(environment: Callable[..., None], provider: Any) -> None:
    environment(**{**SAMPLE.ENV, "PRODAMUS_URL": "shop.payform.ru"})
    with pytest.raises(ConfigError, match="PRODAMUS_URL"):
        provider.create(order(), TIMEOUT)


def test_a_subscription_starts_renews_and_is_ended_by_its_buyer(shop: Shop, provider: Any) -> None:
    made, checkout = bought(shop, period="month")
    (first,) = shop.wait_for_events(1)
    name = first["subscription_id"]
    assert (first["kind"], first["order_id"], first["amount"]) == ("paid", made.id, "499.00")
    assert first["period_ends_at"]

    shop.registry.press(checkout.url, "renew")
    renewed = shop.wait_for_events(2)[1]
    assert (renewed["kind"], renewed["subscription_id"]) == ("paid", name)
    assert renewed["payment_id"] != first["payment_id"]
    assert renewed["period_ends_at"] > first["period_ends_at"]
    assert "order_id" not in renewed

    provider.cancel_subscription(name, 777, TIMEOUT)
    assert shop.wait_for_events(3)[2]["kind"] == "subscription_canceled"
    with pytest.raises(NotPossible):
        shop.registry.press(checkout.url, "renew")


@pytest.mark.parametrize("phone", ["+79990001122", "+7 (999) 000-11-22"])
def test_a_subscriber_without_a_profile_is_identified_by_a_hash_of_the_phone(
    shop: Shop, provider: Any, environment: Callable[..., None], phone: str
) -> None:
    fake_server: Any = shop.fake_server("prodamus")
    fake_server.sends_profiles = False
    _, checkout = bought(shop, period="month", contact=phone)
    first = shop.wait_for_events(1)[0]
    shop.registry.press(checkout.url, "renew")
    renewed = shop.wait_for_events(2)[1]
    assert renewed["subscription_id"] == first["subscription_id"]
    assert renewed["payer"] == first["payer"] == phone
    assert "0001122" not in str([event.key for event in shop.events]) + renewed["subscription_id"]

    with pytest.raises(PaymentError) as refused:
        provider.cancel_subscription(first["subscription_id"], 777, TIMEOUT)
    assert refused.value.not_executed
    provider.cancel_subscription(first["subscription_id"], 777, TIMEOUT, payer=phone)
    ended = shop.wait_for_events(3)[2]
    assert (ended["kind"], ended["subscription_id"]) == ("subscription_canceled", first["subscription_id"])

    environment(USER_HASH_KEY="another key of a test that is long enough")
    others = provider.parse(SAMPLE.sign(RENEWAL_OF_OLD)).payment_events[0].subscription_id
    assert others != OF_OLD, "without the key a phone cannot be found by its hash"


def test_three_failures_end_a_subscription_and_canceling_it_succeeds(shop: Shop, provider: Any) -> None:
    _, checkout = bought(shop, period="year")
    (first,) = shop.wait_for_events(1)
    for _ in range(3):
        shop.registry.press(checkout.url, "fail_renewal")
        assert shop.registry.idle(20)
    kinds = [payment_event["kind"] for payment_event in shop.wait_for_events(5)[1:]]
    assert kinds == ["subscription_past_due"] * 2 + ["subscription_ended"] * 2
    provider.cancel_subscription(first["subscription_id"], 777, TIMEOUT)


def test_a_foreign_subscription_id_is_refused(shop: Shop, provider: Any) -> None:
    for name in ("", "590001", "590001:", "590001:1", "590001:h0123456789abcdef"):
        with pytest.raises(PaymentError) as refused:
            provider.cancel_subscription(name, 777, TIMEOUT)
        assert refused.value.not_executed


def test_only_periods_with_a_subscription_in_the_cabinet_renew(
    environment: Callable[..., None], provider: Any
) -> None:
    environment(PRODAMUS_SUBSCRIPTION_MONTH="1", PRODAMUS_SUBSCRIPTION_YEAR="")
    assert provider.renews("month", "RUB")
    assert not provider.renews("year", "RUB")
    assert not provider.renews("day", "RUB")
    assert not provider.renews("month", "USD")


def test_json_notifications_have_the_same_signature(keys: None, provider: Any) -> None:
    fields = {"order_id": "7", "payment_status": "success", "sum": 770.5, "products": [{"name": "a/b"}]}
    text = '{"order_id":"7","payment_status":"success","products":[{"name":"a\\/b"}],"sum":"770.5"}'
    headers = {"content-type": "application/json", "sign": sign(text)}
    call = WebhookRequest("", "POST", headers, json.dumps(fields).encode())
    provider.verify(call)
    assert provider.parse(call).payment_events[0].amount == Decimal("770.5")
