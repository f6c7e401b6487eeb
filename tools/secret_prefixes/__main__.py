"""Write shared/core/secret_prefixes.py from a catalogue in Gitleaks and Betterleaks format (MIT licence).

    python -m tools.secret_prefixes betterleaks.toml

A rule of the catalogue is a regular expression for a whole key. The log filter needs less and must be linear:
how the key begins and how long it is at least. Rules without a beginning of their own (32 hexadecimal digits
beside the name of a service) are covered by the filter's rule for `key = value`.
"""

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from re import _constants as constants  # type: ignore[attr-defined]  # isort: skip
from re import _parser as parser  # type: ignore[attr-defined]  # isort: skip

TARGET = Path(__file__).parents[2] / "shared" / "core" / "secret_prefixes.py"
SHORTEST_START = 3
MOST_STARTS = 64  # one rule with more beginnings than this has none worth naming
LEAST_REST = 10  # characters after the beginning; shorter keys would be found in ordinary words
# Keys are pasted cut off, and their lengths change: no more than this is asked of what follows a beginning.
MOST_REST, MOST_REST_OF_SHORT = 20, 32
# Beginnings of the catalogue that are no keys, or ids that a log must show.
NOT_KEYS = frozenset(
    (
        "data:",
        "kind:",
        "log_in",
        "AccountName",
        "-pw",
        ".pw",
        "_pw",
        "KEY",
        "-----BEGIN",
        "1000.",
        "cli_",
        "cs_",
    )
)
# Beginnings that the catalogue lacks or names longer than they are, with what follows at least.
MORE = {
    "AQ.": 20,  # Google AI Studio, 2026
    "eyJ": 20,
    "hf_": 20,
    "live_": 24,  # YooKassa
    "pk-": 16,
    "pypi-": 20,
    "rk_": 16,
    "sk-": 16,
    "sk_": 16,
    "sk-ant-": 10,
    "sk-or-": 10,
    "sk-proj-": 10,
    "test_": 24,  # YooKassa
    "whsec_": 16,  # Stripe
    "xai-": 20,
    "xoxp-": 16,
    "ya29.": 20,  # Google OAuth
}
HEADER = '''"""How secret keys begin, and how many characters follow at least.

Written by `python -m tools.secret_prefixes` from the Betterleaks catalogue; do not edit.
"""

SECRET_PREFIXES: dict[str, int] = {
'''


def main(path: str) -> None:
    """Write the shapes of one catalogue."""
    rules = tomllib.loads(Path(path).read_text(encoding="utf-8"))["rules"]
    shapes: dict[str, int] = {}
    for rule in rules:
        for start, rest in _starts(rule.get("regex", "")):
            shapes[start] = min(rest, shapes.get(start, rest))
    shapes |= MORE
    lines = "".join(f'    "{start}": {rest},\n' for start, rest in sorted(shapes.items()))
    TARGET.write_text(HEADER + lines + "}\n", encoding="utf-8")
    print(f"{len(shapes)} shapes from {len(rules)} rules: {TARGET}")


def _starts(regex: str) -> Iterator[tuple[str, int]]:
    """Yield how the keys of a rule begin, each with the least number of characters that follow."""
    # Go's syntax: flags in the middle, POSIX classes, \\z.
    text = re.sub(r"\(\?[a-z-]+\)", "", regex).replace("[[:alnum:]]", "[A-Za-z0-9]").replace(r"\z", r"\Z")
    text = re.sub(r"\(\?i-?\w*:|\(\?-i:|\(\?s:", "(?:", text)
    try:
        key = _secret(parser.parse(text))
    except re.error as error:
        print(f"skipped {regex[:60]}: {error}", file=sys.stderr)
        return
    least = key.getwidth()[0]
    for start in _literals(key):
        if _is_telling(start):
            most = MOST_REST if len(start) > SHORTEST_START else MOST_REST_OF_SHORT
            yield start, min(max(least - len(start), LEAST_REST), most)


def _secret(tree: Any) -> Any:
    """Return the first group that captures, which is the key itself, or the whole expression."""
    for code, argument in tree:
        if code is constants.SUBPATTERN and argument[0] is not None:
            return argument[3]
    return tree


def _literals(tree: Iterable[Any]) -> list[str]:
    """Return the texts a match can begin with, as far as they are literal."""
    starts, open_ = [""], True
    for code, argument in tree:
        if not open_ or code is constants.AT:
            continue
        choices, open_ = _choices(code, argument)
        starts = [start + choice for start in starts for choice in choices]
        if len(starts) > MOST_STARTS:
            return []
    return starts


def _choices(code: Any, argument: Any) -> tuple[list[str], bool]:
    """Return what one node can be, and whether what follows it is still part of the beginning."""
    if code is constants.LITERAL:
        return [chr(argument)], True
    if code is constants.IN and len(argument) <= 4 and all(c is constants.LITERAL for c, _ in argument):
        return [chr(value) for _, value in argument], True
    if code is constants.SUBPATTERN:
        return _literals(argument[3]), _is_literal(argument[3])
    if code is constants.BRANCH:
        branches = argument[1]
        return [text for branch in branches for text in _literals(branch)], all(map(_is_literal, branches))
    return [""], False


def _is_literal(tree: Iterable[Any]) -> bool:
    return all(_choices(code, argument)[1] for code, argument in tree if code is not constants.AT)


def _is_telling(start: str) -> bool:
    """Whether a beginning is rare in ordinary text: it has a separator, or mixes digits or cases."""
    if start in NOT_KEYS or len(start) < SHORTEST_START or re.search(r"[^A-Za-z0-9_.$-]", start):
        return False
    return bool(re.search(r"[_.-]", start)) or (start != start.lower() and start != start.capitalize())


if __name__ == "__main__":
    main(sys.argv[1])
