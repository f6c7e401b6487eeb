"""The interface of a shop's page: links for orders, the end of a subscription. Parameters by GET or POST."""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import parse_qsl

from shared.payments.providers.prodamus import php_forms
from tools.emulator.payments.invoices import Invoice
from tools.emulator.payments.prodamus.account import MOSCOW, Account
from tools.emulator.web import Request, Response

Json = dict[str, Any]

CURRENCIES = ("rub", "usd", "eur", "kzt")


class Page:
    """Answers in plain text, as theirs does."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def handle(self, request: Request, path: str) -> Response:
        """Answer a call of the shop's."""
        try:
            asked = _parameters(request)
        except php_forms.Malformed:
            return _text(400, "error")
        if path == "/rest/setActivity/":
            return self._set_activity(asked)
        if path == "/" and asked.get("do") in ("link", "pay"):
            return self._link(asked)
        return _text(404, "not found")

    def _link(self, asked: Json) -> Response:
        if "signature" in asked and not self._is_signed(asked):
            return _text(400, "error: signature incorrect")
        plan = self._account.PLANS.get(str(asked.get("subscription")))
        products = asked.get("products", {})
        title, amount = (plan[0], plan[1]) if plan else _cost(products)
        currency = asked.get("currency", "rub")
        if ("subscription" in asked and plan is None) or not amount or currency not in CURRENCIES:
            return _text(400, "error: subscription, products or currency incorrect")
        invoice = Invoice(
            secrets.token_hex(4),
            amount,
            currency.upper(),
            title,
            str(asked.get("urlReturn", "")),
            is_subscription=plan is not None,
            object=asked,
        )
        invoice.expires_at = _expiry(str(asked.get("link_expired", "")))
        url = self._account.checkout_url(self._account.keep(invoice))
        if asked["do"] == "pay":
            return Response(302, b"", "text/plain", {"Location": url})
        return _text(200, url)

    def _set_activity(self, asked: Json) -> Response:
        if "signature" not in asked:
            return _text(400, "signature not found in request")
        if not self._is_signed(asked):
            return _text(400, "signature incorrect")
        name = str(asked.get("subscription"))
        invoice = self._account.subscriber(name, str(asked.get("profile") or asked.get("customer_phone")))
        if invoice is None:
            return _text(400, "profile not found")
        if invoice.object["plan"]["finished"]:
            return _text(400, f"subscription {name} completed, data modification is prohibited")
        status: Json = {who: str(asked[who]) for who in ("active_user", "active_manager") if who in asked}
        self._account.set_activity(invoice, status)
        return _text(200, "success")

    def _is_signed(self, asked: Json) -> bool:
        rest = {name: value for name, value in asked.items() if name != "signature"}
        return hmac.compare_digest(str(asked["signature"]), self._account.sign(rest, self._account.secret))


def _parameters(request: Request) -> Json:
    given: Any = php_forms.nested(parse_qsl(request.query, keep_blank_values=True))
    if request.body:
        given |= php_forms.nested(php_forms.fields(request.headers.get("content-type", ""), request.body))
    return dict(given)


def _cost(products: Any) -> tuple[str, Decimal]:
    """Return the first name and the sum of products; 0 when one has no name, price or quantity."""
    given = list(products.values()) if isinstance(products, dict) else []
    try:
        costs = [Decimal(one["price"]) * int(one["quantity"]) for one in given]
        return str(given[0]["name"]), sum(costs, Decimal(0))
    except (IndexError, KeyError, TypeError, ValueError, InvalidOperation):
        return "", Decimal(0)


def _expiry(text: str) -> float | None:
    """Return when a link ends, as Unix time; it is written in Moscow's."""
    try:
        return datetime.strptime(text, "%d.%m.%Y %H:%M").replace(tzinfo=MOSCOW).timestamp()
    except ValueError:
        return None


def _text(status: int, words: str) -> Response:
    return Response(status, words.encode(), "text/plain; charset=utf-8")
