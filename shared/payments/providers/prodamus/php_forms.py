"""Parses forms as PHP does and writes them as its JSON, which is the text that Prodamus signs.

Sizes are checked before anything is allocated: `fields` counts what it parses, and `nested` uses maps instead
of lists, so a large index costs nothing. Names on which PHP 7 and 8 differ (an unclosed bracket, a key that
only looks like a number) are rejected: Prodamus does not send them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson

from shared.core.json_types import JsonValue

MAX_FIELDS = 300
MAX_NAME = 200  # characters
MAX_DEPTH = 8
MAX_INDEX = 9_999

_NAME = re.compile(r"([^\[\]\0\s][^\[\]\0]*)((?:\[[^\[\]\0]*\])*)")
_INDEX = re.compile(r"0|[1-9]\d{0,8}", re.ASCII)
_NUMERIC = re.compile(r"[\s\d.+-]")  # first character of a key that PHP may treat as a number

Key = int | str
Tree = dict[Key, "str | Tree"]
Fields = Mapping[Any, Any]  # a Tree, or a request whose keys are text


class Malformed(ValueError):
    """Not a form, too large, or with names that PHP versions parse differently."""


def fields(content_type: str, body: bytes) -> list[tuple[str, str]]:
    """Return the names and values of a form, in their order.

    Raises:
        Malformed
    """
    kind = content_type.partition(";")[0].strip().lower()
    try:
        if kind == "multipart/form-data":
            return _multipart(content_type, body)
        return parse_qsl(
            body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS, separator="&"
        )
    except ValueError as error:
        raise Malformed(type(error).__name__) from None


def nested(pairs: Iterable[tuple[str, str]]) -> Tree:
    """Return PHP's `$_POST`: `a[b][0]=x` becomes nested maps, `a[]` appends, the last value wins.

    Raises:
        Malformed
    """
    tree: Tree = {}
    for count, (name, value) in enumerate(pairs, 1):
        if count > MAX_FIELDS or len(name) > MAX_NAME:
            raise Malformed("too many fields, or too long a name")
        match = _NAME.fullmatch(name)
        if match is None:
            raise Malformed("a name that PHP versions parse differently")
        first = re.sub(r"[ .]", "_", match[1])
        rest = match[2][1:-1].split("][") if match[2] else []
        if len(rest) >= MAX_DEPTH:
            raise Malformed("too deep")
        _put(tree, [first, *rest], value)
    return tree


def from_json(body: bytes) -> Tree:
    """Return a JSON object with every value as PHP's text of it.

    Raises:
        Malformed
    """
    try:
        content = orjson.loads(body)
    except ValueError as error:
        raise Malformed(type(error).__name__) from None
    tree = _as_text(content, _Budget())
    if not isinstance(tree, dict) or not isinstance(content, dict):
        raise Malformed("no JSON object")
    return tree


def canonical(tree: Fields) -> bytes:
    """Return the signed text: compact JSON, sorted at every level, `/` escaped, letters unescaped."""
    text: bytes = orjson.dumps(_sorted(tree))
    # json_encode escapes these, which occur only inside strings.
    for plain, escaped in ((b"/", b"\\/"), (b"\xe2\x80\xa8", b"\\u2028"), (b"\xe2\x80\xa9", b"\\u2029")):
        text = text.replace(plain, escaped)
    return text


def form(tree: Fields) -> bytes:
    """Write a form as `http_build_query` does."""
    return urlencode(list(pairs(tree))).encode()


def pairs(tree: Fields, prefix: str = "") -> Iterable[tuple[str, str]]:
    """Return the fields of a form with the names that `http_build_query` gives them."""
    for key, value in tree.items():
        name = f"{prefix}[{key}]" if prefix else str(key)
        if isinstance(value, dict):
            yield from pairs(value, name)
        else:
            yield name, value


def _multipart(content_type: str, body: bytes) -> list[tuple[str, str]]:
    # Flask's own decoder; the layer above it would sort fields by name.
    from werkzeug.exceptions import RequestEntityTooLarge
    from werkzeug.http import parse_options_header
    from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder

    boundary = parse_options_header(content_type)[1].get("boundary", "").encode("ascii")
    if not 1 <= len(boundary) <= MAX_NAME:
        raise Malformed("no boundary")
    decoder = MultipartDecoder(boundary, max_parts=MAX_FIELDS)
    decoder.receive_data(body)
    decoder.receive_data(None)
    found: list[tuple[str, list[bytes]]] = []
    try:
        while not isinstance(event := decoder.next_event(), Epilogue):
            if isinstance(event, File) or (isinstance(event, Field) and not event.name):
                raise Malformed("a part that is not a field")
            if isinstance(event, Field):
                found.append((event.name, []))
            elif isinstance(event, Data):
                found[-1][1].append(event.data)
    except RequestEntityTooLarge:
        raise Malformed("too many fields") from None
    return [(name, b"".join(parts).decode()) for name, parts in found]


def _put(tree: Tree, path: list[str], value: str) -> None:
    for step, name in enumerate(path):
        key = _key(tree, name)
        if step == len(path) - 1:
            tree[key] = value
            return
        below = tree.get(key)
        if not isinstance(below, dict):
            below = tree[key] = {}
        tree = below


def _key(tree: Mapping[Key, object], name: str) -> Key:
    """Return a name as PHP's array key; an empty one follows the highest number."""
    if name == "":
        return max((key for key in tree if isinstance(key, int)), default=-1) + 1
    if _INDEX.fullmatch(name):
        if int(name) > MAX_INDEX:
            raise Malformed("too large an index")
        return int(name)
    if _NUMERIC.match(name):
        raise Malformed("a key that PHP versions parse differently")
    return name


class _Budget:
    """How many values may still be parsed."""

    left = MAX_FIELDS


def _as_text(value: JsonValue, budget: _Budget, depth: int = 0) -> str | Tree:
    budget.left -= 1
    if depth > MAX_DEPTH or budget.left < 0:
        raise Malformed("too deep, or too many values")
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else ((str(at), one) for at, one in enumerate(value))
        tree: Tree = {}
        for name, one in pairs:
            tree[_key(tree, name) if name else name] = _as_text(one, budget, depth + 1)
        return tree
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None:
        return "1" if value else ""
    return _number(value)


def _number(value: int | float) -> str:
    """Return a number as PHP prints it: 14 digits, and floats for integers beyond 64 bits."""
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return str(value)
    digits, _, exponent = format(float(value), ".14G").partition("E")
    if not exponent:
        return digits
    return f"{digits if '.' in digits else digits + '.0'}E{exponent[0]}{exponent[1:].lstrip('0')}"


def _sorted(tree: Fields) -> object:
    """Return a list where the keys are 0, 1, 2 …, otherwise an object, as `json_encode` does."""
    keys = sorted(tree, key=lambda key: (isinstance(key, str), key))
    values = [_sorted(tree[key]) if isinstance(tree[key], dict) else tree[key] for key in keys]
    if keys == list(range(len(keys))):
        return values
    return {str(key): value for key, value in zip(keys, values, strict=True)}
