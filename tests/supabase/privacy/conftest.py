"""Drive users through the SQL functions as the functions call them: updates, erasure, return."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest

from shared.core.signatures import user_hash
from tests import sql_results
from tests.support import new_telegram_id

Sql = Callable[..., list[dict[str, Any]]]
KEY = "the key of these tests, of 32 characters or more"
_updates = itertools.count(1_700_000_000)


def call(connection: psycopg.Connection, function: str, **parameters: Any) -> Any:
    """Call a public SQL function and return its result."""
    return sql_results.call(connection, function, **parameters)


@dataclass
class SqlUser:
    """A Telegram user; the first update creates the users row."""

    connect: Callable[[], psycopg.Connection]
    id: int = field(default_factory=new_telegram_id)
    name: str = "Anna"
    bot: str = "assistant"

    @property
    def hash(self) -> str:
        return user_hash(self.id, KEY)

    def receive(
        self, update_id: int, *, on: psycopg.Connection | None = None, chat_id: int | None = None, **more: Any
    ) -> Any:
        """Receive an update of the user, or receive it again."""
        given = {
            "p_bot": self.bot,
            "p_update_id": update_id,
            "p_delivery": "00000000-0000-0000-0000-" + f"{next(_updates):012}",
            "p_kind": "message",
            "p_chat_id": chat_id or self.id,
            "p_telegram_user": {"id": self.id, "first_name": self.name, "hash": self.hash},
            "p_payload": {"words": f"words of {self.id}"},
            "p_lease_seconds": 40,
            **more,
        }
        return self._call(on, "receive_update", given)

    def finish(self, update_id: int, *, on: psycopg.Connection | None = None, **more: Any) -> Any:
        """Finish an update of the user with an answer."""
        answer = {"method": "sendMessage", "chat_id": self.id, "text": f"answer to {self.id}"}
        given = {
            "p_bot": self.bot,
            "p_update_id": update_id,
            "p_attempt": 1,
            "p_answer": answer,
            **more,
        }
        return self._call(on, "finish_update", given)

    def erase(self, *, on: psycopg.Connection | None = None, update_id: int = 0, balance: str = "0") -> Any:
        """Erase the user, by a new update where `update_id` is not given."""
        if not update_id:
            update_id = next_update()
            self.receive(update_id, on=on, p_kind="callback_query")
        answer = {"method": "sendMessage", "chat_id": self.id, "text": "gone"}
        session = {"erase": {"hash": self.hash, "balance": balance}}
        return self.finish(update_id, on=on, p_session=session, p_answer=answer)

    def ask(self) -> int:
        """Serve one AI request of the user; return its update_id."""
        update_id = next_update()
        received = self.receive(update_id, p_reserve=True)
        assert received["reservation"] == "reserved"
        words = [{"role": role, "content": f"{role} {self.id}"} for role in ("user", "assistant")]
        self.finish(update_id, p_reservation="settled", p_messages=words)
        return update_id

    def _call(self, on: psycopg.Connection | None, function: str, given: dict[str, Any]) -> Any:
        if on is not None:
            return call(on, function, **given)
        with self.connect() as connection:
            return call(connection, function, **given)


def next_update() -> int:
    """Return an update_id that was not used before."""
    return next(_updates)


@pytest.fixture
def connect(backend_url: str) -> Callable[[], psycopg.Connection]:
    """Return a factory of connections as the functions have them, in autocommit mode."""
    return lambda: psycopg.connect(backend_url, autocommit=True, prepare_threshold=None)


@pytest.fixture
def make_user(connect: Callable[[], psycopg.Connection]) -> Callable[..., SqlUser]:
    """`make_user()` returns a new user."""
    return lambda **more: SqlUser(connect, **more)


@pytest.fixture
def anna(make_user: Callable[..., SqlUser]) -> SqlUser:
    """Return a user who was served already."""
    anna = make_user()
    anna.ask()
    return anna


@pytest.fixture
def transaction(backend_url: str) -> Iterator[Callable[[], psycopg.Connection]]:
    """`transaction()` returns a connection with an open transaction, closed after the test."""
    opened: list[psycopg.Connection] = []

    def begin() -> psycopg.Connection:
        opened.append(psycopg.connect(backend_url, prepare_threshold=None))
        return opened[-1]

    yield begin
    for connection in opened:
        connection.close()


def id_of(sql: Sql, user: SqlUser) -> int | None:
    """Return the user's users.id, or None."""
    rows = sql("select id from users where telegram_id = %s", user.id)
    return int(rows[0]["id"]) if rows else None


def dump_rows(sql: Sql) -> str:
    """Return every row of every table as text."""
    tables = sql(
        "select c.oid::regclass::text as name from pg_class c "
        "where c.relnamespace in ('public'::regnamespace, 'private'::regnamespace) and c.relkind = 'r'"
    )
    rows = [row["text"] for table in tables for row in sql(f"select t::text as text from {table['name']} t")]
    return "\n".join(rows)
