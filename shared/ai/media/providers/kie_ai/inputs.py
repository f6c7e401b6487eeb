"""The input of each family of models: kie.ai passes fields on, and each family has names of its own.

To add a family, read `GET /api/v1/models/{id}/schema` or the model's page on docs.kie.ai. A field that a
model does not have is rejected (code 422).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.ai.media.base import invalid_reference
from shared.ai.media.contract import Cause, Failed, MediaRequest
from shared.core.json_types import JsonObject


@dataclass(frozen=True, slots=True)
class Family:
    """How models take what `MediaOptions` and references say. An empty name: they do not have it."""

    models: re.Pattern[str]
    references: str = ""  # a list of addresses
    max_references: int = 0
    needs_reference: bool = False
    ratio: str = "aspect_ratio"
    size: str = ""
    quality: str = ""
    fixed: Mapping[str, str] = field(default_factory=dict)  # fields that are always sent


def _models(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


FAMILIES = (
    Family(_models(r"nano-banana-2-lite"), "image_urls", 10),
    Family(
        _models(r"nano-banana-(?:2|2-1)"),
        "image_input",
        10,
        size="resolution",
        fixed={"output_format": "jpg"},
    ),
    Family(_models(r"nano-banana-pro"), "image_input", 8, size="resolution", fixed={"output_format": "jpg"}),
    Family(_models(r"gpt-image-2(?:-5-\w+)?-text-to-image"), size="resolution"),
    Family(_models(r"gpt-image-2(?:-5-\w+)?-image-to-image"), "input_urls", 16, True, size="resolution"),
    Family(_models(r"seedream/[\w.-]+-text-to-image"), quality="quality"),
    Family(_models(r"seedream/[\w.-]+-(?:edit|image-to-image)"), "image_urls", 14, True, quality="quality"),
    Family(_models(r"z-image")),
)


def input_of(request: MediaRequest) -> JsonObject | Failed:
    """Return the field `input` of a task, or why the model cannot take the request."""
    family = next((one for one in FAMILIES if one.models.fullmatch(request.model)), None)
    if family is None:
        return _invalid(f"the input of {request.model} is not known: add it to kie_ai/inputs.py")
    options = request.options
    fields: JsonObject = {"prompt": request.prompt, **family.fixed}
    for value, name, option in (
        (options.aspect_ratio, family.ratio, "aspect_ratio"),
        (options.size, family.size, "size"),
        (options.quality, family.quality, "quality"),
    ):
        if value is not None and not name:
            return _invalid(f"{request.model} has no option {option}")
        if value is not None:
            fields[name] = value
    return _with_references(fields, request, family)


def _with_references(fields: JsonObject, request: MediaRequest, family: Family) -> JsonObject | Failed:
    if len(request.references) > family.max_references:
        return invalid_reference(f"{request.model} takes at most {family.max_references} references")
    if family.needs_reference and not request.references:
        return invalid_reference(f"{request.model} needs a reference")
    urls = [reference.url for reference in request.references]
    if not all(urls):
        return invalid_reference("kie.ai needs an address of each reference")
    return fields | ({family.references: urls} if urls else {})


def _invalid(message: str) -> Failed:
    return Failed(Cause.INVALID_REQUEST, may_retry=False, spent=False, message=message)
