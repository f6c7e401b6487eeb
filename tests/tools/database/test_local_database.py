"""The database of `./switchboard up`, and the Supabase CLI's --local commands on it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tools.database import connections, migrate, migration_files
from tools.database.embedded import Server, free_port
from tools.database.migration_files import SUPABASE
from tools.emulator.local_database import LocalDatabase

pytestmark = pytest.mark.database

CLI = Path(
    os.environ.get("SUPABASE_CLI")
    or SUPABASE.parent / "tools/supabase_cli/node_modules/@supabase/cli-linux-x64/bin/supabase"
)
needs_cli = pytest.mark.skipif(not CLI.exists(), reason="npm ci --prefix tools/supabase_cli")
ONE = """create table public.one (id int);

create function public.f() returns int language sql as $$ select 1; $$;
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the account of a Postgres started by root can enter."""
    path = Path(tempfile.mkdtemp(prefix="switchboard-tests-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    server = Server(folder / "postgres", free_port(), password="postgres", durable=False)
    server.start()
    yield server
    server.remove()


@pytest.fixture
def project(folder: Path, server: Server) -> Path:
    """A project of the Supabase CLI whose local database is the server, with one migration."""
    (folder / "supabase" / "migrations").mkdir(parents=True)
    config = (SUPABASE / "config.toml").read_text()
    assert re.search(r"^port = 54322$", config, re.MULTILINE), "the port that `up` listens on"
    config = re.sub(r"^port = 54322$", f"port = {server.port}", config, flags=re.MULTILINE)
    (folder / "supabase" / "config.toml").write_text(config.partition("[db.migrations]")[0])
    (folder / "supabase" / "migrations" / "20260101000000_one.sql").write_text(ONE)
    return folder


def cli(project: Path, *command: str) -> str:
    done = subprocess.run(
        [CLI, *command, "--workdir", project], cwd=project, stdin=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "HOME": str(project), "SUPABASE_TELEMETRY_DISABLED": "1"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@needs_cli
def test_the_local_commands_of_the_cli_see_what_we_applied(project: Path, server: Server) -> None:
    migrate.sync(server.url(), folder=project / "supabase" / "migrations")
    listed = cli(project, "migration", "list", "--local")
    assert len(re.findall("20260101000000", listed)) == 2  # as a file, and as applied
    assert "up to date" in cli(project, "db", "push", "--local", "--yes")


@needs_cli
def test_we_see_what_the_cli_applied(project: Path, server: Server) -> None:
    cli(project, "migration", "up", "--local")
    migrations = project / "supabase" / "migrations"
    assert migrate.sync(server.url(), folder=migrations) == []
    with connections.connect(server.url()) as connection:
        assert migrate.changed(connection, migrations) == []


def test_a_migration_that_was_changed_after_it_was_applied_is_named(project: Path, server: Server) -> None:
    migrations = project / "supabase" / "migrations"
    (first,) = migrate.sync(server.url(), folder=migrations)
    with connections.connect(server.url()) as connection:
        (migrations / "20260101000000_one.sql").write_text(ONE.replace("\n\n", "\n") + "\n")
        assert migrate.changed(connection, migrations) == []  # blank lines make no other schema
        (migrations / "20260101000000_one.sql").write_text(ONE.replace("id int", "id bigint"))
        (migrations / "20260101000001_two.sql").write_text("select 1;")  # not applied yet
        assert [str(migration) for migration in migrate.changed(connection, migrations)] == [str(first)]


def test_the_database_is_created_once_kept_and_emptied_on_request(folder: Path) -> None:
    database = LocalDatabase(folder, free_port())
    try:
        assert len(database.start()) == len(migration_files.migrations())
        assert database.functions_url.endswith(f"@127.0.0.1:{database.port}/postgres")
        insert(database)
        database.stop()
        assert (database.start(), people(database), database.changed()) == ([], 1, [])
        database.start(empty=True)
        assert people(database) == 0
    finally:
        database.server.remove()


def insert(database: LocalDatabase) -> None:
    with psycopg.connect(database.server.url("postgres", "supabase_admin")) as connection:
        connection.execute("insert into users (telegram_id) values (1)")


def people(database: LocalDatabase) -> int:
    with psycopg.connect(database.server.url("postgres", "supabase_admin")) as connection:
        row = connection.execute("select count(*) from users").fetchone()
    assert row is not None
    return int(row[0])
