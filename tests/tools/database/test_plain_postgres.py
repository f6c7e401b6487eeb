"""The commands on a plain Postgres, with other default privileges and another owner than a scratch server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.tools.database.plain_server import plain_server
from tests.tools.database.two_environments import CONFIRMED, World
from tools.database import migration_files

pytestmark = pytest.mark.database
BY_HAND = """
revoke execute on function public.admin_health from service_role;
revoke usage on schema public from service_role;
grant select on public.users to service_role;
drop function public.count_users;
drop view public.legacy_users;
"""


@pytest.fixture(params=["postgres", "admin"])
def plain(request, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Production is a plain Postgres, whose migrations one of two superusers applied."""
    world.run("sync")
    with plain_server(tmp_path / "plain", request.param) as url:
        monkeypatch.setenv("DATABASE_ADMIN_URL", url)
        world.production = url
        status, _, error = world.run("sync", *CONFIRMED)
        assert status == 0, error
        yield world


def execute(url: str, text: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(text.encode())


def test_rights_of_service_role_are_restored(plain: World) -> None:
    execute(plain.production, BY_HAND)
    status, out, error = plain.run("drift", "--on", "production", "--undo")
    assert status == 5
    assert "Not undone" not in error, error
    assert "grant execute on function public.count_users() to service_role;" in out
    execute(plain.production, out)
    assert plain.run("drift", "--on", "production")[:2] == (0, "0 differences.\n")


def test_it_is_compared_with_a_database_of_another_owner(plain: World) -> None:
    assert plain.run("drift", "--on", "production", "--against", "development")[:2] == (
        0, "0 differences.\n",
    )  # fmt: skip
    execute(plain.production, "revoke execute on function public.admin_health from service_role")
    status, out, _ = plain.run("drift", "--on", "production", "--against", "development")
    assert (status, out.count("\n")) == (5, 4), out
    assert out.startswith("changed  rights function public.admin_health(")


def test_it_gets_a_history_where_it_is_what_the_migrations_make(plain: World) -> None:
    newest = migration_files.migrations()[-1].version
    execute(
        plain.production, "drop schema supabase_migrations cascade; delete from private.database_identity"
    )
    status, out, error = plain.run("init", "--on", "production", "--baseline", newest)
    assert (status, out) == (0, "The database is production.\n"), error
