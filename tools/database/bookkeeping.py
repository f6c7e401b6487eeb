"""The history of a database: the table of the Supabase CLI, which both read and write."""

from collections.abc import Sequence

import psycopg

from tools.database.errors import Edited, MigrationError
from tools.database.migration_files import Migration

LOCK = 7_305_421_977  # any number; the same one keeps two runs apart

BOOKKEEPING = """
create schema if not exists supabase_migrations;
create table if not exists supabase_migrations.schema_migrations (version text not null primary key);
alter table supabase_migrations.schema_migrations add column if not exists statements text[];
alter table supabase_migrations.schema_migrations add column if not exists name text;
"""


def applied_versions(connection: psycopg.Connection) -> list[str]:
    """Return the versions the database says it has, in order; none when it was never migrated."""
    # Not to_regclass: it may answer from a cache that is older than the lock that was waited for.
    there = connection.execute(
        "select from pg_class where relname = 'schema_migrations'"
        " and relnamespace = (select oid from pg_namespace where nspname = 'supabase_migrations')"
    ).fetchone()
    if there is None:
        return []
    rows = connection.execute("select version from supabase_migrations.schema_migrations order by version")
    return [version for (version,) in rows]


def prepare(connection: psycopg.Connection) -> None:
    """Make the table of the Supabase CLI, or its newer columns, where absent.

    Where they are there nothing is locked: `alter table` would keep every reader of the table waiting for as
    long as the migration takes.
    """
    row = connection.execute(
        "select count(*) from pg_attribute a join pg_class c on c.oid = a.attrelid"
        " join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'supabase_migrations'"
        " and c.relname = 'schema_migrations' and a.attname in ('version', 'statements', 'name')"
    ).fetchone()
    if row is None or row[0] < 3:
        connection.execute(BOOKKEEPING)


def record(connection: psycopg.Connection, migration: Migration, texts: list[str]) -> None:
    """Write a migration as applied, as the Supabase CLI does."""
    connection.execute(
        "insert into supabase_migrations.schema_migrations (version, statements, name) values (%s, %s, %s)",
        [migration.version, texts, migration.name],
    )


def check(applied: Sequence[str], known: Sequence[Migration]) -> None:
    """Raise MigrationError unless what is applied is a beginning of what we have."""
    versions = [migration.version for migration in known]
    foreign = sorted(set(applied) - set(versions))
    if foreign:
        raise Edited(
            f"The database has migrations that are not in supabase/migrations: {', '.join(foreign)}."
            " It belongs to a newer or another version of this code; update the code first."
        )
    skipped = [
        version for version in versions if applied and version < applied[-1] and version not in applied
    ]
    if skipped:
        raise MigrationError(
            f"The database is past {', '.join(skipped)} without having applied it."
            f" Give it a later time: ./switchboard database rename {skipped[0]}"
        )
