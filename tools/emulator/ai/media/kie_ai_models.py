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


_BOOLEAN = _one_of(True, False)


def _url(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("https://", "http://127.0.0.1"))


@dataclass(frozen=True)
class _Input:
    models: str
    required: Mapping[str, Check]
    optional: Mapping[str, Check]
    is_video: bool = False


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
    _Input(r"seedream/5-(pro|flash)-text-to-image", _PROMPT, _SEEDREAM),
    _Input(r"seedream/4\.5-edit", _PROMPT | {"image_urls": _urls(14, least=1)}, _SEEDREAM),
    _Input(r"z-image", _PROMPT, {"aspect_ratio": _RATIO}),
    _Input(
        r"kling-3\.0/video",
        {"prompt": _text(2_500)},
        {
            "image_urls": _urls(2),
            "duration": _one_of(*map(str, range(3, 16))),
            "mode": _one_of("std", "pro", "4K"),
            "aspect_ratio": _one_of("16:9", "9:16", "1:1"),
            "sound": _BOOLEAN,
        },
        True,
    ),
    _Input(
        r"veo-3-1",
        _PROMPT | {"model": _one_of("veo3_lite", "veo3_fast", "veo3")},
        {
            "image_urls": _urls(3),
            "generation_type": _one_of("TEXT_2_VIDEO", "FIRST_AND_LAST_FRAMES_2_VIDEO", "REFERENCE_2_VIDEO"),
            "aspect_ratio": _one_of("16:9", "9:16"),
            "resolution": _one_of("720p", "1080p"),
            "duration": _one_of(4, 6, 8),
        },
        True,
    ),
    _Input(
        r"wan/3-0-video(-prime)?",
        _PROMPT,
        {
            "first_frame_url": _url,
            "last_frame_url": _url,
            "resolution": _one_of("480P", "720P", "1080P"),
            "aspect_ratio": _RATIO,
            "duration": _one_of(*range(3, 31)),
        },
        True,
    ),
    _Input(
        r"bytedance/seedance-2-(5|mini)",
        _PROMPT,
        {
            "first_frame_url": _url,
            "last_frame_url": _url,
            "reference_image_urls": _urls(9),
            "resolution": _one_of("480p", "720p", "1080p"),
            "aspect_ratio": _RATIO,
            "duration": _one_of(*range(4, 31)),
            "generate_audio": _BOOLEAN,
        },
        True,
    ),
)


def is_known(model: str) -> bool:
    """Whether a model exists."""
    return _find(model) is not None


def is_video(model: str) -> bool:
    """Whether a model makes videos."""
    found = _find(model)
    return found is not None and found.is_video


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
