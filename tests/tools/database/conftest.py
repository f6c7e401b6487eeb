"""A Postgres of their own, with the rights of an older Supabase project, and one migrated database.

Not the one the running stack uses: these tests change roles and settings that belong to a whole server.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.first_server import BACKEND_PASSWORD, MIGRATED, create_synced, new_server, start_copy
from tests.tools.database.two_environments import World
from tools.database import migrate, migration_files
from tools.database.embedded import Server


@pytest.fixture(scope="session")
def server(pytestconfig: pytest.Config) -> Iterator[Server]:
    server = new_server()
    try:
        start_copy(pytestconfig, server)
        server.drop_database(MIGRATED)  # it has the demonstration set
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def database_url(server: Server) -> str:
    """The migrated database, as its superuser."""
    url = create_synced(server, MIGRATED)
    migrate.sync(url, BACKEND_PASSWORD)  # a test before may have set another password
    return server.url(MIGRATED, "supabase_admin")


@pytest.fixture(autouse=True)
def known_rows() -> None:
    """Restore no rows: a test here rolls back what it changes, or has a database of its own."""


@pytest.fixture
def database(database_url: str) -> Iterator[psycopg.Connection]:
    """A superuser's connection in a transaction that is rolled back."""
    with psycopg.connect(database_url, prepare_threshold=None) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def empty_url(server: Server) -> Iterator[str]:
    """A database of its own, like a new Supabase project, as `postgres`."""
    yield server.create_database("empty")
    server.drop_database("empty")


@pytest.fixture
def world(server: Server, tmp_path: Path, monkeypatch, capsys) -> Iterator[World]:
    folder = tmp_path / "supabase" / "migrations"
    shutil.copytree(
        migration_files.SUPABASE, folder.parent, ignore=shutil.ignore_patterns("tests", ".temp", "downs")
    )
    for name in ("development", "production"):
        create_synced(server, name)
    made = World(server, folder, monkeypatch, capsys)
    made.on(made.production, "comment on database production is null")
    made.on(made.production, "insert into private.database_identity values ('production', true)")
    yield made
    for name in ("development", "production"):
        server.drop_database(name)
