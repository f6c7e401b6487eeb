"""Brings any Postgres to the newest migration, with the bookkeeping of the Supabase CLI.

Both may be used on the same database in any order: `supabase db push` and `sync` read and write the same
table. One migration is one transaction (tools/database/applying.py), so a database is always exactly at one
of them; the exception are statements that no transaction can hold, each remembered by itself.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import psycopg
from psycopg import sql

from tools.database import applying, bookkeeping, connections, migration_files, prepare, statements
from tools.database.migration_files import Migration
from tools.database.runs import Run

Progress = Callable[[str], None]


def sync(
    url: str,
    bot_backend_password: str | None = None,
    folder: Path | None = None,
    *,
    run: Run | None = None,
    to_version: str | None = None,
    progress: Progress | None = None,
) -> list[Migration]:
    """Bring the database to the newest migration and return those that were applied (none: it was there).

    An empty plain Postgres gets what a Supabase project would have first. With a password, role bot_backend
    may log in with it afterwards. Safe to run twice and from two places at once. Raises DatabaseToolError or
    psycopg.Error; what was applied before the failing migration stays.
    """
    known = migration_files.migrations(folder)
    wanted = [m for m in known if to_version is None or m.version <= to_version]
    with connections.connect(url) as connection:
        prepare.prepare(connection)
        todo = pending(connection, known, wanted)
        apply = applying.Applying(connection, url, known, run, progress)
        applied = [migration for migration in todo if apply(migration)]
        if bot_backend_password:
            let_in(connection, "bot_backend", bot_backend_password)
    return applied


def pending(
    connection: psycopg.Connection, known: Sequence[Migration], wanted: Sequence[Migration]
) -> list[Migration]:
    """Return those of `wanted` that the database has not. Raises MigrationError (`check`)."""
    applied = bookkeeping.applied_versions(connection)
    bookkeeping.check(applied, known)
    return [migration for migration in wanted if migration.version not in applied]


def changed(connection: psycopg.Connection, folder: Path | None = None) -> list[Migration]:
    """Return the applied migrations whose files do something else than what was applied.

    Comments and white space do not count.
    """
    rows = connection.execute(
        "select version, array_to_string(statements, E';\n') from supabase_migrations.schema_migrations"
        " where statements is not null"
    )
    applied = {str(version): str(text) for version, text in rows}
    return [
        m for m in migration_files.migrations(folder)
        if applied.get(m.version, m.text) != m.text
        and statements.checksum(applied[m.version]) != statements.checksum(m.text)
    ]  # fmt: skip


def let_in(connection: psycopg.Connection, role: str, password: str) -> None:
    """Give a role LOGIN and a password, which reaches the server and its log only as a SCRAM verifier."""
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    statement = sql.SQL("alter role {} with login password {}").format(
        sql.Identifier(role), sql.Literal(verifier.decode())
    )
    with connection.transaction():
        # Two at once would fail with "tuple concurrently updated".
        connection.execute("select pg_advisory_xact_lock(%s)", [bookkeeping.LOCK])
        connection.execute(statement)
