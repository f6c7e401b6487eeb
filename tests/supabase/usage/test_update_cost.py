"""What an update costs Postgres, in counts that do not depend on the machine: rows, index entries and WAL.

A chat is the second question of a user on a day, so its counters exist. docs/performance.md has the times.
"""

from __future__ import annotations

import itertools
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.supabase.usage.users import Sql, ai_call
from tests.support import Connections
from tools.emulator.stack import Stack

_numbers = itertools.count(4_500_000_000, 16)  # one shard of the totals of a day
ROWS = """
    select t.relname, k.kind, k.count
      from pg_stat_xact_user_tables as t
     cross join lateral (values
       ('inserted', t.n_tup_ins), ('updated', t.n_tup_upd), ('hot', t.n_tup_hot_upd),
       ('deleted', t.n_tup_del), ('scans', t.seq_scan + coalesce(t.idx_scan, 0))
     ) as k (kind, count)
     where k.count > 0 and t.schemaname in ('public', 'private')
"""
INDEXES = "select c.relname, count(*) from pg_index i join pg_class c on c.oid = i.indrelid group by 1"


class Cost(NamedTuple):
    """What one call wrote."""

    inserted: dict[str, int]
    updated: dict[str, int]
    deleted: dict[str, int]
    index_entries: int  # at most: a partial index may have fewer; a HOT update has none
    wal_bytes: int  # without the record of the commit
    scans: dict[str, int]  # reads of a table or of one of its indexes


Measure = Callable[..., Cost]


@pytest.fixture
def measure(backend_connections: Connections) -> Measure:
    """Call a function of the API in a transaction of its own and return what it wrote."""

    def run(function: str, **values: Any) -> Cost:
        arguments = ", ".join(f"{name} => %s" for name in values)
        given = [Jsonb(value) if isinstance(value, dict | list) else value for value in values.values()]
        statement = f"explain (analyze, wal, format json) select public.{function}({arguments})"
        with backend_connections.one() as connection, connection.transaction():
            before = _written(connection)
            (plan,) = connection.execute(statement.encode(), given).fetchall()[0]
            written = _written(connection)
            written.subtract(before)
            indexes = dict(connection.execute(INDEXES).fetchall())
        return _cost(written, indexes, plan[0]["Plan"].get("WAL Bytes", 0))

    return run


def _written(connection: psycopg.Connection[Any]) -> Counter[tuple[str, str]]:
    """Return how many rows the session wrote since its statistics were last sent, by table and kind."""
    return Counter({(table, kind): count for table, kind, count in connection.execute(ROWS).fetchall()})


def _cost(written: Counter[tuple[str, str]], indexes: dict[str, int], wal_bytes: int) -> Cost:
    kinds = ("inserted", "updated", "hot", "deleted", "scans")
    rows: dict[str, Counter[str]] = {kind: Counter() for kind in kinds}
    for (table, kind), count in written.items():
        rows[kind]["api_usage" if table.startswith("api_usage") else table] += count  # a partition
    entries = sum(
        count * indexes[table] * (-1 if kind == "hot" else 1)
        for (table, kind), count in written.items()
        if kind not in ("deleted", "scans")
    )
    written_rows = (dict(+rows[kind]) for kind in ("inserted", "updated", "deleted"))
    return Cost(*written_rows, entries, wal_bytes, dict(+rows["scans"]))


def chat(measure: Measure, sql: Sql, telegram_id: int) -> dict[str, Cost]:
    """Ask a question with 50 messages of history as the pipeline does; return the cost of each call."""
    number, costs = next(_numbers), {}
    costs["receive_update"] = measure("receive_update", **_received(number, telegram_id), **_QUESTION)
    costs["finish_update"] = measure(
        "finish_update",
        p_bot="assistant",
        p_update_id=number,
        p_attempt=1,
        p_session={"data": {"awaiting": None}},
        p_messages=[{"role": role, "content": "w" * 60, "message_id": 7} for role in ("user", "assistant")],
        p_reservation="settled",
        p_outgoing=[{"method": "sendMessage", "parameters": {"chat_id": telegram_id, "text": "words " * 10}}],
        p_usage=[ai_call(cost="0.0002", is_estimate=True)],
    )
    (item,) = sql("select id from telegram_outbox where update_id = %s", number)
    costs["record_deliveries"] = measure(
        "record_deliveries", p_results=[{"id": item["id"], "outcome": "sent"}]
    )
    return costs


