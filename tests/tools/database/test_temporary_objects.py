"""Temporary objects of a caller never replace what a function of the owner names.

Postgres searches pg_temp first for types while it is not in the search path. A temporary domain in the place
of `date` would then run its check as the owner of every SECURITY DEFINER function that casts to `date`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from tools.database import binaries, migrate, schema_drift
from tools.database.embedded import Server

pytestmark = pytest.mark.database

BACKEND_PASSWORD = "backend's password"
# Types that the API functions declare, cast to or return.
TYPES = ("int8", "bool", "date", "int4", "interval", "jsonb", "numeric", "text", "timestamptz", "uuid")
CALLS = (
    "receive_update('assistant', 1, gen_random_uuid(), 'message', 1, '{\"id\": 1}', '{}', 40)",
    "redeem_promocode(1, 'NOPE', 'r')",
    "get_user_usage_stats(1)",
    "check_access(1)",
    "sweep()",
)


@pytest.fixture(scope="module", params=[15, 18])
def attacked(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server with a migrated database, on the oldest and the newest Postgres."""
    with schema_drift.scratch(_programs(request.param)) as server:
        migrate.sync(server.create_database("attacked"), BACKEND_PASSWORD)
        yield server


def _as_backend(server: Server) -> psycopg.Connection:
    url = server.url("attacked", "bot_backend", BACKEND_PASSWORD)
    return psycopg.connect(url, autocommit=True, prepare_threshold=None)


def _as_owner(server: Server, statement: LiteralString) -> None:
    with psycopg.connect(server.url("attacked", "supabase_admin")) as connection:
        connection.execute(statement)


def _programs(major: int) -> Path:
    if major == binaries.EMBEDDED_MAJOR:
        return binaries.embedded()
    if not Path(f"/usr/lib/postgresql/{major}/bin/initdb").exists():
        pytest.skip(f"Postgres {major} is not installed (CI installs it)")
    return binaries.debian(major)


def test_the_backend_may_make_nothing_temporary(attacked: Server) -> None:
    with _as_backend(attacked) as connection:
        for statement in (
            "create temporary table users ()",
            "create domain pg_temp.date as pg_catalog.date",
            "create function pg_temp.now() returns timestamptz language sql as 'select null'",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())


@pytest.mark.parametrize("type_", TYPES)
def test_a_temporary_domain_is_not_found_by_the_owners_functions(attacked: Server, type_: str) -> None:
    """Even where a project grants the right to make temporary objects again."""
    _as_owner(attacked, "grant temporary on database attacked to bot_backend")
    try:
        with _as_backend(attacked) as connection:
            connection.execute(
                f"create function pg_temp.attack(v pg_catalog.{type_}) returns pg_catalog.bool"
                " language plpgsql as $$ begin"
                " raise exception 'the attack ran as %', current_user; end $$".encode()
            )
            connection.execute(
                f"create domain pg_temp.{type_} as pg_catalog.{type_} check (pg_temp.attack(value))".encode()
            )
            for call in CALLS:
                try:
                    connection.execute(f"select public.{call}".encode())
                except psycopg.Error as error:
                    assert "the attack ran" not in str(error)
    finally:
        _as_owner(attacked, "revoke temporary on database attacked from bot_backend")
