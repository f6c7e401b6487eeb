"""What receipts (54-FZ) are made of, in the words of those who make them: one service, paid in full.

The VAT codes of our settings are YooKassa's, 1 to 12 (https://yookassa.ru/developers/54fz/parameters-values).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, TypeVar

import orjson

from shared.core.config import settings
from shared.core.errors import ConfigError
from shared.payments.provider import Order, Receipt

T = TypeVar("T")

_PAID_IN_FULL = 4
_SERVICE = 4
# CloudKassir writes the rate in percent, 1xx where it is calculated, and nothing where there is none.
_CLOUDKASSIR: Mapping[str, int | None] = MappingProxyType(
    {"1": None, "2": 0, "3": 10, "4": 20, "5": 110, "6": 120}
    | {"7": 5, "8": 7, "9": 105, "10": 107, "11": 22, "12": 122}
)
_PRODAMUS: Mapping[str, str] = MappingProxyType(
    {"1": "0", "2": "1", "3": "2", "4": "6", "5": "4", "6": "7"}
    | {"7": "10", "8": "12", "9": "11", "10": "13", "11": "14", "12": "15"}
)


def cloudkassir(receipt: Receipt, amount: Decimal) -> str:
    """Return the `JsonData` with which CloudPayments makes a receipt.

    Raises:
        ConfigError: RECEIPT_VAT_CODE is none of 1 to 12.
    """
    price = float(amount)
    item = {
        "label": receipt.title,
        "price": price,
        "quantity": 1,
        "amount": price,
        "vat": _rate(_CLOUDKASSIR, settings().receipt_vat_code),
        "method": _PAID_IN_FULL,
        "object": _SERVICE,
    }
    customer: dict[str, Any] = {
        "Items": [item],
        "email" if "@" in receipt.contact else "phone": receipt.contact,
        "isBso": False,
        "amounts": {"electronic": price},
    }
    if settings().receipt_tax_system:
        customer["taxationSystem"] = int(settings().receipt_tax_system) - 1  # theirs begins with 0
    return orjson.dumps({"cloudPayments": {"CustomerReceipt": customer}}).decode()


def payform_product(order: Order) -> dict[str, Any]:
    """Return what is sold as Prodamus wants it; its receipt has the cabinet's VAT unless ours is set.

    Raises:
        ConfigError: RECEIPT_VAT_CODE is none of 1 to 12.
    """
    product: dict[str, Any] = {
        "name": order.title,
        "price": format(order.amount, ".2f"),
        "quantity": "1",
        "paymentMethod": str(_PAID_IN_FULL),
        "paymentObject": str(_SERVICE),
    }
    if code := settings().variable("RECEIPT_VAT_CODE"):  # our default must not replace the cabinet's
        product["tax"] = {"tax_type": _rate(_PRODAMUS, code)}
    return product


def _rate(rates: Mapping[str, T], code: str) -> T:
    if code not in rates:
        raise ConfigError("RECEIPT_VAT_CODE must be 1 to 12")
    return rates[code]
