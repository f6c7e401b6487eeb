"""Crypto Pay (@CryptoBot): invoices in ordinary money, paid in coins. Only a payment has a callback."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import parse_qsl

from tools.emulator.payments.callbacks import Callback
from tools.emulator.payments.fake_server import FakePaymentServer
from tools.emulator.payments.invoices import Invoice
from tools.emulator.web import Request, Response, json_response

Json = dict[str, Any]

KNOWN = "USD EUR RUB BYN UAH GBP CNY KZT UZS GEL TRY AMD THB INR BRL IDR AZN AED PLN ILS"
FIATS = frozenset(KNOWN.split())
RATES = {"RUB": Decimal(80), "KZT": Decimal(500), "EUR": Decimal("0.9")}  # units for a dollar; else 1
FEE = Decimal("0.03")
LONGEST = 2_678_400  # seconds an invoice may live


class Refused(Exception):
    """An error of the API; its name is the message."""


class FakeServer(FakePaymentServer):
    """One app."""

    NAME = "Crypto Pay"
    COLOUR = "#1b7a4b"
    # Seventeen attempts in three days; then the webhook is switched off.
    PAUSES = (60, 120, 300, 600, 1200, 1800, 3600, 7200, *(10_800,) * 4, *(43_200,) * 4)
    ACTIONS = ("pay", "pay_later", "wrong_amount", "deliver_twice", "forge", "expire")
    SIGNATURES = ("crypto-pay-api-signature",)
    FIELDS = (("Asset", "USDT"), ("Wallet", "@CryptoBot"))
    TOKEN = "12345:AAemulatorcryptopaytoken"  # noqa: S105  of no real app

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.is_webhook_on = True
        self.lose_answers = 0  # how many of the next calls are executed without an answer
        self._updates = 0
        self.callbacks.give_up = self._switch_off

    def environment(self, url: str) -> dict[str, str]:
        """Return the app's token and address."""
        return {"CRYPTO_PAY_TOKEN": self.TOKEN, "CRYPTO_PAY_API_URL": url}

    def pay(self, invoice: Invoice, amount: Decimal) -> list[Callback]:
        """Pay with dollars' coins."""
        invoice.state = "paid"
        rate = RATES.get(invoice.currency, Decimal(1))
        paid = (amount / rate).quantize(Decimal("0.01"))
        invoice.object |= {
            "amount": format(amount, "f"),
            "status": "paid",
            "paid_at": self._now(),
            "paid_asset": "USDT",
            "paid_amount": str(paid),
            "paid_fiat_rate": str(rate),
            "paid_anonymously": False,
            "fee_asset": "USDT",
            "fee_amount": str((paid * FEE).quantize(Decimal("0.01"))),
        }
        return [self._update(invoice.object, self.TOKEN)] if self.is_webhook_on else []

    def decline(self, invoice: Invoice) -> list[Callback]:
        """Do nothing: a payment in coins cannot be declined."""
        return []

    def expire(self, invoice: Invoice) -> list[Callback]:
        """Let the invoice run out; there is no callback."""
        invoice.state = "canceled"
        invoice.object["status"] = "expired"
        return []

    def forge(self, invoice: Invoice) -> list[Callback]:
        """Sign with a token that is not the app's."""
        return [self._update(invoice.object | {"status": "paid"}, "12345:AAguessed", is_forged=True)]

    def api(self, request: Request, path: str) -> Response:
        """Answer a call of the API."""
        if request.headers.get("crypto-pay-api-token") != self.TOKEN:
            return _error(401, "UNAUTHORIZED")
        methods = {"createInvoice": self._create, "getInvoices": self._get, "deleteInvoice": self._delete}
        method = methods.get(path.removeprefix("/api/"))
        if method is None:
            return _error(405, "METHOD_NOT_FOUND")
        with self.lock:
            try:
                answer = json_response({"ok": True, "result": method(_parameters(request))})
            except Refused as refused:
                return _error(400, str(refused))
            if self.lose_answers:
                self.lose_answers -= 1
                return Response(502, b"Bad Gateway", "text/plain")
            return answer

    def _create(self, given: Json) -> Json:
        amount = _check(given)
        number = 500_000 + len(self.invoices) + secrets.randbelow(1000) * 1000
        ends = self.clock.moment() + timedelta(seconds=int(given.get("expires_in") or LONGEST))
        title = given.get("description", "Invoice")
        invoice = Invoice(str(number), amount, given["fiat"], title, given.get("paid_btn_url", ""))
        invoice.expires_at = ends.timestamp()
        url = self.checkout_url(invoice)
        invoice.object = {
            "invoice_id": number,
            "hash": secrets.token_urlsafe(9),
            "currency_type": "fiat",
            "fiat": given["fiat"],
            "amount": format(amount.normalize(), "f"),
            "status": "active",
            "description": title,
            "payload": given.get("payload"),
            "bot_invoice_url": url,
            "mini_app_invoice_url": url,
            "web_app_invoice_url": url,
            "created_at": self._now(),
            "expiration_date": _written(ends),
        }
        return dict(self.keep(invoice).object)

    def _get(self, given: Json) -> Json:
        wanted = set(str(given.get("invoice_ids", "")).split(",")) - {""}
        found = [
            invoice.object
            for invoice in reversed(self.invoices.values())
            if (not wanted or invoice.id in wanted)
            and given.get("status") in (None, invoice.object["status"])
        ]
        begin = int(given.get("offset") or 0)
        return {"items": found[begin : begin + min(int(given.get("count") or 100), 1000)]}

    def _delete(self, given: Json) -> bool:
        if self.invoices.pop(str(given.get("invoice_id")), None) is None:
            raise Refused("INVOICE_NOT_FOUND")
        return True

    def _update(self, invoice: Json, token: str, *, is_forged: bool = False) -> Callback:
        self._updates += 1
        update = {
            "update_id": self._updates,
            "update_type": "invoice_paid",
            "request_date": self._now(),
            "payload": dict(invoice),
        }
        body = json.dumps(update, ensure_ascii=False).encode()
        headers = _signed(body, token)
        return Callback("invoice_paid", lambda attempt: (headers, body), is_forged=is_forged)

    def rewrite(self, callback: Callback, text: str, *, is_genuine: bool) -> Callback:
        """Sign an edited update."""
        body = text.encode()
        headers = _signed(body, self.TOKEN if is_genuine else "12345:AAguessed")
        return replace(callback, write=lambda _attempt: (headers, body))

    def _now(self) -> str:
        return _written(self.clock.moment())

    def _switch_off(self, callback: Callback) -> None:
        self.is_webhook_on = False
        self.trace.add("fault", "crypto_pay: the webhook is switched off after too many failures")


