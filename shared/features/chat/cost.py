"""Estimates the most that a question may cost, before it is asked."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from shared.ai import modes
from shared.core.config import Settings, settings
from shared.telegram.pipeline import MAX_TEXT

if TYPE_CHECKING:
    from shared.ai.models import Catalogue

_PROMPT = max(len(mode.prompt) for mode in modes.MODES.values()) + 100  # with today's date and a language

_MEDIA_CHARACTERS = 60_000  # of a document, or what ten pictures count as
_TRANSCRIPT = Decimal("0.20")  # US dollars: ten minutes of speech at a model of unknown price
_known: tuple[Settings, Catalogue, tuple[Decimal, Decimal]] | None = None


def question_cost() -> Decimal:
    """Return the most that a question may cost, in US dollars. Its mode and earlier parts are unknown."""
    return _costs()[0]


def media_cost() -> Decimal:
    """Return the most that a question with a voice message, pictures or a document may cost."""
    return _costs()[1]


def _costs() -> tuple[Decimal, Decimal]:
    global _known  # noqa: PLW0603 - cached until the settings or the prices change
    from shared.ai.models import catalogue  # imported with the AI: commands do not need it

    prices = catalogue()
    if _known is None or _known[0] is not settings() or _known[1] is not prices:
        _known = settings(), prices, (_estimate(), _estimate(_MEDIA_CHARACTERS) + _TRANSCRIPT)
    return _known[2]


def _estimate(more: int = 0) -> Decimal:
    from shared.ai.models import estimate_cost
    from shared.ai.providers import chat_model

    characters = _PROMPT + settings().max_history_characters + MAX_TEXT + more
    models = {
        (mode.provider or settings().chat_provider, mode.model or chat_model())
        for mode in modes.MODES.values()
    }
    return max(estimate_cost(provider, model, characters) for provider, model in models)
