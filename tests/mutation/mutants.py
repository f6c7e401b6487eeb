"""Makes the mutants of a SQL function."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

COMPARISONS = {"=": "<>", "<>": "=", "!=": "=", "<": "<=", "<=": "<", ">": ">=", ">=": ">"}
WORDS = {
    "is distinct from": "is not distinct from",
    "is not distinct from": "is distinct from",
    "is null": "is not null",
    "is not null": "is null",
    "true": "false",
    "false": "true",
}
_TOKEN = re.compile(
    r"""(?P<comment>--[^\n]*)
    | (?P<interval>\binterval\s+'\d+)
    | (?P<string>'(?:[^']|'')*')
    | (?P<conflict>\bon\s+conflict\b[^;]*?\bdo\s+(?:nothing|update\b))
    | (?P<words>\bis\s+(?:not\s+)?(?:distinct\s+from|null)\b|\b(?:true|false)\b)
    | (?P<number>(?<![\w.])\d+(?:\.\d+)?(?![\w.]))
    | (?P<name>[A-Za-z_][\w$]*)
    | (?P<operator>:=|=>|<=|>=|<>|!=|->>|->|\#>>|\#>|@>|<@|\|\||::|=|<|>|[(),;])
    """,
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True)
class Mutant:
    """A function's text with one change. `line` counts from 1 in the file."""

    file: str
    line: int
    change: str
    source: str
    text: str

    @property
    def name(self) -> str:
        """Return what identifies it while the line stays as it is."""
        return f"{self.file}: {self.source}: {self.change}"


def mutants(file: str, text: str) -> Iterator[Mutant]:
    """Yield the mutants of the function in a file; header, signature and grants stay."""
    start = text.index("as $$") + 5
    end = text.index("\n$$;", start)
    seen: dict[str, int] = {}
    for at, stop, new, change in _changes(text[start:end]):
        begin, finish = start + at, start + stop
        line = text.count("\n", 0, begin)
        source = " ".join(text.splitlines()[line].split())
        # The same change twice in one line, or in two equal lines.
        number = seen[source + change] = seen.get(source + change, 0) + 1
        named = f"{change} (#{number})" if number > 1 else change
        yield Mutant(file, line + 1, named, source, text[:begin] + new + text[finish:])


def _changes(body: str) -> Iterator[tuple[int, int, str, str]]:
    """Yield (start, end, new text, description) of each change of a function's body."""
    before = ""  # the token before
    assigned_at: int | None = None  # depth of brackets in which `=` assigns: between `set` and `where`
    is_condition = False
    depth = 0
    is_message = False
    for token in _TOKEN.finditer(body):
        kind, word = token.lastgroup, token.group().lower()
        if kind == "comment":
            continue
        if word == "(":
            depth += 1
        elif word == ")":
            depth -= 1
        if word in ("exception", "errcode"):
            is_message = True
        elif word in (";", "when"):
            is_message = False
        if word == "set" and before != "for":
            assigned_at, is_condition = depth, False
        elif word in ("where", "from", "returning", ";"):
            assigned_at = None
        elif word in ("when", "then", "end"):
            is_condition = word == "when"
        if not is_message:
            assigns = word == "=" and assigned_at == depth and not is_condition
            yield from _of_token(token, kind or "", before, assigns=assigns)
        if kind == "conflict" and word.endswith("update"):
            assigned_at = depth
        before = word


def _of_token(
    token: re.Match[str], kind: str, before: str, *, assigns: bool
) -> Iterator[tuple[int, int, str, str]]:
    start, end, text = token.start(), token.end(), token.group()
    word = " ".join(text.lower().split())
    if kind == "operator" and word in COMPARISONS and not assigns:
        yield start, end, COMPARISONS[word], f"{word} to {COMPARISONS[word]}"
    elif kind == "words":
        yield start, end, WORDS[word], f"{word} to {WORDS[word]}"
    elif kind == "number":
        new = str(int(text) + 1) if text.isdigit() else f"{text}1"
        yield start, end, new, f"{text} to {new}"
    elif kind == "interval":
        head, number = text.rsplit("'", 1)
        yield start, end, f"{head}'{int(number) + 1}", f"{number} to {int(number) + 1}"
    elif kind == "string" and before in COMPARISONS and len(text) > 2:
        yield start, end, "'no such'", f"{text} to 'no such'"
    elif kind == "conflict" and word.endswith("nothing"):
        yield start, end, "", "on conflict … do nothing removed"
