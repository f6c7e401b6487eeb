"""YooKassa: nothing is signed. A callback only says which payment to look at; what counts is what YooKassa
answers when asked for it with our own key. Where the caller's address is known it is a first, cheap filter.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache, partial
from typing import Any, TypeGuard
from urllib.parse import urlencode

from shared.core.config import settings
from shared.core.errors import ConfigError
from shared.core.http import Response
from shared.payments import api_client, parsing, provider
from shared.payments.declarations import Sandbox, Setting
from shared.payments.events import CONTACT_REFUSED, EventKind, PaymentEvent, WebhookEvent
from shared.payments.provider import (
    Checkout,
    InvalidPayload,
    InvalidSignature,
    Order,
    PaymentError,
    Receipt,
    StatementPage,
    WebhookRequest,
)

_ASK_TIMEOUT = 5.0  # seconds; a callback is answered within 30
_ADDRESSES = (
    "185.71.76.0/27",
    "185.71.77.0/27",
    "77.75.153.0/25",
    "77.75.154.128/25",
    "77.75.156.11/32",
    "77.75.156.35/32",
    "2a02:5180::/32",
)
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_KEY = re.compile(r"[0-9a-zA-Z+_.-]{1,64}", re.ASCII)
_CONTACT = re.compile(r"receipt\.(customer|email|phone)\b", re.ASCII)  # a parameter that is refused
_FINAL = ("succeeded", "canceled")
_LISTED = 100  # objects a page
# The payer, or nobody, ended it; every other reason is a failure.
_GIVEN_UP = frozenset(
    {
        "canceled_by_merchant",
        "expired_on_capture",
        "expired_on_confirmation",
        "permission_revoked",
        "deal_expired",
    }
)

# No later try can succeed with what was charged: it is wrong, blocked, gone, or may not be used for this.
_HOPELESS = frozenset(
    {
        "card_expired",
        "country_forbidden",
        "fraud_suspected",
        "identification_required",
        "invalid_card_number",
        "invalid_csc",
        "payment_method_restricted",
        "permission_revoked",
        "unsupported_mobile_operator",
    }
)

Json = dict[str, Any]


class Provider(provider.Provider):
    """The API of version 3, https://yookassa.ru/developers/api."""

    REQUIRED = (
        Setting("YOOKASSA_SHOP_ID", "Number of the shop (shopId)."),
        Setting("YOOKASSA_SECRET_KEY", "Integration, API keys.", is_secret=True),
    )
    SANDBOX = Sandbox("YOOKASSA_SECRET_KEY", "test_…, that of a test shop", prefixes=("test_",))
    API_URL = "https://api.yookassa.ru"
    CURRENCIES = frozenset({"RUB"})
    LINE_LENGTH = 128
    SUPPORTS_SAVED_METHODS = True
    REQUIRES_CONTACT = True
    SUPPORTS_STATUS = True
    SUPPORTS_REFUNDS = True
    SUPPORTS_STATEMENTS = True

    def create(self, order: Order, timeout: float) -> Checkout:
        """Make a payment, confirmed on YooKassa's page; what is paid with is kept where it shall renew."""
        body = _payment(order) | {"confirmation": {"type": "redirect", "return_url": order.return_url}}
        if order.period:
            body["save_payment_method"] = True
        payment = self._post("/v3/payments", body, order.idempotency_key, timeout)
        url = parsing.get_object(payment, "confirmation").get("confirmation_url")
        if not isinstance(url, str):
            # The key is known and the payment decided: there is no page any more.
            raise PaymentError("yookassa made a payment without an address", not_executed=True)
        with api_client.as_provider_error(self.key):
            return Checkout(url, _id(payment.get("id")))

    def charge_saved_method(self, order: Order, saved_method: str, timeout: float) -> PaymentEvent:
        """Charge a saved method; usually decided at once, else a callback tells."""
        body = _payment(order) | {"payment_method_id": saved_method}
        answer = self._send("/v3/payments", body, order.idempotency_key, timeout)
        if answer.status == 400 and (refusal := _refusal(answer.data, order.id)) is not None:
            return refusal
        made = api_client.parse_response(self.key, answer, _why(answer.data))
        with api_client.as_provider_error(self.key):
            return _read_payment(made)

    def find_charge(self, order_id: int, since: datetime, timeout: float) -> PaymentEvent | None:
        """Look through the payments since then; the newest come first."""
        deadline = time.monotonic() + timeout
        query = {"created_at.gte": _iso(since), "limit": str(_LISTED)}
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise PaymentError("yookassa has more payments than can be looked through in time")
            page = self._get(f"/v3/payments?{urlencode(query)}", left)
            for payment in parsing.get_list(page.get("items")):
                named = parsing.order_number(parsing.get_object(payment, "metadata").get("order_id"))
                if named == order_id:
                    with api_client.as_provider_error(self.key):
                        return _read_payment(payment)
            cursor = page.get("next_cursor")
            if not isinstance(cursor, str) or not cursor:
                return None
            query["cursor"] = cursor

    def statement(self, since: datetime, until: datetime, cursor: str, timeout: float) -> StatementPage:
        """List the payments by when they were captured, then the refunds by when they were made."""
        kind, _, place = (cursor or "payments:").partition(":")
        moment = "captured_at" if kind == "payments" else "created_at"
        query = {f"{moment}.gte": _iso(since), f"{moment}.lt": _iso(until), "limit": str(_LISTED)}
        if kind == "payments":
            query["status"] = "succeeded"
        if place:
            query["cursor"] = place
        page = self._get(f"/v3/{kind}?{urlencode(query)}", timeout)
        events = api_client.parse_each(self.key, partial(_listed, kind), page.get("items"))
        following = page.get("next_cursor")
        if isinstance(following, str) and following:
            return StatementPage(events, f"{kind}:{following}")
        return StatementPage(events, "refunds:" if kind == "payments" else "")

    def verify(self, request: WebhookRequest) -> None:
        """Let only YooKassa's addresses pass, where the caller's is known. The proof comes with `parse`."""
        if not all(settings().variable(name) for name in self.required_variables()):
            raise ConfigError("YOOKASSA_SHOP_ID and YOOKASSA_SECRET_KEY are missing")
        if request.client_address and not _is_theirs(request.client_address):
            raise InvalidSignature("not an address of YooKassa's")

    def parse(self, request: WebhookRequest) -> WebhookEvent:
        """Ask YooKassa for the object the callback names, and believe nothing else.

        A body that names nothing to ask for proves nothing, whatever address it came from: nothing is signed,
        so it is refused without an alarm. Payments are found by asking all the same.

        The key says what the object is now, not what the callback claims: a forged `payment.succeeded` must
        not use up the key of the true one.
        """
        body = parsing.json_object(request.body) or {}
        told = parsing.text(body.get("event"))
        kind = told.partition(".")[0]
        if body.get("type") != "notification" or not told:
            raise InvalidSignature("no notification of YooKassa's")
        if kind not in ("payment", "refund"):
            return _not_ours(request, told)
        number = parsing.get_object(body, "object").get("id")
        if not _is_id(number):
            raise InvalidSignature("no number of YooKassa's")
        found = self._look(f"/v3/{kind}s/{number}")
        if parsing.text(found.get("id")) != number:
            raise PaymentError("yookassa answered with another object")
        state = parsing.text(found.get("status"))
        if told.endswith(_FINAL) and not state.endswith(_FINAL):
            raise PaymentError("yookassa does not know yet what it told")
        payment_event = _read_payment(found) if kind == "payment" else _read_refund(found)
        return WebhookEvent(f"{kind}.{state}:{number}", (payment_event,), told)

    def fetch(self, order_id: int, reference: str, timeout: float) -> tuple[PaymentEvent, ...]:
        """Ask for a payment, and for what was given back of it."""
        deadline = time.monotonic() + timeout
        with api_client.as_provider_error(self.key):
            payment = self._get(f"/v3/payments/{_id(reference)}", timeout)
            told = _read_payment(payment)
            if payment.get("status") == "pending":
                return ()
            back = parsing.decimal(parsing.get_object(payment, "refunded_amount").get("value"))
            if not back:
                return (told,)
            path = f"/v3/refunds?payment_id={told.payment_id}&limit=100"
            listed = parsing.get_list(self._get(path, deadline - time.monotonic()).get("items"))
            return (told, *map(_read_refund, listed))

    def refund(
        self,
        payment_id: str,
        amount: Decimal,
        currency: str,
        *,
        key: str,
        telegram_id: int,
        timeout: float,
        receipt: Receipt | None = None,
    ) -> PaymentEvent | None:
        """Give money back, with a receipt of its own where one is due.

        Under one key the answer stays the first one, and that a refund is canceled later is told to nobody:
        of one under way its present state is asked for.
        """
        deadline = time.monotonic() + timeout
        body: Json = {"payment_id": payment_id, "amount": _money(amount, currency)}
        if receipt is not None:
            body["receipt"] = _receipt(receipt, amount, currency)
        made = self._post("/v3/refunds", body, key, timeout)
        with api_client.as_provider_error(self.key):
            payment_event = _read_refund(made)
            if payment_event.kind is EventKind.OTHER:
                with suppress(PaymentError):  # that it is taken is known all the same
                    path = f"/v3/refunds/{payment_event.operation_id}"
                    payment_event = _read_refund(self._get(path, deadline - time.monotonic()))
        return None if payment_event.kind is EventKind.OTHER else payment_event

    def _look(self, path: str) -> Json:
        """Ask for what a callback names. Where that is not there, or not ours, the callback is nobody's."""
        answer = api_client.request_json(
            self.key, "GET", self.address(path), timeout=_ASK_TIMEOUT, headers=self._headers()
        )
        if answer.status == 404:
            raise InvalidSignature("YooKassa knows nothing of it")
        found = api_client.parse_response(self.key, answer, _why(answer.data))
        shop = parsing.get_object(found, "recipient").get("account_id")
        if shop is not None and shop != settings().variable("YOOKASSA_SHOP_ID"):
            raise InvalidSignature("it belongs to another shop")
        return found

    def _get(self, path: str, timeout: float) -> Json:
        url = self.address(path)
        answer = api_client.request_json(self.key, "GET", url, timeout=timeout, headers=self._headers())
        return api_client.parse_response(self.key, answer, _why(answer.data))

    def _post(self, path: str, body: Json, key: str, timeout: float) -> Json:
        answer = self._send(path, body, key, timeout)
        is_about_contact = bool(_CONTACT.match(_parameter(answer.data)))
        return api_client.parse_response(
            self.key, answer, _why(answer.data), is_about_contact=is_about_contact
        )

    def _send(self, path: str, body: Json, key: str, timeout: float) -> Response:
        fit = key if _KEY.fullmatch(key) else hashlib.sha256(key.encode()).hexdigest()
        headers = self._headers() | {"Idempotence-Key": fit}
        url = self.address(path)
        return api_client.request_json(self.key, "POST", url, timeout=timeout, body=body, headers=headers)

    def _headers(self) -> dict[str, str]:
        return api_client.basic_auth(
            settings().variable("YOOKASSA_SHOP_ID"), settings().variable("YOOKASSA_SECRET_KEY")
        )


