"""Only a database of the emulator is ever emptied."""

import psycopg
import pytest
from psycopg import sql

from tools.database import bookkeeping, marker, migration_files, reset
from tools.database.embedded import Server
from tools.database.errors import NotOurs

pytestmark = pytest.mark.database


def test_a_marked_database_is_made_anew(server: Server) -> None:
    url = server.create_database("to_reset")
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("create table old ()")
        reset.reset(url)
        with psycopg.connect(url) as connection:
            assert marker.is_marked(connection)
            assert connection.execute("select to_regclass('old')").fetchone() == (None,)
            assert bookkeeping.applied_versions(connection) == [
                migration.version for migration in migration_files.migrations()
            ]
    finally:
        server.drop_database("to_reset")


def test_a_database_without_the_marker_is_left_alone(server: Server) -> None:
    url = server.create_database("foreign_database")
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(sql.SQL("comment on database foreign_database is 'production'"))
            connection.execute("create table precious ()")
        with pytest.raises(NotOurs, match="does not bear the emulator's marker"):
            reset.reset(url)
        with psycopg.connect(url) as connection:
            assert connection.execute("select to_regclass('precious')::text").fetchone() == ("precious",)
    finally:
        server.drop_database("foreign_database")
