"""What the fake AI sees: the size and the main color of each picture, which proves that its bytes arrived."""

from __future__ import annotations

import base64
import binascii
import io
from typing import Any

from tools.emulator.ai.dialects import Json
from tools.emulator.ai.words import speaks_russian

_MAX_BYTES = 5 * 1024 * 1024  # of base64, Anthropic's limit
_COLORS = {
    "red": (220, 40, 40),
    "green": (40, 180, 60),
    "blue": (60, 110, 220),
    "yellow": (240, 220, 60),
    "white": (250, 250, 250),
    "black": (10, 10, 10),
    "gray": (128, 128, 128),
}
_RUSSIAN = {
    "red": "красную", "green": "зелёную", "blue": "синюю", "yellow": "жёлтую", "white": "белую",
    "black": "чёрную", "gray": "серую",
}  # fmt: skip
_UNSUPPORTED = "You uploaded an unsupported image. Please make sure your image is valid."


def picture_problem(messages: list[Any]) -> Json | None:
    """Return the error for a picture that cannot be read, as OpenAI words it; None when all can."""
    for data in _data_urls(messages):
        if _open(data) is None:
            return {"message": _UNSUPPORTED, "type": "invalid_request_error", "code": "invalid_image_format"}
    return None


def seen(messages: list[Any]) -> str:
    """Return a sentence for each picture of the last message; empty without one."""
    is_russian = speaks_russian(messages)
    return " ".join(_sentence(data, is_russian=is_russian) for data in _data_urls(messages[-1:]))


def without_pictures(body: Json) -> Json:
    """Return a request for the trace, with the size of each picture in place of its bytes."""
    if not any(isinstance(one.get("content"), list) for one in body.get("messages") or ()):
        return body
    messages = [_shortened(one) for one in body["messages"]]
    return body | {"messages": messages}


def _shortened(message: Json) -> Json:
    content = message.get("content")
    if not isinstance(content, list):
        return message
    parts = [
        {"type": "image_url", "bytes": len(part["image_url"]["url"])} if "image_url" in part else part
        for part in content
    ]
    return message | {"content": parts}


def _data_urls(messages: list[Any]) -> list[str]:
    found = []
    for message in messages:
        content = message.get("content") if isinstance(message, dict) else None
        for part in content if isinstance(content, list) else ():
            if part.get("type") == "image_url":
                found.append(str((part.get("image_url") or {}).get("url")))
    return found


def _open(url: str) -> Any:
    """Return the decoded picture of a data URL; None if it is none."""
    from PIL import Image

    head, _, data = url.partition(",")
    if head not in {f"data:image/{kind};base64" for kind in ("jpeg", "png", "gif", "webp")}:
        return None
    try:
        image = Image.open(io.BytesIO(base64.b64decode(data, validate=True)))
        image.load()
    except (binascii.Error, OSError, ValueError, SyntaxError):
        return None
    return image if len(data) <= _MAX_BYTES else None


def _sentence(url: str, *, is_russian: bool) -> str:
    image = _open(url)
    middle = image.convert("RGB").resize((1, 1)).getpixel((0, 0))
    distances = {
        name: sum((a - b) ** 2 for a, b in zip(known, middle, strict=True)) for name, known in _COLORS.items()
    }
    color = min(distances, key=lambda name: distances[name])
    if is_russian:
        return f"Вижу {_RUSSIAN[color]} картинку {image.width}×{image.height} пикселей."
    return f"I see a {color} picture of {image.width}×{image.height} pixels."
