"""A Postgres of our own, durable as in production, filled with users and their conversations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tools.bench import cpus
from tools.bench.updates import FIRST_USER
from tools.database import migrate, migration_files, schemas
from tools.database.embedded import Server, free_port

HISTORY = 50  # messages of each user who has a conversation
_PASSWORD = "bench"  # noqa: S105 - of a database that lives for minutes
_SETTINGS = {"shared_buffers": "1GB", "max_wal_size": "8GB", "checkpoint_timeout": "30min"}

_PEOPLE = """
    insert into public.users
      (telegram_id, username, first_name, last_name, language_code, last_activity)
    select %(first)s + n, 'maria_ivanova', 'Мария', 'Иванова', 'ru', now() + interval '1 day'
      from generate_series(0, %(users)s - 1) as n
"""
# A bench asks more in minutes than a day allows.
_COST_LIMIT = "update private.settings set value = '1000000' where key = 'daily_cost_bot'"
# Users of the free plan, as most are, who may ask as often as the measurement does.
_LIMITS = "update public.subscription_limits set daily_requests = 1000 where plan = 'FREE'"
_SESSIONS = """
    insert into public.bot_sessions (user_id, bot, chat_id)
    select u.id, 'assistant', u.telegram_id from public.users as u
     where (u.telegram_id - %(first)s) %% %(every)s = 0
"""
# Round after round, as conversations grow: the messages of one user are scattered over the table.
_MESSAGES = """
    insert into public.messages (user_id, bot, chat_id, role, content)
    select s.user_id, 'assistant', s.chat_id, t.role, t.content
      from generate_series(1, %(rounds)s) as r (round)
     cross join public.bot_sessions as s
     cross join (values
       ('user', 'Подскажи, пожалуйста, как лучше всего хранить свежую зелень?'),
       ('assistant', 'Промойте её, хорошо обсушите и заверните в бумагу. Так всё простоит неделю.')
     ) as t (role, content)
"""


class Database:
    """One server below `directory`; its databases are filled as they are made."""

    def __init__(self, directory: Path) -> None:
        Server(directory, free_port()).remove()  # what a killed run left
        self._server = Server(directory, free_port())

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.port

    @property
    def postmaster(self) -> int:
        """The process id of its first process."""
        return int((self._server.data / "postmaster.pid").read_text().splitlines()[0])

    @contextmanager
    def running(self, on: frozenset[int]) -> Iterator[Database]:
        """Make it and run it on these CPUs until the block ends; its data are removed then."""
        try:
            with cpus.pinned(on):
                self._server.start()
                with psycopg.connect(self.owner_url("postgres"), autocommit=True) as connection:
                    for name, value in _SETTINGS.items():
                        connection.execute(f"alter system set {name} = '{value}'".encode())
                self._server.stop()
                self._server.start()
            yield self
        finally:
            self._server.remove()

    def owner_url(self, name: str) -> str:
        """Return the DSN of a database as its superuser."""
        return self._server.url(name, "supabase_admin")

    def tool_url(self, name: str) -> str:
        """Return the DSN of a database as the role that migrates it."""
        return self._server.url(name)

    def backend_url(self, name: str, port: int | None = None) -> str:
        """Return the DSN that a function has, on another port if something stands in between."""
        url = self._server.url(name, "bot_backend", _PASSWORD)
        return url.replace(f":{self.port}/", f":{port}/") if port else url

    def make(self, name: str, users: int, every: int = 1, supabase: Path = migration_files.SUPABASE) -> None:
        """Make a migrated database with users, every n-th of them with a conversation.

        `supabase` is the folder of the migrations and the seed.
        Indexes of the messages are built after they are there, which takes a third of the time.
        """
        empty_url = self._server.create_database(name)
        migrate.sync(empty_url, _PASSWORD, supabase / "migrations")
        schemas.seed(empty_url, supabase)
        values = {"first": FIRST_USER, "users": users, "every": every, "rounds": HISTORY // 2}
        with psycopg.connect(self.owner_url(name), autocommit=True) as connection:
            connection.execute("set synchronous_commit = off")
            connection.execute("set maintenance_work_mem = '512MB'")
            connection.execute(_LIMITS)
            connection.execute(_COST_LIMIT)
            for statement in (_PEOPLE, _SESSIONS):
                connection.execute(statement, values)
            with _without_indexes(connection):
                connection.execute(_MESSAGES, values)
            connection.execute("vacuum analyze")
            connection.execute("checkpoint")


@contextmanager
def _without_indexes(connection: psycopg.Connection) -> Iterator[None]:
    """Drop what only slows the filling of `messages` down, and make it again."""
    indexes = connection.execute(
        "select indexname, indexdef from pg_indexes"
        " where tablename = 'messages' and indexname not like '%\\_pkey'"
    ).fetchall()
    for name, _ in indexes:
        connection.execute(f"drop index public.{name}".encode())
    connection.execute("set session_replication_role = replica")  # no foreign key is checked row by row
    yield
    connection.execute("reset session_replication_role")
    for _, definition in indexes:
        connection.execute(definition.encode())
