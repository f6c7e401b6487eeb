"""`POST /images`: one answer with the pictures in base64 and the price."""

from __future__ import annotations

import re
from collections.abc import Mapping

from shared.ai.media import wire
from shared.ai.media.base import data_url, decode, unreadable
from shared.ai.media.contract import Finished, MediaRequest, Outcome
from shared.ai.media.providers.openrouter.errors import cost_of, error_outcome
from shared.ai.media.wire import Answer, counts, get, get_list
from shared.core.json_types import JsonObject

_PIXELS = re.compile(r"\d{2,5}x\d{2,5}")  # "1024x1024" is `size`, "1K" is `resolution`


def send(request: MediaRequest, base_url: str, headers: Mapping[str, str], deadline: float) -> Outcome:
    """Send a request and return its outcome."""
    answer = wire.call("POST", f"{base_url}/images", headers, deadline, _body(request))
    return _outcome(answer) if isinstance(answer, Answer) else answer


def _body(request: MediaRequest) -> JsonObject:
    options = request.options
    body: JsonObject = {
        "model": request.model,
        "prompt": request.prompt,
        "user": request.user_hash,
        "session_id": request.job,
    }
    if options.count > 1:  # providers of single pictures reject n
        body["n"] = options.count
    if options.aspect_ratio:
        body["aspect_ratio"] = options.aspect_ratio
    if options.quality:
        body["quality"] = options.quality
    if options.size:
        body["size" if _PIXELS.fullmatch(options.size) else "resolution"] = options.size
    if request.references:
        body["input_references"] = [
            {"type": "image_url", "image_url": {"url": data_url(reference)}}
            for reference in request.references
        ]
    return body


def _outcome(answer: Answer) -> Outcome:
    if not answer.is_success or get(answer.body, "error"):
        return error_outcome(answer)
    files = [decode(get(one, "b64_json")) for one in get_list(answer.body, "data")]
    found = tuple(file for file in files if file is not None)
    if not found:
        return unreadable(answer, "no picture in the answer")
    return Finished(found, cost_of(answer.body), counts(get(answer.body, "usage")))
