"""Pydantic models of what files, programs, servers and clients give the tools, with errors in one sentence.

Importing this takes about 90 ms (pydantic). Modules with models of foreign data are named `payloads`;
code imports them and this module inside the functions that read. Only the emulator's HTTP API, whose process
lives for hours, imports it at the top.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

T = TypeVar("T")


class InvalidData(ValueError):
    """The data does not fit its model; the message is one sentence that repeats no value."""


class Foreign(BaseModel):
    """An object that a program or server gives. Unknown fields are ignored: new versions add some."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True, allow_inf_nan=False)


@dataclass(frozen=True)
class Sentence:
    """Annotates a field with the whole sentence for a missing or wrong value (not for one inside it)."""

    text: str


def parse(kind: type[T], value: object) -> T:
    """Return a JSON value as `kind`: a model, or a list of models. Raises InvalidData."""
    try:
        found: T = TypeAdapter(kind).validate_python(value)
        return found
    except ValidationError as error:
        raise InvalidData(sentence(error, kind)) from None


def parse_json(kind: type[T], text: str | bytes) -> T:
    """Return a JSON text as `kind`; see `parse`. Raises InvalidData, also for a text that is no JSON."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidData("it is no JSON") from None
    return parse(kind, value)


_WORDS = {
    "missing": "is required",
    "string_type": "must be text",
    "string_unicode": "must be text",
    "string_too_short": "is too short",
    "string_too_long": "has at most {max_length} characters",
    "string_pattern_mismatch": "is not written as it must be",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "greater_than_equal": "is at least {ge}",
    "less_than_equal": "is at most {le}",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "too_short": "needs at least {min_length} entries",
    "too_long": "has at most {max_length} entries",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "dataclass_type": "must be an object",
    "extra_forbidden": "is no known field",
}
_NUMBER = re.compile(r"(int|float|finite_number)(_|$)")


def sentence(error: ValidationError, kind: object = None) -> str:
    """Return the first error in words: the path of the field and what it must be, never its value."""
    first = error.errors(include_url=False, include_input=False)[0]
    path, context = (
        path_text(first["loc"]),
        {name: _short(one) for name, one in (first.get("ctx") or {}).items()},
    )
    if own := _own_sentence(kind, first["loc"]):
        return own
    if first["type"] == "value_error":
        return str(context["error"])
    if first["type"] == "literal_error":
        return f"{path} must be one of {str(context['expected']).replace(chr(39), '').replace(' or ', ', ')}"
    if _NUMBER.match(first["type"]):
        return f"{path} must be a number"
    words = _WORDS.get(first["type"])
    return f"{path} {words.format(**context)}" if words else f"{path}: {first['msg']}"


def _short(value: object) -> object:
    """Return 1 for 1.0, so that a limit reads as it was written."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def path_text(location: tuple[int | str, ...]) -> str:
    """Return the path of a field as text: `stats.badges[2]`; `it` for the whole."""
    parts = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return parts.removeprefix(".") or "it"


def _own_sentence(kind: object, location: tuple[int | str, ...]) -> str:
    fields = kind.model_fields if isinstance(kind, type) and issubclass(kind, BaseModel) else {}
    field = fields.get(str(location[0])) if len(location) == 1 else None
    return next((one.text for one in field.metadata if isinstance(one, Sentence)), "") if field else ""
