"""The Postgres of `make up`: embedded, kept in .switchboard/, touched only when it bears our marker."""

from __future__ import annotations

import secrets
from pathlib import Path

import psycopg

from tools.database import admins, marker, migrate, reset, schemas
from tools.database.embedded import Server

NAME = "switchboard"
ROLE = "bot_backend"
# What the Supabase CLI expects of its local stack, so that its commands work against this one.
PASSWORD = "postgres"  # noqa: S105  of a server that listens on 127.0.0.1 only


class LocalDatabase:
    """Starts the server, brings the database up to date and lets the functions' role in."""

    def __init__(self, directory: Path, port: int) -> None:
        self.server = Server(directory / "postgres", port, password=PASSWORD)
        self.port = port

    def start(self, empty: bool = False) -> list[str]:
        """Start and migrate; returns the migrations applied. Raises DatabaseToolError and psycopg.Error."""
        self.server.start()
        admin = self.server.url(NAME)
        made = self._create()
        with migrate.connect(admin) as connection:
            marker.require(connection)
        if empty and not made:
            reset.reset(self.server.url(NAME, "supabase_admin"))
        self._backend_password = secrets.token_urlsafe(24)
        applied = migrate.sync(admin, self._backend_password)
        if made:
            schemas.seed(admin)
        return [str(migration) for migration in applied]

    def migrate(self) -> list[str]:
        """Apply what was added to supabase/migrations while running."""
        return [str(migration) for migration in migrate.sync(self.server.url(NAME))]

    def appoint(self, email: str, telegram_id: int) -> None:
        """Make somebody the only admin."""
        environment = {"ADMIN_EMAILS": email, "ADMIN_TELEGRAM_IDS": str(telegram_id)}
        admins.write(self.server.url(NAME), environment)

    @property
    def functions_url(self) -> str:
        """The DSN of the functions."""
        return self.server.url(NAME, ROLE, self._backend_password)

    def stop(self) -> None:
        """Stop the server; the data stays."""
        self.server.stop()

    def _create(self) -> bool:
        with psycopg.connect(self.server.url(), autocommit=True) as connection:
            row = connection.execute("select from pg_database where datname = %s", [NAME]).fetchone()
        if row is None:
            self.server.create_database(NAME)
        return row is None
