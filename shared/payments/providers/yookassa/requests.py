"""Bodies of requests to YooKassa."""

from __future__ import annotations

from decimal import Decimal

from shared.core.config import settings
from shared.core.json_types import JsonObject
from shared.payments.provider import Order, Receipt

ID_PATTERN = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"  # of ids, which become part of URLs
_TITLE_LENGTH = 128  # characters of an item of a receipt


def payment(order: Order, line_length: int) -> JsonObject:
    """Return a payment that is captured at once."""
    body: JsonObject = {
        "amount": money(order.amount, order.currency),
        "capture": True,
        "description": order.in_one_line(line_length),
        "metadata": {"order_id": str(order.id)},
    }
    if order.contact:
        body["receipt"] = receipt(Receipt(order.contact, order.title), order.amount, order.currency)
    return body


def receipt(receipt: Receipt, amount: Decimal, currency: str) -> JsonObject:
    """Return a receipt (54-FZ) of one item, a service paid in full."""
    item = {
        "description": receipt.title[:_TITLE_LENGTH],
        "quantity": "1.00",
        "amount": money(amount, currency),
        "vat_code": int(settings().receipt_vat_code),
        "payment_subject": "service",
        "payment_mode": "full_payment",
    }
    is_mail = "@" in receipt.contact
    contact = receipt.contact if is_mail else "".join(filter(str.isdigit, receipt.contact))
    body: JsonObject = {"customer": {"email" if is_mail else "phone": contact}, "items": [item]}
    if settings().receipt_tax_system:
        body["tax_system_code"] = int(settings().receipt_tax_system)
    return body


def money(amount: Decimal, currency: str) -> JsonObject:
    """Return an amount as YooKassa writes it."""
    return {"value": f"{amount:.2f}", "currency": currency}
