"""Written ways back: supabase/downs/<migration>.sql takes one migration back, in one transaction.

Each is tried forth and back, so that a `rollback` finds no surprise: afterwards the database is what it was.
"""

from __future__ import annotations

from pathlib import Path

import psycopg

from tools.database import (
    applying,
    catalogue,
    connections,
    migration_files,
    prepare,
    schema_drift,
    snapshots,
    statements,
)
from tools.database.catalogue import Catalogue
from tools.database.errors import MigrationError, StatementError
from tools.database.migration_files import Migration
from tools.database.snapshots import Change
from tools.database.statements import Statement


def read(migration: Migration) -> list[Statement]:
    """Return the statements that take a migration back; none where nothing is written.

    Raises StatementError for statements that no transaction can hold.
    """
    written = migration_files.down(migration)
    if written is None:
        return []
    found = statements.read(written)
    if not statements.is_transactional(found):
        raise StatementError(f"{written}: a down is one transaction; take `concurrently` out of it.")
    if not found:
        raise StatementError(f"{written} is empty: a down has statements, or is not written.")
    return found


def run(connection: psycopg.Connection, migration: Migration, parts: list[Statement]) -> None:
    """Take a migration back in an open transaction. Raises psycopg.Error with the statement's number."""
    for number, part in enumerate(parts, 1):
        with applying.noted(f"in the down of {migration}, statement {number} of {len(parts)}"):
            connection.execute(part.text)
    connection.execute(
        "delete from supabase_migrations.schema_migrations where version = %s", [migration.version]
    )


def forth_and_back(
    connection: psycopg.Connection, url: str, migration: Migration, before: Catalogue, *, rows: bool = True
) -> list[Change]:
    """Take back a migration that was just applied, apply it again, and return what is not as it was.

    `before` is what the database consisted of before the migration; `rows` compares rows as well, of a
    database that is not in use.
    """
    after = describe(connection, rows=rows)
    with connections.as_owner(connection):
        run(connection, migration, read(migration))
    back = snapshots.compare(before, describe(connection, rows=rows))
    applying.Applying(connection, url, [*_known_up_to(migration)])(migration)
    return back + snapshots.compare(after, describe(connection, rows=rows))


def describe(connection: psycopg.Connection, *, rows: bool) -> Catalogue:
    """Return what a scratch database consists of."""
    described = catalogue.describe(connection)
    return described | catalogue.rows(connection) if rows else described


def try_all(programs: Path | None = None, only: Migration | None = None) -> dict[str, list[Change]]:
    """Take every migration that has a down, or one, forth and back; return what was not as it was.

    Raises MigrationError for a down without its migration, psycopg.Error for one that fails.
    """
    known = migration_files.migrations()
    strays = sorted({path.stem for path in migration_files.DOWNS.glob("*.sql")} - {str(one) for one in known})
    if strays:
        raise MigrationError(f"supabase/downs: no migration is called {', '.join(strays)}.")
    found: dict[str, list[Change]] = {}
    tried = [one for one in known if migration_files.down(one) and only in (None, one)]
    with schema_drift.scratch(programs) as server, connections.connect(server.url()) as connection:
        prepare.prepare(connection)
        apply = applying.Applying(connection, server.url(), known)
        for migration in known[: known.index(tried[-1]) + 1] if tried else ():
            if migration not in tried:
                apply(migration)
                continue
            before = describe(connection, rows=True)
            apply(migration)
            found[str(migration)] = forth_and_back(connection, server.url(), migration, before)
    return found


def _known_up_to(migration: Migration) -> list[Migration]:
    return [one for one in migration_files.migrations() if one.version <= migration.version]
