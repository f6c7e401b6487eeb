"""What a question may cost at most, estimated before it is asked."""

from __future__ import annotations

from decimal import Decimal

from shared.ai import modes
from shared.ai.models import estimate_cost
from shared.config import settings
from shared.telegram.incoming import Incoming
from shared.telegram.quoting import with_quote

_PROMPT = max(len(mode.prompt) for mode in modes.MODES.values()) + 100  # with today's date and a language


def question_cost(incoming: Incoming) -> Decimal:
    """Return the most that the answer to a message may cost, in US dollars, in whatever mode."""
    question = len(with_quote(incoming, incoming.text, bot_id=0))
    characters = _PROMPT + settings().max_history_characters + question
    models = {mode.model or settings().chat_model for mode in modes.MODES.values()}
    return max(estimate_cost(model, characters) for model in models)
