"""Google's Omni: interactions in one answer; files need the key."""

from __future__ import annotations

import secrets
from typing import Any

from tools.emulator.ai.media.drawings import size_of
from tools.emulator.ai.media.exchange import Json
from tools.emulator.ai.media.gemini import BASE, NAME, checked, refuse_unknown, rejected
from tools.emulator.ai.media.jobs import Job
from tools.emulator.ai.media.state import MediaState
from tools.emulator.web import Request, Response, json_response

VARIANT = "omni"
_PATH = f"{BASE}/interactions"
_FIELDS = {"model", "input", "response_format", "background", "store", "previous_interaction_id"}
_FORM = {"type", "aspect_ratio", "resolution", "duration", "delivery"}
_RESOLUTIONS = {"360p", "720p", "1080p", "4k"}
_DURATIONS = {f"{seconds}s" for seconds in range(3, 16)}
_USAGE = {"total_input_tokens": 12, "total_output_tokens": 5_000, "total_tokens": 5_012}


def _text(text: str) -> Json:
    return {
        "status": "completed",
        "steps": [{"type": "model_output", "content": [{"type": "text", "text": text}]}],
    }


REFUSALS: dict[str, tuple[int, Json]] = {
    "safety": (400, {"error": {"code": "invalid_request", "message": "Blocked by our safety policies."}}),
    "failed": (200, {"status": "failed", "error": {"code": "blocked", "message": "Prohibited content."}}),
    "text": (200, _text("I can't make videos of real people.")),
}


def handle(media: MediaState, request: Request) -> Response | None:
    """Answer a request; None when it is for another server."""
    if (request.method, request.path) == ("POST", _PATH):
        return _create(media, request)
    if request.method == "GET" and request.path.startswith(f"{_PATH}/"):
        return media.scripted_read(NAME) or json_response(
            {"error": {"code": "permission_denied", "message": "The interaction is not available."}}, 403
        )
    return None


def _create(media: MediaState, request: Request) -> Response:
    body = checked(media, request)
    refuse_unknown(body, _FIELDS)
    form = body.get("response_format", {})
    refuse_unknown(form, _FORM)
    if body.get("model") != "gemini-omni-1.2-flash":
        raise rejected(404, "NOT_FOUND", f"models/{body.get('model')} is not found")
    pictures = [part for part in body["input"] if part.get("type") == "image"]
    if len(pictures) > 6 or any(one.keys() != {"type", "mime_type", "data"} for one in pictures):
        raise rejected(400, "INVALID_ARGUMENT", "Request contains an invalid argument.")
    _check_form(form)
    prompt = " ".join(part["text"] for part in body["input"] if part.get("type") == "text")
    behaviour = media.begin(NAME, request, body)
    if behaviour.refusal:
        status, answer = REFUSALS[behaviour.refusal]
        return json_response({"id": "int_1", **answer}, status)
    job = media.jobs.add(
        Job(f"int_{secrets.token_hex(12)}", NAME, str(body["model"]), body, behaviour, media.now())
    )
    media.jobs.end(job)
    seconds = int(str(form.get("duration", "6s")).removesuffix("s"))
    files = media.videos(behaviour, prompt, *size_of(form.get("aspect_ratio", "16:9"), "512"), seconds)
    key = request.headers["x-goog-api-key"]
    content = [
        {"type": "video", "mime_type": "video/mp4", "uri": media.link(job, file, "mp4", key)}
        for file in files
    ]
    steps: list[Any] = [{"type": "thought"}, {"type": "model_output", "content": content}]
    return json_response({"id": job.id, "status": "completed", "steps": steps, "usage": _USAGE})


def _check_form(form: Any) -> None:
    for name, values in (
        ("type", {"video"}), ("aspect_ratio", {"16:9", "9:16"}), ("resolution", _RESOLUTIONS),
        ("duration", _DURATIONS), ("delivery", {"uri", "inline"}),
    ):  # fmt: skip
        if name in form and form[name] not in values:
            raise rejected(400, "INVALID_ARGUMENT", f"response_format.{name} is not supported.")
