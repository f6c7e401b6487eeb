"""Pictures of OpenAI: https://developers.openai.com/api/reference/resources/images.

One request, one answer with the pictures in base64. With references it is an edit, sent as a form: bytes need
no address there. OpenAI has no videos any more.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import ClassVar

from shared.ai.media import failures, keys, wire
from shared.ai.media.base import BaseProvider, decode, invalid_reference, media_type, unreadable
from shared.ai.media.contract import (
    Cause,
    Finished,
    Kind,
    MediaRequest,
    Outcome,
    RefusalKind,
    Refused,
)
from shared.ai.media.wire import Answer, counts, get, get_list, get_text
from shared.core.json_types import JsonObject

MAX_REFERENCES = 16
FORMAT = "jpeg"  # a tenth of a PNG, and what Telegram makes of a photo anyway

_REFUSALS = frozenset({"moderation_blocked", "content_policy_violation"})
_CODES: Mapping[str, Cause] = {
    "invalid_api_key": Cause.INVALID_KEY,
    "model_not_found": Cause.MODEL_NOT_FOUND,
    "unsupported_country_region_territory": Cause.UNSUPPORTED_REGION,
    "insufficient_quota": Cause.NO_CREDIT,
    "billing_hard_limit_reached": Cause.NO_CREDIT,
    "billing_not_active": Cause.NO_CREDIT,
    "rate_limit_exceeded": Cause.RATE_LIMITED,
    "invalid_image": Cause.INVALID_REFERENCE,
    "invalid_image_file": Cause.INVALID_REFERENCE,
    "invalid_image_format": Cause.INVALID_REFERENCE,
    "image_parse_error": Cause.INVALID_REFERENCE,
    "image_file_too_large": Cause.INVALID_REFERENCE,
    "image_too_large": Cause.INVALID_REFERENCE,
}


class Provider(BaseProvider):
    """Generations and edits of GPT Image models."""

    BASE_URL = "https://api.openai.com/v1"
    KINDS: ClassVar[frozenset[Kind]] = frozenset({"image"})
    OPTIONS: ClassVar[Mapping[Kind, frozenset[str]]] = {"image": frozenset({"size", "quality"})}
    MAX_COUNT = 10

    def headers(self) -> dict[str, str]:
        """Return the headers with our API key."""
        return {"Authorization": f"Bearer {keys.api_key(self.key)}"}

    def send(self, request: MediaRequest, deadline: float) -> Outcome:
        """Send a generation, or an edit of the references."""
        if len(request.references) > MAX_REFERENCES:
            return invalid_reference(f"more than {MAX_REFERENCES} references")
        url, headers, fields = f"{self.base_url()}/images/", self.headers(), _fields(request)
        if request.references:
            kind, form = _form(fields, request)
            answer = wire.call("POST", f"{url}edits", {**headers, "Content-Type": kind}, deadline, form)
        else:
            answer = wire.call("POST", f"{url}generations", headers, deadline, fields)
        return _outcome(answer) if isinstance(answer, Answer) else answer


def _fields(request: MediaRequest) -> JsonObject:
    options = request.options
    fields: JsonObject = {
        "model": request.model,
        "prompt": request.prompt,
        "n": options.count,
        "output_format": FORMAT,
        "safety_identifier": request.user_hash,
    }
    return fields | {
        name: value for name, value in (("size", options.size), ("quality", options.quality)) if value
    }


def _form(fields: Mapping[str, object], request: MediaRequest) -> tuple[str, bytes]:
    """Return the content type and the body of a form (RFC 7578)."""
    boundary = secrets.token_hex(16)
    parts = [
        f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode()
        for name, value in fields.items()
    ]
    for number, reference in enumerate(request.references):
        mime = media_type(reference)
        name = f"{number}.{mime.partition('/')[2]}"
        head = f'Content-Disposition: form-data; name="image[]"; filename="{name}"\r\nContent-Type: {mime}'
        parts.append(head.encode() + b"\r\n\r\n" + reference.data)
    line = b"--" + boundary.encode()
    body = b"".join([line + b"\r\n" + part + b"\r\n" for part in parts]) + line + b"--\r\n"
    return f"multipart/form-data; boundary={boundary}", body


def _outcome(answer: Answer) -> Outcome:
    if answer.is_success and not get(answer.body, "error"):
        files = [decode(get(one, "b64_json")) for one in get_list(answer.body, "data")]
        found = tuple(file for file in files if file is not None)
        if not found:
            return unreadable(answer, "no picture in the answer")
        return Finished(found, usage=counts(get(answer.body, "usage")))
    error = get(answer.body, "error")
    code, message = get_text(error, "code"), get_text(error, "message")
    if code in _REFUSALS:
        return Refused(_refusal(error))
    return failures.from_answer(answer, f"{code} {get_text(error, 'param')} {message}", _CODES.get(code))


def _refusal(error: object) -> RefusalKind:
    """Return what was moderated, from `moderation_details` or, before it existed, from the message."""
    categories = {str(one) for one in get_list(error, "moderation_details", "categories")}
    if "sexual/minors" in categories or "sexual/minors" in get_text(error, "message"):
        return RefusalKind.MINOR
    stage = get_text(error, "moderation_details", "moderation_stage")
    return RefusalKind.OUTPUT if stage == "output" else RefusalKind.INPUT
