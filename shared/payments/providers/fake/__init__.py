"""A provider that moves no money, with a checkout page of the emulator.

It works only where ENVIRONMENT is development or test. Webhooks are JSON, signed with HMAC-SHA256 over their
bytes in `X-Fake-Signature`.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import ClassVar

import orjson

from shared.core.json_types import JsonMapping
from shared.core.signatures import hmac_sha256, is_signed
from shared.payments import api_client, provider
from shared.payments.declarations import Setting
from shared.payments.events import EventKind, PaymentEvent, WebhookEvent
from shared.payments.parsing import (
    identifier,
    json_object,
    text,
)
from shared.payments.provider import (
    MAX_BODY,
    Checkout,
    InvalidSignature,
    Order,
    PaymentError,
    Receipt,
    StatementPage,
    WebhookRequest,
)


class Provider(provider.Provider):
    """Supports everything that a provider can, at once."""

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
        """Create a checkout; the same key returns the same one."""
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
            raise PaymentError("the fake provider returned no address")
        return Checkout(url, identifier(answer.get("id")) or "")

    def verify(self, request: WebhookRequest) -> None:
        """Check the signature and the environment."""
        if not self.is_allowed():
            raise InvalidSignature("fake payments count only in development")
        if len(request.body) > MAX_BODY:
            raise InvalidSignature("too long")
        secrets = self.secrets("FAKE_SECRET_KEY")
        if not is_signed([request.headers.get("x-fake-signature")], secrets, request.body):
            raise InvalidSignature("the signature does not belong to this body")

    def parse(self, request: WebhookRequest) -> WebhookEvent:
        """Parse a JSON object with the operations that happened."""
        return _listed(json_object(request.body) or {})

    def fetch(self, order_id: int, reference: str, timeout: float) -> tuple[PaymentEvent, ...]:
        """Fetch everything that happened to an order."""
        from shared.payments.payloads import parse
        from shared.payments.providers.fake.payloads import State

        found = self._ask("/state", {"order_id": order_id}, timeout)
        with api_client.as_provider_error(self.key):
            return tuple(event.to_event() for event in parse(State, found).events)

    def statement(self, since: datetime, until: datetime, cursor: str, timeout: float) -> StatementPage:
        """List everything that happened, as the webhooks reported it."""
        asked = {"since": since.isoformat(), "until": until.isoformat(), "cursor": cursor}
        page = self._ask("/statement", asked, timeout)
        return StatementPage(
            api_client.parse_each(self.key, _listed, page.get("events")), text(page.get("next"))
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
        """Refund a payment at once."""
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
        """Cancel a subscription at once."""
        self._ask("/subscriptions/stop", {"subscription_id": subscription_id}, timeout)

    def _ask(self, path: str, body: JsonMapping, timeout: float) -> JsonMapping:
        secret = self.secrets("FAKE_SECRET_KEY")[0]
        content = orjson.dumps(body)
        headers = {
            "Content-Type": "application/json",
            "X-Fake-Signature": hmac_sha256(secret, content).hex(),
        }
        url = self.address(path)
        answer = api_client.request(self.key, "POST", url, timeout=timeout, body=content, headers=headers)
        return api_client.parse_response(self.key, answer)


def _listed(found: JsonMapping) -> WebhookEvent:
    from shared.payments.payloads import parse
    from shared.payments.providers.fake.payloads import Webhook

    return parse(Webhook, found).to_event()
