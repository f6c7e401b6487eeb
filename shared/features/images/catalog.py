"""The modes that make pictures here: rows of public.ai_modes whose provider has a key."""

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
    from shared.telegram.context import UpdateContext

_CACHE_SECONDS = 30.0
# What a call may choose, and the list of the model that offers it.
CHOICES: Mapping[str, str] = {"aspect_ratio": "aspect_ratios", "size": "sizes", "quality": "qualities"}
_LONGEST_PROMPT = 4_000  # characters, where the model has no smaller limit


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

    def options(self, wanted: Mapping[str, str]) -> dict[str, str]:
        """Return the options of a call: those that the model has, with its first value for one it lacks."""
        found = {}
        for name, values in ((name, self.parameters.get(key) or ()) for name, key in CHOICES.items()):
            if wanted.get(name) in values:
                found[name] = wanted[name]
            elif values and name != "aspect_ratio":
                found[name] = values[0]
        return found


@dataclass(frozen=True)
class ImageMode:
    """A mode, with the models to try: its own, then its fallback."""

    key: str
    texts: Mapping[str, ProductText]
    defaults: Mapping[str, str]
    plan_feature: str | None
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


class _Cache:
    modes: tuple[ImageMode, ...] = ()
    until = 0.0


def modes() -> tuple[ImageMode, ...]:
    """Return the modes that can be used here and today, the default first; read at most every 30 s.

    Raises:
        DatabaseUnavailable: it cannot be reached.
    """
    if monotonic() >= _Cache.until:
        rows: list[ListAiModes] = db.call("list_ai_modes", p_kind="image")
        found = (
            ImageMode(
                row["key"],
                row["texts"],
                row["parameters"],
                row["plan_feature"],
                tuple(Model(**model) for model in row["models"] if is_configured(model["provider"])),
            )
            for row in rows
        )
        _Cache.modes = tuple(mode for mode in found if mode.models)
        _Cache.until = monotonic() + _CACHE_SECONDS
    return _Cache.modes


def is_configured(provider: str) -> bool:
    """Return whether a provider of pictures is known and has a key."""
    try:
        return provider in providers.names() and bool(settings().api_key(provider))
    except ConfigError:
        return False


def find(key: str) -> ImageMode | None:
    """Return a mode that can be used."""
    return next((mode for mode in modes() if mode.key == key), None)


def is_included(context: UpdateContext, mode: ImageMode) -> bool:
    """Return whether the user's plan includes a mode and one of its models."""
    return _may(context, mode.plan_feature) and any(_may(context, one.plan_feature) for one in mode.models)


def usable_models(context: UpdateContext, mode: ImageMode, references: int) -> list[Model]:
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
