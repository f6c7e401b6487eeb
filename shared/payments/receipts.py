"""What the receipts (54-FZ) of all providers share: one service, paid in full.

The VAT codes of our settings are YooKassa's, 1 to 12 (https://yookassa.ru/developers/54fz/parameters-values).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from shared.core.errors import ConfigError

T = TypeVar("T")

PAID_IN_FULL = 4  # method of payment in a fiscal receipt
SERVICE = 4  # subject of payment in a fiscal receipt


def vat_rate(rates: Mapping[str, T], code: str) -> T:
    """Return a provider's rate for the code in RECEIPT_VAT_CODE.

    Raises:
        ConfigError: the code is none of 1 to 12.
    """
    if code not in rates:
        raise ConfigError("RECEIPT_VAT_CODE must be 1 to 12")
    return rates[code]
