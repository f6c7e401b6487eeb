"""Media providers: one package each. Its name is the provider's key, and the folder is the only list of them.

A package has a class `Provider` that fulfils `shared.ai.media.contract.MediaProvider`.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from shared.core.errors import ConfigError

if TYPE_CHECKING:
    from shared.ai.media.contract import MediaProvider


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """Return the keys of all providers."""
    return tuple(sorted(module.name for module in iter_modules(__path__)))


def variables() -> frozenset[str]:
    """Return the variables that follow from the providers' keys."""
    found = {f"{key.upper()}_{what}" for key in names() for what in ("API_KEY", "BASE_URL")}
    return frozenset(
        found | {f"{key.upper()}_WEBHOOK_SECRET" for key in names() if load(key).signs_callbacks}
    )


@lru_cache(maxsize=16)
def load(key: str) -> MediaProvider:
    """Import a provider when it is first needed, and return it.

    Raises:
        ConfigError: no provider has this key.
    """
    if key not in names():
        raise ConfigError(f"there is no media provider {key!r}: known are {', '.join(names())}")
    provider: MediaProvider = import_module(f"{__name__}.{key}").Provider(key)
    return provider
