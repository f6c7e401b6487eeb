"""Read a text aloud: MP3, which Telegram takes as a voice message.

    sound = speak(text, provider=settings().speech_provider, deadline=…)

A provider is a file in `services/` with a class `Service`. Its name is the provider's key, and
`<KEY>_API_KEY` and `<KEY>_BASE_URL` are those of the chat.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules

from shared.ai.call_records import Record
from shared.ai.single_request import open_account, send
from shared.ai.speech import services
from shared.ai.speech.contract import MOST_CHARACTERS, SpeechService
from shared.core.config import settings
from shared.core.errors import ConfigError

__all__ = ["MOST_CHARACTERS", "load", "names", "speak"]


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """Return the keys of the providers that speak."""
    return tuple(sorted(module.name for module in iter_modules(services.__path__)))


@lru_cache(maxsize=4)
def load(key: str) -> SpeechService:
    """Return a provider; its module is imported at its first use.

    Raises:
        ConfigError: no provider with this key speaks.
    """
    if key not in names():
        raise ConfigError(f"SPEECH_PROVIDER {key!r} does not speak; these do: {', '.join(names())}")
    service: SpeechService = import_module(f"{services.__name__}.{key}").Service(key)
    return service


def speak(text: str, *, provider: str, deadline: float, record: Record | None = None) -> bytes:
    """Return the MP3 of a text of at most MOST_CHARACTERS, by the deadline at the latest.

    Args:
        deadline: `time.monotonic()`.
        record: called with each attempt, failed ones included.

    Raises:
        AIError: no sound; see `chat.complete` for its kinds.
        ConfigError: no such provider, or no usable key.
    """
    service = load(provider)
    model = settings().speech_model or service.MODEL
    voice = settings().speech_voice or service.VOICE
    account = open_account(service.provider, None)
    return send(
        service.provider,
        account,
        service.request(text, model, voice, account.secret),
        service.read,
        kind="speech",
        model=model,
        price=service.price(model, len(text)),
        deadline=deadline,
        record=record,
    )
