"""Which model transcribes or speaks: the catalogue chooses (docs/ai_models.md), and a setting overrides it.

The rows of a kind are kept for KEPT_SECONDS, so that a message costs no round trip.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from time import monotonic
from typing import TYPE_CHECKING, Literal

from shared.core import db, log
from shared.core.config import settings
from shared.core.errors import ConfigError, DatabaseUnavailable

if TYPE_CHECKING:
    from shared.core.sql_types import ListAudioModels

KEPT_SECONDS = 30.0
AudioKind = Literal["transcription", "speech"]


@dataclass(frozen=True, slots=True)
class AudioModel:
    """A model of a provider.

    Attributes:
        is_usable: enabled, and not switched off by its provider.
        minute_price: US dollars; None where it is not priced by its length.
    """

    provider: str
    model: str
    is_usable: bool = True
    minute_price: Decimal | None = None


_found: dict[AudioKind, tuple[tuple[AudioModel, ...], float]] = {}  # the models, and until when they hold


def forget_catalogue() -> None:
    """Read the models again before their next use."""
    _found.clear()


def catalogue(kind: AudioKind) -> tuple[AudioModel, ...]:
    """Return the models of a kind, the first choice first; in an outage those that were read last."""
    known, until = _found.get(kind, ((), 0.0))
    if monotonic() < until or not settings().database_enabled:
        return known
    try:
        rows: list[ListAudioModels] = db.call("list_audio_models", p_kind=kind)
        known = tuple(map(_model, rows))
    except DatabaseUnavailable as error:
        log.warning("the models of a kind cannot be read", action="models_unknown", reason=str(error))
    _found[kind] = known, monotonic() + KEPT_SECONDS
    return known


def _model(row: ListAudioModels) -> AudioModel:
    price = row["minute_price"]
    return AudioModel(
        row["provider"], row["model"], row["is_usable"], None if price is None else Decimal(price)
    )


def of_provider(kind: AudioKind, provider: str, default: str) -> AudioModel | None:
    """Return the provider's first usable model; one that the catalogue does not know has its default in code.

    Args:
        default: a model; empty where there is none.
    """
    rows = [one for one in catalogue(kind) if one.provider == provider]
    if rows:
        return next((one for one in rows if one.is_usable), None)
    return AudioModel(provider, default) if default else None


def named(kind: AudioKind, provider: str, model: str) -> AudioModel:
    """Return the model that a setting names, with its price where the catalogue has one."""
    known = (one for one in catalogue(kind) if (one.provider, one.model) == (provider, model))
    return next(known, AudioModel(provider, model))


def first_with_key(kind: AudioKind, names: Collection[str]) -> AudioModel | None:
    """Return the first usable model of these providers whose provider has a key."""
    usable = (one for one in catalogue(kind) if one.is_usable and one.provider in names)
    return next((one for one in usable if _has_key(one.provider)), None)


def _has_key(provider: str) -> bool:
    try:
        return bool(settings().api_key(provider))
    except ConfigError:
        return False
