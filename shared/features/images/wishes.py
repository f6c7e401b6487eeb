"""What a user wants to see: a prompt, pictures to work from, a mode and options; and what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from shared.core import db
from shared.core.config import settings
from shared.features.images import catalog
from shared.features.images.catalog import ImageMode, Model
from shared.generations.ordering import Order

if TYPE_CHECKING:
    from shared.core.json_types import JsonObject
    from shared.core.sql_types import QuotePictures, QuotePicturesPrices
    from shared.telegram.context import UpdateContext

MODE = "image_mode"  # keys of the session's data
OPTIONS = "image_options"
REFERENCES = "image_references"


@dataclass(frozen=True)
class Wish:
    """One picture that a user asks for.

    Attributes:
        words: what the user wrote; the prompt may say more around it.
        references: pictures to work from, [{file_id}].
        options: by the names of `catalog.CHOICES`.
    """

    mode: str
    words: str
    references: Sequence[JsonObject] = ()
    options: Mapping[str, str] | None = None
    prompt: str = ""

    def to_json(self) -> JsonObject:
        """Return what `from_json` reads."""
        return {
            "mode": self.mode,
            "words": self.words,
            "references": list(self.references),
            "options": dict(self.options or {}),
            "prompt": self.prompt,
        }

    @classmethod
    def from_json(cls, stored: JsonObject) -> Wish:
        """Return a stored wish."""
        return cls(**stored)


@dataclass(frozen=True)
class Quote:
    """The models to try with their options, and the most that the picture costs."""

    calls: Sequence[tuple[Model, Mapping[str, str]]]
    requests: int
    cost: Decimal
    says_made_with_ai: bool


def chosen_mode(context: UpdateContext) -> ImageMode | None:
    """Return the mode of the session, else the one chosen last, else the first one that the plan includes."""
    found = catalog.modes()
    wanted = (context.mode.partition(":")[2], str(context.data.get(MODE) or ""))
    for key in wanted:
        if mode := next((one for one in found if one.key == key), None):
            return mode
    return next((one for one in found if catalog.is_included(context, one)), next(iter(found), None))


def chosen_options(context: UpdateContext, mode: ImageMode) -> dict[str, str]:
    """Return the options that the user chose for a mode, over its defaults."""
    stored = context.data.get(OPTIONS)
    chosen = stored.get(mode.key) if isinstance(stored, dict) else None
    return {**{name: str(value) for name, value in mode.defaults.items()}, **(chosen or {})}


def quote(context: UpdateContext, mode: ImageMode, wish: Wish) -> Quote | None:
    """Return what a wish costs at most; None where no model can make it, or has no price for it."""
    (found,) = quotes(context, mode, [(wish.options or {}, len(wish.references))])
    return found


def quotes(
    context: UpdateContext, mode: ImageMode, wanted: Sequence[tuple[Mapping[str, str], int]]
) -> list[Quote | None]:
    """Return a quote for each (options, number of references), in one round trip."""
    calls = [
        [(model, model.options(options)) for model in catalog.usable_models(context, mode, references)]
        for options, references in wanted
    ]
    priced: QuotePictures = db.call(
        "quote_pictures",
        p_calls=[
            {"provider": model.provider, "model": model.model, "conditions": options}
            for one in calls
            for model, options in one
        ],
    )
    prices = iter(priced["prices"])
    return [_quote([(*call, next(prices)) for call in one], priced["made_with_ai"]) for one in calls]


def _quote(
    calls: list[tuple[Model, Mapping[str, str], QuotePicturesPrices]], says_made_with_ai: bool
) -> Quote | None:
    known = [
        (model, options, price["requests"], Decimal(price["cost"]))
        for model, options, price in calls
        if price["cost"] is not None and price["requests"] is not None
    ]
    if not known:
        return None
    return Quote(
        [(model, options) for model, options, *_ in known],
        max(requests for _, _, requests, _ in known),
        max(cost for *_, cost in known),
        says_made_with_ai,
    )


def order(wish: Wish, quoted: Quote, reference: str | None = None) -> Order:
    """Return the order of a wish."""
    (model, options), *fallbacks = quoted.calls
    return Order(
        kind="image",
        provider=model.provider,
        model=model.model,
        prompt=wish.prompt or wish.words,
        options=dict(options),
        references=tuple(wish.references),
        requests=quoted.requests,
        max_cost=quoted.cost,
        reference=reference,
        extra={
            "wish": wish.to_json(),
            "caption": "image_made_with_ai" if quoted.says_made_with_ai else None,
            "buttons": _buttons(can_vary=model.max_references > 0),
            "fallbacks": [
                {"provider": other.provider, "model": other.model, "options": dict(its)}
                for other, its in fallbacks
            ],
        },
    )


def _buttons(*, can_vary: bool) -> JsonObject:
    """Return the buttons of a picture's messages, by what they say."""
    again = {"key": "image_again", "data": "image:again:{id}"}
    vary = [{"key": "image_vary", "data": "image:vary:{id}"}] if can_vary else []
    file = [[{"key": "image_file", "data": "image:file:{id}"}]] if settings().supabase_url else []
    return {
        "started": [[{"key": "image_stop", "data": "image:stop:{id}"}]],
        "delivered": [[again, *vary], *file],
        "refused": [[{"key": "image_rephrase", "data": "image:rephrase:{id}"}]],
        "failed": [[again]],
        "expired": [[again]],
    }
