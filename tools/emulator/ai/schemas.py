"""JSON schemas as the fake providers treat them: what each rejects, in its own words, and a value that fits.

The messages are those of bug reports: moeru-ai/xsai 202 and pi-web-providers 14 (OpenAI and Azure), litellm
35808 and req_llm 302 (Anthropic), python-genai 660 (Google).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
Path = tuple[str, ...]

# OpenAI's strict mode: https://developers.openai.com/api/docs/guides/structured-outputs
_OPENAI_KEYWORDS = frozenset(
    {
        "type",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "enum",
        "const",
        "anyOf",
        "description",
        "title",
        "$ref",
        "$defs",
        "definitions",
        "pattern",
        "format",
        "multipleOf",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "minItems",
        "maxItems",
    }
)
_OPENAI_DEPTH = 10
# https://platform.claude.com/docs/en/build-with-claude/structured-outputs
_ANTHROPIC_REJECTS = (
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "maxItems",
    "uniqueItems",
)
_GOOGLE_DEPTH, _GOOGLE_TEXT = 8, 60_000  # Google documents no figure


def openai_problem(name: object, schema: object, *, strict: bool) -> tuple[str, str, str | None] | None:
    """Return why OpenAI rejects a schema: message, parameter, code. None when it takes it."""
    parameter = "response_format.json_schema.name"
    if not isinstance(name, str) or not re.fullmatch(r"[a-zA-Z0-9_-]+", name):
        message = f"Invalid '{parameter}': string does not match pattern. "
        return (
            message + "Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
            parameter,
            "invalid_value",
        )
    if len(name) > 64:
        message = f"Invalid '{parameter}': string too long. Expected a string with maximum length 64, "
        return message + f"but got a string with length {len(name)} instead.", parameter, "invalid_value"
    if not isinstance(schema, dict):
        return "Missing required parameter: 'response_format.json_schema.schema'.", parameter, None
    if strict and (cause := _strict_problem(schema)):
        return f"Invalid schema for response_format '{name}': {cause}", "response_format", None
    return None


def _strict_problem(schema: Json) -> str | None:
    if schema.get("type") != "object":
        return f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{schema.get('type')}\"'."
    for path, node in _nodes(schema):
        context = f"In context={path}, "
        if unknown := sorted(set(node) - _OPENAI_KEYWORDS):
            return f"{context}'{unknown[0]}' is not permitted."
        if node.get("type") != "object":
            continue
        if node.get("additionalProperties") is not False:
            return f"{context}'additionalProperties' is required to be supplied and to be false."
        properties, required = node.get("properties", {}), node.get("required", [])
        if missing := [key for key in properties if key not in required]:
            return (
                f"{context}'required' is required to be supplied and to be an array including every key in "
                f"properties. Missing '{missing[0]}'."
            )
        if len(path) > 2 * _OPENAI_DEPTH:
            return f"{len(path) // 2} levels of nesting exceeds limit of {_OPENAI_DEPTH}."
    return None


def anthropic_problem(schema: object) -> str | None:
    """Return why Anthropic rejects a schema; None when it takes it."""
    where = "output_config.format.schema"
    if not isinstance(schema, dict):
        return f"{where}: Input should be a valid dictionary"
    for _, node in _nodes(schema):
        kind = node.get("type")
        if kind == "object" and node.get("additionalProperties") is not False:
            if "additionalProperties" in node:
                value = node["additionalProperties"]
                message = f"For 'object' type, 'additionalProperties: {value}' is not supported. "
                return f"{where}: {message}Please set 'additionalProperties' to false"
            return f"{where}: For 'object' type, 'additionalProperties' must be explicitly set to false"
        if unknown := next((name for name in _ANTHROPIC_REJECTS if name in node), None):
            return f"{where}: For '{kind}' type, property '{unknown}' is not supported"
    return None


def google_problem(schema: object) -> str | None:
    """Return why Google rejects a schema; unknown keywords it ignores. None when it takes it."""
    if not isinstance(schema, dict):
        return "Invalid value at 'generation_config.response_json_schema'"
    depth = max(len(path) for path, _ in _nodes(schema)) / 2
    if depth > _GOOGLE_DEPTH or len(str(schema)) > _GOOGLE_TEXT:
        return (
            "The specified schema produces a constraint that has too many states for serving.  "
            "Typical causes of this error are schemas with lots of text (for example, very long property or "
            "enum names), schemas with long array length limits (especially when nested), or schemas using "
            "complex value matchers (for example, integers or numbers with minimum/maximum bounds or "
            "strings with complex formats like date-time)"
        )
    return None


def example(schema: Json) -> Any:
    """Return the simplest value that fits: the first of an enumeration, "", 0, false, an empty list."""
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    if options := schema.get("anyOf"):
        return example(options[0])
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = kind[0]
    if kind == "object":
        return {key: example(value) for key, value in schema.get("properties", {}).items()}
    simplest: Json = {"array": [], "string": "", "integer": 0, "number": 0, "boolean": False}
    return simplest.get(str(kind))


def _nodes(schema: Json, path: Path = ()) -> Iterator[tuple[Path, Json]]:
    """Return the schema and each one in it with its place, as OpenAI writes it."""
    yield path, schema
    for key, value in schema.get("properties", {}).items():
        if isinstance(value, dict):
            yield from _nodes(value, (*path, "properties", key))
    for number, value in enumerate(schema.get("anyOf", ())):
        yield from _nodes(value, (*path, "anyOf", str(number)))
    if isinstance(items := schema.get("items"), dict):
        yield from _nodes(items, (*path, "items"))
