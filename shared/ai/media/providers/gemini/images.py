"""Pictures of `generateContent` (https://ai.google.dev/gemini-api/docs/image-generation).

One answer with the picture in base64. Refusals come as HTTP 200: no candidates, a `finishReason`, or text.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from shared.ai.media import wire
from shared.ai.media.base import decode, in_base64, invalid_reference, media_type, unreadable
from shared.ai.media.contract import Cause, Failed, Finished, MediaRequest, Outcome, RefusalKind, Refused
from shared.ai.media.providers.gemini.errors import error_outcome, is_refusal, refusal_kind
from shared.ai.media.wire import Answer, counts, get, get_list, get_text
from shared.core.json_types import JsonObject

MAX_REFERENCES = 14
_MAX_TEXT = 1_000  # characters of the model's answer in words


def send(request: MediaRequest, base_url: str, headers: Mapping[str, str], deadline: float) -> Outcome:
    """Send a request and return its outcome."""
    if len(request.references) > MAX_REFERENCES:
        return invalid_reference(f"more than {MAX_REFERENCES} references")
    url = f"{base_url}/models/{quote(request.model, safe='')}:generateContent"
    answer = wire.call("POST", url, headers, deadline, _body(request))
    return _outcome(answer) if isinstance(answer, Answer) else answer


def _body(request: MediaRequest) -> JsonObject:
    parts: list[JsonObject] = [{"text": request.prompt}]
    for reference in request.references:
        parts.append({"inlineData": {"mimeType": media_type(reference), "data": in_base64(reference)}})
    config: JsonObject = {"responseModalities": ["TEXT", "IMAGE"]}
    image = {"aspectRatio": request.options.aspect_ratio, "imageSize": request.options.size}
    if image := {name: value for name, value in image.items() if value}:
        config["imageConfig"] = image
    return {"contents": [{"role": "user", "parts": parts}], "generationConfig": config}


def _outcome(answer: Answer) -> Outcome:
    body = answer.body
    if not answer.is_success or get(body, "error"):
        return error_outcome(answer)
    usage = counts(get(body, "usageMetadata"))
    if reason := get_text(body, "promptFeedback", "blockReason"):
        message = get_text(body, "promptFeedback", "blockReasonMessage")
        kind = refusal_kind(reason, message)
        return Refused(RefusalKind.INPUT if kind is RefusalKind.POLICY else kind, usage=usage)
    candidate = get(body, "candidates", 0)
    parts = get_list(candidate, "content", "parts")
    # Drafts come first: the last picture that is no thought is the result.
    pictures = [part for part in parts if get(part, "inlineData") and get(part, "thought") is not True]
    if pictures:
        file = decode(get(pictures[-1], "inlineData", "data"))
        return Finished((file,), usage=usage) if file else unreadable(answer, "the picture cannot be read")
    reason = get_text(candidate, "finishReason")
    if is_refusal(reason):
        return Refused(refusal_kind(reason, get_text(candidate, "finishMessage")), usage=usage)
    words = [get_text(part, "text") for part in parts if get(part, "thought") is not True]
    if reason == "STOP" and (text := " ".join(filter(None, words)).strip()):
        return Refused(RefusalKind.ANSWERED_IN_TEXT, text[:_MAX_TEXT], usage=usage)
    message = f"no picture, finishReason {reason or 'missing'} {get_text(candidate, 'finishMessage')}"
    return Failed(Cause.EMPTY, may_retry=False, spent=True, message=message)
