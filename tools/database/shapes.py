"""Parse the shape of a function's jsonb result, as the comment above the function declares it.

    -- Returns: jsonb
    --   outcome: 'work' | 'busy'
    --   retry_after?: int                  (busy: seconds; `?`: the key may be missing)
    --   user: { id: bigint, name: text | null }
    --   prices: { [text]: numeric }
    --   ...private.order_details              (the keys of another function's result)
    --   ...?private.closed_checkout        (the same, all of which may be missing)

CONTRIBUTING.md describes the notation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tools.database.errors import HeaderError

# JSON's type and, where the JSON type says too little, a pattern of the whole string.
SCALARS = {
    "text": (str, ""),
    "int": (int, ""),
    "bigint": (int, ""),
    "float": (float, ""),
    "boolean": (bool, ""),
    "numeric": (str, r"-?\d+(\.\d+)?"),
    "timestamptz": (str, r"\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?[+-]\d\d:\d\d"),
    "date": (str, r"\d{4,}-\d\d-\d\d"),
    "uuid": (str, r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "jsonb": (object, ""),
    "null": (type(None), ""),
}
# Shapes that several functions share without a function of their own.
SHARED = {
    "outgoing": "[ outgoing_item ]",
    "outgoing_item": "{ bot: text, id: bigint, method: text, parameters: jsonb }",
    "outbox_item": "{ id: bigint, method: text, parameters: jsonb }",
    "product_texts": "{ [text]: product_text }",  # by language
    "product_text": "{ title: text, description?: text }",
}
_TOKEN = re.compile(r"\s*(?:('[^']*')|(\.\.\.\??)|([a-z_][\w.]*)|([{}\[\]|:?,]))")


@dataclass(frozen=True)
class Scalar:
    """One of SCALARS."""

    name: str


@dataclass(frozen=True)
class Word:
    """One fixed text."""

    text: str


@dataclass(frozen=True)
class Reference:
    """The shape of a function's result (schema.name), of a key in it (schema.name.key), or one of SHARED."""

    name: str


@dataclass(frozen=True)
class ListOf:
    """A list whose items have one shape."""

    item: Shape


@dataclass(frozen=True)
class MapOf:
    """An object with any keys, whose values have one shape."""

    value: Shape


@dataclass(frozen=True)
class Either:
    """One of several shapes."""

    options: tuple[Shape, ...]


@dataclass(frozen=True)
class Field:
    """A key of an object."""

    key: str
    shape: Shape
    is_required: bool


@dataclass(frozen=True)
class Spread:
    """All keys of another shape."""

    name: str
    is_required: bool


@dataclass(frozen=True)
class Fields:
    """An object with fixed keys."""

    members: tuple[Field | Spread, ...]


Shape = Scalar | Word | Reference | ListOf | MapOf | Either | Fields


def parse(block: str) -> Shape:
    """Parse a shape: lines `key: type`, or one type.

    Raises:
        HeaderError: the text is no shape.
    """
    return _Parser(_without_notes(block)).parse()


def _without_notes(text: str) -> str:
    """Remove what stands in round brackets, nested ones included."""
    depth, kept = 0, []
    for char in text:
        depth += char == "("
        if not depth:
            kept.append(char)
        depth -= char == ")"
        if depth < 0:
            break
    if depth:
        raise HeaderError("a round bracket has no partner")
    return "".join(kept)


def _tokens(text: str) -> Iterator[str]:
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            raise HeaderError(f"cannot read {text[position:end].split(chr(10), maxsplit=1)[0].strip()!r}")
        yield match[match.lastindex or 0]
        position = match.end()


class _Parser:
    """A recursive descent over the tokens."""

    def __init__(self, text: str) -> None:
        self._tokens = [*_tokens(text), ""]
        self._at = 0

    def parse(self) -> Shape:
        is_object = self._next().startswith("...") or self._tokens[1] in (":", "?")
        shape = self._members("") if is_object else self._type()
        self._expect("")
        return shape

    def _next(self) -> str:
        return self._tokens[self._at]

    def _take(self) -> str:
        self._at += 1
        return self._tokens[self._at - 1]

    def _expect(self, token: str) -> None:
        if (found := self._take()) != token:
            raise HeaderError(f"expected {token or 'the end'!r}, found {found or 'the end'!r}")

    def _members(self, end: str) -> Fields:
        members: list[Field | Spread] = []
        while self._next() != end:
            members.append(self._member())
            if self._next() == ",":
                self._take()
        return Fields(tuple(members))

    def _member(self) -> Field | Spread:
        if self._next().startswith("..."):
            return Spread(is_required=self._take() == "...", name=self._name())
        key = self._name()
        is_required = self._next() != "?"
        if not is_required:
            self._take()
        self._expect(":")
        return Field(key, self._type(), is_required)

    def _name(self) -> str:
        if not re.fullmatch(r"[a-z_][\w.]*", name := self._take()):
            raise HeaderError(f"expected a name, found {name or 'the end'!r}")
        return name

    def _type(self) -> Shape:
        options = [self._option()]
        while self._next() == "|":
            self._take()
            options.append(self._option())
        return options[0] if len(options) == 1 else Either(tuple(options))

    def _option(self) -> Shape:
        if self._next().startswith("'"):
            return Word(self._take()[1:-1])
        if self._next() == "[":
            self._take()
            item = self._type()
            self._expect("]")
            return ListOf(item)
        if self._next() == "{":
            return self._braces()
        name = self._name()
        if name in SCALARS:
            return Scalar(name)
        if name in SHARED or "." in name:
            return Reference(name)
        raise HeaderError(f"no type {name!r}: use {', '.join(SCALARS)}, or schema.function")

    def _braces(self) -> Shape:
        self._take()
        if self._next() != "[":
            members = self._members("}")
            self._expect("}")
            return members
        for token in ("[", "text", "]", ":"):
            self._expect(token)
        value = self._type()
        self._expect("}")
        return MapOf(value)