def _parameters(request: Request) -> Json:
    kind = request.headers.get("content-type", "")
    if kind.startswith("application/json"):
        found = request.json()
        return found if isinstance(found, dict) else {}
    return dict(parse_qsl(request.body.decode("utf-8", "replace"))) | request.arguments()


def _check(given: Json) -> Decimal:
    if given.get("currency_type") != "fiat" or given.get("fiat") not in FIATS:
        raise Refused("FIAT_INVALID")
    try:
        amount = Decimal(str(given.get("amount")))
    except InvalidOperation:
        raise Refused("AMOUNT_INVALID") from None
    if not amount.is_finite() or amount <= 0:
        raise Refused("AMOUNT_INVALID")
    if len(given.get("description", "")) > 1024 or len(str(given.get("payload", "")).encode()) > 4096:
        raise Refused("DESCRIPTION_TOO_LONG")
    if given.get("paid_btn_name") and not str(given.get("paid_btn_url", "")).startswith(
        ("http://", "https://")
    ):
        raise Refused("PAID_BTN_URL_INVALID")
    if not 1 <= int(given.get("expires_in") or 1) <= LONGEST:
        raise Refused("EXPIRES_IN_INVALID")
    return amount


def _error(status: int, name: str) -> Response:
    return json_response({"ok": False, "error": {"code": status, "name": name}}, status)


def _signed(body: bytes, token: str) -> dict[str, str]:
    digest = hmac.new(hashlib.sha256(token.encode()).digest(), body, hashlib.sha256).hexdigest()
    return {"crypto-pay-api-signature": digest, "Content-Type": "application/json"}


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
