"""Empties a database of the emulator: dropped and made anew, migrated and seeded."""

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tools.database import connections, marker, migrate, schemas
from tools.database.errors import DatabaseToolError


def reset(url: str) -> None:
    """Make the database what a new one would be; every row is lost.

    Raises NotOurs unless it bears the emulator's marker, so that no other database is ever emptied.
    """
    with connections.connect(url) as connection:
        marker.require(connection)
    name = str(conninfo_to_dict(url)["dbname"])
    # Prepared like a Supabase project by embedded.Server, as every database made from it.
    with connections.connect(make_conninfo(url, dbname="template1")) as connection:
        _recreate(connection, name)
    migrate.sync(url)
    schemas.seed(url)


def _recreate(connection: psycopg.Connection, name: str) -> None:
    database = sql.Identifier(name)
    try:
        connection.execute(sql.SQL("drop database {} with (force)").format(database))
    except psycopg.errors.InsufficientPrivilege as error:
        raise DatabaseToolError(
            f"Another user is connected to {name}: stop the functions, or give the URL of supabase_admin."
        ) from error
    connection.execute(sql.SQL("create database {} owner postgres").format(database))
    marker.mark(connection, name)
