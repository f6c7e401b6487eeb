"""Run the pgTAP files of supabase/tests, which `supabase test db` runs on an owner's machine.

They state who may call and reach what; no test in Python repeats that. pgTAP is plain SQL: what Debian's
package installs runs on the embedded Postgres too.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.first_server import create_synced
from tools.database import migration_files
from tools.database.embedded import Server

FILES = sorted((migration_files.SUPABASE / "tests").glob("*.test.sql"))
PGTAP = sorted(Path("/usr/share/postgresql").glob("*/extension/pgtap--?.?.?.sql"))


@pytest.fixture(scope="module")
def tap_url(server: Server) -> Iterator[str]:
    """A migrated database with pgTAP in schema extensions."""
    if not PGTAP:
        pytest.skip("pgTAP is missing: apt-get install postgresql-15-pgtap")
    url = create_synced(server, "pgtap")
    with psycopg.connect(server.url("pgtap", "supabase_admin"), autocommit=True) as connection:
        connection.execute("create schema if not exists extensions")
        connection.execute("set search_path = extensions, public")
        connection.execute(PGTAP[-1].read_bytes())
        connection.execute("grant usage on schema extensions to public")
    yield url
    server.drop_database("pgtap")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_of_checks_passes(tap_url: str, path: Path) -> None:
    lines = []
    with psycopg.connect(tap_url, autocommit=True) as connection:
        connection.execute("set search_path = public, extensions")
        cursor = connection.execute(path.read_bytes())
        while True:
            if cursor.description:
                lines += [str(value) for row in cursor.fetchall() for value in row]
            if not cursor.nextset():
                break
    assert [line for line in lines if not re.match(r"ok|1\.\.\d", line)] == []
    assert len([line for line in lines if line.startswith("ok")]) == int(lines[0].removeprefix("1.."))
