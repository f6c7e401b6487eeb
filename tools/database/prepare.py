"""Makes a plain Postgres close enough to a Supabase project for the migrations to apply.

Only what is absent is made, and nothing at all on a hosted Supabase, where everything is there.
"""

from collections.abc import Sequence
from typing import LiteralString

import psycopg
from psycopg import errors, sql

from tools.database.errors import PrepareError

# As Supabase declares them; its timeouts for the two roles of the Data API are part of their behaviour.
ROLES: dict[str, tuple[LiteralString, ...]] = {
    "anon": ("create role anon nologin noinherit", "alter role anon set statement_timeout = '3s'"),
    "authenticated": (
        "create role authenticated nologin noinherit",
        "alter role authenticated set statement_timeout = '8s'",
    ),
    "service_role": ("create role service_role nologin noinherit bypassrls",),
    "authenticator": (
        "create role authenticator login noinherit",
        "alter role authenticator set statement_timeout = '8s'",
        "grant anon, authenticated, service_role to authenticator",
    ),
}

SCHEMA: tuple[LiteralString, ...] = (
    "create schema extensions",
    "grant usage on schema extensions to anon, authenticated, service_role",
    "grant usage on schema public to anon, authenticated, service_role",
)

# What Supabase granted on new tables, sequences and functions until 2026-10-30. Older projects still carry
# it, so access tests run under it: without it they would pass even if a migration forgot to revoke.
GENEROUS: tuple[LiteralString, ...] = (
    "alter default privileges for role {owner} in schema public"
    " grant all on tables to anon, authenticated, service_role",
    "alter default privileges for role {owner} in schema public"
    " grant all on sequences to anon, authenticated, service_role",
    "alter default privileges for role {owner} in schema public"
    " grant all on functions to anon, authenticated, service_role",
)


def prepare(connection: psycopg.Connection, *, generous: bool = False) -> list[str]:
    """Make the roles, the schema and the rights of a Supabase project where absent; return what was made.

    `generous` also sets the default privileges of Supabase projects older than 2026-10-30 (for tests).
    Raises PrepareError when something is absent that the connected user may not make.
    """
    if _is_supabase(connection):
        return []
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise PrepareError(
            f"Database {connection.info.dbname} has the encoding {encoding}, which cannot hold every letter:"
            " make one with encoding 'UTF8' (template template0)."
        )
    made = []
    for name, statements in ROLES.items():
        if not _exists(connection, "pg_roles", "rolname", name):
            made.append(_make(connection, f"role {name}", statements))
    if not _exists(connection, "pg_namespace", "nspname", "extensions"):
        made.append(_make(connection, "schema extensions", SCHEMA))
        if _other_postgres(connection):
            made.append(_make(connection, "rights of postgres", _rights_of_postgres(connection)))
    if generous:
        made.append(_make(connection, "generous default privileges", _generous(connection)))
    return made


def owner(connection: psycopg.Connection) -> str:
    """Return the role that owns what migrations make: `postgres` as with the CLI, else the connected user."""
    row = connection.execute(
        "select case when exists (select from pg_roles where rolname = 'postgres')"
        " and pg_has_role(current_user, 'postgres', 'member')"
        " and has_database_privilege('postgres', current_database(), 'create')"
        " then 'postgres' else current_user::text end"
    ).fetchone()
    assert row is not None
    return str(row[0])


def _is_supabase(connection: psycopg.Connection) -> bool:
    """Whether Supabase made this project: its superuser exists, and this is another role."""
    row = connection.execute(
        "select exists (select from pg_roles where rolname = 'supabase_admin')"
        " and not (select rolsuper from pg_roles where rolname = current_user)"
    ).fetchone()
    return row is not None and bool(row[0])


def _exists(connection: psycopg.Connection, catalogue: str, column: str, name: str) -> bool:
    query = sql.SQL("select 1 from {} where {} = %s").format(
        sql.Identifier(catalogue), sql.Identifier(column)
    )
    return connection.execute(query, [name]).fetchone() is not None


def _other_postgres(connection: psycopg.Connection) -> bool:
    """Whether there is a `postgres` that is no superuser and so needs rights of its own."""
    row = connection.execute("select not rolsuper from pg_roles where rolname = 'postgres'").fetchone()
    return row is not None and bool(row[0])


def _rights_of_postgres(connection: psycopg.Connection) -> Sequence[sql.SQL | sql.Composed]:
    database = sql.Identifier(connection.info.dbname)
    return [
        sql.SQL("grant all on database {} to postgres").format(database),
        sql.SQL("grant all on schema public to postgres"),
        sql.SQL("alter schema extensions owner to postgres"),
        sql.SQL("grant pg_monitor to postgres"),
        sql.SQL("grant anon, authenticated, service_role to postgres with admin option"),
    ]


def _generous(connection: psycopg.Connection) -> Sequence[sql.SQL | sql.Composed]:
    name = sql.Identifier(owner(connection))
    return [sql.SQL(statement).format(owner=name) for statement in GENEROUS]


def _make(
    connection: psycopg.Connection,
    what: str,
    statements: Sequence[LiteralString] | Sequence[sql.SQL | sql.Composed],
) -> str:
    try:
        with connection.transaction():
            for statement in statements:
                connection.execute(statement)
    except (errors.DuplicateObject, errors.DuplicateSchema, errors.UniqueViolation):
        pass  # roles belong to the whole cluster, and another database of it was being prepared just now
    except errors.InsufficientPrivilege as error:
        raise PrepareError(
            f"This Postgres lacks {what}, and {connection.info.user} may not make it:"
            " run sync once as a superuser."
        ) from error
    return what
