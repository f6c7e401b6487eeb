"""The contact for a receipt: parsed as users write it, and a rejection by a provider is recognized."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.http import Response
from shared.payments import api_client, contacts, providers
from shared.payments.events import CONTACT_REFUSED, EventKind
from shared.payments.provider import ContactRefused, PaymentError, RequestRefused
from tests.payments import provider_lists
from tests.payments.orders import order
from tests.payments.sample import samples

RUSSIAN = "+79771234567"


@pytest.mark.parametrize("written", [
    "8 (977) 123-45-67", "977 123 45 67", "9771234567", "+7 977 123-45-67", "79771234567", "89771234567",
    "8-977-123-45-67", "+8 977 1234567", "007 977 123 45 67", "тел. 8‑977‑123‑45‑67", "tel:+79771234567",
    "(977) 123-45-67", "«89771234567».", "8\u00a0977\u200b123\u202f45 67", "８９７７１２３４５６７",
    "Phone: +7.977.123.45.67",
])  # fmt: skip
def test_russian_phones_are_parsed_in_every_spelling(written: str) -> None:
    assert contacts.parse_contact(written) == RUSSIAN
    assert contacts.looks_like_contact(written)


@pytest.mark.parametrize(("written", "read"), [
    ("+49 151 23456789", "+4915123456789"), ("0049 151 23456789", "+4915123456789"),
    ("380501234567", "+380501234567"), ("+375 (29) 123-45-67", "+375291234567"),
    ("8 701 234 56 78", "+77012345678"), ("+1 212 555 1234", "+12125551234"),
    ("8 800 555-35-35", "+78005553535"),
])  # fmt: skip
def test_phones_of_other_countries_are_parsed(written: str, read: str) -> None:
    assert contacts.parse_contact(written) == read


def test_a_phone_without_a_country_code_is_of_the_configured_region(environment: Callable[..., None]) -> None:
    environment(PHONE_REGION="DE")
    assert contacts.parse_contact("0151 23456789") == "+4915123456789"
    assert contacts.parse_contact("+7 977 123 45 67") == RUSSIAN


@pytest.mark.parametrize(("written", "read"), [
    ("ivan@example.ru", "ivan@example.ru"), ("ivan@example.ru,", "ivan@example.ru"),
    ("(ivan@example.ru)", "ivan@example.ru"), ("<ivan@example.ru>", "ivan@example.ru"),
    ("mailto:ivan@EXAMPLE.ru", "ivan@example.ru"), ("my mail is ivan@example.ru.", "ivan@example.ru"),
    ("ivan @ example.ru", "ivan@example.ru"), ("\ufeffivan@\u200bexample.ru\n", "ivan@example.ru"),
    ("Ivan.Petrov+shop@mail.example.ru", "Ivan.Petrov+shop@mail.example.ru"),
    ("E-mail:ivan@example.ru", "ivan@example.ru"), ("почта:ivan@example.ru", "ivan@example.ru"),
    ("mailto:ivan@example.ru?subject=x", "ivan@example.ru"), ("ivan@grün.de", "ivan@xn--grn-ioa.de"),
    ("ivan@почта.рф", "ivan@xn--80a1acny.xn--p1ai"), ("ivan@почта.com", "ivan@xn--80a1acny.com"),
    ("i1234567890@example.ru", "i1234567890@example.ru"),
])  # fmt: skip
def test_an_address_is_found_within_other_text(written: str, read: str) -> None:
    assert contacts.parse_contact(written) == read


@pytest.mark.parametrize("written", [
    "", "nonsense", "12345", "+7 977 123", "8 977 123 45 67 8", "89771234567, 89771234568", "0000000000",
    "1" * 5000,
    "2125551234", "ivan@example", "@ivan", "ivan@", "a@b@c.ru", "a..b@example.ru", "ivan@-example.ru",
    "иван@пример.рф.", "ivan@localhost", "ivan@example.ru petr@example.ru", "ivan@example.ru;petr@example.ru",
    "ivan@mаil.ru", "ivan@exαmple.com", "ivan@example.cоm",  # a Cyrillic or Greek letter in each
    "ivan@[127.0.0.1]", "x" * 65 + "@example.ru", "ivan@" + "x" * 250 + ".ru", "ivan\0@exam ple",
])  # fmt: skip
def test_addresses_without_receipts_are_rejected(written: str) -> None:
    assert contacts.parse_contact(written) is None


def test_dns_is_not_queried(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*_arguments: Any) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    monkeypatch.setattr(socket, "socket", no_network)
    assert contacts.parse_contact("ivan@no-such-domain-anywhere.ru") == "ivan@no-such-domain-anywhere.ru"


@given(st.text(max_size=60))
def test_any_input_is_safe_and_a_parsed_contact_parses_to_itself(written: str) -> None:
    read = contacts.parse_contact(written)
    assert read is None or contacts.parse_contact(read) == read


# Refusals ---------------------------------------------------------------------------------------------------

CONTACT = "ivan@example.ru"
ABOUT_CONTACT = {
    "yookassa": [
        (400, {"type": "error", "code": "invalid_request", "parameter": "receipt.customer.email"}),
        (400, {"type": "error", "code": "invalid_request", "parameter": "receipt.customer"}),
        (400, {"type": "error", "code": "invalid_request", "parameter": "receipt.phone"}),
    ],
    "stripe": [
        (400, {"error": {"type": "invalid_request_error", "param": "customer_email"}}),
        (400, {"error": {"type": "invalid_request_error", "code": "email_invalid"}}),
    ],
    "cloudpayments": [
        (200, {"Success": False, "Message": "Invalid Email value"}),
        (200, {"Success": False, "Message": "Указан некорректный телефон"}),
    ],
    "prodamus": [(200, "Некорректный customer_email"), (400, "customer_phone is invalid")],
}
ABOUT_ELSE = {
    "yookassa": [
        (400, {"type": "error", "code": "invalid_request", "parameter": "receipt.items[0].vat_code"}),
        (401, {"type": "error", "code": "invalid_credentials"}),
    ],
    "stripe": [(400, {"error": {"type": "invalid_request_error", "param": "line_items"}})],
    "cloudpayments": [(200, {"Success": False, "Message": "Invalid Currency value"})],
    "prodamus": [(200, "wrong signature")],
    "crypto_pay": [(200, {"ok": False, "error": {"name": "AMOUNT_INVALID"}})],
}


def _cases(table: dict[str, list[tuple[int, Any]]]) -> list[Any]:
    return [
        pytest.param(name, *one, id=f"{name}-{n}")
        for name, all_ in table.items()
        for n, one in enumerate(all_)
    ]


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch, environment: Callable[..., None]) -> Callable[[int, Any], None]:
    """Set the response of every provider."""
    for sample in samples().values():
        environment(**sample.ENV)

    def answer(status: int, body: Any) -> None:
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        monkeypatch.setattr(api_client.http, "request", lambda *_a, **_k: Response(status, {}, data))

    return answer


@pytest.mark.parametrize(("key", "status", "body"), _cases(ABOUT_CONTACT))
def test_a_refused_contact_raises_contact_refused(
    answers: Callable[[int, Any], None], key: str, status: int, body: Any
) -> None:
    answers(status, body)
    with pytest.raises(ContactRefused) as refused:
        providers.load(key).create(order(contact=CONTACT), 5)
    assert refused.value.not_executed
    assert CONTACT not in str(refused.value)


@pytest.mark.parametrize(("key", "status", "body"), _cases(ABOUT_ELSE))
def test_another_refusal_is_not_contact_refused(
    answers: Callable[[int, Any], None], key: str, status: int, body: Any
) -> None:
    answers(status, body)
    with pytest.raises(RequestRefused) as refused:
        providers.load(key).create(order(contact=CONTACT), 5)
    assert not isinstance(refused.value, ContactRefused)


@pytest.mark.parametrize("status", [429, 500, 502, 503])
@pytest.mark.parametrize("key", provider_lists.REAL)
def test_an_outage_is_not_a_refusal(answers: Callable[[int, Any], None], key: str, status: int) -> None:
    answers(status, "<html>email phone</html>")
    with pytest.raises(PaymentError) as failed:
        providers.load(key).create(order(contact=CONTACT), 5)
    assert not isinstance(failed.value, RequestRefused)


@pytest.mark.parametrize("key", ["prodamus", "cloudpayments"])
def test_a_refusal_is_not_about_a_contact_that_was_not_sent(
    answers: Callable[[int, Any], None], key: str
) -> None:
    answers(200, {"Success": False, "Message": "E-mail of the shop is not confirmed"})
    with pytest.raises(RequestRefused) as refused:
        providers.load(key).create(replace(order(), contact=None), 5)
    assert not isinstance(refused.value, ContactRefused)


def test_a_charge_with_a_refused_contact_can_be_retried(answers: Callable[[int, Any], None]) -> None:
    answers(*ABOUT_CONTACT["yookassa"][0])
    payment_event = providers.load("yookassa").charge_saved_method(order(contact=CONTACT), "method", 5)
    assert (payment_event.kind, payment_event.reason) == (EventKind.FAILED, CONTACT_REFUSED)
