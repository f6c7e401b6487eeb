"""Read a text aloud: MP3, which Telegram takes as a voice message.

    sound = speak(text, provider=settings().speech_provider, deadline=…)

A provider is a file in `services/` with a class `Service`. Its name is the provider's key, and
`<KEY>_API_KEY` and `<KEY>_BASE_URL` are those of the chat.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Final

from shared.ai import audio_catalogue
from shared.ai.audio_catalogue import AudioModel
from shared.ai.call_records import Record
from shared.ai.single_request import open_account, send
from shared.ai.speech import services
from shared.ai.speech.contract import MOST_CHARACTERS, SpeechService
from shared.core.config import settings
from shared.core.errors import ConfigError

__all__ = ["MOST_CHARACTERS", "choose", "load", "names", "speak"]

_KIND: Final = "speech"


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


def choose(provider: str) -> AudioModel:
    """Return the model that speaks: SPEECH_MODEL, else the provider's own in the catalogue, else another's.

    Args:
        provider: the one that the settings name. One whose models have all ended is replaced.

    Raises:
        ConfigError: it does not speak, or there is no model.
    """
    default = load(provider).MODEL
    if model := settings().speech_model:
        return audio_catalogue.named(_KIND, provider, model)
    chosen = audio_catalogue.of_provider(_KIND, provider, default) or audio_catalogue.first_with_key(
        _KIND, names()
    )
    if chosen is None:
        raise ConfigError(
            f"no model of {provider} speaks: set SPEECH_MODEL, or the key of {' or '.join(names())}"
        )
    return chosen


def speak(text: str, *, provider: str, deadline: float, record: Record | None = None) -> bytes:
    """Return the MP3 of a text of at most MOST_CHARACTERS, by the deadline at the latest.

    Args:
        deadline: `time.monotonic()`.
        record: called with each attempt, failed ones included.

    Raises:
        AIError: no sound; see `chat.complete` for its kinds.
        ConfigError: no such provider, or no usable key.
    """
    chosen = choose(provider)
    service, model = load(chosen.provider), chosen.model
    # A voice of one provider is unknown to another.
    voice = (settings().speech_voice if chosen.provider == provider else "") or service.VOICE
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
