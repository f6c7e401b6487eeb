"""Says what a database has: tables, columns and functions come with migrations that an older one lacks."""

from __future__ import annotations

import psycopg


def has_table(connection: psycopg.Connection, name: str) -> bool:
    """Whether there is a table or view of this name, with its schema, quoted as in SQL."""
    return _is_true(connection, "select to_regclass(%s) is not null", name)


def has_function(connection: psycopg.Connection, name: str) -> bool:
    """Whether there is exactly one function of this name, with its schema."""
    return _is_true(connection, "select to_regproc(%s) is not null", name)


def has_column(connection: psycopg.Connection, table: str, column: str) -> bool:
    """Whether there is a table of this name with its schema, and it has the column."""
    query = (
        "select exists (select from pg_attribute where attrelid = to_regclass(%s) and attname = %s"
        " and not attisdropped)"
    )
    return _is_true(connection, query, table, column)


def _is_true(connection: psycopg.Connection, query: str, *values: str) -> bool:
    return connection.execute(query.encode(), values).fetchone() == (True,)
