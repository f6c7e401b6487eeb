"""The old table: where it is, what it consists of, what would collide, and its move into schema `legacy`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from tools.adopt.columns import Columns, recognize
from tools.database import applying, bookkeeping, migration_files
from tools.database.errors import DatabaseToolError

SCHEMA = "legacy"
LOCK = 7_305_421_978  # any number but bookkeeping.LOCK: two adoptions move one after the other
FETCHED = 2_000  # rows held in memory at once

_MAKES = re.compile(
    r"^create\s+(?:or\s+replace\s+)?(?:unlogged\s+)?(?:unique\s+)?(table|view|function|index|sequence)\s+"
    r"(?:if\s+not\s+exists\s+)?(?:public\.)?(\w+)(?=\s|\(|;)",
    re.IGNORECASE | re.MULTILINE,
)
Connection = psycopg.Connection[Any]


@dataclass(frozen=True)
class Table:
    """A table by schema and name."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def identifier(self) -> sql.Identifier:
        """Return it for a statement."""
        return sql.Identifier(self.schema, self.name)


@dataclass(frozen=True)
class Blocker:
    """A table, view, sequence or function of schema public whose name a migration of ours needs."""

    kind: str  # as `alter` calls it: table, view, materialized view, sequence, function
    name: str  # with the types of a function's parameters
    is_movable: bool = True


@dataclass
class Surroundings:
    """What refers to the old table and goes on referring to it wherever it is, and what does not."""

    keys: list[str] = field(default_factory=list)  # foreign keys
    views: list[str] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)  # whose text names the table: they must be changed


def parse(name: str) -> Table:
    """Return a table written as schema.table.

    Raises:
        DatabaseToolError: it is not written so.
    """
    schema, dot, table = name.partition(".")
    if not (schema and dot and table) or "." in table:
        raise DatabaseToolError(f"--table {name}: write it as schema.table, such as public.users.")
    return Table(schema, table)


def find(connection: Connection, wanted: str | None) -> Table:
    """Return the old table: the one named, or public.users as long as it is not ours, then legacy.users.

    Raises:
        DatabaseToolError: there is none, or it is our own table.
    """
    table = parse(wanted or "public.users")
    if is_ours(connection, table) or not exists(connection, table):
        moved = Table(SCHEMA, table.name)
        if table.schema == "public" and exists(connection, moved):
            return moved
        if is_ours(connection, table):
            raise DatabaseToolError(f"{table} is Switchboard’s own table, and there is no {moved} to adopt.")
        raise DatabaseToolError(f"There is no table {table} in this database.")
    return table


def exists(connection: Connection, table: Table) -> bool:
    """Return whether a table is there."""
    query = (
        "select exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace "
        "where n.nspname = %s and c.relname = %s and c.relkind in ('r', 'p'))"
    )
    return bool(_one(connection, query, [table.schema, table.name]))


def is_ours(connection: Connection, table: Table) -> bool:
    """Return whether it is a table of Switchboard: in public, after the first migration."""
    ours = {name for kind, name in _our_names() if kind == "table"}
    return table.schema == "public" and table.name in ours and is_installed(connection)


def is_installed(connection: Connection) -> bool:
    """Return whether any migration of ours is applied."""
    known = {migration.version for migration in migration_files.migrations()}
    return bool(known.intersection(bookkeeping.applied_versions(connection)))


def is_current(connection: Connection) -> bool:
    """Return whether all migrations of ours are applied."""
    return {m.version for m in migration_files.migrations()} <= set(bookkeeping.applied_versions(connection))


def columns(connection: Connection, table: Table) -> Columns:
    """Return what the columns of the table mean.

    Raises:
        DatabaseToolError: none holds Telegram ids.
    """
    rows = connection.execute(
        "select a.attname, a.attidentity <> '' "
        "or coalesce(pg_get_expr(d.adbin, d.adrelid) like 'nextval(%%', false) from pg_attribute a "
        "left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum "
        "where a.attrelid = %s::regclass and a.attnum > 0 and not a.attisdropped order by a.attnum",
        [table.identifier.as_string(connection)],
    ).fetchall()
    found = recognize([name for name, _ in rows], [name for name, is_serial in rows if is_serial])
    if "telegram_id" not in found.fields:
        raise DatabaseToolError(f"No column of {table} holds Telegram ids, such as telegram_id or tg_id.")
    return found


def rows(connection: Connection, table: Table, names: list[str]) -> Iterator[tuple[str | None, ...]]:
    """Yield rows with the named columns as text, dates in ISO form and UTC, without holding all in memory.

    The order is that of the rows' text, so that two runs over unchanged rows read the same order.
    """
    listed = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in names)
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        for setting in ("timezone = 'UTC'", "datestyle = 'ISO, YMD'", "statement_timeout = 0"):
            connection.execute(f"set local {setting}".encode())
        with connection.cursor(name="adopt") as cursor:
            cursor.itersize = FETCHED
            cursor.execute(sql.SQL("select {} from {} order by 1").format(listed, table.identifier))
            yield from cursor


