"""The inputs of kie.ai's models, as docs.kie.ai lists them. A field that a model does not have is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Check = Callable[[Any], bool]


def _one_of(*values: object) -> Check:
    return lambda value: value in values


def _urls(most: int, *, least: int = 0) -> Check:
    return lambda value: (
        isinstance(value, list)
        and least <= len(value) <= most
        and all(isinstance(url, str) and url.startswith(("https://", "http://127.0.0.1")) for url in value)
    )


def _text(longest: int) -> Check:
    return lambda value: isinstance(value, str) and 0 < len(value) <= longest


_RATIO: Check = lambda value: isinstance(value, str) and bool(re.fullmatch(r"auto|\d{1,2}:\d{1,2}", value))  # noqa: E731
_RESOLUTION = _one_of("1K", "2K", "4K")
_FORMAT = _one_of("png", "jpg")


@dataclass(frozen=True)
class _Input:
    models: str
    required: Mapping[str, Check]
    optional: Mapping[str, Check]


_NANO = {"aspect_ratio": _RATIO, "resolution": _RESOLUTION, "output_format": _FORMAT}
_GPT = {
    "aspect_ratio": _RATIO,
    "resolution": _RESOLUTION,
    "background": _one_of("transparent", "opaque", "auto"),
}
_SEEDREAM = {"aspect_ratio": _RATIO, "quality": _one_of("basic", "high")}
_PROMPT = {"prompt": _text(20_000)}
_INPUTS = (
    _Input(r"nano-banana-2-lite", _PROMPT, {"aspect_ratio": _RATIO, "image_urls": _urls(10)}),
    _Input(r"nano-banana-(2|2-1)", _PROMPT, _NANO | {"image_input": _urls(10)}),
    _Input(r"nano-banana-pro", _PROMPT, _NANO | {"image_input": _urls(8)}),
    _Input(r"gpt-image-2-5-(flare|sunburst)-text-to-image", _PROMPT, _GPT),
    _Input(
        r"gpt-image-2-5-(flare|sunburst)-image-to-image", _PROMPT | {"input_urls": _urls(16, least=1)}, _GPT
    ),
    _Input(r"seedream/5-pro-text-to-image", _PROMPT, _SEEDREAM),
    _Input(r"seedream/4\.5-edit", _PROMPT | {"image_urls": _urls(14, least=1)}, _SEEDREAM),
    _Input(r"z-image", _PROMPT, {"aspect_ratio": _RATIO}),
)


def is_known(model: str) -> bool:
    """Whether a model exists."""
    return _find(model) is not None


def find_problem(model: str, fields: Mapping[str, Any]) -> str | None:
    """Return what is wrong with an input, None when nothing is."""
    found = _find(model)
    assert found is not None
    if missing := next((name for name in found.required if name not in fields), None):
        return f"{missing} is required"
    checks = {**found.required, **found.optional}
    for name, value in fields.items():
        if name not in checks:
            return f"{name} is not supported by {model}"
        if not checks[name](value):
            return f"{name} is not within the range of allowed options"
    return None


def _find(model: str) -> _Input | None:
    return next((one for one in _INPUTS if re.fullmatch(one.models, model)), None)
