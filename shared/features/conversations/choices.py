"""The models to choose between: rows of public.ai_modes of kind chat whose provider has a key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from time import monotonic
from typing import TYPE_CHECKING

from shared.ai import providers
from shared.core import db, texts
from shared.core.config import settings
from shared.core.errors import ConfigError

if TYPE_CHECKING:
    from shared.core.sql_types import ListModelChoices, ProductText
    from shared.telegram.context import UpdateContext
    from shared.telegram.conversation import Conversation

_CACHE_SECONDS = 30.0


@dataclass(frozen=True)
class Choice:
    """A model to choose.

    Attributes:
        features: the plan features that it needs.
        price: of a typical question, in US dollars; None: unknown.
    """

    key: str
    texts: Mapping[str, ProductText]
    features: frozenset[str]
    price: Decimal | None

    def title(self, language: str) -> str:
        """Return its name."""
        return texts.product_words(language, self.texts).title

    def description(self, language: str) -> str:
        """Return what it is good at; empty where the owner has not said."""
        return texts.product_words(language, self.texts).about


class _Cache:
    choices: tuple[Choice, ...] = ()
    standard: Decimal | None = None
    until = 0.0


def choices() -> Sequence[Choice]:
    """Return the models that can be used here and today; read at most every 30 s.

    Raises:
        DatabaseUnavailable: it cannot be reached.
    """
    if monotonic() >= _Cache.until:
        found: ListModelChoices = db.call(
            "list_model_choices", p_provider=settings().chat_provider, p_model=providers.chat_model()
        )
        listed = []
        for row in found["choices"]:
            usable_ones = [one for one in row["models"] if is_configured(one["provider"])]
            if usable_ones:
                first = usable_ones[0]
                needed = frozenset(filter(None, (row["plan_feature"], first["plan_feature"])))
                price = None if first["price"] is None else Decimal(first["price"])
                listed.append(Choice(row["key"], row["texts"], needed, price))
        _Cache.choices = tuple(listed)
        _Cache.standard = None if found["standard"] is None else Decimal(found["standard"])
        _Cache.until = monotonic() + _CACHE_SECONDS
    return _Cache.choices


def find(key: str) -> Choice | None:
    """Return a model that can be used here and today."""
    return next((one for one in choices() if one.key == key), None)


def is_included(context: UpdateContext, choice: Choice) -> bool:
    """Return whether the user's plan includes a model."""
    return all(map(context.includes, choice.features))


def relative_price(price: Decimal | None) -> Decimal | None:
    """Return the price of a question divided by that of the standard model, else of the cheapest one."""
    known = [one.price for one in choices() if one.price]
    base = _Cache.standard or min(known, default=None)
    if not base or price is None:
        return None
    ratio = price / base
    return ratio.quantize(Decimal(1) if ratio >= 10 else Decimal("0.1")).normalize() or Decimal("0.1")


def standard_price() -> Decimal | None:
    """Return the price of a typical question to the standard model; None: unknown."""
    choices()
    return _Cache.standard


def is_configured(provider: str) -> bool:
    """Return whether a provider of chats is known and has a key."""
    try:
        return provider in providers.names() and bool(settings().api_key(provider))
    except ConfigError:
        return False


def usable(context: UpdateContext, conversation: Conversation) -> tuple[str, str] | None:
    """Return the provider and the model to call; None where the plan lacks the chosen one or it is gone."""
    if conversation.model_feature and not context.includes(conversation.model_feature):
        return None
    for one in conversation.models:
        is_allowed = not one["plan_feature"] or context.includes(one["plan_feature"])
        if is_allowed and is_configured(one["provider"]):
            return one["provider"], one["model"]
    return None
