"""Providers' own interfaces, where the OpenAI-compatible one does not enforce the schema of an answer.

A file has the provider's key as its name, and a class `Provider` like those in `shared.ai.providers`.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from shared.ai import providers

if TYPE_CHECKING:
    from shared.ai.provider import Provider


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """Return the keys of the providers that have an interface here."""
    return tuple(sorted(module.name for module in iter_modules(__path__)))


def load(key: str) -> Provider:
    """Return the interface for structured answers: the provider's own if it is here and offered.

    Raises:
        ConfigError: no provider has this key, or its base URL is malformed.
    """
    provider = providers.load(key)
    if key not in names():
        return provider
    own = import_module(f"{__name__}.{key}").Provider(key)
    return own if own.is_offered() else provider
