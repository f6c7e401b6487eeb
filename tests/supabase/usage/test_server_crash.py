"""The commit of receive_update does not wait for the disk: a crash loses an update whole or not at all."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from tests import sql_results
from tests.first_server import BACKEND_PASSWORD, create_synced, new_server, start_copy
from tests.supabase.usage.users import Update
from tests.support import new_telegram_id
from tools.database.embedded import Server

_numbers = itertools.count(4_700_000_000)
Call = Callable[..., Any]


@pytest.fixture(autouse=True)
def no_limits() -> None:
    """Keep the limits: these tests have a server of their own."""


@pytest.fixture(scope="module")
def own_server(pytestconfig: pytest.Config) -> Iterator[Server]:
    """A server whose data survive a crash, with a migrated database."""
    server = new_server(durable=True)
    try:
        start_copy(pytestconfig, server)
        create_synced(server, "crashes")
        yield server
    finally:
        server.remove()


@pytest.fixture
def own_call(own_server: Server) -> Call:
    """Call a function of the API over a connection of its own."""

    def run(function: str, *values: Any, **named: Any) -> Any:
        url = own_server.url("crashes", "bot_backend", BACKEND_PASSWORD)
        with psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection:
            return sql_results.call(connection, function, *values, **named)

    return run


def crash(server: Server) -> None:
    server.stop(immediate=True)
    server.start()


def stored(server: Server, telegram_id: int) -> tuple[int, int]:
    """Return how many requests a user's updates have reserved, and how many are counted."""
    with psycopg.connect(server.url("crashes", "supabase_admin")) as connection:
        query = """
            select
              (select count(*) from telegram_updates where chat_id = %(user)s and reserved_from = 'plan'),
              (select coalesce(sum(d.requests), 0) from daily_usage d join users u on u.id = d.user_id
                where u.telegram_id = %(user)s)
        """
        row = connection.execute(query, {"user": telegram_id}).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def test_an_update_lost_before_its_end_is_received_again(own_server: Server, own_call: Call) -> None:
    update = Update(own_call, "assistant", next(_numbers), new_telegram_id())
    crash(own_server)

    reserved, counted = stored(own_server, update.telegram_id)
    assert reserved == counted
    outcome = update.finish("settled")["outcome"]
    assert outcome == ("finished" if reserved else "superseded")
    if outcome == "superseded":
        update.received = update.receive()
        assert update.finish("settled")["outcome"] == "finished"
    assert stored(own_server, update.telegram_id) == (1, 1)


def test_a_finished_update_survives(own_server: Server, own_call: Call) -> None:
    update = Update(own_call, "assistant", next(_numbers), new_telegram_id())
    assert update.finish("settled")["outcome"] == "finished"
    crash(own_server)

    assert update.receive()["outcome"] == "finished"
    assert stored(own_server, update.telegram_id) == (1, 1)
