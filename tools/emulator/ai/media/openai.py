"""OpenAI's `/v1/images/generations` and `/v1/images/edits`."""

from __future__ import annotations

import base64
import re

from shared.ai.media.sniff import sniff
from tools.emulator.ai.media.drawings import size_of
from tools.emulator.ai.media.exchange import Json, Rejected, bearer, body_of, first_unknown, form_of
from tools.emulator.ai.media.state import MediaState
from tools.emulator.web import Request, Response, json_response

BASE = "/openai/v1/images/"
NAME = "openai"
_COMMON = {
    "model", "prompt", "n", "size", "quality", "output_format", "output_compression", "background", "user",
    "safety_identifier",
}  # fmt: skip
_QUALITIES = {"low", "medium", "high", "xhigh", "max", "auto"}
_MODELS = re.compile(r"gpt-image-2(?:\.[56]-(?:sunburst|flare))?(?:-\d{4}-\d\d-\d\d)?")
_MOST_PIXELS = 3840 * 2160
_TOKENS = {"low": 196, "medium": 440, "high": 1756, "xhigh": 3120, "max": 7023}


def _moderated(stage: str, category: str) -> Json:
    return {
        "error": {
            "message": "Your request was rejected by the safety system. If you believe this is an error, "
            f"contact us at help.openai.com. safety_violations=[{category}].",
            "type": "image_generation_user_error",
            "param": None,
            "code": "moderation_blocked",
            "moderation_details": {"moderation_stage": stage, "categories": [category]},
        }
    }


REFUSALS = {
    "input": _moderated("input", "violence"),
    "output": _moderated("output", "sexual"),
    "minor": _moderated("input", "sexual/minors"),
}


def handle(media: MediaState, request: Request) -> Response | None:
    """Answer a request; None when it is for another server."""
    if request.method != "POST" or request.path not in (f"{BASE}generations", f"{BASE}edits"):
        return None
    try:
        return _answer(media, request, is_edit=request.path.endswith("edits"))
    except Rejected as rejected:
        return rejected.response


def _answer(media: MediaState, request: Request, *, is_edit: bool) -> Response:
    if not media.accepts(bearer(request)):
        raise _error(401, "Incorrect API key provided.", code="invalid_api_key")
    body = _edit(request) if is_edit else _generation(request)
    behaviour = media.begin(NAME, request, body)
    if behaviour.refusal:
        return json_response(REFUSALS[behaviour.refusal], 400)
    size = str(body.get("size", "auto"))
    wide, high = size_of(None, None if size == "auto" else size)
    kind = str(body.get("output_format", "png"))
    files = media.pictures(behaviour, str(body["prompt"]), wide, high, kind.upper(), int(body.get("n", 1)))
    quality = str(body.get("quality", "auto")).replace("auto", "low")
    tokens = _TOKENS[quality] * len(files)
    return json_response(
        {
            "created": int(media.now()),
            "data": [{"b64_json": base64.b64encode(file).decode()} for file in files],
            "background": "opaque",
            "output_format": kind,
            "quality": quality,
            "size": f"{wide}x{high}",
            "usage": {
                "input_tokens": 12,
                "input_tokens_details": {"image_tokens": 0, "text_tokens": 12},
                "output_tokens": tokens,
                "total_tokens": tokens + 12,
            },
        }
    )


def _generation(request: Request) -> Json:
    body = body_of(request)
    if body is None:
        raise _error(400, "We could not parse the JSON body of your request.")
    _check(body, _COMMON | {"moderation"})
    return body


def _edit(request: Request) -> Json:
    parts = form_of(request)
    pictures = [content for name, file, content in parts if name == "image[]" and file]
    body: Json = {name: content.decode() for name, file, content in parts if not file}
    if "n" in body:
        body["n"] = int(body["n"])
    _check(body, _COMMON)
    if not 1 <= len(pictures) <= 16:
        raise _error(400, "You must provide between 1 and 16 images.", param="image")
    if any((facts := sniff(one)) is None or facts.mime == "image/gif" for one in pictures):
        message = "Invalid image file or mode for image 1, please check your image file."
        raise _error(400, message, param="image", code="invalid_image_file")
    return body | {"image": len(pictures)}


def _check(body: Json, known: set[str]) -> None:
    if unknown := first_unknown(body, known):
        message = f"Unknown parameter: '{unknown}'."
        raise _error(400, message, param=unknown, code="unknown_parameter")
    if not isinstance(body.get("prompt"), str) or not 0 < len(body["prompt"]) <= 32_000:
        raise _error(400, "Invalid 'prompt'.", param="prompt", code="invalid_value")
    if not _MODELS.fullmatch(str(body.get("model"))):
        message = f"The model '{body.get('model')}' does not exist."
        raise _error(404, message, param="model", code="model_not_found")
    if body.get("quality", "auto") not in _QUALITIES:
        raise _error(400, "Invalid value for 'quality'.", param="quality", code="invalid_value")
    if body.get("n", 1) not in range(1, 11):
        raise _error(400, "Invalid 'n': integer above maximum value.", param="n", code="invalid_value")
    size = str(body.get("size", "auto"))
    if size != "auto" and not _is_size(size):
        raise _error(400, f"Invalid size '{size}'.", param="size", code="invalid_value")


def _is_size(size: str) -> bool:
    if not re.fullmatch(r"\d{2,4}x\d{2,4}", size):
        return False
    wide, high = (int(number) for number in size.split("x"))
    is_fit = max(wide, high) <= 3 * min(wide, high) and wide * high <= _MOST_PIXELS
    return is_fit and not wide % 16 and not high % 16


def _error(status: int, message: str, *, param: str | None = None, code: str | None = None) -> Rejected:
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return Rejected(json_response({"error": error}, status))
