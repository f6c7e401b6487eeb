"""The API of CloudPayments. What it refuses is a 200 with {"Success": false}."""

from __future__ import annotations

import hmac
import json
import threading
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

from tools.emulator.payments.cloudpayments.account import Account
from tools.emulator.payments.cloudpayments.cloudkassir import complaint
from tools.emulator.payments.cloudpayments.ledger import money
from tools.emulator.payments.invoices import Invoice
from tools.emulator.web import Request, Response, json_response

Json = dict[str, Any]

CURRENCIES = ("RUB", "USD", "EUR", "GBP", "KZT", "UAH", "BYN", "AZN", "AMD", "KGS", "UZS")
BEHAVIOURS = (None, "CreateWeekly", "CreateMonthly")
REMEMBERED_SECONDS = 3600.0  # how long a repeated X-Request-ID gets the first answer


class Api:
    """HTTP Basic, POST, JSON or a form."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._lock = threading.Lock()
        self._answered: dict[str, tuple[float, Json]] = {}
        self._methods: dict[str, Callable[[Json], Json]] = {
            "/test": lambda _asked: {"Success": True, "Message": "emulator"},
            "/orders/create": self._create,
            "/orders/cancel": self._cancel,
            "/payments/get": self._get,
            "/payments/find": self._find,
            "/v2/payments/find": self._find,
            "/v2/payments/list": self._list,
            "/payments/refund": self._refund,
            "/subscriptions/get": self._subscription,
            "/subscriptions/cancel": self._stop,
        }

    def handle(self, request: Request, path: str) -> Response:
        """Answer a call."""
        login = f"{self._account.PUBLIC_ID}:{self._account.secret}"
        wanted = f"Basic {b64encode(login.encode()).decode()}"
        if not hmac.compare_digest(request.headers.get("authorization", ""), wanted):
            return Response(401, b"", "text/plain")
        method = self._methods.get(path.rstrip("/"))
        if request.method != "POST" or method is None:
            return Response(404, b"", "text/plain")
        with self._lock:
            return json_response(self._once(request, method))

    def _once(self, request: Request, method: Callable[[Json], Json]) -> Json:
        key = request.headers.get("x-request-id", "")
        at, answer = self._answered.get(key, (0.0, None))
        if not key or answer is None or self._account.clock.now() - at > REMEMBERED_SECONDS:
            answer = method(_parameters(request))
            self._answered[key] = (self._account.clock.now(), answer)
        return answer

    def _create(self, asked: Json) -> Json:
        amount, behaviour = money(asked.get("Amount")), asked.get("SubscriptionBehavior")
        currency = str(asked.get("Currency") or "RUB")
        refusal = _wrong_order(asked, amount, currency)
        if refusal:
            return _refusal(refusal)
        number = self._account.ledger.number()
        invoice = Invoice(
            f"{number:x}",
            amount,
            currency,
            str(asked["Description"]),
            str(asked.get("SuccessRedirectUrl") or ""),
            is_subscription=bool(behaviour),
            object={name: asked.get(name) for name in ("InvoiceId", "AccountId", "Email", "JsonData")},
            language=str(asked.get("CultureName") or "")[:2],
        )
        self._account.keep(invoice)
        model = {
            "Id": invoice.id,
            "Number": number,
            "Amount": float(amount),
            "Currency": currency,
            "Description": invoice.title,
            "Email": asked.get("Email"),
            "Url": self._account.checkout_url(invoice),
            "Status": "Created",
            "StatusCode": 0,
        }
        return _success(model)

    def _cancel(self, asked: Json) -> Json:
        invoice = self._account.invoices.get(str(asked.get("Id")))
        if invoice is None or invoice.state != "open":
            return _refusal("Not found")
        invoice.state = "canceled"
        return _success()

    def _get(self, asked: Json) -> Json:
        return _transaction_answer(self._account.ledger.get(asked.get("TransactionId")))

    def _find(self, asked: Json) -> Json:
        mine = self._account.ledger.of_invoice(str(asked.get("InvoiceId")))
        return _transaction_answer(mine[-1] if mine else None)

    def _list(self, asked: Json) -> Json:
        """Return a page of the transactions made between two moments, the oldest first."""
        first, last = (_plain_moment(asked.get(f"CreatedDate{end}")) for end in ("Gte", "Lte"))
        number = int(asked.get("PageNumber") or 0)
        if number < 1 or not first or not last:
            return _refusal("Invalid PageNumber, CreatedDateGte or CreatedDateLte value")
        found = self._account.ledger.made_between(first, last)
        begin = (number - 1) * self._account.page_size
        return {"Model": found[begin : begin + self._account.page_size], "Success": True, "Message": None}

    def _refund(self, asked: Json) -> Json:
        payment, amount = self._account.ledger.get(asked.get("TransactionId")), money(asked.get("Amount"))
        if payment is None or payment["Type"] != 0 or payment["Status"] != "Completed":
            return _refusal("Transaction not found")
        if not 0 < amount <= self._account.ledger.left(payment):
            return _refusal("Invalid Amount value")
        wrong = complaint(asked.get("JsonData"), amount)
        if wrong:
            return _refusal(wrong)
        return _success({"TransactionId": self._account.give_back(payment, amount)["TransactionId"]})

    def _subscription(self, asked: Json) -> Json:
        found = self._account.ledger.subscriptions.get(str(asked.get("Id")))
        return _success(found) if found else _refusal("Not found")

    def _stop(self, asked: Json) -> Json:
        found = self._account.ledger.running(str(asked.get("Id")))
        if found is None:
            return _refusal("Not found")
        found["Status"] = "Cancelled"
        self._account.notify_subscription(found)
        return _success()


def _wrong_order(asked: Json, amount: Decimal, currency: str) -> str:
    behaviour = asked.get("SubscriptionBehavior")
    complaints = (
        "" if amount else "Amount is required",
        "" if asked.get("Description") else "Description is required",
        "" if currency in CURRENCIES else "Invalid Currency value",
        "" if behaviour in BEHAVIOURS else "Invalid SubscriptionBehavior value",
        "AccountId is required" if behaviour and not asked.get("AccountId") else "",
        complaint(asked.get("JsonData"), amount),
    )
    return next(filter(None, complaints), "")


def _parameters(request: Request) -> Json:
    if "json" not in request.headers.get("content-type", ""):
        return dict(parse_qsl(request.body.decode("utf-8", "replace")))
    try:
        found = json.loads(request.body)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}


def _plain_moment(value: Any) -> str:
    """Return a moment as transactions have it, in UTC without saying so; nothing when it is none."""
    try:
        return datetime.fromisoformat(str(value)).astimezone(UTC).replace(tzinfo=None).isoformat()
    except ValueError:
        return ""


def _transaction_answer(transaction: Json | None) -> Json:
    """Answer with a transaction; one that was declined is no success."""
    if transaction is None:
        return _refusal("Not found")
    return {"Model": transaction, "Success": transaction["Status"] != "Declined", "Message": None}


def _success(model: Json | None = None) -> Json:
    return ({} if model is None else {"Model": model}) | {"Success": True, "Message": None}


def _refusal(words: str) -> Json:
    return {"Success": False, "Message": words}
