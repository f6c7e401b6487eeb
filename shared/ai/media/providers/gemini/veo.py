"""Videos of Veo: long-running operations (https://ai.google.dev/gemini-api/docs/video).

Refusals are operations that are done without a sample. Files are kept for two days and need the API key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from shared.ai.media import wire
from shared.ai.media.base import (
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
    Reference,
    Refused,
    Submitted,
)
from shared.ai.media.providers.gemini.errors import cause_of, error_outcome, refusal_kind, words_of
from shared.ai.media.wire import Answer, get, get_list, get_text
from shared.core.json_types import JsonObject

POLL_SECONDS = 10.0
MAX_REFERENCES = 3
_MODERATION = re.compile(
    r"responsible ai|usage guidelines|safety|polic(?:y|ies)|sensitive|prohibited", re.IGNORECASE
)
# google.rpc.Code in an operation's error, as names of HTTP errors.
_CODES = {
    3: "INVALID_ARGUMENT", 4: "DEADLINE_EXCEEDED", 5: "NOT_FOUND", 7: "PERMISSION_DENIED",
    8: "RESOURCE_EXHAUSTED", 9: "FAILED_PRECONDITION", 1: "CANCELLED", 13: "INTERNAL", 14: "UNAVAILABLE",
}  # fmt: skip
_NOT_FINAL = frozenset({Cause.SERVER_ERROR, Cause.UNAVAILABLE, Cause.RATE_LIMITED, Cause.MODEL_NOT_FOUND})


def send(request: MediaRequest, base_url: str, headers: Mapping[str, str], deadline: float) -> Outcome:
    """Start an operation."""
    instance = _instance(request)
    if isinstance(instance, Failed):
        return instance
    options = request.options
    parameters = {
        "aspectRatio": options.aspect_ratio,
        "durationSeconds": options.duration,
        "resolution": options.resolution,
    }
    body: JsonObject = {"instances": [instance]}
    if parameters := {name: value for name, value in parameters.items() if value is not None}:
        body["parameters"] = parameters
    url = f"{base_url}/models/{quote(request.model, safe='')}:predictLongRunning"
    answer = wire.call("POST", url, headers, deadline, body)
    if not isinstance(answer, Answer):
        return answer
    if not answer.is_success or get(answer.body, "error"):
        return error_outcome(answer)
    name = get_text(answer.body, "name")
    if not is_job_id(name) or "/" not in name:
        return unreadable(answer, "no operation in the answer")
    return Submitted(name, POLL_SECONDS)


def read(job: str, base_url: str, headers: Mapping[str, str], deadline: float) -> Outcome:
    """Read an operation."""
    answer = wire.call("GET", f"{base_url}/{quote(job, safe='/')}", headers, deadline)
    if not isinstance(answer, Answer):
        return unread(answer)
    if not answer.is_success or not get_text(answer.body, "name"):
        return unread(error_outcome(answer))
    if get(answer.body, "done") is not True:
        return Submitted(job, POLL_SECONDS)
    if error := get(answer.body, "error"):
        return _failure(error)
    return _result(get(answer.body, "response", "generateVideoResponse"))


def _instance(request: MediaRequest) -> JsonObject | Failed:
    """Return the prompt with the frames, or with the references: the model takes one of both."""
    by_role = {reference.role: reference for reference in request.references}
    listed = [reference for reference in request.references if reference.role == "reference"]
    if len(listed) > MAX_REFERENCES:
        return invalid_reference(f"more than {MAX_REFERENCES} references")
    if len(request.references) - len(listed) != len(by_role.keys() - {"reference"}):
        return invalid_reference("more than one picture for a frame")
    if ("last_frame" in by_role and "first_frame" not in by_role) or (listed and len(by_role) > 1):
        return invalid_reference("a last frame needs a first one, and neither goes with references")
    instance: JsonObject = {"prompt": request.prompt}
    if "first_frame" in by_role:
        instance["image"] = _image(by_role["first_frame"])
    if "last_frame" in by_role:
        instance["lastFrame"] = _image(by_role["last_frame"])
    if listed:
        instance["referenceImages"] = [{"image": _image(one), "referenceType": "asset"} for one in listed]
    return instance


def _image(reference: Reference) -> JsonObject:
    return {"bytesBase64Encoded": in_base64(reference), "mimeType": media_type(reference)}


def _result(response: object) -> Outcome:
    samples = get_list(response, "generatedSamples")
    urls = [url for one in samples if (url := get_text(one, "video", "uri"))]
    if urls:
        return Finished(tuple(MediaFile(url=url) for url in urls))
    reasons = " ".join(str(reason) for reason in get_list(response, "raiMediaFilteredReasons"))
    if reasons or get(response, "raiMediaFilteredCount"):
        return Refused(refusal_kind("", reasons))
    return Failed(Cause.EMPTY, may_retry=False, spent=None, message="done without a sample")


def _failure(error: object) -> Outcome:
    code, message = get(error, "code"), get_text(error, "message")
    if code in (3, 7, 9) and _MODERATION.search(message[:4_000]):
        return Refused(refusal_kind("", message))
    name = _CODES.get(code, "") if isinstance(code, int) else ""
    cause = cause_of(0, {"status": name, "message": message}) or Cause.GENERATION_FAILED
    if cause in _NOT_FINAL:  # of an operation that was accepted
        cause = Cause.GENERATION_FAILED
    return Failed(cause, may_retry=False, spent=None, message=f"{name} {words_of(error)}")
