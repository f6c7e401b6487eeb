"""Reading the bodies of the emulator's HTTP API."""

from __future__ import annotations

import base64
from typing import Any, TypeVar

from tools.emulator.telegram.attachments import Attachment
from tools.emulator.telegram.model import Json
from tools.emulator.telegram.text import units

T = TypeVar("T")


class Refused(Exception):
    """The request makes no sense; the message is one sentence for the page."""


def required(value: Any, kind: type[T], otherwise: str) -> T:
    """Return the value when it is of this kind; raises Refused with the sentence."""
    if not isinstance(value, kind):
        raise Refused(otherwise)
    return value


def text_of(body: Json, name: str, limit: int, otherwise: str) -> str:
    """Return a text of 1 to `limit` characters; raises Refused with the sentence."""
    text = required(body.get(name), str, otherwise).strip()
    if not text or units(text) > limit:
        raise Refused(otherwise)
    return text


def number(value: Any, name: str) -> int:
    """Return a whole number, also from text; raises Refused."""
    try:
        return int(value)
    except (TypeError, ValueError):
        raise Refused(f"{name} must be a number.") from None


def seconds(value: Any, name: str) -> float:
    """Return a number of seconds, zero or more; raises Refused."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        raise Refused(f"{name} must be a number of seconds.") from None
    if not 0 <= found < float("inf"):
        raise Refused(f"{name} must be a number of seconds.")
    return found


def optional_number(body: Json, name: str) -> int | None:
    """Return a whole number, or None when there is none."""
    value = body.get(name)
    return None if value in (None, "") else number(value, name)


def attachment(value: Any) -> Attachment | None:
    """Return the file {"name", "type", "content": base64}, or None when there is none; raises Refused."""
    if value is None:
        return None
    given = required(value, dict, "file must be an object: name, type and content (base64).")
    try:
        content = base64.b64decode(str(given.get("content") or ""), validate=True)
    except ValueError:
        raise Refused("The file's content must be base64.") from None
    if not content:
        raise Refused("The file is empty.")
    return Attachment(content, str(given.get("name") or ""), str(given.get("type") or ""))
