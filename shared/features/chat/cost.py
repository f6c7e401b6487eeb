"""Estimates the most that a question may cost, before it is asked."""

from __future__ import annotations

from decimal import Decimal

from shared.ai import modes
from shared.core.config import Settings, settings
from shared.telegram.pipeline import MAX_TEXT

_PROMPT = max(len(mode.prompt) for mode in modes.MODES.values()) + 100  # with today's date and a language

_known: tuple[Settings, Decimal] | None = None


def question_cost() -> Decimal:
    """Return the most that a question may cost, in US dollars. Its mode and earlier parts are unknown."""
    global _known  # noqa: PLW0603 - cached until the settings change
    if _known is None or _known[0] is not settings():
        _known = settings(), _estimate()
    return _known[1]


def _estimate() -> Decimal:
    from shared.ai.models import estimate_cost  # imported with the AI: commands do not need it

    characters = _PROMPT + settings().max_history_characters + MAX_TEXT
    models = {mode.model or settings().chat_model for mode in modes.MODES.values()}
    return max(estimate_cost(model, characters) for model in models)