@lru_cache(maxsize=1)
def _networks() -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(ipaddress.ip_network(address) for address in _ADDRESSES)


def _is_theirs(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in network for network in _networks())


def _not_ours(request: WebhookRequest, told: str) -> WebhookEvent:
    """Return what is kept of other news: nothing of ours is paid out or saved by itself."""
    if not request.client_address:
        raise InvalidSignature("nothing proves this kind of news")
    digest = hashlib.sha256(request.body).hexdigest()
    return WebhookEvent(f"{told[:60]}:{digest[:32]}", (PaymentEvent(kind=EventKind.OTHER),), told)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _listed(kind: str, found: Mapping[str, Any]) -> WebhookEvent:
    """Read an object of a list, as the event that a callback about it would be."""
    payment_event = _read_payment(found) if kind == "payments" else _read_refund(found)
    name, state = kind.removesuffix("s"), parsing.text(found.get("status"))
    return WebhookEvent(f"{name}.{state}:{_id(found.get('id'))}", (payment_event,), f"{name}.{state}")


def _is_id(value: Any) -> TypeGuard[str]:
    """Whether it looks like a number of YooKassa's: it goes into an address."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def _id(value: Any) -> str:
    if not _is_id(value):
        raise InvalidPayload("no number of YooKassa's")
    return value


def _why(data: bytes) -> str:
    error = parsing.json_object(data) or {}
    return " ".join(filter(None, (parsing.text(error.get(name)) for name in ("code", "parameter"))))


def _parameter(data: bytes) -> str:
    return parsing.text((parsing.json_object(data) or {}).get("parameter"))


def _refusal(data: bytes, order_id: int) -> PaymentEvent | None:
    """Read why a charge was refused before anything was tried; None when that decides nothing."""
    error = parsing.json_object(data) or {}
    parameter = _parameter(data)
    if error.get("code") != "invalid_request" or parameter.lower() == "idempotence-key":
        return None  # the key is known with other words: something was tried then
    kind = EventKind.CANCELED if parameter == "payment_method_id" else EventKind.FAILED
    reason = CONTACT_REFUSED if _CONTACT.match(parameter) else f"invalid_request {parameter}".strip()
    return PaymentEvent(kind=kind, order_id=order_id, reason=reason)


def _money(amount: Decimal, currency: str) -> Json:
    return {"value": f"{amount:.2f}", "currency": currency}


def _payment(order: Order) -> Json:
    body: Json = {
        "amount": _money(order.amount, order.currency),
        "capture": True,
        "description": order.in_one_line(Provider.LINE_LENGTH),
        "metadata": {"order_id": str(order.id)},
    }
    if order.contact:
        body["receipt"] = _receipt(Receipt(order.contact, order.title), order.amount, order.currency)
    return body


def _receipt(receipt: Receipt, amount: Decimal, currency: str) -> Json:
    """Return a receipt (54-FZ) of one item, a service paid in full."""
    item = {
        "description": receipt.title[:128],
        "quantity": "1.00",
        "amount": _money(amount, currency),
        "vat_code": int(settings().receipt_vat_code),
        "payment_subject": "service",
        "payment_mode": "full_payment",
    }
    is_mail = "@" in receipt.contact
    contact = receipt.contact if is_mail else "".join(filter(str.isdigit, receipt.contact))
    found: Json = {"customer": {"email" if is_mail else "phone": contact}, "items": [item]}
    if settings().receipt_tax_system:
        found["tax_system_code"] = int(settings().receipt_tax_system)
    return found


def _read_payment(payment: Mapping[str, Any]) -> PaymentEvent:
    state, amount = payment.get("status"), parsing.get_object(payment, "amount")
    why = parsing.text(parsing.get_object(payment, "cancellation_details").get("reason"))
    method = parsing.get_object(payment, "payment_method")
    kinds = {
        "pending": EventKind.PENDING,
        "waiting_for_capture": EventKind.PENDING,
        "succeeded": EventKind.PAID,
    }
    kinds["canceled"] = EventKind.CANCELED if why in _GIVEN_UP else EventKind.FAILED
    value, currency = parsing.decimal(amount.get("value")), parsing.currency(amount.get("currency"))
    if state not in kinds or value is None or currency is None:
        raise InvalidPayload("a payment without its state or amount")
    is_paid = state == "succeeded"
    return PaymentEvent(
        kind=kinds[state],
        payment_id=_id(payment.get("id")),
        order_id=parsing.order_number(parsing.get_object(payment, "metadata").get("order_id")),
        amount=value if is_paid else None,
        currency=currency if is_paid else None,
        saved_method=parsing.identifier(method.get("id"))
        if is_paid and method.get("saved") is True
        else None,
        is_test=payment.get("test") is True,
        is_final=state == "canceled" and why in _HOPELESS,
        happened_at=parsing.timestamp(payment.get("captured_at") or payment.get("created_at")),
        reason=why,
    )


def _read_refund(refund: Mapping[str, Any]) -> PaymentEvent:
    kinds = {"succeeded": EventKind.REFUNDED, "canceled": EventKind.REFUND_FAILED}
    amount = parsing.get_object(refund, "amount")
    value, currency = parsing.decimal(amount.get("value")), parsing.currency(amount.get("currency"))
    if value is None or currency is None:
        raise InvalidPayload("a refund without its amount")
    kind = kinds.get(parsing.text(refund.get("status")), EventKind.OTHER)
    return PaymentEvent(
        kind=kind,
        payment_id=_id(refund.get("payment_id")),
        operation_id=_id(refund.get("id")),
        amount=value,
        currency=currency,
        happened_at=parsing.timestamp(refund.get("created_at")),
        reason=parsing.text(parsing.get_object(refund, "cancellation_details").get("reason")),
    )
