"""The modes that make something here: rows of public.ai_modes whose provider has a key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from shared.ai.media import providers
from shared.core import db
from shared.core.config import settings
from shared.core.errors import ConfigError

if TYPE_CHECKING:
    from shared.core.json_types import JsonObject
    from shared.core.sql_types import ListAiModes, ProductText
    from shared.features.common.media.kinds import MediaKind
    from shared.telegram.context import UpdateContext

_CACHE_SECONDS = 30.0
_LONGEST_PROMPT = 4_000  # characters, where the model has no smaller limit
Value = str | int | bool  # of an option, as the provider takes it


@dataclass(frozen=True)
class Model:
    """A model of a provider that is configured here."""

    provider: str
    model: str
    parameters: JsonObject
    limits: JsonObject
    plan_feature: str | None

    @property
    def max_references(self) -> int:
        """How many pictures it takes as input."""
        return int(self.parameters.get("max_references") or 0)

    def values(self, kind: MediaKind, name: str) -> list[Value]:
        """Return the values of an option; none where the model does not have it."""
        found = self.parameters.get(kind.choices.get(name, ""))
        if found is True:  # it can be switched
            return [True, False]
        return list(found) if isinstance(found, list) else []

    def options(self, kind: MediaKind, wanted: Mapping[str, str]) -> dict[str, Value]:
        """Return the options of a call: those that the model has, with its first value for one it lacks."""
        found: dict[str, Value] = {}
        for name in kind.choices:
            values = {as_text(value): value for value in self.values(kind, name)}
            if wanted.get(name) in values:
                found[name] = values[wanted[name]]
            elif values and name != "aspect_ratio":
                found[name] = next(iter(values.values()))
        return found


@dataclass(frozen=True)
class Mode:
    """A mode, with the models to try: its own, then its fallback.

    Attributes:
        is_sold: the balance pays for it, not requests of the plan.
    """

    key: str
    texts: Mapping[str, ProductText]
    defaults: Mapping[str, str]
    plan_feature: str | None
    is_sold: bool
    models: Sequence[Model]

    def title(self, language: str) -> str:
        """Return its name."""
        text = self._text(language)
        return text["title"] if text else self.key

    def description(self, language: str) -> str:
        """Return what it is for; empty where the owner has not said."""
        text = self._text(language)
        return (text.get("description") if text else "") or ""

    def _text(self, language: str) -> ProductText | None:
        return self.texts.get(language) or self.texts.get("en") or next(iter(self.texts.values()), None)

    @property
    def longest_prompt(self) -> int:
        """In characters."""
        limits = [int(one.limits.get("prompt_characters") or _LONGEST_PROMPT) for one in self.models]
        return min([_LONGEST_PROMPT, *limits])

    @property
    def max_references(self) -> int:
        """The most pictures that one of its models takes."""
        return max(one.max_references for one in self.models)


_found: dict[str, tuple[tuple[Mode, ...], float]] = {}  # by kind: the modes, and until when they hold


def modes(kind: MediaKind) -> tuple[Mode, ...]:
    """Return the modes that can be used here and today, the default first; read at most every 30 s.

    Raises:
        DatabaseUnavailable: it cannot be reached.
    """
    known, until = _found.get(kind.name, ((), 0.0))
    if monotonic() < until:
        return known
    rows: list[ListAiModes] = db.call("list_ai_modes", p_kind=kind.name)
    every = (
        Mode(
            row["key"],
            row["texts"],
            {name: as_text(value) for name, value in row["parameters"].items()},
            row["plan_feature"],
            row["paid_from"] == "balance",
            tuple(Model(**model) for model in row["models"] if is_configured(model["provider"])),
        )
        for row in rows
    )
    usable = tuple(mode for mode in every if mode.models)
    _found[kind.name] = usable, monotonic() + _CACHE_SECONDS
    return usable


def as_text(value: object) -> str:
    """Return the value of an option as buttons and the session hold it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def is_configured(provider: str) -> bool:
    """Return whether a media provider is known and has a key."""
    try:
        return provider in providers.names() and bool(settings().api_key(provider))
    except ConfigError:
        return False


def find(kind: MediaKind, key: str) -> Mode | None:
    """Return a mode that can be used."""
    return next((mode for mode in modes(kind) if mode.key == key), None)


def is_included(context: UpdateContext, mode: Mode) -> bool:
    """Return whether the user's plan includes a mode and one of its models."""
    return _may(context, mode.plan_feature) and any(_may(context, one.plan_feature) for one in mode.models)


def usable_models(context: UpdateContext, mode: Mode, references: int) -> list[Model]:
    """Return the models of a mode that the plan includes and that take so many pictures."""
    return [
        one
        for one in mode.models
        if _may(context, one.plan_feature)
        and references <= one.max_references
        and (not references or _takes_pictures(one.provider))
    ]


def _takes_pictures(provider: str) -> bool:
    """Return whether pictures reach a provider: some fetch them from an address, which only Storage has."""
    return bool(settings().supabase_url) or not providers.load(provider).references_by_address


def _may(context: UpdateContext, plan_feature: str | None) -> bool:
    return not plan_feature or context.includes(plan_feature)
