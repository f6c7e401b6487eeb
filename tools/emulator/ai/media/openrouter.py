"""OpenRouter's `/api/v1/images`."""

from __future__ import annotations

import base64

from tools.emulator.ai.media.drawings import size_of
from tools.emulator.ai.media.exchange import Json, Rejected, bearer, body_of, first_unknown
from tools.emulator.ai.media.state import MediaState
from tools.emulator.web import Request, Response, json_response

BASE = "/openrouter/api/v1"
NAME = "openrouter"
RATIOS = {
    "1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9", "9:21", "1:2", "2:1", "1:3",
    "3:1", "1:4", "4:1", "1:8", "8:1", "auto",
}  # fmt: skip
_RESOLUTIONS = {"512", "768", "1K", "1.5K", "2K", "4K"}
_FIELDS = {
    "model", "prompt", "n", "aspect_ratio", "resolution", "size", "quality", "background", "output_format",
    "output_compression", "input_references", "user", "session_id", "provider",
}  # fmt: skip
_QUALITIES = {"auto", "low", "medium", "high", "xhigh", "max"}
_PRICE = 0.034


def error(status: int, message: str, **metadata: object) -> Json:
    """Return the body of an error."""
    return {"error": {"code": status, "message": message, "metadata": metadata}}


REFUSALS = {
    "policy": error(
        403, "Input was flagged by moderation.", error_type="content_policy_violation",
        reasons=["violence"], flagged_input="…", provider_name="Google", model_slug="google/nano-banana",
    ),
    "refusal": error(403, "I can't make pictures of this person.", error_type="refusal"),
}  # fmt: skip


def handle(media: MediaState, request: Request) -> Response | None:
    """Answer a request; None when it is for another server."""
    if request.method != "POST" or request.path != f"{BASE}/images":
        return None
    try:
        return _answer(media, request)
    except Rejected as rejected:
        return rejected.response


def rejected(status: int, message: str, kind: str) -> Rejected:
    """Return an error to raise."""
    return Rejected(json_response(error(status, message, error_type=kind), status))


def checked(media: MediaState, request: Request, known: set[str]) -> Json:
    """Return the body of a request with a valid key, a model and a prompt, and no unknown field."""
    if not media.accepts(bearer(request)):
        raise Rejected(json_response({"error": {"code": 401, "message": "User not found."}}, 401))
    body = body_of(request)
    if body is None:
        raise rejected(400, "Invalid JSON body", "invalid_request")
    if unknown := first_unknown(body, known):
        raise rejected(400, f"Unrecognized key: {unknown}", "invalid_request")
    if not isinstance(body.get("prompt"), str) or not body["prompt"]:
        raise rejected(400, "prompt: expected a string", "invalid_prompt")
    if "/" not in str(body.get("model")):
        raise rejected(404, f"No endpoints found for {body.get('model')}.", "not_found")
    if len(str(body.get("session_id", ""))) > 256:
        raise rejected(400, "session_id: too long", "invalid_request")
    return body


def _answer(media: MediaState, request: Request) -> Response:
    body = checked(media, request, _FIELDS)
    for name, values in (
        ("aspect_ratio", RATIOS), ("resolution", _RESOLUTIONS), ("quality", _QUALITIES),
    ):  # fmt: skip
        if name in body and body[name] not in values:
            raise rejected(400, f"{name}: invalid option", "invalid_request")
    if body.get("n", 1) > 1 and str(body["model"]).startswith("google/"):
        raise rejected(400, "n: this provider makes one image", "invalid_request")
    for reference in body.get("input_references", []):
        url = reference.get("image_url", {}).get("url", "")
        if reference.get("type") != "image_url" or not url.startswith(("data:image/", "https://")):
            raise rejected(400, "input_references: invalid image", "invalid_image")
    behaviour = media.begin(NAME, request, body)
    if behaviour.refusal:
        return json_response(REFUSALS[behaviour.refusal], 403)
    wide, high = size_of(body.get("aspect_ratio"), body.get("size") or body.get("resolution"))
    kind = str(body.get("output_format", "png"))
    files = media.pictures(behaviour, body["prompt"], wide, high, kind.upper(), int(body.get("n", 1)))
    data = [{"b64_json": base64.b64encode(file).decode(), "media_type": f"image/{kind}"} for file in files]
    usage = {"prompt_tokens": 9, "completion_tokens": 1290, "total_tokens": 1299, "cost": _PRICE * len(files)}
    return json_response({"created": int(media.now()), "data": data, "usage": usage})
