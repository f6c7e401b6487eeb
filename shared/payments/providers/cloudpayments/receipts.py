"""Receipts (54-FZ) by CloudKassir: https://developers.cloudkassir.ru."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

import orjson

from shared.core.config import settings
from shared.core.json_types import JsonObject
from shared.payments.provider import Receipt
from shared.payments.receipts import PAID_IN_FULL, SERVICE, vat_rate

# The rate in percent, 1xx where it is calculated; none without VAT.
_RATES: Mapping[str, int | None] = MappingProxyType(
    {"1": None, "2": 0, "3": 10, "4": 20, "5": 110, "6": 120}
    | {"7": 5, "8": 7, "9": 105, "10": 107, "11": 22, "12": 122}
)


def receipt_data(receipt: Receipt, amount: Decimal) -> str:
    """Return the `JsonData` with which CloudPayments makes a receipt.

    Raises:
        ConfigError: RECEIPT_VAT_CODE is none of 1 to 12.
    """
    price = float(amount)  # JSON numbers are the only form that the API accepts
    item = {
        "label": receipt.title,
        "price": price,
        "quantity": 1,
        "amount": price,
        "vat": vat_rate(_RATES, settings().receipt_vat_code),
        "method": PAID_IN_FULL,
        "object": SERVICE,
    }
    customer: JsonObject = {
        "Items": [item],
        "email" if "@" in receipt.contact else "phone": receipt.contact,
        "isBso": False,
        "amounts": {"electronic": price},
    }
    if settings().receipt_tax_system:
        customer["taxationSystem"] = int(settings().receipt_tax_system) - 1  # counted from 0
    return orjson.dumps({"cloudPayments": {"CustomerReceipt": customer}}).decode()
