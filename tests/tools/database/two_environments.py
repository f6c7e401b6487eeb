"""Development and production on one server, for tests of the commands."""

from __future__ import annotations

import sys
from pathlib import Path

import psycopg
import pyrage
import pytest

from tools.database import __main__ as program
from tools.database import addresses, migration_files
from tools.database.embedded import Server

CONFIRMED = ("--on", "production", "--confirm", "production", "--plan", "current")
LATER = 20990101000000


class World:
    """Development and production on one server, a folder of migrations, and the commands."""

    def __init__(self, server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
        self.server, self.folder = server, folder
        self._monkeypatch, self._capsys = monkeypatch, capsys
        self.development, self.production = server.url("development"), server.url("production")
        monkeypatch.setattr(migration_files, "SUPABASE", folder.parent)
        monkeypatch.setattr(migration_files, "MIGRATIONS", folder)
        monkeypatch.setattr(migration_files, "DOWNS", folder.parent / "downs")
        monkeypatch.setenv("DEVELOPMENT_DATABASE_URL", self.development)
        monkeypatch.setenv("DATABASE_ADMIN_URL", self.production)
        monkeypatch.delenv("BOT_BACKEND_PASSWORD", raising=False)
        monkeypatch.setenv("BACKUP_PLACE", str(folder.parent / "backups"))
        monkeypatch.setenv("BACKUP_RECIPIENT", str(pyrage.x25519.Identity.generate().to_public()))

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Run a command in this process; return its exit status and what it printed."""
        self._monkeypatch.setattr(sys, "argv", ["database", *arguments])
        status = program.main()
        printed = self._capsys.readouterr()
        return status, printed.out, printed.err

    def add(self, text: str, number: int = 1) -> Path:
        """Add a migration behind all others."""
        path = self.folder / f"{LATER + number}_later_{number}.sql"
        path.write_text(text)
        return path

    def add_down(self, text: str, number: int = 1) -> Path:
        """Write what takes that migration back."""
        path = self.folder.parent / "downs" / f"{LATER + number}_later_{number}.sql"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    def schema(self, name: str, text: str) -> Path:
        """Add to the schema files what a migration makes."""
        path = self.folder.parent / "schemas" / name
        path.write_text((path.read_text() if path.exists() else "") + text)
        return path

    def on(self, url: str, query: str, *values: object) -> list[tuple]:
        """Run a statement in one of the databases as its superuser."""
        name = addresses.read(url)["dbname"]
        with psycopg.connect(self.server.url(name, "supabase_admin"), autocommit=True) as connection:
            cursor = connection.execute(query.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def both(self) -> None:
        """Bring both to the newest migration."""
        assert self.run("sync")[0] == 0
        assert self.run("sync", *CONFIRMED)[0] == 0
