"""Products of a payment page, from which Prodamus makes receipts (54-FZ)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from shared.core.config import settings
from shared.core.json_types import JsonObject
from shared.payments.provider import Order
from shared.payments.receipts import PAID_IN_FULL, SERVICE, vat_rate

_TAX_TYPES: Mapping[str, str] = MappingProxyType(
    {"1": "0", "2": "1", "3": "2", "4": "6", "5": "4", "6": "7"}
    | {"7": "10", "8": "12", "9": "11", "10": "13", "11": "14", "12": "15"}
)


def product(order: Order) -> JsonObject:
    """Return the product of a payment page; without RECEIPT_VAT_CODE its VAT is set in the cabinet.

    Raises:
        ConfigError: RECEIPT_VAT_CODE is none of 1 to 12.
    """
    found: JsonObject = {
        "name": order.title,
        "price": format(order.amount, ".2f"),
        "quantity": "1",
        "paymentMethod": str(PAID_IN_FULL),
        "paymentObject": str(SERVICE),
    }
    if code := settings().variable("RECEIPT_VAT_CODE"):  # our default must not replace the cabinet's
        found["tax"] = {"tax_type": vat_rate(_TAX_TYPES, code)}
    return found
