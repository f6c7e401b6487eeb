"""The payment providers, one module or package each: its name is the provider's key.

No other list of them exists. Each holds a class `Provider` (see `shared.payments.provider`).
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # imported when the first provider is loaded
    from shared.payments.provider import Provider


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """Return the key of every provider."""
    return tuple(sorted(module.name for module in iter_modules(__path__)))


@lru_cache(maxsize=16)
def load(key: str) -> Provider:
    """Import a provider at its first use.

    Raises:
        KeyError: no provider has this key.
    """
    if key not in names():
        raise KeyError(key)
    provider: Provider = import_module(f"{__name__}.{key}").Provider(key)
    return provider


def configured() -> tuple[str, ...]:
    """Return the keys of the providers that can be used here."""
    return tuple(key for key in names() if load(key).is_configured())


def variables() -> frozenset[str]:
    """Return the names of every setting that a provider reads."""
    return frozenset(setting.name for key in names() for setting in load(key).settings())
