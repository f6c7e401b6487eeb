"""The payment providers that tests run over, derived from what each provider declares."""

from __future__ import annotations

from shared.core.texts import en, ru
from shared.payments.providers import load, names

CALLING = [key for key in names() if load(key).WEBHOOK_KINDS]  # those that call the function `payments`
CARDS = [key for key in CALLING if load(key).PAYMENT_METHOD == "card"]
RENEWING = [key for key in CALLING if load(key).RECURRING_PERIODS]
REFUNDING = [key for key in CALLING if load(key).SUPPORTS_REFUNDS]
LISTED = [key for key in CALLING if load(key).SUPPORTS_STATEMENTS]
REAL = [key for key in CALLING if not load(key).ENVIRONMENTS]


def _label(texts: dict[str, object], key: str) -> str:
    """Words of the provider's button; a method with one provider has its price behind them."""
    name = str(texts[f"provider_{key}"])
    return name if load(key).PAYMENT_METHOD == "card" else f"{name} ·"


LABELS = {key: _label(dict(en.TEXTS), key) for key in CALLING}
LABELS_RU = {key: _label(dict(ru.TEXTS), key) for key in CALLING}
