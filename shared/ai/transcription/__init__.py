"""Transcribe speech: the words of a voice message.

    words = transcribe(sound, provider=configured_provider(), deadline=…)

A provider is a file in `services/` with a class `Service` (see `contract.py`). Its name is the provider's
key, and `<KEY>_API_KEY` and `<KEY>_BASE_URL` are those of the chat.
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
from shared.ai.transcription import services
from shared.ai.transcription.contract import Sound, TranscriptionService
from shared.core.config import settings
from shared.core.errors import ConfigError

__all__ = ["Sound", "choose", "configured_provider", "load", "names", "transcribe"]

_KIND: Final = "transcription"


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """Return the keys of the providers that transcribe."""
    return tuple(sorted(module.name for module in iter_modules(services.__path__)))


@lru_cache(maxsize=8)
def load(key: str) -> TranscriptionService:
    """Return a provider; its module is imported at its first use.

    Raises:
        ConfigError: no provider with this key transcribes.
    """
    if key not in names():
        raise ConfigError(
            f"{key!r} does not transcribe: TRANSCRIPTION_PROVIDER is one of {', '.join(names())}"
        )
    service: TranscriptionService = import_module(f"{services.__name__}.{key}").Service(key)
    return service


def configured_provider() -> str | None:
    """Return the provider that transcribes with our key, or None."""
    chosen = choose()
    return chosen.provider if chosen else None


def choose() -> AudioModel | None:
    """Return the model that transcribes with our key, or None.

    TRANSCRIPTION_PROVIDER and TRANSCRIPTION_MODEL come before the catalogue, and it before CHAT_PROVIDER.

    Raises:
        ConfigError: TRANSCRIPTION_PROVIDER does not transcribe.
    """
    chosen = settings()
    provider = chosen.transcription_provider or (
        chosen.chat_provider if chosen.chat_provider in names() else ""
    )
    if provider and chosen.transcription_model:
        return audio_catalogue.named(_KIND, provider, chosen.transcription_model)
    if chosen.transcription_provider and (own := _model_of(provider)):
        return own
    if found := audio_catalogue.first_with_key(_KIND, names()):
        return found
    return _model_of(provider) if provider else None


def _model_of(provider: str) -> AudioModel | None:
    return audio_catalogue.of_provider(_KIND, provider, load(provider).MODEL)


def transcribe(
    sound: Sound,
    *,
    provider: str,
    deadline: float,
    api_key: str | None = None,
    record: Record | None = None,
) -> str:
    """Return the words of a sound, by the deadline at the latest; an empty text where nothing is said.

    Args:
        deadline: `time.monotonic()`.
        api_key: the user's own key at the provider, instead of ours.
        record: called with each attempt, failed ones included.

    Raises:
        AIError: no transcript; see `chat.complete` for its kinds.
        ConfigError: no such provider, or no usable key of ours.
    """
    service = load(provider)
    chosen = choose() if api_key is None else None
    if chosen is None or chosen.provider != provider:
        chosen = _model_of(provider) or AudioModel(provider, service.MODEL)
    model, minute_price = chosen.model, chosen.minute_price
    price = service.price(model, sound.seconds)
    if minute_price is not None:
        price = minute_price * max(sound.seconds, 1) / 60
    account = open_account(service.provider, api_key)
    return send(
        service.provider,
        account,
        service.request(sound, model, account.secret),
        service.read,
        kind="transcription",
        model=model,
        price=price,
        deadline=deadline,
        record=record,
    ).strip()
