"""Orders for checkouts."""

from __future__ import annotations

import itertools
import secrets
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from shared.payments.provider import Order

TIMEOUT = 20.0
_numbers = itertools.count(4200)


def order(**changed: Any) -> Order:
    """An order with a unique number."""
    values: dict[str, Any] = {
        "id": next(_numbers),
        "title": "Premium на месяц",
        "description": "Premium на 30 дней, 1000 запросов в день",
        "amount": Decimal("299.00"),
        "currency": "RUB",
        "telegram_id": 777,
        "idempotency_key": secrets.token_hex(16),
        "return_url": "https://t.me/assistant_bot",
        "expires_at": datetime.now(UTC) + timedelta(hours=2),
    }
    return Order(**values | changed)
