"""`/videos`: jobs, whose results have addresses (https://openrouter.ai/docs/features/multimodal/videos)."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from shared.ai.media import callbacks, wire
from shared.ai.media.base import data_url, invalid_reference, is_job_id, unread, unreadable
from shared.ai.media.contract import (
    Cause,
    Failed,
    Finished,
    MediaFile,
    MediaRequest,
    Outcome,
    Refused,
    Submitted,
)
from shared.ai.media.providers.openrouter.errors import cost_of, error_outcome, refusal_in
from shared.ai.media.wire import Answer, get, get_list, get_text
from shared.core.json_types import JsonObject

POLL_SECONDS = 10.0
_RUNNING = frozenset({"pending", "in_progress"})
_ENDS: Mapping[str, Cause] = {
    "failed": Cause.GENERATION_FAILED,
    "cancelled": Cause.CANCELLED,
    "expired": Cause.EXPIRED,
}
_MAX_FILES = 20


def send(
    request: MediaRequest,
    base_url: str,
    headers: Mapping[str, str],
    callback_url: str | None,
    deadline: float,
) -> Outcome:
    """Start a job."""
    roles = {reference.role for reference in request.references}
    if "reference" in roles and len(roles) > 1:  # frames would win, and the references be dropped
        return invalid_reference("frames and references cannot be combined")
    answer = wire.call("POST", f"{base_url}/videos", headers, deadline, _body(request, callback_url))
    if not isinstance(answer, Answer):
        return answer
    if not answer.is_success or get(answer.body, "error"):
        return error_outcome(answer)
    job = get_text(answer.body, "id")
    return Submitted(job, POLL_SECONDS) if is_job_id(job) else unreadable(answer, "no id in the answer")


def read(job: str, base_url: str, headers: Mapping[str, str], deadline: float) -> Outcome:
    """Read the state of a job."""
    url = f"{base_url}/videos/{quote(job, safe='')}"
    answer = wire.call("GET", url, headers, deadline)
    if not isinstance(answer, Answer):
        return unread(answer)
    status = get_text(answer.body, "status")
    if status in _RUNNING:
        return Submitted(job, POLL_SECONDS)
    if status == "completed":
        return _completed(answer, url)
    if status in _ENDS:
        return _ended(answer, status)
    if answer.status == 410:
        return Failed(Cause.EXPIRED, may_retry=False, spent=None, message="410 gone")
    return unread(error_outcome(answer))


def authentic_job(headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...]) -> str:
    """Verify `t=<unix>,v1=<hex>` over time, comma and body, and return the job."""
    pairs = [part.partition("=") for part in headers.get("x-openrouter-signature", "").split(",")]
    timestamp = next((value for name, _, value in pairs if name.strip() == "t"), "")
    signatures = [value for name, _, value in pairs if name.strip() == "v1"]
    message = timestamp.encode("utf-8", "surrogatepass") + b"," + body
    callbacks.check_signature(signatures, secrets, message, bytes.hex)
    callbacks.check_time(timestamp)
    return get_text(callbacks.parse(body), "data", "id")


def _body(request: MediaRequest, callback_url: str | None) -> JsonObject:
    options = request.options
    body: JsonObject = {
        "model": request.model,
        "prompt": request.prompt,
        "user": request.user_hash,
        "session_id": request.job,
    }
    for name, value in (
        ("duration", options.duration),
        ("resolution", options.resolution),
        ("aspect_ratio", options.aspect_ratio),
        ("generate_audio", options.sound),
        ("callback_url", callback_url),
    ):
        if value is not None:
            body[name] = value
    pictures: list[JsonObject] = [
        {"type": "image_url", "image_url": {"url": data_url(reference)}} for reference in request.references
    ]
    if pictures and request.references[0].role == "reference":
        body["input_references"] = pictures
    elif pictures:
        roles = [reference.role for reference in request.references]
        body["frame_images"] = [one | {"frame_type": role} for one, role in zip(pictures, roles, strict=True)]
    return body


def _completed(answer: Answer, url: str) -> Outcome:
    """Return the files: addresses that need no key, else those that do, else the job's own content."""
    urls = get_list(answer.body, "urls") or get_list(answer.body, "unsigned_urls")
    found = [one for one in urls if isinstance(one, str) and one] or [f"{url}/content?index=0"]
    return Finished(tuple(MediaFile(url=one) for one in found[:_MAX_FILES]), cost_of(answer.body))


def _ended(answer: Answer, status: str) -> Outcome:
    error = get(answer.body, "error")
    message = error if isinstance(error, str) else get_text(error, "message")
    cost = cost_of(answer.body)
    if status == "failed" and (refusal := refusal_in(message)):
        return Refused(refusal.kind, cost_usd=cost)
    spent = None if cost is None else cost > 0
    return Failed(_ENDS[status], may_retry=False, spent=spent, message=f"{status} {message}")
