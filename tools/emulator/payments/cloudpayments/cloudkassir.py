"""What CloudKassir asks of a receipt (54-FZ). Source: https://developers.cloudkassir.ru."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from tools.emulator.payments.yookassa_rules import REFUSED_DOMAIN

Json = dict[str, Any]

RATES = (None, 0, 5, 7, 10, 20, 22, 105, 107, 110, 120, 122)
SYSTEMS = (None, 0, 1, 2, 3, 4, 5)
MAX_LABEL = 128


def complaint(json_data: Any, amount: Decimal) -> str:
    """Return what is wrong with the receipt in `JsonData`, text or object; nothing when there is none."""
    try:
        given = json.loads(json_data) if isinstance(json_data, str) else json_data
    except ValueError:
        return "Invalid JsonData value"
    receipt = _named(_named(given, "cloudpayments"), "customerreceipt")
    return "" if receipt is None else _wrong_receipt(receipt, amount)


def _named(value: Any, name: str) -> Any:
    """Return a field whatever the case of its name: their API does not mind."""
    fields = value if isinstance(value, dict) else {}
    return next((found for field, found in fields.items() if field.lower() == name), None)


def _wrong_receipt(receipt: Json, amount: Decimal) -> str:
    items = _named(receipt, "items") or []
    complaints = [
        "" if items else "Receipt has no items",
        "" if receipt.get("email") or receipt.get("phone") else "Receipt needs Email or Phone",
        "Invalid Email value" if str(receipt.get("email", "")).endswith(REFUSED_DOMAIN) else "",
        "" if receipt.get("taxationSystem") in SYSTEMS else "Invalid TaxationSystem value",
        *map(_wrong_item, items),
    ]
    total = sum((Decimal(str(item.get("amount", 0))) for item in items), Decimal(0))
    complaints.append("" if total == amount else "Receipt amount differs from payment amount")
    return next(filter(None, complaints), "")


def _wrong_item(item: Json) -> str:
    if not item.get("label") or len(item["label"]) > MAX_LABEL:
        return "Invalid Label value"
    if item.get("vat") not in RATES:
        return "Invalid Vat value"
    price, quantity, amount = (Decimal(str(item.get(name, "-1"))) for name in ("price", "quantity", "amount"))
    if min(price, quantity, amount) < 0 or price * quantity != amount:
        return "Invalid Price, Quantity or Amount value"
    return ""
