"""A Postgres that Supabase never saw: one superuser, none of Supabase's roles and default privileges."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.database import binaries
from tools.database.account import account
from tools.database.embedded import Server, free_port


@contextmanager
def plain_server(directory: Path, superuser: str = "postgres") -> Iterator[str]:
    """Serve an empty database; yields its DSN as the superuser, who needs no password."""
    server = Server(directory, free_port(), durable=False)
    runner = account(server.data)
    server.data.mkdir(mode=0o700)
    runner.own(server.data)
    programs = binaries.reachable(binaries.embedded(), runner)
    made = runner.run(
        programs / "initdb", "-U", superuser, "--auth", "trust", "-E", "UTF8", "--no-sync", "-D", server.data
    )
    assert made.returncode == 0, made.stderr
    (server.directory / "password").write_text("")
    (server.directory / "prepared").touch()
    server.start()
    try:
        yield f"postgresql://{superuser}@127.0.0.1:{server.port}/postgres"
    finally:
        server.remove()
