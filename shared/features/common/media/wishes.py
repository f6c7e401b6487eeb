"""What a user wants to get: a prompt, pictures to work from, a mode and options; and what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from shared.core import db
from shared.core.config import settings
from shared.features.common.media import catalog
from shared.features.common.media.catalog import Mode, Model, Value
from shared.features.common.user_key import open_key
from shared.generations.ordering import Order

if TYPE_CHECKING:
    from shared.core.json_types import JsonObject
    from shared.core.sql_types import QuoteGenerations, QuoteGenerationsPrices
    from shared.features.common.media.kinds import MediaKind
    from shared.telegram.context import UpdateContext

MODE, OPTIONS, REFERENCES = (
    "mode",
    "options",
    "references",
)  # `MediaKind.key` makes keys of the session's data


@dataclass(frozen=True)
class Wish:
    """One picture or video that a user asks for.

    Attributes:
        words: what the user wrote; the prompt may say more around it.
        references: pictures to work from, [{file_id, role}].
        options: by the names of `MediaKind.choices`.
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
    """The models to try with their options, and the most that it costs.

    Attributes:
        requests, amount: of the plan and bonus credits, or of the balance; the other one is 0.
        cost: the US dollars behind it; None: the user's own key pays.
    """

    calls: Sequence[tuple[Model, Mapping[str, Value]]]
    requests: int
    amount: Decimal
    cost: Decimal | None
    says_made_with_ai: bool

    @property
    def is_on_users_key(self) -> bool:
        """Whether the user's own key pays, and the plan nothing."""
        return self.cost is None


def chosen_mode(context: UpdateContext, kind: MediaKind) -> Mode | None:
    """Return the mode of the session, else the one chosen last, else the first one that the plan includes."""
    found = catalog.modes(kind)
    wanted = str(context.data.get(kind.key(MODE)) or "")
    if context.mode.startswith(kind.prefix):
        wanted = context.mode.removeprefix(kind.prefix)
    if mode := next((one for one in found if one.key == wanted), None):
        return mode
    return next((one for one in found if catalog.is_included(context, one)), next(iter(found), None))


def chosen_options(context: UpdateContext, kind: MediaKind, mode: Mode) -> dict[str, str]:
    """Return the options that the user chose for a mode, over its defaults."""
    stored = context.data.get(kind.key(OPTIONS))
    chosen = stored.get(mode.key) if isinstance(stored, dict) else None
    return {**mode.defaults, **(chosen or {})}


def quote(context: UpdateContext, kind: MediaKind, mode: Mode, wish: Wish) -> Quote | None:
    """Return what a wish costs at most; None where no model can make it, or has no price for it."""
    (found,) = quotes(context, kind, mode, [(wish.options or {}, len(wish.references))])
    return found


def quotes(
    context: UpdateContext, kind: MediaKind, mode: Mode, wanted: Sequence[tuple[Mapping[str, str], int]]
) -> list[Quote | None]:
    """Return a quote for each (options, number of references), in one round trip."""
    calls = [
        [(model, model.options(kind, options)) for model in catalog.usable_models(context, mode, references)]
        for options, references in wanted
    ]
    own = open_key(context)
    priced: QuoteGenerations = db.call(
        "quote_generations",
        p_kind=kind.name,
        p_calls=[
            {"provider": model.provider, "model": model.model, "conditions": options}
            for one in calls
            for model, options in one
        ],
    )
    prices = iter(priced["prices"])
    found = [_quote(mode, [(*call, next(prices)) for call in one], priced["made_with_ai"]) for one in calls]
    return [_with_key(one, None if own is None else own.provider) for one in found]


def _with_key(quoted: Quote | None, provider: str | None) -> Quote | None:
    """Return a quote that costs nothing here, where the user's own key is of a provider that can make it."""
    calls = [call for call in quoted.calls if call[0].provider == provider] if quoted else []
    if quoted is None or not calls:
        return quoted
    return Quote(calls, 0, Decimal(0), None, quoted.says_made_with_ai)


def _quote(
    mode: Mode,
    calls: list[tuple[Model, Mapping[str, Value], QuoteGenerationsPrices]],
    says_made_with_ai: bool,
) -> Quote | None:
    known = [call for call in calls if call[2]["cost"] is not None]
    if not known:
        return None
    prices = [price for *_, price in known]
    return Quote(
        [(model, options) for model, options, _ in known],
        0 if mode.is_sold else max(price["requests"] or 0 for price in prices),
        max(Decimal(price["amount"] or 0) for price in prices) if mode.is_sold else Decimal(0),
        max(Decimal(price["cost"] or 0) for price in prices),
        says_made_with_ai,
    )


def order(kind: MediaKind, wish: Wish, quoted: Quote, reference: str | None = None) -> Order:
    """Return the order of a wish."""
    (model, options), *fallbacks = quoted.calls
    return Order(
        kind=kind.name,
        provider=model.provider,
        model=model.model,
        prompt=wish.prompt or wish.words,
        options=dict(options),
        references=tuple(wish.references),
        requests=quoted.requests,
        amount=quoted.amount,
        max_cost=quoted.cost,
        reference=reference,
        extra={
            "wish": wish.to_json(),
            **({"user_api_key": _provider_name(model.provider)} if quoted.is_on_users_key else {}),
            "caption": "media_made_with_ai" if quoted.says_made_with_ai else None,
            "buttons": _buttons(kind, can_vary=model.max_references > 0 or not kind.varies_result),
            "fallbacks": [
                {"provider": other.provider, "model": other.model, "options": dict(its)}
                for other, its in fallbacks
            ],
        },
    )


def _provider_name(provider: str) -> str:
    from shared.ai import providers

    return providers.load(provider).NAME


def _buttons(kind: MediaKind, *, can_vary: bool) -> JsonObject:
    """Return the buttons of the messages about a job, by what they say."""

    def button(key: str) -> JsonObject:
        return {"key": key, "data": f"{kind.prefix}{key.removeprefix('media_')}:{{id}}"}

    again = button("media_again")
    vary = [button("media_vary")] if can_vary else []
    file = [[button("media_file")]] if settings().supabase_url and kind.name == "image" else []
    return {
        "started": [[button("media_stop")]],
        "running": [[{**button("media_stop"), "key": "media_stop_waiting"}]],
        "delivered": [[again, *vary], *file],
        "refused": [[button("media_rephrase")]],
        "failed": [[again]],
        "user_key": [[{"key": "keys_open", "data": "keys"}, again]],
        "expired": [[again]],
    }
