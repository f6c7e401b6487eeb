"""The embedded Postgres of `./switchboard up` in .switchboard/. Changes only databases with our marker."""

from __future__ import annotations

import secrets
from pathlib import Path

from shared.features.courses import library
from tools.courses import loading
from tools.database import admins, bookkeeping, connections, marker, migrate, reset, schemas
from tools.database.embedded import SUPERUSER, Server
from tools.database.migration_files import Migration

ROLE = "bot_backend"
# Database and password of the Supabase CLI's --local commands (port 54322: config.toml).
NAME = "postgres"
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
        with connections.connect(admin) as connection:
            marker.require(connection)
            is_new = not bookkeeping.applied_versions(connection)
        if empty and not is_new:
            reset.reset(self.owner_url)
        self._backend_password = secrets.token_urlsafe(24)
        applied = migrate.sync(admin, self._backend_password)
        if is_new:
            schemas.seed(admin)
        if is_new or empty:
            for folder in library.folders():
                loading.load(admin, folder, is_on_sale=True)
        return [str(migration) for migration in applied]

    def migrate(self) -> list[str]:
        """Apply what was added to supabase/migrations while running."""
        return [str(migration) for migration in migrate.sync(self.server.url(NAME))]

    def changed(self) -> list[Migration]:
        """Return the applied migrations whose files say something else by now."""
        with connections.connect(self.server.url(NAME)) as connection:
            return migrate.changed(connection)

    def appoint(self, email: str, telegram_id: int) -> None:
        """Make one user the only admin."""
        environment = {"ADMIN_EMAILS": email, "ADMIN_TELEGRAM_IDS": str(telegram_id)}
        admins.write(self.server.url(NAME), environment)

    @property
    def functions_url(self) -> str:
        """Return the DSN of the functions."""
        return self.server.url(NAME, ROLE, self._backend_password)

    @property
    def owner_url(self) -> str:
        """Return the DSN of the superuser, for what only the emulator does."""
        return self.server.url(NAME, SUPERUSER)

    def stop(self) -> None:
        """Stop the server; the data stays."""
        self.server.stop()
