"""A broadcast to 1,000,000 users in the database: frozen, claimed and recorded in batches of a second."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import psycopg

from tools.bench.database import Database
from tools.bench.report import Aim, Row, Section

USERS = 1_000_000
_NAME = "broadcasts"
_BATCH, _LARGE = 25, 200  # messages of a claim as the job makes it, and as most of the list is passed here
_ROUNDS = 200
_PART = 4.0  # seconds that a part of the list may take: a statement is canceled after 8
_SECOND = 500.0  # milliseconds of a second that a claim and its results may take

_FILL = """
    set session_replication_role = replica;
    insert into public.bot_sessions (user_id, bot, chat_id)
    select u.id, 'assistant', u.telegram_id from public.users as u
    on conflict do nothing;
    insert into public.streaks (user_id, time_zone)
    select u.id, 'Asia/Yekaterinburg' from public.users as u where u.id % 5 = 0 on conflict do nothing;
    insert into public.message_consents (user_id, unsubscribed_at)
    select u.id, now() from public.users as u where u.id % 20 = 0;
    reset session_replication_role;
    update private.settings set value = '1000000' where key = 'message_rate';
    update private.settings set value = '9' where key = 'broadcast_quiet_from';
    insert into public.broadcasts (name, status, freeze_until, segment, content)
    select 'bench', 'freezing', max(u.id), '{"languages": ["ru"], "active_days": 30, "never_paid": true}',
      '{"texts": {"ru": "Скидка 40 % до воскресенья"}}' from public.users as u;
"""


def fill(database: Database) -> float:
    """Make the database; return the seconds that it took."""
    started = time.perf_counter()
    database.make(_NAME, USERS, every=USERS)
    with psycopg.connect(database.owner_url(_NAME), autocommit=True) as connection:
        connection.execute("set synchronous_commit = off")
        connection.execute(_FILL)
        connection.execute("vacuum analyze")
        connection.execute("checkpoint")
    return time.perf_counter() - started


def measure(database: Database) -> Section:
    """Freeze the list, then claim and record from its beginning to its end."""
    with psycopg.connect(database.owner_url(_NAME), autocommit=True) as connection:
        parts: list[float] = []
        while _timed(connection, "freeze_broadcasts()", parts)["is_open"]:
            pass
        (total,) = connection.execute("select total from broadcasts").fetchone() or (0,)
        counted: list[float] = []
        _count(connection, counted)
        first = _pass(connection, _ROUNDS, _BATCH)
        bulk = _pass(connection, (total - 2 * _ROUNDS * _BATCH) // _LARGE, _LARGE)
        last = _pass(connection, _ROUNDS, _BATCH)
        work: list[float] = []
        _timed(connection, "prepare_broadcasts()", work)
        (size,) = connection.execute(
            "select pg_total_relation_size('broadcast_recipients') / 1000000.0"
        ).fetchone() or (0,)
    rows = [
        Row("recipients", total, digits=0),
        Row("the whole list, s", sum(parts) / 1000),
        Row("  its slowest part, s", max(parts) / 1000, aim=Aim(_PART), digits=2),
        Row("count of the segment, s", sum(counted) / 1000),
        *_rows("of the first 5,000", first),
        *_rows("of the last 5,000", last),
        Row(
            "  as a multiple of the first",
            sum(map(median, last)),
            sum(map(median, first)),
            Aim(1.5, of_ratio=True),
        ),
        Row("a thousand messages in between, ms", 1000 * sum(map(sum, bulk)) / max(total, 1), digits=0),
        Row("leases and what is left, ms", work[0]),
        Row("size of the list, MB", float(size), digits=0),
    ]
    return Section(f"A broadcast to {USERS:,} users, Postgres alone", rows)


def _rows(which: str, passed: tuple[list[float], list[float]]) -> list[Row]:
    claims, records = passed
    slowest = max(map(sum, zip(claims, records, strict=True)))
    return [
        Row(f"claim of {_BATCH}, {which}, ms", median(claims), digits=2),
        Row("  its results, ms", median(records), digits=2),
        Row("  both, the slowest, ms", slowest, aim=Aim(_SECOND)),
    ]


def _medians(*passes: tuple[list[float], list[float]]) -> tuple[float, ...]:
    """Return what a claim and its results take together in each."""
    return tuple(sum(map(median, one)) for one in passes)


def _pass(connection: psycopg.Connection, rounds: int, size: int) -> tuple[list[float], list[float]]:
    """Claim and record batches; return the milliseconds of each claim and of each record."""
    claims: list[float] = []
    records: list[float] = []
    for number in range(rounds):
        claimed = _timed(connection, f"claim_broadcast('assistant', {size})", claims)["messages"]
        results = [
            {
                "broadcast_id": one["broadcast_id"],
                "user_id": one["user_id"],
                "outcome": "blocked" if number % 50 == 0 and place == 0 else "sent",
                "message_id": one["user_id"],
            }
            for place, one in enumerate(claimed)
        ]
        _timed(connection, "record_broadcast('assistant', %s::jsonb)", records, json.dumps(results))
    return claims, records


def _count(connection: psycopg.Connection, taken: list[float]) -> None:
    (actor,) = connection.execute(
        "insert into staff (user_id, role, email) select min(id), 'admin', 'bench@example.com' from users"
        " returning user_id"
    ).fetchone() or (0,)
    after: int | None = 0
    while after is not None:
        call = f"""count_segment({actor}, '{{"languages": ["ru"]}}', null, 'marketing', {after})"""
        after = _timed(connection, call, taken)["next"]


def _timed(connection: psycopg.Connection, call: str, taken: list[float], *values: object) -> Any:
    """Call a function, append its milliseconds, and return its result."""
    run: Callable[..., Any] = connection.execute
    started = time.perf_counter()
    (found,) = run(f"select public.{call}", values or None).fetchone()
    taken.append(1000 * (time.perf_counter() - started))
    return found
