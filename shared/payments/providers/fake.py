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

from shared.core.config import settings
from shared.core.errors import ConfigError
from shared.core.signatures import hmac_sha256, is_signed
from shared.payments import calls, provider
from shared.payments.notice import Event, Kind, Notice
from shared.payments.provider import (
    MAX_BODY,
    Call,
    Checkout,
    Forged,
    Order,
    Page,
    PaymentError,
    Receipt,
    Unusable,
)
from shared.payments.reading import (
    currency,
    decimal,
    identifier,
    items,
    json_object,
    moment,
    order_number,
    text,
)

_ENVIRONMENTS = ("development", "test")
_KINDS = MappingProxyType({kind.value: kind for kind in Kind})


class Provider(provider.Provider):
    """Does everything a provider can do, and all of it at once."""

    REQUIRED = ("FAKE_SECRET_KEY", "FAKE_API_URL")
    API = ""  # FAKE_API_URL
    CURRENCIES = frozenset({"RUB", "USD", "EUR"})
    RENEWS: ClassVar[frozenset[str]] = frozenset({"month", "year"})
    HAS_STATUS = True
    ENDS_SILENTLY = True
    HAS_REFUND = True
    HAS_STATEMENT = True

    def is_configured(self) -> bool:
        """Whether this is a machine where nothing is real."""
        return settings().environment in _ENVIRONMENTS and super().is_configured()

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

    def verify(self, call: Call) -> None:
        """Check the signature, and that we are where a fake payment may count."""
        if settings().environment not in _ENVIRONMENTS:
            raise Forged("fake payments count only in development")
        if len(call.body) > MAX_BODY:
            raise Forged("too long")
        secrets = self.secrets("FAKE_SECRET_KEY")
        if not secrets:
            raise ConfigError("FAKE_SECRET_KEY is missing")
        if not is_signed([call.headers.get("x-fake-signature")], secrets, call.body):
            raise Forged("the signature does not belong to this body")

    def parse(self, call: Call) -> Event:
        """Read {"id", "notices": [what happened]}."""
        return _event(json_object(call.body) or {})

    def fetch(self, order_id: int, reference: str, timeout: float) -> tuple[Notice, ...]:
        """Ask for all that happened to an order."""
        found = self._ask("/state", {"order_id": order_id}, timeout)
        try:
            return tuple(map(_notice, items(found.get("notices"))))
        except Unusable as error:
            raise PaymentError(f"/state: {error}") from None

    def statement(self, since: datetime, until: datetime, cursor: str, timeout: float) -> Page:
        """List all that happened, as it was told."""
        asked = {"since": since.isoformat(), "until": until.isoformat(), "cursor": cursor}
        page = self._ask("/statement", asked, timeout)
        return Page(calls.each(self.key, _event, page.get("events")), text(page.get("next")))

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
    ) -> Notice | None:
        """Give it back, at once."""
        body = {"payment_id": payment_id, "amount": format(amount, "f"), "key": key}
        operation = identifier(self._ask("/refunds", body, timeout).get("id")) or key
        return Notice(
            kind=Kind.REFUNDED,
            payment_id=payment_id,
            operation_id=operation,
            amount=amount,
            currency=currency,
            is_test=True,
        )

    def stop_renewal(
        self, subscription_id: str, telegram_id: int, timeout: float, *, payment_id: str = "", payer: str = ""
    ) -> None:
        """End it."""
        self._ask("/subscriptions/stop", {"subscription_id": subscription_id}, timeout)

    def _ask(self, path: str, body: Mapping[str, Any], timeout: float) -> Mapping[str, Any]:
        secret = next(iter(self.secrets("FAKE_SECRET_KEY")), "")
        content = orjson.dumps(body)
        headers = {
            "Content-Type": "application/json",
            "X-Fake-Signature": hmac_sha256(secret, content).hex(),
        }
        url = self.address(path)
        answer = calls.call(self.key, "POST", url, timeout=timeout, body=content, headers=headers)
        return calls.result(self.key, answer)


def _event(content: Mapping[str, Any]) -> Event:
    key = identifier(content.get("id"))
    if key is None:
        raise Unusable("the event has no id")
    notices = items(content.get("notices"))[:10]
    return Event(key, tuple(map(_notice, notices)), text(content.get("type")))


def _notice(content: Mapping[str, Any]) -> Notice:
    kind = _KINDS.get(text(content.get("kind")))
    if kind is None:
        raise Unusable("a notice has no kind")
    return Notice(
        kind=kind,
        payment_id=identifier(content.get("payment_id")),
        order_id=order_number(content.get("order_id")),
        operation_id=identifier(content.get("operation_id")),
        amount=decimal(content.get("amount")),
        currency=currency(content.get("currency")),
        subscription_id=identifier(content.get("subscription_id")),
        period_ends_at=moment(content.get("period_ends_at")),
        telegram_id=order_number(content.get("telegram_id")),
        is_test=True,
        happened_at=moment(content.get("happened_at")),
        reason=text(content.get("reason")),
    )
