"""Crypto Pay (@CryptoBot): invoices in fiat currencies, paid in coins at the current rate.

Source: https://help.send.tg/en/articles/10279948-crypto-pay-api. An invoice is paid once and can't be
refunded. No webhook reports that it expired: only `getInvoices` does.
"""

from __future__ import annotations

import hashlib
import time
from datetime import datetime, timedelta
from urllib.parse import urlencode, urlsplit

from shared.core import clock
from shared.core.config import settings
from shared.core.errors import ConfigError
from shared.core.json_types import JsonMapping, JsonObject
from shared.core.signatures import is_signed
from shared.payments import api_client, parsing, provider
from shared.payments.declarations import Sandbox, Setting
from shared.payments.events import EventKind, PaymentEvent, WebhookEvent
from shared.payments.provider import (
    Checkout,
    InvalidSignature,
    Order,
    PaymentError,
    RequestRefused,
    StatementPage,
    WebhookRequest,
)

_MAX_LIFETIME = 2_678_400  # seconds of an invoice
_PAGE_SIZE = 200  # invoices
_SEARCHED = 100  # invoices, after a lost answer
_OFFERED = "AED AMD AZN BRL BYN CNY EUR GBP GEL IDR ILS INR KZT PLN RUB THB TRY UAH USD UZS"
_TOKEN = "CRYPTO_PAY_TOKEN"  # noqa: S105  the variable's name


