"""A Postgres of our own: who may enter, and what survives."""

import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tools.database import embedded
from tools.database.embedded import Server, free_port
from tools.database.errors import ServerError

pytestmark = pytest.mark.database


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server that a test may stop and start."""
    server = Server(tmp_path / "postgres", free_port(), durable=False)
    server.start()
    yield server
    server.remove()


def query(url: str, text: str) -> object:
    with psycopg.connect(url, prepare_threshold=None) as connection:
        row = connection.execute(text.encode()).fetchone()
        assert row is not None
        return row[0]


def test_users_are_those_of_the_hosted_service(server: Server) -> None:
    assert query(server.url(), "select rolsuper from pg_roles where rolname = current_user") is False
    assert query(
        server.url(user="supabase_admin"), "select rolsuper from pg_roles where rolname = current_user"
    )
    assert query(
        server.url(),
        "select rolcreaterole and rolcreatedb and rolbypassrls from pg_roles where rolname = 'postgres'",
    )


def test_a_connection_needs_the_password(server: Server) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(f"postgresql://postgres:wrong@127.0.0.1:{server.port}/postgres")
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(f"postgresql://postgres@127.0.0.1:{server.port}/postgres", passfile=os.devnull)


def test_the_password_is_a_file_only_we_can_read(server: Server) -> None:
    file = server.directory / "password"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(file.read_text()) >= 24
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700


def test_passwords_in_a_url_are_quoted(server: Server) -> None:
    assert server.url("x", "bot_backend", "a/b@c") == (
        f"postgresql://bot_backend:a%2Fb%40c@127.0.0.1:{server.port}/x"
    )
    assert server.url("x", "bot_backend") == f"postgresql://bot_backend@127.0.0.1:{server.port}/x"


def test_letters_of_every_language_have_cases(server: Server) -> None:
    assert query(server.url(), "select lower('ПРИВЕТ, ÄRGER')") == "привет, ärger"


def test_a_new_database_is_like_a_new_project(empty_url: str) -> None:
    assert query(empty_url, "select current_user") == "postgres"
    assert query(empty_url, "select has_schema_privilege('anon', 'extensions', 'usage')")
    # Generous here: the access tests mean nothing without it.
    assert (
        query(
            empty_url, "select count(*) from pg_default_acl where array_to_string(defaclacl, ',') ~ 'anon='"
        )
        == 3
    )


def test_a_power_cut_loses_nothing_committed(own_server: Server) -> None:
    with psycopg.connect(own_server.url()) as connection:
        connection.execute("create table kept as select 1 as one")
    own_server.stop(immediate=True)
    assert not own_server.running
    own_server.start()
    assert query(own_server.url(), "select one from kept") == 1


def test_a_second_start_takes_over_what_is_running(own_server: Server) -> None:
    again = Server(own_server.directory, own_server.port)
    assert again.running
    again.start()
    assert again.password == own_server.password
    assert query(again.url(), "select 1") == 1


def test_another_port_means_a_restart_there(own_server: Server) -> None:
    moved = Server(own_server.directory, free_port(), durable=False)
    moved.start()
    assert query(moved.url(), "show port") == str(moved.port)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(own_server.url(), connect_timeout=2)


def test_a_pid_file_that_names_another_process_is_stale(own_server: Server) -> None:
    own_server.stop()
    # As after a crash in a container that is started anew: the number belongs to another process by now.
    stale = [
        str(os.getpid()),
        str(own_server.data),
        "0",
        str(own_server.port),
        "",
        "127.0.0.1",
        "0 0",
        "ready",
    ]
    (own_server.data / "postmaster.pid").write_text("\n".join(stale) + "\n")
    assert not own_server.running
    own_server.start()
    assert query(own_server.url(), "select 1") == 1


def test_a_taken_port_is_a_clear_error(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind((embedded.HOST, 0))
        taken.listen()
        server = Server(tmp_path / "postgres", taken.getsockname()[1], durable=False)
        try:
            with pytest.raises(ServerError, match="is taken by another program"):
                server.start()
        finally:
            server.remove()


def test_data_of_another_major_is_left_alone(own_server: Server) -> None:
    own_server.stop()
    (own_server.data / "PG_VERSION").write_text("14\n")
    with pytest.raises(ServerError, match="was made by Postgres 14"):
        own_server.start()


def test_removing_leaves_nothing(tmp_path: Path) -> None:
    server = Server(tmp_path / "postgres", free_port(), durable=False)
    server.start()
    server.remove()
    assert not server.running
    assert not server.data.exists()
    assert not server.directory.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another user")
def test_root_serves_from_elsewhere_what_the_other_user_cannot_reach(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    server = Server(hidden / "postgres", free_port(), durable=False)
    assert str(server.data) in capsys.readouterr().err
    try:
        server.start()
        assert query(server.url(), "select 1") == 1
        assert stat.S_IMODE(hidden.stat().st_mode) == 0o700
    finally:
        server.remove()
    assert not server.data.parent.exists()
