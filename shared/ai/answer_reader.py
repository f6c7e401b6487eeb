"""Read a structured answer: one JSON object, with nothing ambiguous in it.

Models without an enforced schema put the object into a code fence or words around it; that is tolerated. Two
objects, a list of objects, an object that is cut, a key twice, NaN and numbers that no column holds are not:
a guess would be recorded as the model's answer.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, NoReturn, TypeVar

import orjson

from shared.ai.text_cleanup import well_formed
from shared.core.json_types import JsonObject, JsonValue

if TYPE_CHECKING:
    from pydantic import BaseModel

M = TypeVar("M", bound="BaseModel")

MAX_ANSWER = 100_000  # characters
_MAX_DIGITS = 18  # of an integer: a bigint holds them
_OBJECT = re.compile(r"\{\s*[\"}]")  # how an object begins; a brace of a sentence or of code rarely does


class InvalidAnswer(ValueError):
    """The text is not the JSON object that was requested. The message has no words of the answer."""


def read_answer(text: str, model: type[M]) -> M:
    """Return the object in a model's text.

    Raises:
        InvalidAnswer: there is none or more than one, or it does not fit the model.
    """
    from pydantic import ValidationError

    found = orjson.dumps(_find_object(text))
    try:
        return model.model_validate_json(found, strict=True, extra="forbid")
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        if first["type"] == "extra_forbidden":  # its path has the key, which the model made up
            raise InvalidAnswer("a key that the schema does not have") from None
        path = ".".join(map(str, first["loc"])) or "the answer"
        raise InvalidAnswer(f"{path}: {first['msg']}") from None


def _find_object(text: str) -> JsonObject:
    """Return the only JSON object in a text.

    Only the first place where one can begin is tried: in an object that is cut, a later one is a part of it.
    """
    if len(text) > MAX_ANSWER:
        raise InvalidAnswer(f"more than {MAX_ANSWER} characters")
    start = _OBJECT.search(text)
    if start is None:
        raise InvalidAnswer("no JSON object")
    if text.lstrip().startswith("["):
        raise InvalidAnswer("a list, not an object")
    try:
        value, end = _DECODER.raw_decode(text, start.start())
    except InvalidAnswer:
        raise
    except (ValueError, RecursionError) as error:
        raise InvalidAnswer(f"unreadable JSON: {type(error).__name__}") from None
    if _OBJECT.search(text, end):
        raise InvalidAnswer("more than one JSON object")
    cleaned: JsonObject = _storable(value)
    return cleaned


def _storable(value: JsonValue) -> JsonValue:
    """Return a value whose texts Postgres accepts: a model can write NUL and half a character as escapes."""
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, list):
        return [_storable(one) for one in value]
    if isinstance(value, dict):
        return {well_formed(key): _storable(one) for key, one in value.items()}
    return value


def _unique(pairs: list[tuple[str, JsonValue]]) -> JsonObject:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise InvalidAnswer("a key twice in one object")
    return value


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > _MAX_DIGITS:
        raise InvalidAnswer("an integer with too many digits")
    return int(digits)


def _float(digits: str) -> float:
    if not math.isfinite(number := float(digits)):
        raise InvalidAnswer("a number that is too large")
    return number


def _no_constant(_name: str) -> NoReturn:
    raise InvalidAnswer("NaN or Infinity, which JSON does not have")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=_integer, parse_float=_float, parse_constant=_no_constant
)