def command(measure: Measure, telegram_id: int) -> dict[str, Cost]:
    """Send a command as the pipeline does; return the cost of each call."""
    number = next(_numbers)
    received = measure("receive_update", **_received(number, telegram_id))
    answer = {"method": "sendMessage", "chat_id": telegram_id, "text": "words " * 10}
    finished = measure("finish_update", p_bot="assistant", p_update_id=number, p_attempt=1, p_answer=answer)
    return {"receive_update": received, "finish_update": finished}


_QUESTION = {"p_reserve": True, "p_history": 50, "p_history_characters": 40_000, "p_cost": "0.0125"}


def _received(number: int, telegram_id: int) -> dict[str, Any]:
    user = {"id": telegram_id, "first_name": "Anna"}
    payload = {"update_id": number, "message": {"message_id": 7, "from": user, "text": "words " * 10}}
    return {
        "p_bot": "assistant",
        "p_update_id": number,
        "p_delivery": str(uuid.uuid4()),
        "p_kind": "message",
        "p_chat_id": telegram_id,
        "p_telegram_user": {**user, "hash": "ab" * 32},
        "p_payload": payload,
        "p_lease_seconds": 40,
    }


def test_a_chat_writes_each_row_once(measure: Measure, sql: Sql, anna: int) -> None:
    """Three calls; only the update's row is written twice, when it is received and when it is finished."""
    chat(measure, sql, anna)
    costs = chat(measure, sql, anna)
    assert [cost.inserted for cost in costs.values()] == [
        {"telegram_updates": 1},
        {"api_usage": 1, "messages": 2, "telegram_outbox": 1},
        {},
    ]
    assert [cost.updated for cost in costs.values()] == [
        {"daily_usage": 1, "monthly_usage": 1},
        {"bot_sessions": 1, "daily_totals": 1, "monthly_api_usage": 1, "telegram_updates": 1},
        {},
    ]
    assert [cost.deleted for cost in costs.values()] == [{}, {}, {"telegram_outbox": 1}]


def test_a_chat_reads_the_prices_of_its_model_once(measure: Measure, sql: Sql, anna: int) -> None:
    chat(measure, sql, anna)
    costs = chat(measure, sql, anna)
    assert [cost.scans.get("ai_model_prices", 0) for cost in costs.values()] == [0, 1, 0]
    assert [cost.scans.get("ai_models", 0) for cost in costs.values()] == [0, 0, 0]


def test_a_command_writes_two_rows(measure: Measure, sql: Sql, anna: int) -> None:
    command(measure, anna)
    costs = command(measure, anna)
    assert [(cost.inserted, cost.updated, cost.deleted) for cost in costs.values()] == [
        ({"telegram_updates": 1}, {}, {}),
        ({}, {"bot_sessions": 1, "telegram_updates": 1}, {}),
    ]


def test_a_chat_and_a_command_stay_within_their_wal_and_index_entries(
    measure: Measure, sql: Sql, anna: int
) -> None:
    for _ in range(2):
        chat(measure, sql, anna)
    question, menu = chat(measure, sql, anna).values(), command(measure, anna).values()
    assert sum(cost.index_entries for cost in question) <= 24
    assert sum(cost.index_entries for cost in menu) <= 12
    assert 0 < sum(cost.wal_bytes for cost in question) <= 4_200
    assert 0 < sum(cost.wal_bytes for cost in menu) <= 1_700


@pytest.mark.parametrize(
    "wrong", ["status = 'unknown'", "reservation = 'unknown'", "reserved_from = 'gift'", "reserved_cost = -1"]
)
def test_the_constraint_of_updates_is_short_and_holds(
    measure: Measure, sql: Sql, anna: int, wrong: str
) -> None:
    """Postgres parses its text twice per update; as a list of all states it took a tenth of a command."""
    chat(measure, sql, anna)
    with pytest.raises(psycopg.errors.CheckViolation):
        sql(f"update telegram_updates set {wrong}")
    ((length,),) = [
        row.values()
        for row in sql(
            """
            select sum(length(conbin::text)) as length from pg_constraint
            where conrelid = 'public.telegram_updates'::regclass and contype = 'c'
            """
        )
    ]
    assert length < 1_500


def test_a_chat_takes_three_round_trips_and_a_command_two(stack: Stack) -> None:
    anna = stack.telegram.user("Anna", "en").chat("assistant")
    calls: list[str] = []
    stack.database.on("select public.", when="before", do=lambda: calls.append("call"), times=100)

    def count(text: str) -> int:
        calls.clear()
        anna.send(text)
        anna.answer()
        stack.telegram.idle(10)  # the delivery of the answer is recorded after it
        return len(calls)

    count("/start")
    count("Good morning!")  # the first question of a process reads the prices of models
    assert [count("/profile"), count("What is the capital of France?")] == [2, 3]
