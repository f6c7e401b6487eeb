"""Parse the comment above an SQL function, and the shape of its jsonb result.

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
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tools.database.errors import HeaderError
from tools.database.migration_files import SUPABASE

KEYS = ("Concurrency:", "Locks:", "Returns:", "Errors:")
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
_CREATE = re.compile(r"^create or replace (?:function|procedure) (\w+\.\w+)", re.MULTILINE)
_RETURNS = re.compile(r"^returns (.+)$", re.MULTILINE)
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


@dataclass(frozen=True)
class Function:
    """A function's file: its header by section, and what its SQL says it returns."""

    path: Path
    name: str  # with its schema
    returns: str  # SQL type
    summary: str
    sections: Mapping[str, str]

    @cached_property
    def shape(self) -> Shape | None:
        """Return the declared shape of a jsonb result, None where the header has prose instead.

        Raises:
            HeaderError: the notation is wrong.
        """
        first, _, block = self.sections.get("Returns:", "").partition("\n")
        if first.strip() not in ("json", "jsonb") or not block.strip():
            return None
        try:
            return parse(block)
        except HeaderError as error:
            raise HeaderError(f"{self.path.name}: Returns: {error}") from None


def functions(folder: Path = SUPABASE) -> dict[str, Function]:
    """Return the functions of supabase/schemas by name with schema."""
    schemas = folder / "schemas"
    paths = sorted([*schemas.glob("functions/**/*.sql"), *schemas.glob("base/**/*.sql")])
    found = [read(path) for path in paths]
    return {function.name: function for function in found}


def read(path: Path) -> Function:
    """Parse one function's file."""
    text = path.read_text(encoding="utf-8")
    name, returns = _CREATE.search(text), _RETURNS.search(text)
    if name is None:
        raise HeaderError(f"{path.name}: no `create or replace function schema.name`")
    summary, sections = split(comment(text))
    return Function(path, name[1], returns[1] if returns else "", summary, sections)


def comment(text: str) -> str:
    """Return the comment a file begins with, without the leading `--`."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        lines.append(line.removeprefix("--").removeprefix(" "))
    return "\n".join(lines)


def split(header: str, keys: tuple[str, ...] = KEYS) -> tuple[str, dict[str, str]]:
    """Return a header's text before its first key, and the text of each section."""
    pieces = re.split(rf"^({'|'.join(map(re.escape, keys))})", header, flags=re.MULTILINE)
    return pieces[0].strip(), dict(zip(pieces[1::2], pieces[2::2], strict=True))


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


