"""Google's `models/<model>:generateContent` of models that make pictures."""

from __future__ import annotations

import base64
import re
from typing import Any

from tools.emulator.ai.media.drawings import size_of
from tools.emulator.ai.media.exchange import Json, Rejected, body_of, first_unknown
from tools.emulator.ai.media.state import MediaState
from tools.emulator.web import Request, Response, json_response

BASE = "/gemini/v1beta"
NAME = "gemini"
_PATH = re.compile(rf"{BASE}/models/([\w.-]+):generateContent")
_MODELS = (
    "gemini-nano-banana-2.1",
    "gemini-3.1-flash-lite-image",
    "gemini-3-pro-image",
    "gemini-2.5-flash-image",
)
_RATIOS = {
    "1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9", "1:4", "4:1", "1:8", "8:1",
}  # fmt: skip
_SIZES = {"1K", "2K", "4K"}
_USAGE = {
    "promptTokenCount": 9,
    "candidatesTokenCount": 1290,
    "thoughtsTokenCount": 40,
    "totalTokenCount": 1339,
}


def _finished(reason: str, message: str = "", parts: list[Json] | None = None) -> Json:
    candidate: Json = {"finishReason": reason, "index": 0}
    if parts:
        candidate["content"] = {"role": "model", "parts": parts}
    if message:
        candidate["finishMessage"] = message
    return {"candidates": [candidate], "usageMetadata": _USAGE, "modelVersion": "gemini", "responseId": "r1"}


REFUSALS = {
    "input": {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": _USAGE},
    "output": _finished("IMAGE_SAFETY", "Unable to show the generated image."),
    "copyright": _finished("IMAGE_RECITATION"),
    "no_image": _finished("NO_IMAGE"),
    "text": _finished("STOP", parts=[{"text": "I can't draw real people."}]),
}


def handle(media: MediaState, request: Request) -> Response | None:
    """Answer a request; None when it is for another server, as text models are."""
    found = _PATH.fullmatch(request.path)
    if request.method != "POST" or found is None or found[1] not in _MODELS:
        return None
    try:
        return _answer(media, request, found[1])
    except Rejected as rejected:
        return rejected.response


def rejected(status: int, name: str, message: str) -> Rejected:
    """Return an error to raise."""
    error = {"code": status, "message": message, "status": name, "details": []}
    return Rejected(json_response({"error": error}, status))


def checked(media: MediaState, request: Request) -> Json:
    """Return the body of a request with a valid key."""
    if not media.accepts(request.headers.get("x-goog-api-key", "")):
        raise rejected(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.")
    body = body_of(request)
    if body is None:
        raise rejected(400, "INVALID_ARGUMENT", "Invalid JSON payload received.")
    return body


def refuse_unknown(fields: Any, known: set[str]) -> None:
    """Raise the error for a field that the API does not have."""
    if not isinstance(fields, dict):
        raise rejected(400, "INVALID_ARGUMENT", "Invalid JSON payload received.")
    if unknown := first_unknown(fields, known):
        message = f'Invalid JSON payload received. Unknown name "{unknown}": Cannot find field.'
        raise rejected(400, "INVALID_ARGUMENT", message)


def _answer(media: MediaState, request: Request, model: str) -> Response:
    body = checked(media, request)
    refuse_unknown(body, {"contents", "generationConfig", "safetySettings", "systemInstruction"})
    config = body.get("generationConfig", {})
    refuse_unknown(config, {"responseModalities", "imageConfig", "temperature", "seed"})
    image = config.get("imageConfig", {})
    refuse_unknown(image, {"aspectRatio", "imageSize"})
    if image.get("aspectRatio", "1:1") not in _RATIOS or image.get("imageSize", "1K") not in _SIZES:
        raise rejected(400, "INVALID_ARGUMENT", "Request contains an invalid argument.")
    if "imageSize" in image and model == "gemini-2.5-flash-image":
        raise rejected(400, "INVALID_ARGUMENT", "imageSize is not supported for this model.")
    parts = [part for content in body["contents"] for part in content["parts"]]
    references = [part["inlineData"] for part in parts if "inlineData" in part]
    if len(references) > 14 or any(not {"mimeType", "data"} >= one.keys() for one in references):
        raise rejected(400, "INVALID_ARGUMENT", "Request contains an invalid argument.")
    prompt = " ".join(part["text"] for part in parts if "text" in part)
    behaviour = media.begin(NAME, request, body)
    if behaviour.refusal:
        return json_response(REFUSALS[behaviour.refusal])
    size = size_of(image.get("aspectRatio"), image.get("imageSize"))
    (draft, *_), files = (
        media.pictures(behaviour, f"draft {prompt}", 64, 64, "JPEG", 1),
        media.pictures(behaviour, prompt, *size, "JPEG", 1),
    )
    answer = [{**_inline(draft), "thought": True}, {"text": "Here it is."}]
    answer += [{**_inline(file), "thoughtSignature": "c2ln"} for file in files]
    return json_response(_finished("STOP", parts=answer))


def _inline(file: bytes) -> Json:
    return {"inlineData": {"mimeType": "image/jpeg", "data": base64.b64encode(file).decode()}}
