"""Parameters of a Bot API call, in any of Telegram's four encodings."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from werkzeug.formparser import parse_form_data

Json = dict[str, Any]


@dataclass(frozen=True)
class Upload:
    """A file part of a multipart body."""

    name: str
    mime_type: str
    content: bytes


def parse_parameters(content_type: str, body: bytes) -> tuple[Json, dict[str, Upload]] | None:
    """Return parameters and files of a body; None when its type is unknown or it cannot be read."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json":
        return _from_json(body)
    if kind == "application/x-www-form-urlencoded":
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)), {}
    if kind == "multipart/form-data":
        return _from_multipart(content_type, body)
    return None


def _from_json(body: bytes) -> tuple[Json, dict[str, Upload]] | None:
    try:
        value = json.loads(body)
    except ValueError:
        return None
    return (value, {}) if isinstance(value, dict) else None


def _from_multipart(content_type: str, body: bytes) -> tuple[Json, dict[str, Upload]]:
    environ = {
        "wsgi.input": io.BytesIO(body),
        "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(len(body)),
        "REQUEST_METHOD": "POST",
    }
    _, form, files = parse_form_data(environ)
    uploads = {}
    for field, part in files.items():
        with part.stream:
            kind = part.mimetype or "application/octet-stream"
            uploads[field] = Upload(part.filename or field, kind, part.stream.read())
    return form.to_dict(), uploads
