"""YooKassa. Webhooks are not signed: one only names a payment, which is then fetched with our own key.

Where the caller's address is known, it is checked first, which is cheap. API version 3,
https://yookassa.ru/developers/api.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache, partial
from urllib.parse import urlencode

from shared.core.config import settings
from shared.core.errors import ConfigError
from shared.core.http import Response
from shared.core.json_types import JsonMapping, JsonObject
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
from shared.payments.providers.yookassa import requests

_FETCH_TIMEOUT = 5.0  # seconds; YooKassa waits 30 s for the response to a webhook
_NETWORKS = (
    "185.71.76.0/27",
    "185.71.77.0/27",
    "77.75.153.0/25",
    "77.75.154.128/25",
    "77.75.156.11/32",
    "77.75.156.35/32",
    "2a02:5180::/32",
)  # https://yookassa.ru/developers/using-api/webhooks#ip
_ID = re.compile(requests.ID_PATTERN, re.ASCII)
_KEY = re.compile(r"[0-9a-zA-Z+_.-]{1,64}", re.ASCII)
_CONTACT = re.compile(r"receipt\.(customer|email|phone)\b", re.ASCII)  # the refused parameter
_FINAL = ("succeeded", "canceled")
_PAGE_SIZE = 100  # objects
_MAX_EVENT_NAME = 60  # characters of an event's name in its key


class Provider(provider.Provider):
    """Payments with YooKassa's page; saved methods, refunds, statements."""

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
        """Create a payment that is confirmed on YooKassa's page; a renewing order saves the method."""
        body = requests.payment(order, self.LINE_LENGTH)
        body["confirmation"] = {"type": "redirect", "return_url": order.return_url}
        if order.period:
            body["save_payment_method"] = True
        payment = self._post("/v3/payments", body, order.idempotency_key, timeout)
        url = parsing.get_object(payment, "confirmation").get("confirmation_url")
        if not isinstance(url, str):
            # The key is known, and the payment it made is decided: it has no page any more.
            raise PaymentError("yookassa made a payment without an address", not_executed=True)
        with api_client.as_provider_error(self.key):
            return Checkout(url, _id(payment.get("id")))

    def charge_saved_method(self, order: Order, saved_method: str, timeout: float) -> PaymentEvent:
        """Charge a saved method. The answer usually has the outcome, otherwise a webhook follows."""
        body = requests.payment(order, self.LINE_LENGTH) | {"payment_method_id": saved_method}
        answer = self._send("/v3/payments", body, order.idempotency_key, timeout)
        if answer.status == 400 and (refusal := _refusal(answer.data, order.id)) is not None:
            return refusal
        payment = api_client.parse_response(self.key, answer, _why(answer.data))
        with api_client.as_provider_error(self.key):
            return _payment_event(payment)

    def find_charge(self, order_id: int, since: datetime, timeout: float) -> PaymentEvent | None:
        """Search the payments since then, which are listed from the newest."""
        deadline = time.monotonic() + timeout
        query = {"created_at.gte": _iso(since), "limit": str(_PAGE_SIZE)}
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise PaymentError("yookassa has more payments than can be searched in time")
            page = self._get(f"/v3/payments?{urlencode(query)}", left)
            for payment in parsing.get_list(page.get("items")):
                named = parsing.order_number(parsing.get_object(payment, "metadata").get("order_id"))
                if named == order_id:
                    with api_client.as_provider_error(self.key):
                        return _payment_event(payment)
            cursor = page.get("next_cursor")
            if not isinstance(cursor, str) or not cursor:
                return None
            query["cursor"] = cursor

    def statement(self, since: datetime, until: datetime, cursor: str, timeout: float) -> StatementPage:
        """List the payments by when they were captured, then the refunds by when they were made."""
        kind, _, place = (cursor or "payments:").partition(":")
        field = "captured_at" if kind == "payments" else "created_at"
        query = {f"{field}.gte": _iso(since), f"{field}.lt": _iso(until), "limit": str(_PAGE_SIZE)}
        if kind == "payments":
            query["status"] = "succeeded"
        if place:
            query["cursor"] = place
        page = self._get(f"/v3/{kind}?{urlencode(query)}", timeout)
        read = partial(_listed, "payment", _payment_event)
        if kind == "refunds":
            read = partial(_listed, "refund", _refund_event)
        events = api_client.parse_each(self.key, read, page.get("items"))
        following = page.get("next_cursor")
        if isinstance(following, str) and following:
            return StatementPage(events, f"{kind}:{following}")
        return StatementPage(events, "refunds:" if kind == "payments" else "")

    def verify(self, request: WebhookRequest) -> None:
        """Accept only YooKassa's addresses, where the caller's is known. `parse` has the proof."""
        if not all(settings().variable(name) for name in self.required_variables()):
            raise ConfigError("YOOKASSA_SHOP_ID and YOOKASSA_SECRET_KEY are missing")
        if request.client_address and not _is_theirs(request.client_address):
            raise InvalidSignature("not an address of YooKassa's")

    def parse(self, request: WebhookRequest) -> WebhookEvent:
        """Fetch the object that a webhook names, and trust nothing else.

        A body that names no object proves nothing, whatever its address. It is rejected without an alarm: the
        job `payments` fetches payments too.

        The key holds the object's state, not the event that the webhook claims: a forged `payment.succeeded`
        must not use the key of the true one.
        """
        event, number = _named_object(request.body)
        kind = event.partition(".")[0]
        if kind not in ("payment", "refund"):
            return _other_event(request, event)
        if not _is_id(number):
            raise InvalidSignature("not an id of YooKassa's")
        found = self._fetch_object(f"/v3/{kind}s/{number}")
        if parsing.text(found.get("id")) != number:
            raise PaymentError("yookassa answered with another object")
        state = parsing.text(found.get("status"))
        if event.endswith(_FINAL) and not state.endswith(_FINAL):
            raise PaymentError("yookassa's API does not have the reported state yet")
        payment_event = _payment_event(found) if kind == "payment" else _refund_event(found)
        return WebhookEvent(f"{kind}.{state}:{number}", (payment_event,), event)

    def fetch(self, order_id: int, reference: str, timeout: float) -> tuple[PaymentEvent, ...]:
        """Fetch a payment and its refunds."""
        from shared.payments.payloads import parse
        from shared.payments.providers.yookassa.payloads import Payment

        deadline = time.monotonic() + timeout
        with api_client.as_provider_error(self.key):
            payment = parse(Payment, self._get(f"/v3/payments/{_id(reference)}", timeout))
            if payment.status == "pending":
                return ()
            if not (payment.refunded_amount and payment.refunded_amount.value):
                return (payment.to_event(),)
            path = f"/v3/refunds?payment_id={payment.id}&limit=100"
            listed = parsing.get_list(self._get(path, deadline - time.monotonic()).get("items"))
            return (payment.to_event(), *map(_refund_event, listed))

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
        """Refund a payment, with a receipt of its own where one is required.

        The same key returns the first answer again, and no webhook reports that a refund was canceled later.
        So the current state of a pending refund is fetched.
        """
        deadline = time.monotonic() + timeout
        body: JsonObject = {"payment_id": payment_id, "amount": requests.money(amount, currency)}
        if receipt is not None:
            body["receipt"] = requests.receipt(receipt, amount, currency)
        made = self._post("/v3/refunds", body, key, timeout)
        with api_client.as_provider_error(self.key):
            event = _refund_event(made)
            if event.kind is EventKind.OTHER:
                with suppress(PaymentError):  # it was accepted in any case
                    path = f"/v3/refunds/{event.operation_id}"
                    event = _refund_event(self._get(path, deadline - time.monotonic()))
        return None if event.kind is EventKind.OTHER else event

    def _fetch_object(self, path: str) -> JsonObject:
        """Fetch what a webhook names; if it does not exist or is not ours, the webhook is not authentic."""
        answer = api_client.request_json(
            self.key, "GET", self.address(path), timeout=_FETCH_TIMEOUT, headers=self._headers()
        )
        if answer.status == 404:
            raise InvalidSignature("YooKassa does not know the object")
        found = api_client.parse_response(self.key, answer, _why(answer.data))
        shop = parsing.get_object(found, "recipient").get("account_id")
        if shop is not None and shop != settings().variable("YOOKASSA_SHOP_ID"):
            raise InvalidSignature("it belongs to another shop")
        return found

    def _get(self, path: str, timeout: float) -> JsonObject:
        url = self.address(path)
        answer = api_client.request_json(self.key, "GET", url, timeout=timeout, headers=self._headers())
        return api_client.parse_response(self.key, answer, _why(answer.data))

    def _post(self, path: str, body: JsonObject, key: str, timeout: float) -> JsonObject:
        answer = self._send(path, body, key, timeout)
        is_about_contact = bool(_CONTACT.match(_parameter(answer.data)))
        return api_client.parse_response(
            self.key, answer, _why(answer.data), is_about_contact=is_about_contact
        )

    def _send(self, path: str, body: JsonObject, key: str, timeout: float) -> Response:
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
    return tuple(ipaddress.ip_network(network) for network in _NETWORKS)


