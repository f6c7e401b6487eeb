"""AI providers: one file each. Its name is the provider's key, and the folder is the only list of them.

A file has a class `Provider` (see `shared.ai.provider`). An OpenAI-compatible service is a few lines on top
of `openai.Provider`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from shared.core.config import settings
from shared.core.errors import ConfigError

if TYPE_CHECKING:
    from shared.ai.provider import Provider


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """Return the keys of all providers."""
    return tuple(sorted(module.name for module in iter_modules(__path__)))


@lru_cache(maxsize=16)
def load(key: str) -> Provider:
    """Import a provider when it is first needed, and return it.

    Raises:
        ConfigError: no provider has this key.
    """
    if key not in names():
        raise ConfigError(f"there is no AI provider {key!r}: CHAT_PROVIDER is one of {', '.join(names())}")
    provider: Provider = import_module(f"{__name__}.{key}").Provider(key)
    return provider


def chat_model() -> str:
    """Return the model that answers on our key: CHAT_MODEL, else the default of CHAT_PROVIDER.

    Raises:
        ConfigError: CHAT_PROVIDER is no provider.
    """
    return settings().chat_model or load(settings().chat_provider).MODEL


def recognize(text: str) -> tuple[str, str] | None:
    """Return the provider and the API key in a text, or None when no provider's pattern matches."""
    for name in names():
        if match := re.search(rf"(?<![A-Za-z0-9]){load(name).KEY_PATTERN}", text):
            return name, match[0]
    return None
