"""The input of a task: kie.ai passes fields on, and each family of models has names of its own.

To add a family, read `GET /api/v1/models/{id}/schema` or the model's page on docs.kie.ai, and add it to
`families.py`. A field that a model does not have is rejected (code 422).
"""

from __future__ import annotations

from collections.abc import Mapping

from shared.ai.media.base import invalid_reference
from shared.ai.media.contract import Cause, Failed, MediaRequest
from shared.ai.media.providers.kie_ai.families import FAMILIES, Family
from shared.core.json_types import JsonObject


def input_of(request: MediaRequest) -> JsonObject | Failed:
    """Return the field `input` of a task, or why the model cannot take the request."""
    family = next((one for one in FAMILIES if one.models.fullmatch(request.model)), None)
    if family is None or family.kind != request.kind:
        return _invalid(f"the input of {request.model} for {request.kind} is not known")
    fields: JsonObject = {"prompt": request.prompt, **family.fixed}
    for option, (name, value) in _options(request, family).items():
        if value is not None and not name:
            return _invalid(f"{request.model} has no option {option}")
        if value is not None:
            fields[name] = value
    references = _references(request, family)
    return references if isinstance(references, Failed) else fields | references


def _options(request: MediaRequest, family: Family) -> Mapping[str, tuple[str, object]]:
    """Return for each option the model's field and the value."""
    options = request.options
    seconds = options.duration
    duration = str(seconds) if seconds is not None and family.is_duration_text else seconds
    return {
        "aspect_ratio": (family.ratio, options.aspect_ratio),
        "size": (family.size, options.size),
        "resolution": (family.resolution, options.resolution),
        "quality": (family.quality, options.quality),
        "duration": (family.duration, duration),
        "sound": (family.sound, options.sound),
    }


def _references(request: MediaRequest, family: Family) -> JsonObject | Failed:
    """Return the fields with the addresses of the references."""
    roles = {reference.role for reference in request.references}
    if not all(reference.url for reference in request.references):
        return invalid_reference("kie.ai needs an address of each reference")
    if family.needs_reference and not roles:
        return invalid_reference(f"{request.model} needs a reference")
    if roles and family.mode:
        return _with_mode(request, family)
    if not roles:
        return {family.mode: "TEXT_2_VIDEO"} if family.mode else {}
    return _listed(request, family) if roles == {"reference"} else _frames(request, family)


def _listed(request: MediaRequest, family: Family) -> JsonObject | Failed:
    if len(request.references) > family.max_references:
        return invalid_reference(f"{request.model} takes at most {family.max_references} references")
    return {family.references: [reference.url for reference in request.references]}


def _frames(request: MediaRequest, family: Family) -> JsonObject | Failed:
    """Return the first and the last frame, which cannot be combined with references."""
    ordered = sorted(request.references, key=lambda reference: reference.role == "last_frame")
    named = [reference.role for reference in ordered]
    if not family.frames or named not in (["first_frame"], ["first_frame", "last_frame"]):
        return invalid_reference(f"{request.model} takes a first and a last frame, or neither")
    if len(set(family.frames)) == 1:
        return {family.frames[0]: [reference.url for reference in ordered]}
    return {name: one.url for name, one in zip(family.frames, ordered, strict=False)}


def _with_mode(request: MediaRequest, family: Family) -> JsonObject | Failed:
    """Return the references of a model that wants to be asked for a way to use them."""
    is_listed = all(reference.role == "reference" for reference in request.references)
    found = _listed(request, family) if is_listed else _frames(request, family)
    mode = "REFERENCE_2_VIDEO" if is_listed else "FIRST_AND_LAST_FRAMES_2_VIDEO"
    return found if isinstance(found, Failed) else found | {family.mode: mode}


def _invalid(message: str) -> Failed:
    return Failed(Cause.INVALID_REQUEST, may_retry=False, spent=False, message=message)
