"""Google's Veo: `predictLongRunning`, operations, files that need the key, Standard Webhooks."""

from __future__ import annotations

import base64
import hmac
import json
import re
import secrets

from tools.emulator.ai.media.drawings import size_of
from tools.emulator.ai.media.exchange import Json
from tools.emulator.ai.media.gemini import BASE, NAME, checked, refuse_unknown, rejected
from tools.emulator.ai.media.jobs import Job
from tools.emulator.ai.media.state import MediaState
from tools.emulator.web import Request, Response, json_response

VARIANT = "video"
_CREATE = re.compile(rf"{BASE}/models/([\w.-]+):predictLongRunning")
_MODELS = re.compile(r"veo-3\.1-(?:fast-|lite-)?generate-001")
_READ = re.compile(rf"{BASE}/(models/veo[\w.-]+/operations/\w+)")
_RESOLUTIONS = {"720p", "1080p", "4k"}

REFUSALS = {
    "filtered": {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": ["The video violates our policies."]},
    "celebrity": {
        "raiMediaFilteredCount": 1,
        "raiMediaFilteredReasons": ["It shows a celebrity's likeness."],
    },
    "count_alone": {"raiMediaFilteredCount": 1},
}


def handle(media: MediaState, request: Request) -> Response | None:
    """Answer a request; None when it is for another server."""
    if request.method == "POST" and (found := _CREATE.fullmatch(request.path)):
        return _create(media, request, found[1])
    if request.method == "GET" and (found := _READ.fullmatch(request.path)):
        return _read(media, request, found[1])
    return None


def notify(media: MediaState, job: Job) -> int:
    """Post a webhook of the project (Standard Webhooks) and return its status."""
    body = json.dumps({"type": "video.generated", "version": "v1", "data": {"id": job.id}}).encode()
    message = f"msg_{secrets.token_hex(8)}"
    secret, timestamp = media.signing(job)
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{message}.{timestamp}.".encode() + body, "sha256")
    headers = {
        "webhook-id": message,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
    return media.post(job, body, headers)


def _create(media: MediaState, request: Request, model: str) -> Response:
    body = checked(media, request)
    if not _MODELS.fullmatch(model):
        raise rejected(404, "NOT_FOUND", f"models/{model} is not found for API version v1beta")
    refuse_unknown(body, {"instances", "parameters"})
    (instance,) = body["instances"]
    refuse_unknown(instance, {"prompt", "image", "lastFrame", "referenceImages", "video"})
    parameters = body.get("parameters", {})
    refuse_unknown(
        parameters, {"aspectRatio", "durationSeconds", "resolution", "negativePrompt", "personGeneration"}
    )
    for name, values in (
        ("aspectRatio", {"16:9", "9:16"}), ("durationSeconds", {4, 6, 8}), ("resolution", _RESOLUTIONS),
    ):  # fmt: skip
        if name in parameters and parameters[name] not in values:
            raise rejected(400, "INVALID_ARGUMENT", f"`{name}` isn't supported by this model.")
    pictures = [instance[name] for name in ("image", "lastFrame") if name in instance]
    pictures += [one["image"] for one in instance.get("referenceImages", [])]
    if any(one.keys() != {"bytesBase64Encoded", "mimeType"} for one in pictures):
        raise rejected(400, "INVALID_ARGUMENT", "Unable to process input image.")
    behaviour = media.begin(NAME, request, body)
    name = f"models/{model}/operations/{secrets.token_hex(6)}"
    webhook = media.webhooks.get(NAME)
    job = Job(name, NAME, model, body, behaviour, media.now(), webhook, lambda job: notify(media, job))
    return json_response({"name": media.add(job).id})


def _read(media: MediaState, request: Request, name: str) -> Response:
    if not media.accepts(request.headers.get("x-goog-api-key", "")):
        raise rejected(403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers.")
    if scripted := media.scripted_read(NAME):
        return scripted
    job = media.jobs.get(name, NAME)
    if job is None:
        raise rejected(404, "NOT_FOUND", "Operation not found.")
    media.jobs.read(job)
    return json_response(_state(media, job, request.headers["x-goog-api-key"]))


def _state(media: MediaState, job: Job, key: str) -> Json:
    state: Json = {"name": job.id}
    if job.is_running:
        return state
    if job.behaviour.refusal:
        return state | {"done": True, "response": {"generateVideoResponse": REFUSALS[job.behaviour.refusal]}}
    if not job.links:
        parameters = job.request.get("parameters", {})
        size = size_of(parameters.get("aspectRatio", "16:9"), "512")
        prompt = job.request["instances"][0]["prompt"]
        files = media.videos(job.behaviour, prompt, *size, parameters.get("durationSeconds", 8))
        job.links = [media.link(job, file, "mp4", key) for file in files]
    samples = [{"video": {"uri": url}} for url in job.links]
    response = {"@type": "type.googleapis.com/x", "generateVideoResponse": {"generatedSamples": samples}}
    return state | {"done": True, "response": response} | (job.behaviour.ends or {})
