"""What PHP makes of a form, and how it writes it as JSON: Prodamus signs that text and not the body.

Everything is bounded before anything is built: `fields` counts what it reads, and `nested` has no lists, so
that a large index is a key like another. Names that PHP reads in its own way (an unclosed bracket, a key
that only looks like a number) are refused: no honest sender writes them, and PHP 7 and 8 differ about them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson

MAX_FIELDS = 300
MAX_NAME = 200  # characters
MAX_DEPTH = 8
MAX_INDEX = 9_999

_NAME = re.compile(r"([^\[\]\0\s][^\[\]\0]*)((?:\[[^\[\]\0]*\])*)")
_INDEX = re.compile(r"0|[1-9]\d{0,8}", re.ASCII)
_NUMERIC = re.compile(r"[\s\d.+-]")  # how a key begins that PHP may compare as a number

Key = int | str
Tree = dict[Key, "str | Tree"]


class Malformed(ValueError):
    """Not a form, too large a one, or one that PHP would read in a way of its own."""


def fields(content_type: str, body: bytes) -> list[tuple[str, str]]:
    """Return the names and values of a form, in their order and untouched.

    Raises:
        Malformed: see there.
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
    """Return what PHP has in `$_POST`: `a[b][0]=x` becomes a map in a map, `a[]` appends, the last one wins.

    Raises:
        Malformed: see there.
    """
    tree: Tree = {}
    for count, (name, value) in enumerate(pairs, 1):
        if count > MAX_FIELDS or len(name) > MAX_NAME:
            raise Malformed("too many fields, or too long a name")
        match = _NAME.fullmatch(name)
        if match is None:
            raise Malformed("a name PHP would read in a way of its own")
        first = re.sub(r"[ .]", "_", match[1])
        rest = match[2][1:-1].split("][") if match[2] else []
        if len(rest) >= MAX_DEPTH:
            raise Malformed("too deep")
        _put(tree, [first, *rest], value)
    return tree


def from_json(body: bytes) -> Tree:
    """Return a JSON object with every value as the text that PHP makes of it.

    Raises:
        Malformed: see there.
    """
    try:
        content = orjson.loads(body)
    except ValueError as error:
        raise Malformed(type(error).__name__) from None
    tree = _plain(content, _Budget())
    if not isinstance(tree, dict) or not isinstance(content, dict):
        raise Malformed("no JSON object")
    return tree


def canonical(tree: Mapping[Any, Any]) -> bytes:
    """Return the text that is signed: sorted at every level, compact, `/` escaped, letters as they are."""
    text: bytes = orjson.dumps(_sorted(tree))
    # json_encode escapes these, and in JSON they stand nowhere but inside strings.
    for plain, escaped in ((b"/", b"\\/"), (b"\xe2\x80\xa8", b"\\u2028"), (b"\xe2\x80\xa9", b"\\u2029")):
        text = text.replace(plain, escaped)
    return text


def form(tree: Mapping[Any, Any]) -> bytes:
    """Write a form as `http_build_query` does."""
    return urlencode(list(pairs(tree))).encode()


def pairs(tree: Mapping[Any, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    """Return the fields of a form, named as `http_build_query` names them."""
    for key, value in tree.items():
        name = f"{prefix}[{key}]" if prefix else str(key)
        if isinstance(value, dict):
            yield from pairs(value, name)
        else:
            yield name, value


def _multipart(content_type: str, body: bytes) -> list[tuple[str, str]]:
    # The reader of every Flask request, one step below the one that would sort fields by name.
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
                raise Malformed("a part that is no field of a form")
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


def _key(tree: Mapping[Key, Any], name: str) -> Key:
    """Return a name as PHP has it as a key; an empty one comes after the highest number."""
    if name == "":
        return max((key for key in tree if isinstance(key, int)), default=-1) + 1
    if _INDEX.fullmatch(name):
        if int(name) > MAX_INDEX:
            raise Malformed("too large an index")
        return int(name)
    if _NUMERIC.match(name):
        raise Malformed("a key PHP would read in a way of its own")
    return name


class _Budget:
    """How many values are left to be read."""

    left = MAX_FIELDS


def _plain(value: Any, budget: _Budget, depth: int = 0) -> str | Tree:
    budget.left -= 1
    if depth > MAX_DEPTH or budget.left < 0:
        raise Malformed("too deep, or too many values")
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else ((str(at), one) for at, one in enumerate(value))
        tree: Tree = {}
        for name, one in pairs:
            tree[_key(tree, name) if name else name] = _plain(one, budget, depth + 1)
        return tree
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None:
        return "1" if value else ""
    return _number(value)


def _number(value: int | float) -> str:
    """Return a number as PHP prints it: 14 digits, and integers beyond 64 bits are none there."""
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return str(value)
    digits, _, exponent = format(float(value), ".14G").partition("E")
    if not exponent:
        return digits
    return f"{digits if '.' in digits else digits + '.0'}E{exponent[0]}{exponent[1:].lstrip('0')}"


def _sorted(tree: Mapping[Any, Any]) -> Any:
    """Return what `json_encode` sees: a list where the keys are 0, 1, 2 …, else an object."""
    keys = sorted(tree, key=lambda key: (isinstance(key, str), key))
    values = [_sorted(tree[key]) if isinstance(tree[key], dict) else tree[key] for key in keys]
    if keys == list(range(len(keys))):
        return values
    return {str(key): value for key, value in zip(keys, values, strict=True)}
