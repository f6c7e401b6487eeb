"""Finds what the statements of a down would lose: rows of dropped tables, values of dropped columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from tools.database import presence
from tools.database.output import counted
from tools.database.statements import Statement

COLUMN = """
select pg_get_expr(d.adbin, d.adrelid), a.attgenerated <> ''
from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where a.attrelid = to_regclass(%s) and a.attname = %s and not a.attisdropped
"""
# Tables whose columns have a type, and all tables of a schema.
USERS_OF_TYPE = """
select distinct n.nspname, c.relname from pg_attribute a join pg_class c on c.oid = a.attrelid
join pg_namespace n on n.oid = c.relnamespace
where a.atttypid = to_regtype(%s) and c.relkind in ('r', 'p') and not c.relispartition and not a.attisdropped
"""
TABLES_OF_SCHEMA = """
select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = %s and c.relkind in ('r', 'p') and not c.relispartition
"""


@dataclass(frozen=True)
class Loss:
    """Rows that a statement loses; None: it loses some, and how many is not known before."""

    what: str
    rows: int | None

    def __str__(self) -> str:
        count = "an unknown number of rows" if self.rows is None else counted(self.rows, "row")
        return f"{self.what}: {count}"


@dataclass(frozen=True)
class _Target:
    """What a statement takes away; `column` is empty for whole rows."""

    what: str
    table: sql.Identifier
    column: str = ""
    is_countable: bool = True


def find(connection: psycopg.Connection, parts: Sequence[Statement]) -> list[Loss]:
    """Return what the statements would lose now. Counts rows, so it takes as long as reading the tables."""
    found = ((target, _count(connection, target)) for target in _targets(connection, parts))
    return [Loss(target.what, count if target.is_countable else None) for target, count in found if count]


def lock_and_find(connection: psycopg.Connection, parts: Sequence[Statement]) -> list[str]:
    """Lock the tables against all others, and return what would be lost by now."""
    targets = list(_targets(connection, parts))
    for target in targets:
        if presence.has_table(connection, target.table.as_string(None)):
            connection.execute(sql.SQL("lock table {} in access exclusive mode").format(target.table))
    return [target.what for target in targets if _count(connection, target, 1)]


def _targets(connection: psycopg.Connection, parts: Iterable[Statement]) -> Iterator[_Target]:
    for part in parts:
        kind = type(part.node).__name__
        if kind == "DropStmt":
            yield from _dropped(connection, part.node)
        elif kind == "AlterTableStmt":
            table = _relation(part.node.relation)
            for command in part.node.cmds:
                if command.subtype.name == "AT_DropColumn":
                    name = f"column {_text(table)}.{command.name}"
                    yield _Target(name, table, command.name)
        elif kind == "TruncateStmt":
            for relation in part.node.relations:
                yield _Target(f"table {_text(_relation(relation))}", _relation(relation))
        elif kind in ("DeleteStmt", "UpdateStmt"):
            table = _relation(part.node.relation)
            word = "a delete from" if kind == "DeleteStmt" else "an update of"
            yield _Target(f"{word} {_text(table)}", table, is_countable=False)


def _dropped(connection: psycopg.Connection, node: Any) -> Iterator[_Target]:
    kind = node.removeType.name
    for one in node.objects:
        if kind == "OBJECT_TABLE":
            table = sql.Identifier(*(part.sval for part in one))
            yield _Target(f"table {_text(table)}", table)
        elif kind in ("OBJECT_TYPE", "OBJECT_DOMAIN"):
            name = sql.Identifier(*(part.sval for part in one.names))
            for row in connection.execute(USERS_OF_TYPE, [name.as_string(None)]).fetchall():
                yield _Target(f"type {_text(name)} in table {'.'.join(row)}", sql.Identifier(*row))
        elif kind == "OBJECT_SCHEMA":
            for row in connection.execute(TABLES_OF_SCHEMA, [one.sval]).fetchall():
                yield _Target(f"table {'.'.join(row)}", sql.Identifier(*row))


def _count(connection: psycopg.Connection, target: _Target, most: int | None = None) -> int:
    """Return how many rows would lose something: all, or those whose column is not just its default."""
    if not presence.has_table(connection, target.table.as_string(None)):
        return 0
    where: sql.Composable = sql.SQL("true")
    if target.column:
        row = connection.execute(COLUMN, [target.table.as_string(None), target.column]).fetchone()
        if row is None or row[1]:  # a generated column is made anew from the others
            return 0
        name = sql.Identifier(target.column)
        where = sql.SQL("{} is not null").format(name)
        if row[0]:
            # The text of the default comes from Postgres' own catalogue.
            where = sql.SQL("{} and {} is distinct from ({})").format(where, name, sql.SQL(row[0]))
    query = sql.SQL("select count(*) from (select from {} where {} limit {}) t")
    found = connection.execute(query.format(target.table, where, sql.Literal(most))).fetchone()
    return int(found[0]) if found else 0


def _relation(node: Any) -> sql.Identifier:
    return sql.Identifier(*(name for name in (node.schemaname, node.relname) if name))


def _text(name: sql.Identifier) -> str:
    return name.as_string(None).replace('"', "")
