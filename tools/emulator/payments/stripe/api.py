"""Stripe's HTTP API, as far as a shop with Checkout needs it."""

from __future__ import annotations

import copy
import json
import re
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

from tools.emulator.payments.invoices import Invoice
from tools.emulator.payments.stripe import objects
from tools.emulator.payments.stripe.account import Account
from tools.emulator.web import Request, Response, json_response

Json = dict[str, Any]

SHORTEST, LONGEST = 30 * 60, 24 * 3600  # seconds a session lives
WHOLE = frozenset({"clp", "jpy", "krw", "vnd", "xaf", "xof", "pyg", "rwf", "ugx"})


class Refused(Exception):
    """An error of the API."""

    def __init__(
        self, status: int, message: str, code: str = "", kind: str = "invalid_request_error"
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error = {"message": message, "type": kind} | ({"code": code} if code else {})


class Api:
    """Answers with the objects of one account."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._replays: dict[str, tuple[tuple[str, bytes], Response]] = {}

    def handle(self, request: Request, path: str) -> Response:
        """Answer one call."""
        key = request.headers.get("idempotency-key", "")
        same = (path, request.body)
        with self._account.lock:
            try:
                self._check_key(request)
                if key in self._replays and request.method == "POST":
                    return self._replay(key, same)
                answer = json_response(self._answer(request, path))
            except Refused as refused:
                return json_response({"error": refused.error}, refused.status)
            if key and request.method == "POST":
                self._replays[key] = (same, answer)
            return answer

    def _check_key(self, request: Request) -> None:
        if request.headers.get("authorization") != f"Bearer {self._account.SECRET_KEY}":
            raise Refused(401, "Invalid API Key provided: sk_test_****")

    def _replay(self, key: str, same: tuple[str, bytes]) -> Response:
        first, answer = self._replays[key]
        if first != same:
            text = (
                "Keys for idempotent requests can only be used with the parameters they were first used with."
            )
            raise Refused(400, text, kind="idempotency_error")
        return Response(answer.status, answer.body, headers={"Idempotent-Replayed": "true"})

    def _answer(self, request: Request, path: str) -> Json:
        form = _form(request.body.decode() if request.method == "POST" else request.query)
        routes = {
            "POST /v1/checkout/sessions": self._open_session,
            "POST /v1/refunds": self._refund,
            "GET /v1/refunds": lambda form: self._list(self._account.refunds, form),
            "GET /v1/disputes": lambda form: self._list(self._account.disputes, form),
            "GET /v1/events": lambda form: self._list(self._account.events, form),
            "GET /v1/invoice_payments": self._invoice_payments,
        }
        if found := routes.get(f"{request.method} {path}"):
            return found(form)
        kind, _, number = path.removeprefix("/v1/").rpartition("/")
        known = {
            "checkout/sessions": {invoice.id: invoice.object for invoice in self._account.invoices.values()},
            "invoices": self._account.stripe_invoices,
            "subscriptions": self._account.subscriptions,
        }.get(kind, {})
        if number not in known:
            raise Refused(404, f"No such object: '{number}'", "resource_missing")
        if request.method == "POST" and kind == "subscriptions":
            self._change_subscription(known[number], form)
        return copy.deepcopy(known[number])

    def _open_session(self, form: Json) -> Json:
        price = _price(form)
        amount, now = int(price["unit_amount"]), int(self._account.clock.now())
        expires_at = int(form.get("expires_at") or now + LONGEST)
        if not now + SHORTEST <= expires_at <= now + LONGEST:
            raise Refused(400, "The `expires_at` timestamp must be between 30 minutes and 24 hours from now.")
        url = f"{self._account.url}/checkout/{{}}"
        session = objects.session(form, url, amount, now, expires_at)
        currency = price["currency"].upper()
        invoice = Invoice(
            session["id"],
            Decimal(amount) if price["currency"] in WHOLE else Decimal(amount) / 100,
            currency,
            price["product_data"]["name"],
            form["success_url"],
            is_subscription=form["mode"] == "subscription",
            object=session,
            expires_at=float(expires_at),
            language=str(form.get("locale") or ""),
        )
        self._account.keep(invoice)
        self._account.asked[invoice.id] = form
        return copy.deepcopy(session)

    def _refund(self, form: Json) -> Json:
        intent = self._account.intents.get(form.get("payment_intent", ""))
        if intent is None:
            raise Refused(404, "No such payment_intent", "resource_missing")
        words, code = self._account.not_returnable(intent)
        if words:
            raise Refused(400, words, code)
        left = intent["amount"] - self._account.refunded(intent)
        amount = int(form.get("amount") or left)
        if amount > left:
            currency = intent["currency"].upper()
            raise Refused(
                400,
                f"Refund amount ({amount} {currency}) is greater than unrefunded amount on charge "
                f"({left} {currency})",
            )
        return copy.deepcopy(self._account.give_back(intent, amount))

    def _list(self, known: list[Json], form: Json) -> Json:
        """Return a page of a list, the newest first."""
        created, wanted = form.get("created", {}), form.get("types", {}).values()
        found = [
            one
            for one in reversed(known)
            if form.get("payment_intent") in (None, one.get("payment_intent"))
            and (not wanted or one.get("type") in wanted)
            and int(created.get("gte", 0)) <= one["created"] < int(created.get("lt", 2**40))
        ]
        after = form.get("starting_after")
        begin = 1 + [one["id"] for one in found].index(after) if after else 0
        end = begin + min(int(form.get("limit", "10")), self._account.page_size)
        return {"object": "list", "has_more": len(found) > end, "data": copy.deepcopy(found[begin:end])}

    def _invoice_payments(self, form: Json) -> Json:
        found = [one for one in self._account.invoice_payments if one["invoice"] == form.get("invoice")]
        return {"object": "list", "has_more": False, "data": found}

    def _change_subscription(self, found: Json, form: Json) -> None:
        if found["status"] == "canceled":
            raise Refused(
                400, "A canceled subscription can only update its cancellation_details and metadata."
            )
        found["cancel_at_period_end"] = form.get("cancel_at_period_end") == "true"
        self._account.subscription_changed(found)


def _price(form: Json) -> Json:
    """Return the price of the only item, when Stripe would take it."""
    try:
        item = form["line_items"]["0"]
        price: Json = item["price_data"]
        form["success_url"], price["product_data"]["name"]
        is_recurring = "recurring" in price
        if form["mode"] not in ("payment", "subscription") or int(item["quantity"]) != 1:
            raise KeyError("mode")
    except (KeyError, TypeError, ValueError) as error:
        raise Refused(400, f"Missing required param: {error}.", "parameter_missing") from None
    if is_recurring != (form["mode"] == "subscription"):
        raise Refused(400, "You must provide at least one recurring price in `subscription` mode.")
    if "payment_intent_data" in form and is_recurring:
        raise Refused(400, "You can not pass `payment_intent_data` in `subscription` mode.")
    if not str(price.get("unit_amount", "")).isdigit() or int(price["unit_amount"]) < 1:
        raise Refused(400, "Invalid integer: unit_amount", "parameter_invalid_integer")
    if not re.fullmatch("[a-z]{3}", price.get("currency", "")):
        raise Refused(400, "Invalid currency", "parameter_invalid_string")
    return price


def _form(text: str) -> Json:
    """Return a form with names like `a[b][0]` as nested objects."""
    found: Json = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        path = name.replace("]", "").split("[")
        place = found
        for step in path[:-1]:
            place = place.setdefault(step, {})
        place[path[-1] or str(len(place))] = value
    return json.loads(json.dumps(found))  # type: ignore[no-any-return]