def _is_theirs(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in network for network in _networks())


def _named_object(body: bytes) -> tuple[str, object]:
    """Return the event of a webhook and the id of its object, neither of which is proven yet.

    Raises:
        InvalidSignature: it is no notification.
    """
    from shared.payments.payloads import parse_json
    from shared.payments.providers.yookassa.payloads import Notification

    try:
        notification = parse_json(Notification, body)
    except InvalidPayload as error:
        raise InvalidSignature(f"no notification of YooKassa's: {error}") from None
    return notification.event, notification.subject.id if notification.subject else None


def _other_event(request: WebhookRequest, event: str) -> WebhookEvent:
    """Return an event that concerns no payment; we start no payouts, so it changes nothing."""
    if not request.client_address:
        raise InvalidSignature("nothing proves an event of this kind")
    digest = hashlib.sha256(request.body).hexdigest()
    key = f"{event[:_MAX_EVENT_NAME]}:{digest[:32]}"
    return WebhookEvent(key, (PaymentEvent(kind=EventKind.OTHER),), event)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _payment_event(payment: JsonMapping) -> PaymentEvent:
    from shared.payments.payloads import parse
    from shared.payments.providers.yookassa.payloads import Payment

    return parse(Payment, payment).to_event()


def _refund_event(refund: JsonMapping) -> PaymentEvent:
    from shared.payments.payloads import parse
    from shared.payments.providers.yookassa.payloads import Refund

    return parse(Refund, refund).to_event()


