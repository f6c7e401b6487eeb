"""The payment providers, one file each: its name is the provider's key, and nothing else lists them.

A file holds a class `Provider` (see `shared.payments.provider`).
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a start need not wait for it
    from shared.payments.provider import Provider


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """Return the keys of the providers there are."""
    return tuple(sorted(module.name for module in iter_modules(__path__)))


@lru_cache(maxsize=16)
def load(key: str) -> Provider:
    """Import a provider when it is first needed.

    Raises:
        KeyError: there is none of this name.
    """
    if key not in names():
        raise KeyError(key)
    provider: Provider = import_module(f"{__name__}.{key}").Provider(key)
    return provider


def configured() -> tuple[str, ...]:
    """Return the keys of those that can be used here."""
    return tuple(key for key in names() if load(key).is_configured())
