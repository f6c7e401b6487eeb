"""What a migration takes away from code that is live: dropped, renamed, or called differently.

While a deployment replaces the functions, the old revision runs on the new database. So a migration removes
only what no released code uses any more, and says since when, in a comment above the statement:

    -- unused since 20261120101500
    alter table public.users drop column nickname;

The 14 digits are those of the migration with which the last use was released. Adding is free: new tables and
columns, and parameters with a default. SQL alone calls functions of schema private, and changes with them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tools.database import migration_files, statements
from tools.database.errors import MigrationError
from tools.database.findings import Finding
from tools.database.migration_files import Migration
from tools.database.plans import Plan
from tools.database.statements import Statement

# The newest migration that was released before this rule; it and those before it are as they are.
LAST_WITHOUT = "20261130121134"
RULE = "unused-since"
MARKER = re.compile(r"--[ \t]*unused since[ \t]+(\d{14})\b", re.IGNORECASE)

_DROPPED = {
    "OBJECT_TABLE": "table", "OBJECT_FOREIGN_TABLE": "table", "OBJECT_VIEW": "view",
    "OBJECT_MATVIEW": "view", "OBJECT_SEQUENCE": "sequence", "OBJECT_SCHEMA": "schema",
    "OBJECT_TYPE": "type", "OBJECT_DOMAIN": "type",
    "OBJECT_FUNCTION": "function", "OBJECT_PROCEDURE": "function", "OBJECT_ROUTINE": "function",
}  # fmt: skip
_RENAMED = {**_DROPPED, "OBJECT_COLUMN": "column", "OBJECT_ATTRIBUTE": "column"}
_INPUT = ("d", "i", "b", "v")  # default, in, inout, variadic


@dataclass(frozen=True)
class Removal:
    """What a statement takes away; `since` is the version of its comment, empty without one."""

    statement: Statement
    what: str
    since: str


def check(migration: Migration) -> list[Finding]:
    """Return what a migration takes away without saying since when it is unused. Raises StatementError."""
    if migration.version <= LAST_WITHOUT:
        return []
    known = migration_files.migrations()
    earlier = {one.version for one in known if one.version < migration.version}
    found = []
    for removal in removals(migration, known):
        line = removal.statement.line
        if not removal.since:
            message = (
                f"{removal.what}: the revision that is live may still use it. Keep it until a release does"
                " without it, then write above the statement: -- unused since VERSION, the 14 digits of the"
                " migration of that release"
            )
            found.append(Finding(line, RULE, message))
        elif removal.since not in earlier:
            message = f"{removal.what}: no earlier migration has the version {removal.since}"
            found.append(Finding(line, RULE, message))
    return found


def require_unused(plan: Plan) -> None:
    """Raise MigrationError where a protected environment would lose what its live revision may still use.

    So it is where the version since which it is unused is not there yet, but part of the same plan.
    """
    if not plan.environment.is_protected or plan.version is None:
        return
    coming = {part.migration.version for part in plan.parts}
    for part in plan.parts:
        for removal in marked(statements.read(part.migration)):
            if removal.since in coming:
                on = f"--on {plan.environment.name}"
                raise MigrationError(
                    f"{part.migration}: {removal.what} is unused since {removal.since}, which"
                    f" {plan.environment.name} does not have yet: its live revision may use it. Apply that"
                    f" first (./switchboard database sync {on} --to {removal.since}), deploy its code, then"
                    " sync again."
                )


def marked(parts: Sequence[Statement]) -> Iterator[Removal]:
    """Yield the statements that say since when something is unused."""
    for part in parts:
        found = MARKER.search(part.comment)
        if found:
            yield Removal(part, " ".join(part.text.split())[:80], found[1])


def removals(migration: Migration, known: Sequence[Migration]) -> Iterator[Removal]:
    """Yield what a migration takes away; `known` are all migrations, for the functions as they were."""
    parts = statements.read(migration)
    for number, part in enumerate(parts):
        found = MARKER.search(part.comment)
        for what, name in _removed(part):
            if what == "drops function" and _is_compatible(name, migration, parts[number:], known):
                continue
            yield Removal(part, f"{what} {name}", found[1] if found else "")


def _removed(part: Statement) -> Iterator[tuple[str, str]]:
    node, kind = part.node, type(part.node).__name__
    if kind == "DropStmt" and node.removeType.name in _DROPPED:
        word = _DROPPED[node.removeType.name]
        for one in node.objects:
            name = _name(one)
            if word != "function" or not name.startswith("private."):
                yield f"drops {word}", name
    elif kind == "AlterTableStmt":
        for command in node.cmds:
            if command.subtype.name == "AT_DropColumn":
                yield "drops column", f"{_relation(node.relation)}.{command.name}"
    elif kind == "RenameStmt" and node.renameType.name in _RENAMED:
        word = _RENAMED[node.renameType.name]
        name = _relation(node.relation) if node.relation else _name(node.object)
        if word != "function" or not name.startswith("private."):
            yield f"renames {word}", f"{name}.{node.subname}" if word == "column" else name
    elif kind == "AlterEnumStmt" and node.oldVal:
        yield "renames value", f"{'.'.join(part.sval for part in node.typeName)}.{node.oldVal}"
    elif kind == "AlterObjectSchemaStmt":
        name = _relation(node.relation) if node.relation else _name(node.object)
        yield "moves", name


def _is_compatible(
    name: str, migration: Migration, after: Sequence[Statement], known: Sequence[Migration]
) -> bool:
    """Whether callers of a dropped function can call the one that the same file makes."""
    new = next((part.node for part in after if _is_function(part.node, name)), None)
    old = _before(name, migration, known)
    if new is None or old is None or _result(old) != _result(new):
        return False
    before, now = _inputs(old), _inputs(new)
    if len(now) < len(before):
        return False
    for one, other in zip(before, now, strict=False):
        if (one.name, _plain(one.argType)) != (other.name, _plain(other.argType)):
            return False
        if one.defexpr is not None and other.defexpr is None:
            return False
    return all(other.defexpr is not None for other in now[len(before) :])


def _before(name: str, migration: Migration, known: Sequence[Migration]) -> Any:
    """Return the function as the migrations before make it."""
    import pglast
    from pglast import parser

    bare = name.rpartition(".")[2]
    for one in sorted(known, key=lambda one: one.version, reverse=True):
        if one.version < migration.version and bare in one.text:
            # Only the statements with its name are parsed: a whole migration takes up to a second.
            for text in reversed([part for part in parser.split(one.text) if bare in part]):
                for raw in pglast.parse_sql(text):
                    if _is_function(raw.stmt, name):
                        return raw.stmt
    return None


def _is_function(node: Any, name: str) -> bool:
    return type(node).__name__ == "CreateFunctionStmt" and _strings(node.funcname) == name


def _inputs(function: Any) -> list[Any]:
    return [one for one in function.parameters or () if one.mode.value in _INPUT]


def _result(function: Any) -> Any:
    outputs = [_plain(one) for one in function.parameters or () if one.mode.value not in _INPUT]
    return _plain(function.returnType) if function.returnType else None, outputs


def _plain(node: Any) -> Any:
    """Return a node without the places where its parts stand in the text."""
    return _without_places(node(skip_none=True))


def _without_places(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_places(one) for key, one in value.items() if key != "location"}
    return [_without_places(one) for one in value] if isinstance(value, tuple | list) else value


def _name(node: Any) -> str:
    """Return the name of an object of a statement: of a table, a type, a function, a schema."""
    if isinstance(node, tuple):
        return _strings(node)
    for attribute in ("objname", "names"):
        if getattr(node, attribute, None):
            return _strings(getattr(node, attribute))
    return str(node.sval)


def _strings(names: Any) -> str:
    parts = [str(one.sval) for one in names]
    return ".".join(parts if len(parts) > 1 else ["public", *parts])


def _relation(node: Any) -> str:
    return f"{node.schemaname or 'public'}.{node.relname}"
