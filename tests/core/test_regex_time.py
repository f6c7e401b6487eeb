"""Every regular expression takes linear time: text from outside must not occupy a processor."""

from __future__ import annotations

import ast
import functools
import importlib
import itertools
import pkgutil
import re
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import pytest

import shared
from shared.core import redaction

SIZE = 1_500  # characters; then twice and four times as many
MEASURABLE = 0.002  # seconds; shorter times cannot be compared
MOST_TOKENS = 7
# Four times the text may take four times as long; quadratic would be 16 times.
LIMIT = 9.0
DOUBTFUL = 6.0
PARTS = 8
ROUNDS = 5  # measurements of the short and of the long text, in turns


def _modules() -> Iterator[Any]:
    for module in pkgutil.walk_packages(shared.__path__, "shared."):
        yield importlib.import_module(module.name)


@functools.cache
def _patterns() -> dict[str, re.Pattern[str]]:
    """Return every pattern that a module stores or passes to a function of `re`, by its place."""
    found = {}
    for module in _modules():
        for name, value in vars(module).items():
            for pattern in _stored(value):
                found[f"{pattern.pattern[:60]!r} {pattern.flags}"] = (f"{module.__name__}.{name}", pattern)
        for pattern in _inline(Path(str(module.__file__))):
            found.setdefault(f"{pattern[:60]!r} 32", (f"{module.__name__} (inline)", re.compile(pattern)))
    return {f"{place} {key[:40]}": pattern for key, (place, pattern) in found.items()}


def _stored(value: Any, seen: set[int] | None = None) -> Iterator[re.Pattern[str]]:
    """Yield the patterns that a value is or contains, in a collection or an attribute of a class of ours."""
    seen = set() if seen is None else seen
    if id(value) in seen:
        return
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, Mapping):
        for item in (*value.keys(), *value.values()):
            yield from _stored(item, seen)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _stored(item, seen)
    elif isinstance(value, type) and value.__module__.startswith("shared."):
        seen.add(id(value))
        for item in vars(value).values():
            if not isinstance(item, type):
                yield from _stored(item, seen)


def _inline(path: Path) -> Iterator[str]:
    """Yield the literal patterns in calls such as re.search."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "re"
            and node.args
            and isinstance(node.args[0], ast.Constant)
            and isinstance(node.args[0].value, str)
        ):
            yield node.args[0].value


def test_patterns_are_found() -> None:
    assert len(_patterns()) > 100
    assert any("error_patterns._PROBABLE" in place for place in _patterns()), (
        "patterns in collections must be found too"
    )


# In parts, each of which ends in time where other tests keep the processors busy.
@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_patterns_take_linear_time(part: int) -> None:
    faults = [found for place in list(_patterns())[part::PARTS] if (found := _fault(place))]
    assert not faults, "\n".join(faults)


def _fault(place: str) -> str:
    """Return what is wrong with a pattern; empty for one that takes linear time."""
    pattern = _patterns()[place]
    for unit in _attacks(pattern):
        if _seconds(pattern, unit, SIZE) < MEASURABLE / 16:
            continue  # with quadratic time, four times the text takes less than MEASURABLE too
        if _seconds(pattern, unit, 4 * SIZE) > MEASURABLE:
            growth = _growth(pattern, unit, SIZE)
            if growth >= DOUBTFUL:
                # A bound that is longer than the short text: linear in longer ones.
                growth = _growth(pattern, unit, 4 * SIZE)
            if growth >= LIMIT:
                return (
                    f"{place}: {unit!r} repeated takes {growth:.0f} times as long for 4 times the text:"
                    " bound the repetition ({0,64}) or make it possessive (++)"
                )
    return ""


@pytest.mark.parametrize(
    "unit", ["sk-a.", "AIza-", "key: abcdefghij ", "Bearer ", "://a:", "1234:", "a.", "\uff41"]
)
def test_the_secret_filter_takes_linear_time(unit: str) -> None:
    text = (unit * 40_000)[:40_000]
    assert _ratio(lambda: redaction.redact(text[:10_000]), lambda: redaction.redact(text)) < LIMIT


@pytest.mark.parametrize(
    ("pattern", "unit", "is_linear"),
    [
        ("a*b", "a", False),
        (r"\[[^\]]*\]\(", "[", False),
        ("a{0,64}b", "a", True),
        (r"\[(?:[^\[\]\\]|\\.){1,999}+\]:", "[\\", True),
    ],
)
def test_quadratic_time_differs_from_a_long_bound(pattern: str, unit: str, is_linear: bool) -> None:
    growth = _growth(re.compile(pattern), unit, 4 * SIZE)
    assert growth < DOUBTFUL if is_linear else growth > LIMIT


def _growth(pattern: re.Pattern[str], unit: str, size: int) -> float:
    """Return how many times as long a pattern takes for four times the text."""
    short, long = _text(pattern, unit, size), _text(pattern, unit, 4 * size)
    return _ratio(lambda: _exhaust(pattern, short), lambda: _exhaust(pattern, long))


def _ratio(short: Callable[[], object], long: Callable[[], object]) -> float:
    """Return how many times as long the second call takes.

    They are measured in turns, so that a busy machine slows both, and the shortest time of each counts.
    """
    times = [(_timed(short), _timed(long)) for _ in range(ROUNDS)]
    return min(one for _, one in times) / max(min(one for one, _ in times), 1e-5)


def _seconds(pattern: re.Pattern[str], unit: str, size: int) -> float:
    text = _text(pattern, unit, size)
    return min(_timed(lambda: _exhaust(pattern, text)) for _ in range(2))


def _text(pattern: re.Pattern[str], unit: str, size: int) -> Any:
    text = (unit * size)[:size]
    return text.encode() if isinstance(pattern.pattern, bytes) else text


def _exhaust(pattern: re.Pattern[str], text: Any) -> None:
    for _ in pattern.finditer(text):
        pass
    pattern.fullmatch(text)


def _timed(function: Callable[[], object]) -> float:
    start = time.thread_time()
    function()
    return time.thread_time() - start


def _attacks(pattern: re.Pattern[str]) -> Iterator[str]:
    """Yield strings to repeat: literals and one member of each class of the pattern, alone and in pairs."""
    tokens = list(dict.fromkeys(_tokens(parser.parse(pattern.pattern, pattern.flags))))[:MOST_TOKENS]
    tokens += [token for token in ("a", "1", " ", "-") if token not in tokens]
    yield from tokens
    yield from map("".join, itertools.permutations(tokens, 2))


def _tokens(tree: Any) -> Iterator[str]:
    literal = ""
    for code, argument in tree:
        if code is codes.LITERAL:
            literal += chr(argument)
            continue
        if literal:
            yield literal
            literal = ""
        yield from _inner(code, argument)
    if literal:
        yield literal


def _inner(code: Any, argument: Any) -> Iterator[str]:
    if code is codes.IN:
        first = argument[0]
        if first[0] is codes.LITERAL:
            yield chr(first[1])
        elif first[0] is codes.RANGE:
            yield chr(first[1][0])
    elif code is codes.SUBPATTERN:
        yield from _tokens(argument[3])
    elif code is codes.BRANCH:
        for branch in argument[1]:
            yield from _tokens(branch)
    elif code in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
        yield from _tokens(argument[2])
    elif code in (codes.ASSERT, codes.ASSERT_NOT):
        yield from _tokens(argument[1])
