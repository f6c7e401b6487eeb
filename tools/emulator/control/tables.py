"""A read-only view of the tables: as a role that can only read, page by page, without secrets."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql
from psycopg.abc import Buffer
from psycopg.types.datetime import DateLoader
from pydantic import Field

from tools.database.errors import DatabaseToolError
from tools.emulator.control.bodies import Fields, NoFields, Refused
from tools.emulator.control.owner import OwnerDatabase
from tools.emulator.control.routes import Json, Route, Routes

READER = "emulator_reader"
TIMEOUT = "5s"
MOST_ROWS, LONGEST_TEXT = 200, 4000
# Never shown, searched or sorted by: sorting would reveal them letter by letter.
HIDDEN = re.compile(r"(^|_)(ciphertext|secret|password|token|saved_method|hash|salt|verifier)(_|$)")
NO_DATABASE = "This stack has no connection as the database's owner."

LIST = """
select format('%s.%s', n.nspname, c.relname) as name,
    coalesce(obj_description(c.oid, 'pg_class'), '') as comment,
    pg_stat_get_live_tuples(c.oid) as rows,
    a.attname as column, format_type(a.atttypid, a.atttypmod) as type,
    coalesce(col_description(c.oid, a.attnum), '') as about,
    exists (
        select from pg_index i where i.indrelid = c.oid and i.indisprimary and a.attnum = any (i.indkey)
    ) as is_key
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where n.nspname in ('public', 'private') and c.relkind in ('r', 'p') and not c.relispartition
order by n.nspname desc, c.relname, a.attnum
"""
OPERATORS = {
    "eq": "{column}::text = {value}",
    "ne": "{column}::text is distinct from {value}",
    "contains": "strpos(lower({column}::text), lower({value})) > 0",
    "lt": "{column} < {value}",
    "gt": "{column} > {value}",
    "null": "{column} is null",
    "notnull": "{column} is not null",
}
_ORDER = "a column, and asc or desc; the primary key downwards if left out"
_FILTER = "only rows that fit; op is eq, ne, contains, lt, gt, null or notnull"


class _DateLoader(DateLoader):
    """Loads dates; `infinity` and `-infinity`, which Python's dates lack, as text."""

    def load(self, data: Buffer) -> Any:
        words = bytes(data).decode()
        return words if words.endswith("infinity") else super().load(data)


class RowsQuery(Fields):
    """A page of a table."""

    table: str = Field("", description="as GET /api/tables names it")
    page: int = Field(1, description="1 and 50 if left out, at most 200 rows")
    size: int = Field(50, description="1 and 50 if left out, at most 200 rows")
    order: str = Field("", description=_ORDER)
    direction: str = Field("", description=_ORDER)
    column: str = Field("", description=_FILTER)
    op: str = Field("eq", description=_FILTER)
    value: str = Field("", description=_FILTER)


class Tables:
    """`get` and `post` list the routes."""

    def __init__(self, owner: OwnerDatabase | None) -> None:
        self._owner = owner
        self.get: Routes = {
            "tables": Route(NoFields, self._list),
            "tables/rows": Route(RowsQuery, self._rows),
        }
        self.post: Routes = {}

    def _list(self, query: NoFields) -> Json:
        """Return the tables with their columns; what is encrypted or secret is marked as hidden."""
        with self._reading() as connection:
            return {"tables": _tables(connection)}

    def _rows(self, query: RowsQuery) -> Json:
        """Return a page of a table."""
        page, size = max(1, query.page), min(MOST_ROWS, max(1, query.size))
        with self._reading() as connection:
            table = next((one for one in _tables(connection) if one["name"] == query.table), None)
            if table is None:
                raise Refused("There is no such table.")
            began = time.perf_counter()
            statement, values = _statement(table, query)
            try:
                rows = connection.execute(statement, [*values, size + 1, (page - 1) * size]).fetchall()
            except psycopg.errors.DataError as error:
                raise Refused(f"The value does not fit the column: {_first_line(error)}") from None
            except psycopg.Error as error:
                raise Refused(_first_line(error)) from None
            ms = round((time.perf_counter() - began) * 1000, 2)
        columns = table["columns"]
        return {
            "table": table["name"],
            "columns": [column["name"] for column in columns],
            "rows": [[shown(value) for value in row] for row in rows[:size]],
            "page": page,
            "size": size,
            "has_more": len(rows) > size,
            "ms": ms,
        }

    @contextmanager
    def _reading(self) -> Iterator[psycopg.Connection]:
        if self._owner is None:
            raise Refused(NO_DATABASE)
        try:
            with self._owner.connect() as connection:
                connection.adapters.register_loader("date", _DateLoader)
                _make_reader(connection)
                with connection.transaction():
                    connection.execute("set transaction read only")
                    connection.execute(f"set local session authorization {READER}".encode())
                    connection.execute(f"set local statement_timeout = '{TIMEOUT}'".encode())
                    yield connection
        except DatabaseToolError as error:
            raise Refused(str(error)) from None
        except psycopg.OperationalError as error:
            raise Refused(f"The database does not answer: {_first_line(error)}") from None


