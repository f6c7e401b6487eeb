"""kie.ai's jobs: createTask, recordInfo, signed callbacks, links that expire. Errors are HTTP 200."""

from __future__ import annotations

import base64
import hmac
import json
import secrets

from tools.emulator.ai.media.drawings import size_of
from tools.emulator.ai.media.exchange import Json, bearer, body_of, first_unknown
from tools.emulator.ai.media.jobs import Job
from tools.emulator.ai.media.kie_ai_models import find_problem, is_known, is_video
from tools.emulator.ai.media.state import MediaState
from tools.emulator.web import Request, Response, json_response

BASE = "/kie_ai"
NAME = "kie_ai"
_CREATE = f"{BASE}/api/v1/jobs/createTask"
_RECORD = f"{BASE}/api/v1/jobs/recordInfo"
CREDITS = 8

REFUSALS: dict[str, Json] = {
    "policy": {"failCode": "400", "failMsg": "The input or output was flagged as sensitive."},
    "content_policies": {"failCode": "422", "failMsg": "The request violates content policies."},
    "minor": {"failCode": "500", "failMsg": "The image may show a minor."},
    "person": {"failCode": "501", "failMsg": "Prominent people cannot be generated."},
    "fast_500": {"failCode": "500", "failMsg": "Internal Error, Please try again later."},
}


def handle(media: MediaState, request: Request) -> Response | None:
    """Answer a request; None when it is for another server."""
    if (request.method, request.path) == ("POST", _CREATE):
        return _create(media, request)
    if (request.method, request.path) == ("GET", _RECORD):
        return _record_info(media, request)
    if request.path.startswith(BASE + "/") and request.path != f"{BASE}/api/v1/models":
        return json_response({"status": 404, "error": "Not Found"}, 404)
    return None


def notify(media: MediaState, job: Job) -> int:
    """Post the callback of a job, signed over the job and the time, and return its status."""
    secret, timestamp = media.signing(job)
    signature = hmac.digest(secret.encode(), f"{job.id}.{timestamp}".encode(), "sha256")
    record = _record(media, job)
    is_success = record["state"] == "success"
    body = {"code": 200 if is_success else 501, "msg": "success" if is_success else "failed", "data": record}
    headers = {
        "X-Webhook-Timestamp": timestamp,
        "X-Webhook-Signature": base64.b64encode(signature).decode(),
    }
    return media.post(job, json.dumps(body).encode(), headers)


def _error(code: int, message: str) -> Response:
    return json_response({"code": code, "msg": message, "data": None})


def _create(media: MediaState, request: Request) -> Response:
    if not media.accepts(bearer(request)):
        return _error(401, "You do not have access permissions")
    body = body_of(request)
    if body is None or not isinstance(body.get("input"), dict):
        return _error(422, "This field is required")
    if unknown := first_unknown(body, {"model", "input", "callBackUrl"}):
        return _error(422, f"{unknown} is not supported")
    if not is_known(str(body.get("model"))):
        return _error(404, f"The model {body.get('model')} is not found")
    if problem := find_problem(str(body["model"]), body["input"]):
        return _error(422, problem)
    behaviour = media.begin(NAME, request, body)
    job = media.add(
        Job(
            secrets.token_hex(16), NAME, str(body["model"]), body, behaviour, media.now(),
            body.get("callBackUrl"), lambda job: notify(media, job),
        )
    )  # fmt: skip
    return json_response(
        {"code": 200, "msg": "success", "data": {"taskId": job.id, "recordId": f"r{job.id}"}}
    )


def _record_info(media: MediaState, request: Request) -> Response:
    if not media.accepts(bearer(request)):
        return _error(401, "You do not have access permissions")
    if scripted := media.scripted_read(NAME):
        return scripted
    job = media.jobs.get(request.arguments().get("taskId", ""), NAME)
    if job is None:
        return _error(422, "recordInfo is null")
    media.jobs.read(job)
    return json_response({"code": 200, "msg": "success", "data": _record(media, job)})


def _record(media: MediaState, job: Job) -> Json:
    record: Json = {
        "taskId": job.id,
        "model": job.model,
        "state": ("waiting", "queuing", "generating")[min(job.reads, 2)],
        "param": json.dumps(job.request),
        "resultJson": "",
        "failCode": "",
        "failMsg": "",
        "costTime": None,
        "createTime": int(job.created * 1000),
        "completeTime": None,
    }
    if job.ended is None:
        return record
    record |= {"completeTime": int(job.ended * 1000), "costTime": int((job.ended - job.created) * 1000)}
    if job.behaviour.refusal:
        return record | {"state": "fail", "consumeCredits": 0} | REFUSALS[job.behaviour.refusal]
    result = {"resultUrls": _links(media, job)}
    record |= {"state": "success", "consumeCredits": CREDITS, "resultJson": json.dumps(result)}
    return record | {"response": result} | (job.behaviour.ends or {})


def _links(media: MediaState, job: Job) -> list[str]:
    if not job.links:
        fields = job.request["input"]
        if is_video(job.model):
            size = size_of(fields.get("aspect_ratio", "16:9"), "512")
            files = media.videos(job.behaviour, fields["prompt"], *size, int(fields.get("duration", 5)))
            job.links = [media.link(job, file, "mp4") for file in files]
            return job.links
        size = size_of(fields.get("aspect_ratio"), fields.get("resolution"))
        files = media.pictures(job.behaviour, fields["prompt"], *size, "JPEG", 1)
        job.links = [media.link(job, file, "jpg") for file in files]
    return job.links
