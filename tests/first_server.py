"""The Postgres that a run makes once: initdb, all migrations and the demonstration set take some seconds.

Every server of the tests that needs nothing else begins as a copy of it.
"""

from __future__ import annotations

import fcntl
import tempfile
from pathlib import Path

import psycopg
import pytest

from tests import known_database
from tools.database import migrate, schemas
from tools.database.embedded import SUPERUSER, Server, free_port

BACKEND_PASSWORD = "backend's password"
# SYNCED has all migrations and nothing else: a template, to which no test connects. MIGRATED also has the
# demonstration set of products, and the rows to which known_database.py returns.
SYNCED = "synced"
MIGRATED = "migrated"
# The rights to a database itself, TEMPORARY above all, are no part of what CREATE DATABASE copies.
RIGHTS = """
    update pg_database as made set datacl = template.datacl from pg_database as template
    where made.datname = %(name)s and template.datname = %(template)s
"""


def new_server(directory: str | Path | None = None, *, durable: bool = False) -> Server:
    """Return a server that is not started, in a new folder or in this one, with generous default rights."""
    directory = directory or tempfile.mkdtemp(prefix="switchboard-tests-")
    return Server(directory, free_port(), durable=durable, generous=True)


def start_copy(config: pytest.Config, server: Server) -> None:
    """Start a new server with a copy of the first server's data."""
    server.copy_data(_first_server(run_folder(config)))
    server.start()


def create_synced(server: Server, name: str) -> str:
    """Make a database with all migrations and nothing else; return its DSN (postgres)."""
    url = server.create_database(name, SYNCED)
    with psycopg.connect(server.url(name, SUPERUSER), autocommit=True) as connection:
        connection.execute(RIGHTS, {"name": name, "template": SYNCED})
    return url


def base_folder(config: pytest.Config) -> Path:
    """Return the folder of temporary files of this process, which is within that of the run."""
    factory: pytest.TempPathFactory = config._tmp_path_factory
    return factory.getbasetemp()


def run_folder(config: pytest.Config) -> Path:
    """Return the folder of this run's temporary files, those of all workers included."""
    folder = base_folder(config)
    return folder.parent if hasattr(config, "workerinput") else folder


def remove_first_server(config: pytest.Config) -> None:
    """Remove the data that was copied, at the end of a run."""
    link = run_folder(config) / "first_server"
    if link.exists():
        new_server(link.resolve()).remove()


def _first_server(folder: Path) -> Server:
    """Return the stopped server of a run; the first process that needs it makes it."""
    link = folder / "first_server"
    with link.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not link.exists():
            server = new_server()
            link.symlink_to(server.directory)
            try:
                _migrate_and_seed(server)
                server.stop()
            except BaseException:
                link.unlink()
                server.remove()
                raise
    return new_server(link.resolve())


def _migrate_and_seed(server: Server) -> None:
    server.start()
    migrate.sync(server.create_database(SYNCED), BACKEND_PASSWORD)
    schemas.seed(create_synced(server, MIGRATED))
    with psycopg.connect(server.url(MIGRATED, SUPERUSER)) as connection:
        known_database.keep(connection)
