"""A second, simple implementation of PHP's form parsing and JSON, to compare with.

It follows php_register_variable_ex, ksort and json_encode step by step, with PHP's own idea of a map: pairs
in their order.
"""

from __future__ import annotations

from typing import Any


class Array:
    """A PHP array: pairs in their order, and the next number."""

    def __init__(self) -> None:
        self.pairs: list[list[Any]] = []
        self.next = 0

    def find(self, key: int | str) -> list[Any] | None:
        for pair in self.pairs:
            if type(pair[0]) is type(key) and pair[0] == key:
                return pair
        return None

    def set(self, name: str | None, value: Any) -> Any:
        key: int | str
        if name is None:
            key = self.next
        elif name == "0" or (name.isascii() and name.isdigit() and name[0] != "0"):
            key = int(name)
        else:
            key = name
        if isinstance(key, int):
            self.next = max(self.next, key + 1)
        pair = self.find(key)
        if pair is None:
            self.pairs.append([key, value])
        else:
            pair[1] = value
        return value

    def get(self, name: str | None) -> Any:
        if name is None:
            return None
        is_number = name == "0" or (name.isascii() and name.isdigit() and name[0] != "0")
        pair = self.find(int(name) if is_number else name)
        return pair[1] if pair else None


def post(fields: list[tuple[str, str]]) -> Array:
    """`$_POST` of these fields."""
    root = Array()
    for given, value in fields:
        name = given.lstrip(" ")
        opening = name.find("[")
        head = name if opening < 0 else name[:opening]
        steps: list[str | None] = [head.replace(".", "_").replace(" ", "_")]
        rest = "" if opening < 0 else name[opening:]
        while rest:
            closing = rest.index("]")
            steps.append(rest[1:closing] or None)
            rest = rest[closing + 1 :]
        place = root
        for step in steps[:-1]:
            below = place.get(step)
            place = below if isinstance(below, Array) else place.set(step, Array())
        place.set(steps[-1], value)
    return root


def encode(value: Any) -> str:
    """Sort by key at every level, then json_encode with JSON_UNESCAPED_UNICODE."""
    if not isinstance(value, Array):
        return _string(value)
    numbers = sorted(pair for pair in value.pairs if isinstance(pair[0], int))
    words = sorted(
        (pair for pair in value.pairs if isinstance(pair[0], str)), key=lambda pair: pair[0].encode()
    )
    ordered = numbers + words
    if [pair[0] for pair in ordered] == list(range(len(ordered))):
        return "[" + ",".join(encode(pair[1]) for pair in ordered) + "]"
    return "{" + ",".join(f"{_string(str(pair[0]))}:{encode(pair[1])}" for pair in ordered) + "}"


def _string(text: str) -> str:
    named = {'"': '\\"', "\\": "\\\\", "/": "\\/", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r"}
    named |= {"\t": "\\t", "\u2028": "\\u2028", "\u2029": "\\u2029"}
    written = []
    for letter in text:
        if letter in named:
            written.append(named[letter])
        elif ord(letter) < 0x20:
            written.append(f"\\u{ord(letter):04x}")
        else:
            written.append(letter)
    return '"' + "".join(written) + '"'


def decoded(value: Any) -> Any:
    """The result of json_decode, with every leaf as text."""
    if isinstance(value, dict | list):
        array = Array()
        for name, one in value.items() if isinstance(value, dict) else enumerate(value):
            array.set(str(name), decoded(one))
        return array
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None:
        return "1" if value else ""
    if isinstance(value, int) and abs(value) < 2**53:
        return str(value)
    return f"{float(value):.14G}"
