"""Holds statements on whole large tables to the hours that an environment has for them (`window`).

Such a statement keeps writers, or readers too, waiting, the longer the larger the table is. Its kind says
what it does, before it runs; `verify --from-backup` measures it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from tools.database import hours, statements
from tools.database.errors import OutsideWindow
from tools.database.plans import Plan
from tools.database.statements import Statement

LARGE = 100_000  # rows, as the last ANALYZE counted them
_SIZES = """
    select quote_ident(n.nspname) || '.' || quote_ident(c.relname), c.reltuples::bigint
      from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'm') and c.reltuples >= %s
"""
# Subcommands of ALTER TABLE that rewrite the table (https://www.postgresql.org/docs/current/sql-altertable.html:
# "Notes"), and those that read all of it.
_REWRITES = ("AT_AlterColumnType", "AT_SetLogged", "AT_SetUnLogged", "AT_SetTableSpace", "AT_SetAccessMethod")
_READS = ("AT_SetNotNull", "AT_ValidateConstraint", "AT_AttachPartition")


@dataclass(frozen=True)
class Heavy:
    """What a statement does to a whole table."""

    does: str
    table: str


def require(connection: psycopg.Connection, plan: Plan, now: datetime) -> None:
    """Raise OutsideWindow where the plan works on a whole large table, and it is not the time for that."""
    rules = plan.environment.rules
    if not rules.window or hours.read(rules.window).contains(now):
        return
    sizes: dict[str, int] = dict(connection.execute(_SIZES, [LARGE]).fetchall())
    for part in plan.parts:
        for number, statement in enumerate(statements.read(part.migration), 1):
            for heavy in works_on(statement):
                if (rows := sizes.get(heavy.table)) is not None:
                    raise OutsideWindow(
                        f"{part.migration}, statement {number}, {heavy.does} {heavy.table} ({rows:,} rows)."
                        f" The window of {plan.environment.name} for that is {rules.window}: run the command"
                        " then, or now with --outside-window. Nothing was changed."
                    )


def works_on(statement: Statement) -> Iterator[Heavy]:
    """Yield what a statement does to whole tables, however many rows they have."""
    node: Any = statement.node
    match type(node).__name__:
        case "AlterTableStmt":
            for command in node.cmds:
                if does := _altering(command):
                    yield Heavy(does, _name(node.relation))
        case "IndexStmt":
            yield Heavy("reads all of", _name(node.relation))
        case "UpdateStmt" | "DeleteStmt":
            yield Heavy("may change many rows of", _name(node.relation))
        case "ClusterStmt" | "ReindexStmt" if node.relation is not None:
            yield Heavy("rewrites", _name(node.relation))
        case "RefreshMatViewStmt":
            yield Heavy("rewrites", _name(node.relation))
        case "VacuumStmt" if node.is_vacuumcmd and any(one.defname == "full" for one in node.options or ()):
            for relation in node.rels or ():
                yield Heavy("rewrites", _name(relation.relation))


def _altering(command: Any) -> str:
    name = command.subtype.name
    if name in _REWRITES or (name == "AT_AddColumn" and _fills(command.def_)):
        return "rewrites"
    is_checked = name == "AT_AddConstraint" and not command.def_.skip_validation
    return "reads all of" if is_checked or name in _READS else ""


def _fills(column: Any) -> bool:
    """Whether a new column has another value in each row: from a function, a sequence or other columns."""
    for constraint in column.constraints or ():
        kind = constraint.contype.name
        if kind in ("CONSTR_GENERATED", "CONSTR_IDENTITY"):
            return True
        if kind == "CONSTR_DEFAULT" and "FuncCall" in repr(constraint.raw_expr):
            return True
    return False


def _name(relation: Any) -> str:
    return f"{relation.schemaname or 'public'}.{relation.relname}"
