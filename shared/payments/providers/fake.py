"""A provider that takes no money: a whole payment on your own machine, with a checkout page of the emulator.

It is refused unless ENVIRONMENT is development or test: nobody gets anything from it anywhere else. Callbacks
are JSON, signed with HMAC-SHA256 over their bytes in `X-Fake-Signature`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, ClassVar

import orjson

from shared.core.signatures import hmac_sha256, is_signed
from shared.payments import api_client, provider
from shared.payments.declarations import Setting
from shared.payments.events import EventKind, PaymentEvent, WebhookEvent
from shared.payments.parsing import (
    currency,
    decimal,
    get_list,
    identifier,
    json_object,
    order_number,
    text,
    timestamp,
)
from shared.payments.provider import (
    MAX_BODY,
    Checkout,
    InvalidPayload,
    InvalidSignature,
    Order,
    PaymentError,
    Receipt,
    StatementPage,
    WebhookRequest,
)

_KINDS = MappingProxyType({kind.value: kind for kind in EventKind})


class Provider(provider.Provider):
    """Does everything a provider can do, and all of it at once."""

    REQUIRED = (
        Setting("FAKE_SECRET_KEY", "Key of the fake provider’s signatures.", is_secret=True, min_length=16),
        Setting("FAKE_API_URL", "Address of the fake provider.", default="http://127.0.0.1:8080/fake"),
    )
    ENVIRONMENTS = ("development", "test")
    API_URL = ""  # FAKE_API_URL
    CURRENCIES = frozenset({"RUB", "USD", "EUR"})
    RECURRING_PERIODS: ClassVar[frozenset[str]] = frozenset({"month", "year"})
    SUPPORTS_STATUS = True
    EXPIRES_SILENTLY = True
    SUPPORTS_REFUNDS = True
    SUPPORTS_STATEMENTS = True

    def create(self, order: Order, timeout: float) -> Checkout:
        """Make a checkout; again for the same key it is the same one."""
        answer = self._ask(
            "/checkouts",
            {
                "key": order.idempotency_key,
                "order_id": order.id,
                "title": order.title,
                "description": order.description,
                "amount": format(order.amount, "f"),
                "currency": order.currency,
                "telegram_id": order.telegram_id,
                "return_url": order.return_url,
                "period": order.period,
            },
            timeout,
        )
        url = answer.get("url")
        if not isinstance(url, str):
            raise PaymentError("the fake provider gave no address")
        return Checkout(url, identifier(answer.get("id")) or "")

    def verify(self, request: WebhookRequest) -> None:
        """Check the signature, and that we are where a fake payment may count."""
        if not self.is_allowed():
            raise InvalidSignature("fake payments count only in development")
        if len(request.body) > MAX_BODY:
            raise InvalidSignature("too long")
        secrets = self.secrets("FAKE_SECRET_KEY")
        if not is_signed([request.headers.get("x-fake-signature")], secrets, request.body):
            raise InvalidSignature("the signature does not belong to this body")

    def parse(self, request: WebhookRequest) -> WebhookEvent:
        """Read {"id", "events": [what happened]}."""
        return _event(json_object(request.body) or {})

    def fetch(self, order_id: int, reference: str, timeout: float) -> tuple[PaymentEvent, ...]:
        """Ask for all that happened to an order."""
        found = self._ask("/state", {"order_id": order_id}, timeout)
        try:
            return tuple(map(_notice, get_list(found.get("events"))))
        except InvalidPayload as error:
            raise PaymentError(f"/state: {error}") from None

    def statement(self, since: datetime, until: datetime, cursor: str, timeout: float) -> StatementPage:
        """List all that happened, as it was told."""
        asked = {"since": since.isoformat(), "until": until.isoformat(), "cursor": cursor}
        page = self._ask("/statement", asked, timeout)
        return StatementPage(
            api_client.parse_each(self.key, _event, page.get("events")), text(page.get("next"))
        )

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
        """Give it back, at once."""
        body = {"payment_id": payment_id, "amount": format(amount, "f"), "key": key}
        operation = identifier(self._ask("/refunds", body, timeout).get("id")) or key
        return PaymentEvent(
            kind=EventKind.REFUNDED,
            payment_id=payment_id,
            operation_id=operation,
            amount=amount,
            currency=currency,
            is_test=True,
        )

    def cancel_subscription(
        self, subscription_id: str, telegram_id: int, timeout: float, *, payment_id: str = "", payer: str = ""
    ) -> None:
        """End it."""
        self._ask("/subscriptions/stop", {"subscription_id": subscription_id}, timeout)

    def _ask(self, path: str, body: Mapping[str, Any], timeout: float) -> Mapping[str, Any]:
        secret = self.secrets("FAKE_SECRET_KEY")[0]
        content = orjson.dumps(body)
        headers = {
            "Content-Type": "application/json",
            "X-Fake-Signature": hmac_sha256(secret, content).hex(),
        }
        url = self.address(path)
        answer = api_client.request(self.key, "POST", url, timeout=timeout, body=content, headers=headers)
        return api_client.parse_response(self.key, answer)


def _event(content: Mapping[str, Any]) -> WebhookEvent:
    key = identifier(content.get("id"))
    if key is None:
        raise InvalidPayload("the event has no id")
    payment_events = get_list(content.get("events"))[:10]
    return WebhookEvent(key, tuple(map(_notice, payment_events)), text(content.get("type")))


def _notice(content: Mapping[str, Any]) -> PaymentEvent:
    kind = _KINDS.get(text(content.get("kind")))
    if kind is None:
        raise InvalidPayload("a notice has no kind")
    return PaymentEvent(
        kind=kind,
        payment_id=identifier(content.get("payment_id")),
        order_id=order_number(content.get("order_id")),
        operation_id=identifier(content.get("operation_id")),
        amount=decimal(content.get("amount")),
        currency=currency(content.get("currency")),
        subscription_id=identifier(content.get("subscription_id")),
        period_ends_at=timestamp(content.get("period_ends_at")),
        telegram_id=order_number(content.get("telegram_id")),
        is_test=True,
        happened_at=timestamp(content.get("happened_at")),
        reason=text(content.get("reason")),
    )
