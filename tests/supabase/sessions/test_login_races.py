"""A login through the bot while its user is erased: one of both waits, and neither is a deadlock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha256
from typing import Any

import psycopg
import pytest

from tests.sql_results import call
from tests.support import eventually, new_telegram_id

Sql = Callable[..., list[dict[str, Any]]]
BROWSER, PUBLIC, TOKEN = (sha256(name).digest() for name in (b"browser", b"public", b"token"))


@pytest.fixture
def begin(backend_url: str) -> Iterator[Callable[[], psycopg.Connection]]:
    """`begin()` returns a connection with an open transaction."""
    opened: list[psycopg.Connection] = []

    def begin() -> psycopg.Connection:
        opened.append(psycopg.connect(backend_url, prepare_threshold=None))
        return opened[-1]

    yield begin
    for connection in opened:
        connection.close()


@pytest.fixture
def background() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture
def user(sql: Sql) -> int:
    """Return a user for whom a browser has begun a login."""
    (row,) = sql("insert into users (telegram_id) values (%s) returning id", new_telegram_id())
    sql(
        "insert into login_attempts (public_hash, browser_hash, way, code, return_to, device, address_hash,"
        " expires_at) values (%s, %s, 'bot', 42, '/account', 'Test', 'x', now() + interval '5 min')",
        PUBLIC,
        BROWSER,
    )
    return int(row["id"])


def erase(connection: psycopg.Connection, user: int) -> Any:
    return call(connection, "erase_account", p_user_id=user, p_hash="ab" * 32, p_balance=0)


def decide(connection: psycopg.Connection, user: int) -> Any:
    return call(connection, "decide_login", p_public_hash=PUBLIC, p_user_id=user, p_code=42)


def finish(connection: psycopg.Connection) -> Any:
    return call(connection, "finish_login", p_browser_hash=BROWSER, p_token_hash=TOKEN)


def waits(sql: Sql, future: Future[Any]) -> bool:
    """Return whether a call waits for a lock; fail if it is done."""
    assert not future.done(), future.result()
    return bool(
        sql("select from pg_stat_activity where wait_event_type = 'Lock' and usename = 'bot_backend'")
    )


def confirmed(begin: Callable[[], psycopg.Connection], user: int) -> None:
    with begin() as connection:
        assert decide(connection, user)["outcome"] == "confirmed"


def test_a_login_waits_for_the_erasure_without_holding_a_lock(
    sql: Sql,
    database_url: str,
    begin: Callable[[], psycopg.Connection],
    background: ThreadPoolExecutor,
    user: int,
) -> None:
    confirmed(begin, user)
    with psycopg.connect(database_url) as erasing:
        # What erase_account does first; its deletions follow once the login waits.
        erasing.execute("select from public.users where id = %s for update", [user])
        finished = background.submit(finish, begin())
        eventually(lambda: waits(sql, finished), 20)
        assert erase(erasing, user)["outcome"] == "erased"
    assert finished.result()["outcome"] == "unknown"
    assert sql("select from user_sessions where user_id = %s", user) == []


def test_a_choice_of_an_erased_user_finds_no_login(
    sql: Sql,
    database_url: str,
    begin: Callable[[], psycopg.Connection],
    background: ThreadPoolExecutor,
    user: int,
) -> None:
    with psycopg.connect(database_url) as erasing:
        assert erase(erasing, user)["outcome"] == "erased"
        decided = background.submit(decide, begin(), user)
        eventually(lambda: waits(sql, decided), 20)
    assert decided.result()["outcome"] == "unknown"
    assert sql("select from login_attempts where decided_at is not null") == []


def test_an_erasure_waits_for_the_login_and_ends_its_session(
    sql: Sql, begin: Callable[[], psycopg.Connection], background: ThreadPoolExecutor, user: int
) -> None:
    confirmed(begin, user)
    finishing, other = begin(), begin()
    assert finish(finishing)["outcome"] == "opened"
    erased = background.submit(erase, other, user)
    eventually(lambda: waits(sql, erased), 20)
    finishing.commit()
    assert erased.result()["outcome"] == "erased"
    other.commit()
    assert sql("select from user_sessions") == []
    assert sql("select from login_attempts") == []