def blockers(connection: Connection) -> list[Blocker]:
    """Return what stands in the way of our migrations; nothing once the first one is applied.

    A table takes its indexes, constraints and sequences along when it moves.
    """
    if is_installed(connection):
        return []
    ours = _our_names()
    relations = sorted({name for kind, name in ours if kind != "function"} | {"users"})
    found = [
        Blocker(kind, name, kind != "index")
        for kind, name in connection.execute(
            "select case c.relkind when 'v' then 'view' when 'm' then 'materialized view' "
            "when 'S' then 'sequence' when 'i' then 'index' when 'I' then 'index' "
            "when 'f' then 'foreign table' when 'c' then 'type' "
            "else 'table' end, c.relname from pg_class c "
            "left join pg_index i on i.indexrelid = c.oid left join pg_class t on t.oid = i.indrelid "
            "where c.relnamespace = 'public'::regnamespace and c.relname = any(%(names)s) "
            # What belongs to a table that moves goes with it.
            "and not coalesce(t.relname = any(%(names)s), false) and not exists (select from pg_depend d "
            "join pg_class o on o.oid = d.refobjid where d.classid = 'pg_class'::regclass "
            "and d.objid = c.oid and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i') "
            "and o.relname = any(%(names)s)) order by 2",
            {"names": relations},
        )
    ]
    found += [
        Blocker("function", name)
        for (name,) in connection.execute(
            "select format('%%I(%%s)', p.proname, pg_get_function_identity_arguments(p.oid)) from pg_proc p "
            "where p.pronamespace = 'public'::regnamespace and p.prokind = 'f' and p.proname = any(%s) "
            "and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass "
            "and d.objid = p.oid and d.deptype = 'e') order by 1",
            [sorted({name for kind, name in ours if kind == "function"})],
        )
    ]
    return found


def surroundings(connection: Connection, table: Table) -> Surroundings:
    """Return what refers to the table."""
    name = table.identifier.as_string(connection)
    keys = connection.execute(
        "select format('%%s of %%s', conname, conrelid::regclass) from pg_constraint "
        "where contype = 'f' and confrelid = %s::regclass and conrelid <> confrelid order by 1",
        [name],
    )
    views = connection.execute(
        "select distinct r.ev_class::regclass::text from pg_rewrite r "
        "join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid "
        "where d.refclassid = 'pg_class'::regclass and d.refobjid = %s::regclass order by 1",
        [name],
    )
    functions = connection.execute(
        "select format('%%I.%%I', n.nspname, p.proname) from pg_proc p "
        "join pg_namespace n on n.oid = p.pronamespace "
        "where n.nspname <> all(array['pg_catalog', 'information_schema', 'private']) "
        "and n.nspname not like 'pg\\_%%' "
        "and p.prosrc ~* %s and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass "
        "and d.objid = p.oid and d.deptype = 'e') order by 1",
        [rf"\y{re.escape(table.name)}\y"],
    )
    is_moved = table.schema == SCHEMA
    return Surroundings(
        [row[0] for row in keys], [row[0] for row in views], [] if is_moved else [row[0] for row in functions]
    )


def to_move(connection: Connection, table: Table) -> list[Blocker]:
    """Return what an adoption moves: the table, if it is in public, and what stands in the way."""
    moving = blockers(connection)
    is_there = table.schema == "public" and exists(connection, table) and not is_ours(connection, table)
    if is_there and Blocker("table", table.name) not in moving:
        moving.append(Blocker("table", table.name))
    return moving


def move(connection: Connection, table: Table) -> list[Blocker]:
    """Move the table and what stands in the way into schema legacy, in one transaction; return what moved.

    Raises:
        DatabaseToolError: something cannot be moved; nothing was.
    """
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", [LOCK])
        connection.execute("select set_config('lock_timeout', %s, true)", [applying.LOCK_TIMEOUT])
        moving = to_move(connection, table)
        fixed = [one for one in moving if not one.is_movable]
        if fixed:
            named = ", ".join(f"{one.kind} {one.name}" for one in fixed)
            raise DatabaseToolError(f"Rename these first, for Switchboard needs their names: {named}.")
        if moving:
            connection.execute(f"create schema if not exists {SCHEMA}".encode())
            for role in ("public", *_api_roles(connection)):
                connection.execute(f"revoke all on schema {SCHEMA} from {role}".encode())
        for one in moving:
            connection.execute(f"alter {one.kind} public.{_quoted(one)} set schema {SCHEMA}".encode())
    return moving


def move_back(connection: Connection, moved: list[Blocker]) -> None:
    """Undo a move, after the first migration could not be applied."""
    with connection.transaction():
        for one in moved:
            connection.execute(f"alter {one.kind} {SCHEMA}.{_quoted(one)} set schema public".encode())


def close(connection: Connection) -> None:
    """Take the rights of the Data API's roles on what is in schema legacy.

    Those of service_role on tables stay, for views of the owner that read with its rights.
    """
    with connection.transaction():
        # Two at once would fail with "tuple concurrently updated".
        connection.execute("select pg_advisory_xact_lock(%s)", [LOCK])
        if not _one(connection, "select exists (select from pg_namespace where nspname = %s)", [SCHEMA]):
            return
        for role in ("public", *_api_roles(connection)):
            connection.execute(f"revoke all on schema {SCHEMA} from {role}".encode())
            if role != "service_role":
                connection.execute(f"revoke all on all tables in schema {SCHEMA} from {role}".encode())
                connection.execute(f"revoke all on all sequences in schema {SCHEMA} from {role}".encode())


def _api_roles(connection: Connection) -> list[str]:
    found = connection.execute(
        "select rolname from pg_roles "
        "where rolname in ('anon', 'authenticated', 'service_role', 'bot_backend')"
    )
    return [row[0] for row in found]


def _quoted(one: Blocker) -> str:
    return one.name if one.kind == "function" else sql.Identifier(one.name).as_string(None)


def _our_names() -> set[tuple[str, str]]:
    return {
        (kind.lower(), name.lower())
        for migration in migration_files.migrations()
        for kind, name in _MAKES.findall(migration.text)
    }


def _one(connection: Connection, query: str, arguments: list[Any]) -> Any:
    row = connection.execute(query.encode(), arguments).fetchone()
    return row[0] if row else None