class Provider(provider.Provider):
    """Invoices and statements."""

    REQUIRED = (
        Setting("CRYPTO_PAY_TOKEN", "Token of the app: @CryptoBot, Crypto Pay, My Apps.", is_secret=True),
    )
    SANDBOX = Sandbox(_TOKEN, "that of @CryptoTestnetBot", api_url="https://testnet-pay.crypt.bot")
    API_URL = "https://pay.crypt.bot"
    CURRENCIES = frozenset(_OFFERED.split())
    PAYMENT_METHOD = "crypto"
    LINE_LENGTH = 1024
    SUPPORTS_STATUS = True
    SUPPORTS_STATEMENTS = True

    def create(self, order: Order, timeout: float) -> Checkout:
        """Create an invoice. The API has no idempotency key: after a lost answer it is searched for."""
        deadline = time.monotonic() + timeout
        try:
            invoice = self._ask("createInvoice", timeout, _invoice_parameters(order))
        except PaymentError as error:
            left = deadline - time.monotonic()
            made = None if error.not_executed or left < 1 else self._find_unpaid(order, left)
            if made is None:
                raise
            invoice = made
        url, number = invoice.get("bot_invoice_url"), parsing.identifier(invoice.get("invoice_id"))
        if not isinstance(url, str) or number is None:
            raise PaymentError("crypto_pay created an invoice without an address")
        return Checkout(url, number)

    def verify(self, request: WebhookRequest) -> None:
        """Check `crypto-pay-api-signature`: HMAC of the raw body; its key is the digest of our token."""
        token = settings().variable(_TOKEN)
        if not token:
            raise ConfigError(f"{_TOKEN} is missing")
        secret = hashlib.sha256(token.encode()).digest()
        if not is_signed([request.headers.get("crypto-pay-api-signature")], [secret], request.body):
            raise InvalidSignature("the signature does not match")

    def parse(self, request: WebhookRequest) -> WebhookEvent:
        """Parse an update. Its key is the invoice with its state: `update_id` differs between retries."""
        from shared.payments.payloads import parse_json
        from shared.payments.providers.crypto_pay.payloads import PaidUpdate, Update

        update = parse_json(Update, request.body)
        kind, invoice = update.update_type, update.payload
        if kind != "invoice_paid":
            return WebhookEvent(f"{invoice.invoice_id}:{kind}", (PaymentEvent(kind=EventKind.OTHER),), kind)
        event = parse_json(PaidUpdate, request.body).payload.to_event(is_test=self._is_test_network())
        return WebhookEvent(f"{invoice.invoice_id}:{invoice.status}", (event,), kind)

    def fetch(self, order_id: int, reference: str, timeout: float) -> tuple[PaymentEvent, ...]:
        """Fetch an invoice; one that does not exist was deleted."""
        found = self._ask("getInvoices", timeout, {"invoice_ids": reference})
        invoices = [
            one for one in parsing.get_list(found.get("items")) if str(one.get("invoice_id")) == reference
        ]
        if not invoices:
            canceled = EventKind.CANCELED
            return (PaymentEvent(kind=canceled, payment_id=reference, order_id=order_id, reason="deleted"),)
        with api_client.as_provider_error(self.key):
            return tuple(self._invoice_event(one) for one in invoices if one.get("status") != "active")

    def statement(self, since: datetime, until: datetime, cursor: str, timeout: float) -> StatementPage:
        """List paid invoices from the newest, until all of a page are older than an invoice can be paid."""
        offset = int(cursor or "0")
        asked = {"status": "paid", "offset": offset, "count": _PAGE_SIZE}
        invoices = parsing.get_list(self._ask("getInvoices", timeout, asked).get("items"))

        def listed(invoice: JsonMapping) -> WebhookEvent | None:
            payment_event = self._invoice_event(invoice)
            is_within = payment_event.happened_at is not None and since <= payment_event.happened_at < until
            return (
                WebhookEvent(f"{payment_event.payment_id}:paid", (payment_event,), "invoice_paid")
                if is_within
                else None
            )

        oldest = since - timedelta(seconds=_MAX_LIFETIME)
        made = [parsing.timestamp(one.get("created_at")) for one in invoices]
        is_over = len(invoices) < _PAGE_SIZE or all(moment is not None and moment < oldest for moment in made)
        return StatementPage(
            api_client.parse_each(self.key, listed, invoices), "" if is_over else str(offset + len(invoices))
        )

    def _find_unpaid(self, order: Order, timeout: float) -> JsonObject | None:
        """Return the order's invoice that can still be paid, or None."""
        try:
            found = self._ask("getInvoices", timeout, {"status": "active", "count": _SEARCHED})
        except PaymentError:
            return None  # the first error is reported
        same = (one for one in parsing.get_list(found.get("items")) if one.get("payload") == str(order.id))
        return next(same, None)

    def _invoice_event(self, invoice: JsonMapping) -> PaymentEvent:
        from shared.payments.payloads import parse
        from shared.payments.providers.crypto_pay.payloads import Invoice

        return parse(Invoice, invoice).to_event(is_test=self._is_test_network())

    def _is_test_network(self) -> bool:
        """Whether coins have no value: only the address distinguishes the networks."""
        return (urlsplit(self.address()).hostname or "").startswith("testnet-")

    def _ask(self, method: str, timeout: float, parameters: JsonObject) -> JsonObject:
        headers = {
            "Crypto-Pay-API-Token": settings().variable(_TOKEN),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        url, body = self.address(f"/api/{method}"), urlencode(parameters).encode()
        answer = api_client.request(self.key, "POST", url, timeout=timeout, body=body, headers=headers)
        said = parsing.json_object(answer.data) or {}
        error = parsing.get_object(said, "error")
        found = api_client.parse_response(self.key, answer, parsing.text(error.get("name")))
        if found.get("ok") is not True:
            raise RequestRefused(f"crypto_pay refused: {parsing.text(error.get('name'))}")
        return parsing.get_object(found, "result")


def _invoice_parameters(order: Order) -> JsonObject:
    parameters = {
        "currency_type": "fiat",
        "fiat": order.currency,
        "amount": format(order.amount, "f"),
        "description": order.in_one_line(Provider.LINE_LENGTH),
        "payload": str(order.id),
        "paid_btn_name": "openBot",
        "paid_btn_url": order.return_url,
        "allow_comments": "false",
    }
    if order.expires_at is not None:
        left = int((order.expires_at - clock.now()).total_seconds())
        parameters["expires_in"] = str(min(max(left, 60), _MAX_LIFETIME))
    return parameters