def _listed(name: str, read: Callable[[JsonMapping], PaymentEvent], found: JsonMapping) -> WebhookEvent:
    """Return a listed object as the event of its webhook."""
    event, state = read(found), parsing.text(found.get("status"))
    return WebhookEvent(f"{name}.{state}:{_id(found.get('id'))}", (event,), f"{name}.{state}")


def _is_id(value: object) -> bool:
    """Whether it has the form of an id: it becomes part of a URL."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def _id(value: object) -> str:
    if not _is_id(value):
        raise InvalidPayload("id: not one of YooKassa's")
    return str(value)


def _why(data: bytes) -> str:
    error = parsing.json_object(data) or {}
    return " ".join(filter(None, (parsing.text(error.get(name)) for name in ("code", "parameter"))))


def _parameter(data: bytes) -> str:
    return parsing.text((parsing.json_object(data) or {}).get("parameter"))


def _refusal(data: bytes, order_id: int) -> PaymentEvent | None:
    """Return why a charge was refused before an attempt; None if the outcome is open."""
    error = parsing.json_object(data) or {}
    parameter = _parameter(data)
    if error.get("code") != "invalid_request" or parameter.lower() == "idempotence-key":
        return None  # the key was used with another body, so there was an attempt
    kind = EventKind.CANCELED if parameter == "payment_method_id" else EventKind.FAILED
    reason = CONTACT_REFUSED if _CONTACT.match(parameter) else f"invalid_request {parameter}".strip()
    return PaymentEvent(kind=kind, order_id=order_id, reason=reason)
