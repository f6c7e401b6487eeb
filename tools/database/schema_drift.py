"""Do supabase/migrations and supabase/schemas make the same database?

Each is applied to a server of its own: roles belong to a whole server, so on a shared one a migration could
rely on a role that only the other text creates.
"""

import atexit
import functools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.database import catalogue, connections, migrate, schemas
from tools.database.catalogue import Catalogue, Difference
from tools.database.embedded import Server, free_port
from tools.database.migration_files import SUPABASE


@contextmanager
def scratch(programs: Path | None = None) -> Iterator[Server]:
    """Serve an empty database like that of an older, generous Supabase project; deleted afterwards."""
    empty = _empty(programs)
    server = _server(programs)
    try:
        server.copy_data(empty)
        server.start()
        yield server
    finally:
        server.remove()


@functools.cache
def _empty(programs: Path | None) -> Server:
    """Make an empty server, stopped, once per process: a copy of its data is there sooner than a new one."""
    server = _server(programs)
    atexit.register(server.remove)
    with server:
        return server


def _server(programs: Path | None) -> Server:
    directory = tempfile.mkdtemp(prefix="switchboard-")
    return Server(directory, free_port(), programs=programs, durable=False, generous=True)


def compare(programs: Path | None = None, supabase: Path = SUPABASE) -> list[Difference]:
    """Return the differences between migrations and schemas. Takes about four seconds."""
    return catalogue.differences(from_migrations(programs, supabase), from_schemas(programs, supabase))


def from_migrations(programs: Path | None = None, supabase: Path = SUPABASE) -> Catalogue:
    """Describe what the migrations make."""
    with scratch(programs) as server:
        migrate.sync(server.url(), folder=supabase / "migrations")
        with connections.connect(server.url()) as connection:
            return catalogue.describe(connection) | catalogue.rows(connection)


def from_schemas(programs: Path | None = None, supabase: Path = SUPABASE) -> Catalogue:
    """Describe what the schema files make."""
    with scratch(programs) as server, connections.connect(server.url()) as connection:
        schemas.apply(connection, supabase)
        return catalogue.describe(connection) | catalogue.rows(connection)
