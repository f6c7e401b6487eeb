"""The notifications of CloudPayments and their two signatures."""

from __future__ import annotations

import hmac
import json
from base64 import b64encode
from typing import Any
from urllib.parse import unquote_plus, urlencode

from tools.emulator.payments.callbacks import Callback
from tools.emulator.payments.cloudpayments.ledger import CARD, money

Json = dict[str, Any]


def transaction_fields(transaction: Json) -> Json:
    """Return the fields of Check, Pay and Fail."""
    amount = format(money(transaction["Amount"]), ".2f")
    fields = {name: transaction[name] for name in ("TransactionId", "InvoiceId", "AccountId", "Email", *CARD)}
    fields |= {name: transaction[name] for name in ("SubscriptionId", "Currency", "Description", "Status")}
    fields |= {"Amount": amount, "PaymentAmount": amount, "PaymentCurrency": transaction["Currency"]}
    fields |= {"DateTime": _spoken(transaction["CreatedDateIso"]), "TestMode": 1}
    fields |= {"OperationType": "Payment", "GatewayName": "Test", "Data": transaction["JsonData"]}
    if transaction["Status"] == "Declined":
        fields |= {"Reason": transaction["Reason"], "ReasonCode": transaction["ReasonCode"]}
    return fields


def refund_fields(refund: Json) -> Json:
    """Return the fields of Refund."""
    return {
        "TransactionId": refund["TransactionId"],
        "PaymentTransactionId": refund["OriginalTransactionId"],
        "Amount": format(money(refund["Amount"]), ".2f"),
        "DateTime": _spoken(refund["CreatedDateIso"]),
        "OperationType": "Refund",
        "InvoiceId": refund["InvoiceId"],
        "AccountId": refund["AccountId"],
    }


def subscription_fields(subscription: Json) -> Json:
    """Return the fields of Recurrent."""
    fields = {name: value for name, value in subscription.items() if not name.endswith("Iso")}
    dates = {name.removesuffix("Iso"): value for name, value in subscription.items() if name.endswith("Iso")}
    return fields | {name: _spoken(value) for name, value in dates.items()}


def callback(
    kind: str, fields: Json, secret: str, *, style: str, method: str, address: str, is_forged: bool = False
) -> Callback:
    """Write a callback in the style (form or json) and by the method that the cabinet says."""
    if style == "json" and method == "POST":
        text = plain = json.dumps(fields, ensure_ascii=False)
        content_type = "application/json"
    else:
        text = urlencode({name: "" if value is None else value for name, value in fields.items()})
        plain, content_type = unquote_plus(text), "application/x-www-form-urlencoded"
    headers = {
        "Content-Type": content_type,
        "Content-HMAC": signature(secret, text),
        "X-Content-HMAC": signature(secret, plain),
    }
    body = b"" if method == "GET" else text.encode()
    return Callback(
        kind.capitalize(),
        lambda _attempt: (headers, body),
        kind=kind,
        address=address,
        query=text if method == "GET" else "",
        method=method,
        is_forged=is_forged,
    )


def signature(secret: str, text: str) -> str:
    """Return one of its two signatures: which, depends on the text."""
    return b64encode(hmac.digest(secret.encode(), text.encode(), "sha256")).decode()


def _spoken(moment: str) -> str:
    return moment.replace("T", " ")
