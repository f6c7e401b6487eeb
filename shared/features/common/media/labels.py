"""How options read on buttons and screens: never as the value that a provider's API takes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import gcd
from typing import TYPE_CHECKING

from shared.core import texts
from shared.features.common.media.catalog import as_text

if TYPE_CHECKING:
    from shared.features.common.media.catalog import Model, Value
    from shared.telegram.context import UpdateContext

_LARGEST_OF_RATIO = 21  # 21:9
_PIXELS = re.compile(r"([0-9]{1,5})x([0-9]{1,5})")
_FIGURES = re.compile(r"[0-9]+(?:\.[0-9]+)?(?::[0-9]+|[kKpP])?")  # 16:9, 720p, 4k


def label(context: UpdateContext, model: Model, name: str, value: Value) -> str:
    """Return the words for a value: of the catalogue, else ours, else made from the value itself."""
    raw = as_text(value)
    if named := _of_catalogue(context, model, raw):
        return named
    if name == "duration":
        return context.text("media_duration_value", seconds=raw)
    key = f"media_{name}_{raw.lower()}"
    if texts.has(context.language, key):
        return context.text(key)
    if pixels := _PIXELS.fullmatch(raw):
        shape = _shape(context, raw)
        others = [as_text(one) for one in model.parameters.get("sizes") or ()]
        is_alone = [_shape(context, one) for one in others].count(shape) <= 1
        return shape if is_alone else f"{shape} ({pixels[1]} × {pixels[2]})"
    return " ".join(_word(one) for one in re.split(r"[_\s-]+", raw) if one)


def _shape(context: UpdateContext, raw: str) -> str:
    """Return shape and ratio of a size ("Wide 3:2"), or its pixels where the ratio is odd."""
    pixels = _PIXELS.fullmatch(raw)
    width, height = (int(pixels[1]), int(pixels[2])) if pixels else (0, 0)
    common = gcd(width, height) or 1
    across, down = width // common, height // common
    if not pixels or max(across, down) > _LARGEST_OF_RATIO:
        return raw.replace("x", " × ")
    shape = "square" if across == down else "wide" if across > down else "tall"
    return context.text(f"media_shape_{shape}", ratio=f"{across}:{down}")


def summary(context: UpdateContext, model: Model, options: Mapping[str, Value]) -> str:
    """Return the chosen options in one line: "8 s · 16:9 · 720p"."""
    return " · ".join(label(context, model, name, value) for name, value in options.items())


def _of_catalogue(context: UpdateContext, model: Model, raw: str) -> str | None:
    """Return what `parameters.labels` of the model has: {"veo3_fast": {"en": "Fast", "ru": "Быстрое"}}."""
    labels = model.parameters.get("labels")
    words = labels.get(raw) if isinstance(labels, dict) else None
    return (words.get(context.language) or words.get("en")) if isinstance(words, dict) else None


def _word(part: str) -> str:
    if _FIGURES.fullmatch(part):
        return part[:-1] + "K" if part[-1] in "kK" else part.lower()
    return part.upper() if len(part) <= 2 else part.capitalize()
