"""Videos of Omni: interactions (https://ai.google.dev/gemini-api/docs/interactions).

The request is not sent with `background`: polls of such interactions were answered 403, and some ended in a
permanent 400 although they were billed. So one request takes about half a minute and has the result. Files
are kept for 48 hours and need the API key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from shared.ai.media import wire
from shared.ai.media.base import (
    decode,
    in_base64,
    invalid_reference,
    is_job_id,
    media_type,
    unread,
    unreadable,
)
from shared.ai.media.contract import (
    Cause,
    Failed,
    Finished,
    MediaFile,
    MediaRequest,
    Outcome,
    RefusalKind,
    Refused,
    Submitted,
)
from shared.ai.media.providers.gemini.errors import cause_of, error_outcome, refusal_kind, words_of
from shared.ai.media.wire import Answer, counts, get, get_list, get_text
from shared.core.json_types import JsonObject

POLL_SECONDS = 10.0
MAX_REFERENCES = 6
_MODEL = "gemini-omni-"
_RUNNING = frozenset({"in_progress", "queued", "pending"})
_MODERATION = re.compile(r"safety|polic(?:y|ies)|prohibited|sensitive|blocked|guidelines", re.IGNORECASE)
_MAX_TEXT = 1_000  # characters of the model's answer in words


def is_model(model: str) -> bool:
    """Whether a model is one of Omni."""
    return model.startswith(_MODEL)


def send(request: MediaRequest, base_url: str, headers: Mapping[str, str], deadline: float) -> Outcome:
    """Send a request and return its outcome."""
    if len(request.references) > MAX_REFERENCES:
        return invalid_reference(f"more than {MAX_REFERENCES} references")
    if any(reference.role != "reference" for reference in request.references):
        return invalid_reference(f"{request.model} takes references, no frames")
    answer = wire.call("POST", f"{base_url}/interactions", headers, deadline, _body(request))
    if not isinstance(answer, Answer):
        return answer
    outcome = _outcome(answer) if answer.is_success else None
    if outcome is not None:
        return outcome
    if error := get(answer.body, "error"):
        return (_refusal(error) if answer.status == 400 else None) or error_outcome(answer)
    return unreadable(answer, "no status in the answer") if answer.is_success else error_outcome(answer)


def read(job: str, base_url: str, headers: Mapping[str, str], deadline: float) -> Outcome:
    """Read an interaction that was not finished in one answer. A 403 says that it still runs."""
    answer = wire.call("GET", f"{base_url}/interactions/{quote(job, safe='')}", headers, deadline)
    if not isinstance(answer, Answer):
        return unread(answer)
    if answer.status == 403:
        return Submitted(job, POLL_SECONDS)
    error = get(answer.body, "error")
    if answer.status == 400 and error and cause_of(400, error) is not Cause.INVALID_KEY:
        message = f"cannot be read any more: {words_of(error)}"
        return Failed(Cause.GENERATION_FAILED, may_retry=False, spent=True, message=message)
    return (_outcome(answer) if answer.is_success else None) or unread(error_outcome(answer))


def _body(request: MediaRequest) -> JsonObject:
    options = request.options
    parts: list[JsonObject] = [{"type": "text", "text": request.prompt}]
    for reference in request.references:
        parts.append({"type": "image", "mime_type": media_type(reference), "data": in_base64(reference)})
    form: JsonObject = {"type": "video", "delivery": "uri"}
    if options.aspect_ratio:
        form["aspect_ratio"] = options.aspect_ratio
    if options.resolution:
        form["resolution"] = options.resolution
    if options.duration is not None:
        form["duration"] = f"{options.duration}s"
    return {"model": request.model, "input": parts, "response_format": form}


def _outcome(answer: Answer) -> Outcome | None:
    """Return the outcome of an interaction, None when it has no status."""
    body, status = answer.body, get_text(answer.body, "status")
    if status in _RUNNING:
        job = get_text(body, "id")
        return Submitted(job, POLL_SECONDS) if is_job_id(job) and "/" not in job else None
    if status == "completed":
        return _result(body)
    if not status:
        return None
    error = get(body, "error")
    message = f"{status} {words_of(error) if error else ''}"
    cause = Cause.CANCELLED if status == "cancelled" else Cause.GENERATION_FAILED
    return _refusal(error) or Failed(cause, may_retry=False, spent=None, message=message)


def _result(body: object) -> Outcome:
    usage = counts(get(body, "usage"))
    parts = [
        part
        for step in get_list(body, "steps")
        if get(step, "type") == "model_output"
        for part in get_list(step, "content")
    ]
    files = [file for part in parts if get(part, "type") == "video" and (file := _file(part))]
    if files:
        return Finished(tuple(files), usage=usage)
    text = " ".join(get_text(part, "text") for part in parts if get(part, "type") == "text").strip()
    if text:
        return Refused(RefusalKind.ANSWERED_IN_TEXT, text[:_MAX_TEXT], usage=usage)
    return Failed(Cause.EMPTY, may_retry=False, spent=True, message="completed without a video")


def _file(part: object) -> MediaFile | None:
    url = get_text(part, "uri")
    return MediaFile(url=url) if url else decode(get(part, "data"))


def _refusal(error: object) -> Refused | None:
    """Return the refusal that an error states, None when it states none."""
    message = get_text(error, "message")
    return Refused(refusal_kind("", message)) if _MODERATION.search(message[:4_000]) else None
