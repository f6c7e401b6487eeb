"""The proxy between the functions and Postgres, against a real Postgres."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tools.database.embedded import Server, free_port
from tools.emulator.database import Database


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory: Path = tmp_path_factory.mktemp("proxy") / "postgres"
    server = Server(directory, free_port(), durable=False)
    server.start()
    url = server.create_database("proxied")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create table public.notes (text text)")
        connection.execute(
            "create function public.write_note(p_text text) returns bigint language sql as"
            " 'insert into public.notes values (p_text); select count(*) from public.notes'"
        )
    yield url
    server.stop(immediate=True)
    server.remove()


@pytest.fixture
def database(upstream: str) -> Iterator[Database]:
    with psycopg.connect(upstream, autocommit=True) as connection:
        connection.execute("truncate public.notes")
    database = Database(upstream)
    yield database
    database.down()


def connect(database: Database) -> psycopg.Connection:
    return psycopg.connect(database.url, autocommit=True, prepare_threshold=None, connect_timeout=5)


def write(connection: psycopg.Connection, text: str) -> object:
    row = connection.execute("select public.write_note(p_text => %s)", (text,)).fetchone()
    assert row is not None
    return row[0]


def notes(upstream: str) -> list[str]:
    with psycopg.connect(upstream) as connection:
        return [row[0] for row in connection.execute("select text from public.notes order by 1").fetchall()]


def test_statements_pass_through(database: Database) -> None:
    with connect(database) as connection:
        assert [write(connection, "one"), write(connection, "two")] == [1, 2]
        big = "x" * 300_000
        row = connection.execute("select %s::text", (big,)).fetchone()
        assert row is not None
        assert row[0] == big


def test_tls_is_refused_and_the_client_goes_on_without(database: Database) -> None:
    with psycopg.connect(database.url.replace("disable", "prefer"), autocommit=True) as connection:
        assert write(connection, "plain") == 1


def test_a_database_that_is_down_cuts_and_refuses_connections(database: Database) -> None:
    connection = connect(database)
    database.down()
    with pytest.raises(psycopg.OperationalError):
        write(connection, "lost")
    connection.close()
    with pytest.raises(psycopg.OperationalError):
        connect(database)

    database.up()
    with connect(database) as again:
        assert write(again, "back") == 1


def test_cut_before_a_statement_leaves_nothing_behind(database: Database, upstream: str) -> None:
    database.on("write_note", when="before", do="cut")
    with connect(database) as connection, pytest.raises(psycopg.OperationalError):
        write(connection, "never")
    assert notes(upstream) == []

    with connect(database) as connection:
        assert write(connection, "once only") == 1


def test_cut_after_a_statement_hides_an_answer_that_is_committed(database: Database, upstream: str) -> None:
    database.on("write_note", when="after", do="cut")
    with connect(database) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
        with pytest.raises(psycopg.OperationalError):
            write(connection, "kept")
    assert notes(upstream) == ["kept"]


def test_a_hook_runs_before_postgres_sees_the_statement(database: Database, upstream: str) -> None:
    seen: list[list[str]] = []
    database.on("write_note", when="before", do=lambda: seen.append(notes(upstream)))
    with connect(database) as connection:
        assert write(connection, "hooked") == 1
        assert write(connection, "not hooked") == 2
    assert seen == [[]]


def test_a_client_that_dies_before_a_statement_has_not_sent_it(database: Database, upstream: str) -> None:
    connection = connect(database)

    def die() -> None:
        with socket.socket(fileno=os.dup(connection.fileno())) as end:
            end.shutdown(socket.SHUT_RDWR)

    database.on("write_note", when="before", do=die)
    with pytest.raises(psycopg.OperationalError):
        write(connection, "never")
    connection.close()
    with connect(database) as again:
        assert write(again, "the next one") == 1


def test_a_hook_runs_after_the_commit_and_before_the_client_knows(database: Database, upstream: str) -> None:
    seen: list[list[str]] = []
    known = threading.Event()

    def look() -> None:
        seen.append(notes(upstream))
        time.sleep(0.05)
        assert not known.is_set()

    database.on("write_note", when="after", do=look, times=2)
    with connect(database) as connection:
        write(connection, "a")
        known.set()
        known.clear()
        write(connection, "b")
    assert seen == [["a"], ["a", "b"]]


def test_only_the_named_statement_sets_a_hook_off(database: Database) -> None:
    database.on("write", when="before", do="cut")
    with connect(database) as connection:
        assert write(connection, "another word") == 1


def test_other_connections_live_on_when_one_is_cut(database: Database) -> None:
    with connect(database) as bystander, connect(database) as victim:
        database.on("write_note", when="before", do="cut")
        with pytest.raises(psycopg.OperationalError):
            write(victim, "x")
        assert write(bystander, "y") == 1


def test_a_statement_can_be_cancelled_through_the_proxy(database: Database) -> None:
    with connect(database) as connection:
        threading.Timer(0.1, connection.cancel_safe).start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("select pg_sleep(5)")