class Shapes:
    """The shapes of all functions, with references resolved."""

    def __init__(self, known: Mapping[str, Function] | None = None) -> None:
        self.functions = functions() if known is None else dict(known)
        self._shared = {name: parse(text) for name, text in SHARED.items()}

    def shape(self, name: str) -> Shape:
        """Return the shape of a function's result, of a key in it, or one of SHARED.

        Raises:
            HeaderError: no such function or key, or the header declares no shape.
        """
        if name in self._shared:
            return self._shared[name]
        schema, function, *keys = name.split(".")
        shape = self._function_shape(f"{schema}.{function}")
        for key in keys:
            field = self.fields(self._object(shape, name)).get(key)
            if field is None:
                raise HeaderError(f"{name}: there is no key {key}")
            shape = field.shape
        return shape

    def _function_shape(self, name: str) -> Shape:
        function = self.functions.get(name)
        if function is None:
            raise HeaderError(f"no function {name}")
        if function.shape is None:
            raise HeaderError(f"{function.path.name}: write the shape of its jsonb result under `Returns:`")
        return function.shape

    def fields(self, members: Fields) -> dict[str, Field]:
        """Return an object's keys, spread ones included; one that is written out wins over a spread one."""
        found: dict[str, Field] = {}
        for member in members.members:
            if isinstance(member, Spread):
                for field in self.fields(self._object(self.shape(member.name), member.name)).values():
                    required = field.is_required and member.is_required
                    is_simple = isinstance(field.shape, Scalar | Word)
                    shape = field.shape if is_simple else Reference(f"{member.name}.{field.key}")
                    found[field.key] = Field(field.key, shape, required)
        return found | {member.key: member for member in members.members if isinstance(member, Field)}

    def _object(self, shape: Shape, name: str) -> Fields:
        """Return the object in a shape that may also be null, or a list of objects."""
        options = shape.options if isinstance(shape, Either) else (shape,)
        for option in options:
            if isinstance(option, ListOf):
                return self._object(option.item, name)
            if isinstance(option, Reference):
                return self._object(self.shape(option.name), option.name)
            if isinstance(option, Fields):
                return option
        raise HeaderError(f"{name} has no object")

    def check_references(self, name: str) -> None:
        """Raise HeaderError where a function's shape refers to one that does not exist."""
        self._check(self.shape(name))

    def _check(self, shape: Shape) -> None:
        match shape:
            case Reference(name):
                self.shape(name)
            case Either(options):
                for option in options:
                    self._check(option)
            case ListOf(inner) | MapOf(inner):
                self._check(inner)
            case Fields():
                for field in self.fields(shape).values():
                    self._check(field.shape)

    def faults(self, name: str, value: object) -> list[str]:
        """Compare a result with the declared shape of a function; return what differs, by key."""
        return [f"{name}{fault}" for fault in self._faults(self.shape(name), value)]

    def _faults(self, shape: Shape, value: object) -> list[str]:
        match shape:
            case Reference(name):
                return self._faults(self.shape(name), value)
            case Either(options):
                return self._either(options, value)
            case Fields():
                return self._object_faults(shape, value)
            case ListOf() | MapOf():
                return self._items_faults(shape, value)
            case _:
                return self._value_faults(shape, value)

    def _items_faults(self, shape: ListOf | MapOf, value: object) -> list[str]:
        items: Iterable[tuple[object, object]]
        if isinstance(shape, ListOf) and isinstance(value, list):
            inner, items = shape.item, enumerate(value)
        elif isinstance(shape, MapOf) and isinstance(value, dict):
            inner, items = shape.value, value.items()
        else:
            return [f": {_shown(value)} is no {'list' if isinstance(shape, ListOf) else 'object'}"]
        return [f"[{key!r}]{fault}" for key, one in items for fault in self._faults(inner, one)]

    def _value_faults(self, shape: Word | Scalar, value: object) -> list[str]:
        if isinstance(shape, Word):
            return [] if value == shape.text else [f": {_shown(value)} is not {shape.text!r}"]
        return [] if _is_scalar(shape.name, value) else [f": {_shown(value)} is no {shape.name}"]

    def _either(self, options: tuple[Shape, ...], value: object) -> list[str]:
        all_faults = [self._faults(option, value) for option in options]
        if not all(all_faults):
            return []
        if isinstance(value, dict | list):  # the faults inside say more than that none fits
            return max(all_faults, key=lambda faults: ("[" in faults[0] or "." in faults[0], -len(faults)))
        return [f": {_shown(value)} is none of the types declared"]

    def _object_faults(self, shape: Fields, value: object) -> list[str]:
        if not isinstance(value, dict):
            return [f": {_shown(value)} is no object"]
        fields = self.fields(shape)
        missing = [key for key, field in fields.items() if field.is_required and key not in value]
        return [
            *(f".{key}: is missing" for key in missing),
            *(f".{key}: is not declared" for key in value if key not in fields),
            *(
                f".{key}{fault}"
                for key, one in value.items()
                if key in fields
                for fault in self._faults(fields[key].shape, one)
            ),
        ]


def _is_scalar(name: str, value: object) -> bool:
    kind, pattern = SCALARS[name]
    if isinstance(value, bool):
        return kind in (bool, object)
    if kind is float:
        return isinstance(value, int | float)
    return isinstance(value, kind) and (not pattern or re.fullmatch(pattern, str(value)) is not None)


def _shown(value: object) -> str:
    return repr(value)[:60]
