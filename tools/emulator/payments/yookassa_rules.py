"""What YooKassa refuses in a request, receipts (54-FZ) above all."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

Json = dict[str, Any]

MONEY = re.compile(r"\d{1,10}\.\d{2}")
SUBJECTS = frozenset({"commodity", "service", "job", "payment", "agent_commission", "another"})
MODES = frozenset(
    {"full_prepayment", "partial_prepayment", "advance", "full_payment", "partial_payment", "credit"}
)


EMAIL = re.compile(r"[^@\s,;()<>]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
REFUSED_DOMAIN = "@refused.example"  # passes the checks of the product and is refused here


class Invalid(Exception):
    """The request is refused because of one parameter."""

    def __init__(self, message: str, parameter: str) -> None:
        super().__init__(message)
        self.parameter = parameter


def money(amount: Decimal, currency: str) -> Json:
    """Write an amount as YooKassa does."""
    return {"value": f"{amount:.2f}", "currency": currency}


def check_payment(body: Json) -> None:
    """Raise Invalid unless it is a payment YooKassa would make."""
    amount = _amount(body, "amount")
    if body.get("capture") is not True:
        raise Invalid("The fake server's shop takes payments in one stage: set capture", "capture")
    if "payment_method_id" not in body:
        confirmation = body.get("confirmation")
        if not isinstance(confirmation, dict) or confirmation.get("type") != "redirect":
            raise Invalid("Confirmation is missing", "confirmation")
        if not str(confirmation.get("return_url", "")).startswith(("https://", "http://")):
            raise Invalid("Return URL is missing", "confirmation.return_url")
    if len(body.get("description", "")) > 128:
        raise Invalid("Description is too long", "description")
    _check_metadata(body.get("metadata", {}))
    _check_receipt(body, amount)


def check_refund(body: Json) -> None:
    """Raise Invalid unless it is a refund YooKassa would make."""
    amount = _amount(body, "amount")
    if not isinstance(body.get("payment_id"), str):
        raise Invalid("Payment id is missing", "payment_id")
    _check_receipt(body, amount)


def _amount(holder: Json, name: str) -> Decimal:
    amount = holder.get("amount")
    if not isinstance(amount, dict) or not MONEY.fullmatch(str(amount.get("value"))):
        raise Invalid("Amount is missing or malformed", name)
    if not re.fullmatch("[A-Z]{3}", str(amount.get("currency"))):
        raise Invalid("Currency is malformed", f"{name}.currency")
    value = Decimal(amount["value"])
    if value <= 0:
        raise Invalid("Amount is too small", f"{name}.value")
    return value


def _check_metadata(metadata: Any) -> None:
    if not isinstance(metadata, dict) or len(metadata) > 16:
        raise Invalid("Metadata has more than 16 keys", "metadata")
    for name, value in metadata.items():
        if len(name) > 32 or not isinstance(value, str) or len(value) > 512:
            raise Invalid("Metadata holds strings of at most 512 characters", "metadata")


def _check_receipt(body: Json, amount: Decimal) -> None:
    receipt = body.get("receipt")
    if receipt is None:
        return
    customer, items = receipt.get("customer", {}), receipt.get("items")
    email, phone = customer.get("email", ""), customer.get("phone", "")
    if not ("@" in email or re.fullmatch(r"\d{10,15}", phone)):
        raise Invalid("A receipt needs the customer's email or phone", "receipt.customer")
    if (email and not (email.isascii() and EMAIL.fullmatch(email))) or email.endswith(REFUSED_DOMAIN):
        raise Invalid("Receipt customer email is incorrect", "receipt.customer.email")
    if not isinstance(items, list) or not 1 <= len(items) <= 80:
        raise Invalid("A receipt has 1 to 80 items", "receipt.items")
    total = sum((_item(item, f"receipt.items[{number}]") for number, item in enumerate(items)), Decimal(0))
    if total != amount:
        raise Invalid("The receipt's sum is not the payment's amount", "receipt")
    if receipt.get("tax_system_code", 1) not in range(1, 7):
        raise Invalid("Tax system code is 1 to 6", "receipt.tax_system_code")


def _item(item: Json, name: str) -> Decimal:
    if not 1 <= len(item.get("description", "")) <= 128:
        raise Invalid("Description is 1 to 128 characters", f"{name}.description")
    if item.get("vat_code") not in range(1, 13):
        raise Invalid("VAT code is 1 to 12", f"{name}.vat_code")
    if (
        item.get("payment_subject", "service") not in SUBJECTS
        or item.get("payment_mode", "credit") not in MODES
    ):
        raise Invalid("Payment subject or mode is unknown", f"{name}.payment_subject")
    try:
        quantity = Decimal(str(item["quantity"]))
    except (KeyError, ArithmeticError):
        raise Invalid("Quantity is missing", f"{name}.quantity") from None
    return _amount(item, f"{name}.amount") * quantity
