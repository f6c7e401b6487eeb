"""The JSON schema of a pydantic model, in the part of the language that every provider enforces.

It has objects with all keys required and no others, arrays, enumerations, strings, numbers, booleans and
`anyOf`. The rest differs: OpenAI and Anthropic answer 400 to an unknown keyword, Gemini ignores it. So limits
of a field (`minimum`, `pattern` and the like) move into its description, and the model enforces them.
References are replaced by what they refer to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from shared.ai.provider import AnswerSchema
from shared.core.json_types import JsonMapping, JsonObject

if TYPE_CHECKING:
    from pydantic import BaseModel

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SCALARS = frozenset({"string", "integer", "number", "boolean", "null"})
_LIMITS = (
    "format",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minItems",
    "maxItems",
    "uniqueItems",
)
# The smallest limits that a provider has documented: OpenAI's depth and properties, Anthropic's unions.
_MAX_DEPTH, _MAX_PROPERTIES, _MAX_UNIONS = 5, 100, 16


@lru_cache(maxsize=64)
def schema_of(model: type[BaseModel]) -> AnswerSchema:
    """Return the schema of a model.

    The name and title are the class's, the order of keys is that of the fields.

    Raises:
        TypeError: the model has something that no schema can require from every provider: a mapping with free
            keys, any value, a tuple, recursion, or too much of anything.
    """
    name = model.__name__
    if not _NAME.fullmatch(name):
        raise TypeError(f"{name}: the name of a model for answers has at most 64 of A-Z a-z 0-9 _ and -")
    described = model.model_json_schema()
    schema = _Converter(described.get("$defs", {})).convert(described, name)
    if schema.get("type") != "object":
        raise TypeError(f"{name}: an answer is an object")
    _check_size(schema, name)
    return AnswerSchema(name, {"title": name} | schema)


class _Converter:
    """Converts the schema that pydantic writes, which has references to `$defs`."""

    def __init__(self, definitions: JsonMapping) -> None:
        self._definitions = definitions
        self._open: list[str] = []  # the references that are being replaced

    def convert(self, node: JsonMapping, path: str) -> JsonObject:
        """Return a schema without references, titles, defaults and limits."""
        if reference := node.get("$ref"):
            return self._replaced(reference.rpartition("/")[2], node, path)
        schema = self._converted(node, path)
        limits = [f"{name}: {node[name]}" for name in _LIMITS if name in node]
        words = [node["description"]] if "description" in node else []
        if description := " ".join([*words, *([f"({', '.join(limits)})"] if limits else [])]):
            schema["description"] = description
        return schema

    def _replaced(self, name: str, node: JsonMapping, path: str) -> JsonObject:
        if name in self._open:
            raise TypeError(f"{path}: {name} contains itself")
        self._open.append(name)
        schema = self.convert(self._definitions[name], path)
        self._open.pop()
        return schema | ({"description": node["description"]} if "description" in node else {})

    def _converted(self, node: JsonMapping, path: str) -> JsonObject:
        for name in ("anyOf", "oneOf"):
            if name in node:
                return {"anyOf": [self.convert(one, path) for one in node[name]]}
        if "const" in node or "enum" in node:
            return _enumeration(node, path)
        kind = node.get("type")
        if kind == "object" and "properties" in node:
            fields = node["properties"].items()
            properties = {key: self.convert(value, f"{path}.{key}") for key, value in fields}
            return {
                "type": "object",
                "properties": properties,
                "required": list(properties),
                "additionalProperties": False,
            }
        if kind == "array" and "items" in node and "prefixItems" not in node:
            return {"type": "array", "items": self.convert(node["items"], f"{path}[]")}
        if kind in _SCALARS:
            return {"type": kind}
        raise TypeError(f"{path}: no provider can require {dict(node)}")


def _enumeration(node: JsonMapping, path: str) -> JsonObject:
    values = node.get("enum", [node["const"]] if "const" in node else [])
    known = [value for value in values if value is not None]
    names = {str: "string", int: "integer", bool: "boolean"}
    kinds = {names.get(type(value)) for value in known}
    if len(kinds) != 1 or None in kinds:
        raise TypeError(f"{path}: the values of an enumeration have one type: text, integer or boolean")
    schema: JsonObject = {"type": kinds.pop(), "enum": known}
    return schema if len(known) == len(values) else {"anyOf": [schema, {"type": "null"}]}


def _check_size(schema: JsonObject, name: str) -> None:
    nodes = list(_nodes(schema, 0))
    depth = max(depth for _, depth in nodes)
    properties = sum(len(node.get("properties", ())) for node, _ in nodes)
    unions = sum("anyOf" in node for node, _ in nodes)
    for what, count, limit in (
        ("objects within one another", depth, _MAX_DEPTH),
        ("properties", properties, _MAX_PROPERTIES),
        ("unions", unions, _MAX_UNIONS),
    ):
        if count > limit:
            raise TypeError(f"{name}: {count} {what}, at most {limit}")


def _nodes(schema: JsonMapping, depth: int) -> Iterator[tuple[JsonMapping, int]]:
    """Return the schema and all in it, each with the number of objects around and including it."""
    depth += schema.get("type") == "object"
    yield schema, depth
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", ())]
    if isinstance(items := schema.get("items"), Mapping):
        inner.append(items)
    for one in inner:
        yield from _nodes(cast("JsonMapping", one), depth)
