"""Prices and context sizes of models: the cost of a call, an estimate before it, and what fits the context.

These prices are for the estimate before a call, and for a call whose usage or model the catalogue does not
know. What other calls cost, `finish_update` computes from the table ai_model_prices (docs/ai_models.md).

An estimate is an upper bound: one token for each character, although a token is usually three or four
characters, and an answer of maximum length. Only scripts that tokenizers hardly cover exceed it (up to four
tokens for a character).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from operator import itemgetter

from shared.ai.provider import Usage, from_user
from shared.core.config import settings
from shared.core.setting_values import Model

_MILLION = 1_000_000
PICTURE_TOKENS = 3_000  # of one picture of at most `pictures.LONGEST_SIDE` pixels, at any provider
_content = itemgetter("content")
_MINI = Model(Decimal("0.25"), Decimal(2), 272_000)
# https://developers.openai.com/api/docs/pricing; the setting MODELS adds others.
_MODELS: Mapping[str, Model] = {"gpt-5-mini": _MINI, "openai/gpt-5-mini": _MINI}
# An unknown model counts as an expensive one, so that daily cost limits are never exceeded.
_UNKNOWN = Model(Decimal(5), Decimal(30), 128_000)


def find_model(name: str) -> Model:
    """Return a model's prices and context."""
    return settings().models.get(name) or _MODELS.get(name, _UNKNOWN)


def estimate_cost(name: str, characters: int) -> Decimal:
    """Return the maximum cost of a call with this many characters, in US dollars."""
    return cost_of(name, Usage(), characters)


def cost_of(name: str, usage: Usage, characters: int, max_tokens: int | None = None) -> Decimal:
    """Return the cost of a call in US dollars; unreported tokens count as in the estimate.

    Args:
        max_tokens: the limit of the answer; None is the setting CHAT_MAX_TOKENS.
    """
    if usage.cost is not None:
        return usage.cost
    model = find_model(name)
    tokens_in = characters if usage.tokens_in is None else usage.tokens_in
    tokens_out = usage.tokens_out
    if tokens_out is None:
        tokens_out = max_tokens or settings().chat_max_tokens
    return (tokens_in * model.price_in + tokens_out * model.price_out) / _MILLION


def count_characters(messages: Sequence[Mapping[str, str]]) -> int:
    """Return the number of characters that are sent."""
    return sum(map(len, map(_content, messages)))


def fit_context(messages: list[dict[str, str]], name: str, pictures: int = 0) -> list[dict[str, str]]:
    """Return the messages without the oldest of the history that do not fit the model's context.

    Args:
        messages: {role, content}, the oldest first: the system prompt, the history, the new message.
        name: the model.
        pictures: how many pictures the new message has.
    """
    context = find_model(name).context
    room = max(context - settings().chat_max_tokens, context // 2) - pictures * PICTURE_TOKENS
    if count_characters(messages) <= room:
        return messages
    system = [message for message in messages[:1] if message["role"] == "system"]
    history, newest = messages[len(system) : -1], messages[-1:]
    room -= count_characters([*system, *newest])
    start = len(history)
    while start > 0 and len(history[start - 1]["content"]) <= room:
        start -= 1
        room -= len(history[start]["content"])
    return [*system, *(dict(message) for message in from_user(history[start:])), *newest]
