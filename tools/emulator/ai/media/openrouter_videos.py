"""OpenRouter's `/api/v1/videos`: jobs, signed callbacks, content behind a link."""

from __future__ import annotations

import hmac
import json
import secrets

from tools.emulator.ai.media.drawings import size_of
from tools.emulator.ai.media.exchange import Json, bearer
from tools.emulator.ai.media.jobs import Job
from tools.emulator.ai.media.openrouter import BASE, NAME, checked, rejected
from tools.emulator.ai.media.state import MediaState
from tools.emulator.web import Request, Response, json_response

VARIANT = "video"
_PATH = f"{BASE}/videos"
_FIELDS = {
    "model", "prompt", "duration", "resolution", "aspect_ratio", "generate_audio", "frame_images",
    "input_references", "callback_url", "previous_job_id", "user", "session_id", "seed", "size", "provider",
}  # fmt: skip
_RESOLUTIONS = {"480p", "720p", "1080p", "4K"}
_RATIOS = {"16:9", "9:16", "1:1", "4:3", "3:4"}
_SECONDS = (4, 5, 6, 8, 10)
_PRICE = 0.1  # a second

REFUSALS = {
    "flagged": {"status": "failed", "error": "The request was flagged by the provider's safety system."},
    "content_policy": {"status": "failed", "error": "Output violates the content policy."},
}


def handle(media: MediaState, request: Request) -> Response | None:
    """Answer a request; None when it is for another server."""
    if (request.method, request.path) == ("POST", _PATH):
        return _create(media, request)
    if request.method == "GET" and request.path.startswith(f"{_PATH}/"):
        return _read(media, request)
    return None


def notify(media: MediaState, job: Job) -> int:
    """Post the callback of a job, signed over the time and the body, and return its status."""
    state = _state(media, job)
    data = {
        name: state[name] for name in ("id", "status", "unsigned_urls", "error", "usage") if name in state
    }
    event = {"type": f"video.generation.{state['status']}", "created_at": int(media.now()), "data": data}
    body = json.dumps(event).encode()
    secret, timestamp = media.signing(job)
    signature = hmac.new(secret.encode(), timestamp.encode() + b"," + body, "sha256").hexdigest()
    headers = {
        "X-OpenRouter-Signature": f"t={timestamp},v1={signature}",
        "X-OpenRouter-Idempotency-Key": f"{job.id}-{state['status']}",
    }
    return media.post(job, body, headers)


def _create(media: MediaState, request: Request) -> Response:
    body = checked(media, request, _FIELDS)
    for name, values in (("duration", _SECONDS), ("resolution", _RESOLUTIONS), ("aspect_ratio", _RATIOS)):
        if name in body and body[name] not in values:
            raise rejected(400, f"{name}: not supported by this model", "invalid_request")
    if not isinstance(body.get("generate_audio", True), bool):
        raise rejected(400, "generate_audio: expected a boolean", "invalid_request")
    for frame in body.get("frame_images", []):
        if frame.get("frame_type") not in ("first_frame", "last_frame"):
            raise rejected(400, "frame_images: invalid frame_type", "invalid_request")
    for picture in (*body.get("frame_images", []), *body.get("input_references", [])):
        if not picture.get("image_url", {}).get("url", "").startswith(("data:image/", "https://")):
            raise rejected(400, "invalid image", "invalid_image")
    behaviour = media.begin(NAME, request, body)
    job = media.add(
        Job(
            f"gen-vid-{int(media.now())}-{secrets.token_hex(10)}", NAME, str(body["model"]), body, behaviour,
            media.now(), body.get("callback_url"), lambda job: notify(media, job),
        )
    )  # fmt: skip
    return json_response({"id": job.id, "polling_url": f"{_PATH}/{job.id}", "status": "pending"}, 202)


def _read(media: MediaState, request: Request) -> Response:
    if not media.accepts(bearer(request)):
        raise rejected(401, "User not found.", "authentication")
    if scripted := media.scripted_read(NAME):
        return scripted
    name, _, rest = request.path.removeprefix(f"{_PATH}/").partition("/")
    job = media.jobs.get(name, NAME)
    if job is None:
        raise rejected(404, "Video not found", "not_found")
    if rest == "content":
        return _content(media, job)
    media.jobs.read(job)
    return json_response(_state(media, job))


def _content(media: MediaState, job: Job) -> Response:
    if job.is_running:
        raise rejected(409, "The video is not ready", "conflict")
    if job.behaviour.link_status != 200:
        raise rejected(job.behaviour.link_status, "Gone", "gone")
    return Response(200, _files(media, job)[0], "video/mp4")


def _state(media: MediaState, job: Job) -> Json:
    state: Json = {"id": job.id, "polling_url": f"{_PATH}/{job.id}", "generation_id": f"gen-{job.id[-20:]}"}
    if job.is_running:
        return state | {"status": "pending" if job.reads < 2 else "in_progress"}
    if job.behaviour.refusal:
        return state | REFUSALS[job.behaviour.refusal] | {"usage": {"cost": 0}}
    if not job.links:
        job.links = [media.link(job, file, "mp4") for file in _files(media, job)]
    unsigned = [f"{media.base()}{_PATH}/{job.id}/content?index=0"]
    state |= {"status": "completed", "urls": job.links, "unsigned_urls": unsigned}
    state |= {
        "expires_at": int(media.now()) + 3600,
        "usage": {"cost": _PRICE * job.request.get("duration", 8)},
    }
    return state | (job.behaviour.ends or {})


def _files(media: MediaState, job: Job) -> list[bytes]:
    size = size_of(job.request.get("aspect_ratio", "16:9"), "512")
    return media.videos(job.behaviour, job.request["prompt"], *size, job.request.get("duration", 8))
