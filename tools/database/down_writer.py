"""Writes the way back of a migration: what turns the database after it into the one before it.

Rows that the migration added are deleted by their key; changed rows and what ddl cannot say are named, to be
added by hand. The result is tried forth and back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from tools.database import (
    applying,
    catalogue,
    connections,
    downs,
    drafts,
    migrate,
    migration_files,
    schema_drift,
    snapshots,
)
from tools.database.catalogue import Catalogue
from tools.database.errors import MigrationError
from tools.database.migration_files import Migration
from tools.database.snapshots import Change


@dataclass(frozen=True)
class Written:
    """The file, and what is not as before after going forth and back with it."""

    path: Path
    left: Sequence[Change]


def write(given: str | None) -> Written:
    """Write supabase/downs/<migration>.sql for a migration, by default the newest one.

    Raises MigrationError where there is one already, or where nothing can be written.
    """
    known = migration_files.migrations()
    migration = migration_files.find(given) if given else known[-1]
    path = migration_files.DOWNS / f"{migration}.sql"
    if path.exists():
        raise MigrationError(f"supabase/downs/{path.name} is there already.")
    earlier = [one.version for one in known if one.version < migration.version]
    with schema_drift.scratch() as server, connections.connect(server.url()) as connection:
        migrate.sync(server.url(), to_version=earlier[-1] if earlier else "0")
        rows, before = catalogue.rows(connection), snapshots.describe(connection)
        applying.Applying(connection, server.url(), known)(migration)
        statements = _statements(connection, rows, before)
        if not statements:
            raise MigrationError(f"{migration}: no statement that takes it back is known. Write it by hand.")
        path.parent.mkdir(exist_ok=True)
        reason = f"-- Takes back: {migration.name.replace('_', ' ')}."
        path.write_text("\n\n".join([reason, *statements]) + "\n", encoding="utf-8")
    left = try_one(migration)
    migration_files.add_hash(f"downs/{path.name}")
    return Written(path, left)


def try_one(migration: Migration) -> list[Change]:
    """Take a migration forth and back on a scratch server; return what is not as it was."""
    return downs.try_all(only=migration)[str(migration)]


def _statements(connection: psycopg.Connection, rows: Catalogue, before: Catalogue) -> list[str]:
    added = {key: text for key, text in catalogue.rows(connection).items() if key not in rows}
    deletes = [one for one in _deletes(connection, added) if drafts.runs(connection, one)]
    return deletes + drafts.write(connection, before)


def _deletes(connection: psycopg.Connection, added: Catalogue) -> Iterator[str]:
    """Yield what deletes the rows that a migration added, the newest table first."""
    tables = connection.execute(catalogue.TABLES).fetchall()
    columns = {f"{schema}.{table}": key for schema, table, key, _ in tables}
    for (_, name), text in reversed(added.items()):
        table, row = name.partition(" ")[0], json.loads(text)
        key = columns.get(table) or []
        if key and all(isinstance(row.get(column), str | int | bool) for column in key):
            where = sql.SQL(" and ").join(
                sql.SQL("{} = {}").format(sql.Identifier(column), sql.Literal(row[column])) for column in key
            )
            yield (
                sql.SQL("delete from {} where {};")
                .format(sql.Identifier(*table.split(".")), where)
                .as_string(None)
            )
