"""Read the comment above an SQL function, and compare results with the shape that it declares (shapes.py)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tools.database.errors import HeaderError
from tools.database.migration_files import SUPABASE
from tools.database.shapes import (
    SCALARS,
    SHARED,
    Either,
    Field,
    Fields,
    ListOf,
    MapOf,
    Reference,
    Scalar,
    Shape,
    Spread,
    Word,
    parse,
)

KEYS = ("Concurrency:", "Locks:", "Returns:", "Errors:")
_CREATE = re.compile(r"^create or replace (?:function|procedure) (\w+\.\w+)", re.MULTILINE)
_RETURNS = re.compile(r"^returns (.+)$", re.MULTILINE)


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
