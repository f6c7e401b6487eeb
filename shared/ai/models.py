"""Prices and context sizes of models: the cost of a call, an estimate before it, and what fits the context.

Prices and context sizes are rows of the catalogue (docs/ai_models.md), read before a question and kept for
KEPT_SECONDS. They are for the estimate before a call, and for a call whose usage the provider does not
report. What other calls cost, `finish_update` computes from the catalogue.

An estimate is an upper bound: one token for each character, although a token is usually three or four
characters, and an answer of maximum length. Only scripts that tokenizers hardly cover exceed it (up to four
tokens for a character).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import itemgetter
from time import monotonic
from typing import TYPE_CHECKING

from shared.ai.provider import Usage, from_user
from shared.core import db, log
from shared.core.config import settings
from shared.core.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from shared.core.sql_types import ListChatModels

KEPT_SECONDS = 600.0  # a price change reaches the estimates within ten minutes
_RETRY_SECONDS = 30.0  # after the catalogue could not be read
_MILLION = 1_000_000
PICTURE_TOKENS = 3_000  # of one picture of at most `pictures.LONGEST_SIDE` pixels, at any provider
_content = itemgetter("content")


@dataclass(frozen=True, slots=True)
class Model:
    """What an AI model costs, in US dollars for a million tokens, and how many tokens it reads."""

    price_in: Decimal
    price_out: Decimal
    context: int


# A model that the catalogue does not know counts as an expensive one, so that cost limits are never exceeded.
UNKNOWN = Model(Decimal(5), Decimal(30), 128_000)

Catalogue = Mapping[tuple[str, str], Model]  # by (provider, model)
_catalogue: Catalogue = {}
_next_read = 0.0  # `monotonic()`
_reading = threading.Lock()


def catalogue() -> Catalogue:
    """Return the chat models. Reads them (one round trip) when they are older than KEPT_SECONDS.

    Of several threads one reads, and the others take what is known. Where the database does not answer, what
    is known lasts.
    """
    global _catalogue, _next_read  # noqa: PLW0603 - one copy per process
    if monotonic() < _next_read or not _reading.acquire(blocking=not _catalogue):
        return _catalogue
    try:
        if monotonic() >= _next_read:
            found: list[ListChatModels] = db.call("list_chat_models")
            _catalogue = {(one["provider"], one["model"]): _model(one) for one in found}
            _next_read = monotonic() + KEPT_SECONDS
    except DatabaseUnavailable as error:
        log.warning("the prices of models cannot be read", action="prices_unknown", reason=str(error))
        _next_read = monotonic() + _RETRY_SECONDS
    finally:
        _reading.release()
    return _catalogue


def forget_catalogue() -> None:
    """Read the catalogue again before the next question."""
    global _next_read  # noqa: PLW0603 - one copy per process
    _next_read = 0.0


def _model(row: ListChatModels) -> Model:
    prices = row["input_price"], row["output_price"]
    return Model(
        UNKNOWN.price_in if prices[0] is None else Decimal(prices[0]),
        UNKNOWN.price_out if prices[1] is None else Decimal(prices[1]),
        row["context_tokens"] or UNKNOWN.context,
    )


def find_model(provider: str, name: str) -> Model:
    """Return a model's prices and context, as far as `catalogue` has read them. Reads nothing."""
    return _catalogue.get((provider, name), UNKNOWN)


def estimate_cost(provider: str, name: str, characters: int) -> Decimal:
    """Return the maximum cost of a call with this many characters, in US dollars."""
    catalogue()
    return cost_of(provider, name, Usage(), characters)


def cost_of(
    provider: str, name: str, usage: Usage, characters: int, max_tokens: int | None = None
) -> Decimal:
    """Return the cost of a call in US dollars; unreported tokens count as in the estimate.

    Args:
        max_tokens: the limit of the answer; None is the setting CHAT_MAX_TOKENS.
    """
    if usage.cost is not None:
        return usage.cost
    model = find_model(provider, name)
    tokens_in = characters if usage.tokens_in is None else usage.tokens_in
    tokens_out = usage.tokens_out
    if tokens_out is None:
        tokens_out = max_tokens or settings().chat_max_tokens
    return (tokens_in * model.price_in + tokens_out * model.price_out) / _MILLION


def count_characters(messages: Sequence[Mapping[str, str]]) -> int:
    """Return the number of characters that are sent."""
    return sum(map(len, map(_content, messages)))


def fit_context(
    messages: list[dict[str, str]], provider: str, name: str, pictures: int = 0
) -> list[dict[str, str]]:
    """Return the messages without the oldest of the history that do not fit the model's context.

    Args:
        messages: {role, content}, the oldest first: the system prompt, the history, the new message.
        provider, name: the model.
        pictures: how many pictures the new message has.
    """
    context = find_model(provider, name).context
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