def shown(value: Any) -> Any:
    """Return a value as JSON has it; long texts are cut."""
    if value is None or isinstance(value, bool | int | float | dict | list):
        return value
    text = str(value)
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}… ({len(text)} characters)"


def _make_reader(connection: psycopg.Connection) -> None:
    """Make the role, which may read every table and nothing else, where it is missing."""
    if connection.execute("select from pg_roles where rolname = %s", [READER]).fetchone() is None:
        try:
            connection.execute(f"create role {READER} nologin bypassrls".encode())
        except (
            psycopg.errors.UniqueViolation,
            psycopg.errors.DuplicateObject,
        ):
            return
        connection.execute(f"grant pg_read_all_data to {READER}".encode())


def _tables(connection: psycopg.Connection) -> list[Json]:
    found: dict[str, Json] = {}
    for name, comment, rows, column, kind, about, is_key in connection.execute(LIST).fetchall():
        table = found.setdefault(name, {"name": name, "comment": comment, "rows": rows, "columns": []})
        hidden = _hidden(column, kind)
        table["columns"].append(
            {"name": column, "type": kind, "comment": about, "hidden": hidden, "key": is_key}
        )
    return list(found.values())


def _hidden(column: str, kind: str) -> str | None:
    if column == "ciphertext":
        return "encrypted"
    return "secret" if kind == "bytea" or HIDDEN.search(column) else None


def _statement(table: Json, query: RowsQuery) -> tuple[sql.Composed, list[Any]]:
    parts = [
        sql.Literal(one["hidden"]) if one["hidden"] else sql.Identifier(one["name"])
        for one in table["columns"]
    ]
    condition, values = _condition(table, query)
    keys = [one["name"] for one in table["columns"] if one["key"]] or [table["columns"][0]["name"]]
    if query.order:
        keys = [_column(table, query.order)]
    down = sql.SQL("asc" if query.direction == "asc" else "desc")
    order = sql.SQL(", ").join(sql.SQL("{} {}").format(sql.Identifier(key), down) for key in keys)
    schema, _, name = table["name"].partition(".")
    statement = sql.SQL("select {} from {} where {} order by {} limit %s offset %s").format(
        sql.SQL(", ").join(parts), sql.Identifier(schema, name), condition, order
    )
    return statement, values


def _condition(table: Json, query: RowsQuery) -> tuple[sql.Composable, list[Any]]:
    if not query.column:
        return sql.SQL("true"), []
    operator = OPERATORS.get(query.op)
    if operator is None:
        raise Refused(f"op is one of {', '.join(OPERATORS)}.")
    column = sql.Identifier(_column(table, query.column))
    condition = sql.SQL(operator).format(column=column, value=sql.Placeholder())
    return condition, [query.value] if "{value}" in operator else []


def _column(table: Json, name: str) -> str:
    found = next((one for one in table["columns"] if one["name"] == name), None)
    if found is None:
        raise Refused(f"{table['name']} has no column {name}.")
    if found["hidden"]:
        raise Refused(f"{name} is hidden: it can neither be searched nor sorted by.")
    return str(found["name"])


def _first_line(error: psycopg.Error) -> str:
    return str(error).strip().partition("\n")[0]
