"""The payment providers that tests run over, derived from what each provider declares."""

from __future__ import annotations

from importlib import import_module

from shared.core import texts
from shared.payments.providers import load, names

CALLING = [key for key in names() if load(key).WEBHOOK_KINDS]  # those that call the function `payments`
CARDS = [key for key in CALLING if load(key).PAYMENT_METHOD == "card"]
RENEWING = [key for key in CALLING if load(key).RECURRING_PERIODS]
REFUNDING = [key for key in CALLING if load(key).SUPPORTS_REFUNDS]
LISTED = [key for key in CALLING if load(key).SUPPORTS_STATEMENTS]
REAL = [key for key in CALLING if not load(key).ENVIRONMENTS]


def offering(action: str) -> list[str]:
    """The providers whose fake server offers an action to the payer or the shop: refund, challenge, …"""
    servers = {key: import_module(f"tools.emulator.payments.{key}").FakeServer for key in CALLING}
    return [key for key, server in servers.items() if action in server.ACTIONS]


def _label(language: str, key: str) -> str:
    """Return the label of the provider's button; a method with one provider has its price behind its name."""
    name = texts.provider_name(language, key)
    return name if load(key).PAYMENT_METHOD == "card" else f"{name} ·"


LABELS = {key: _label("en", key) for key in CALLING}
LABELS_RU = {key: _label("ru", key) for key in CALLING}
