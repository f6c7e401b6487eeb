"""Each rule of a merged constraint refuses its row, also beside columns that are null."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.supabase.usage.users import Sql, served_user, user_id

USER = "a user's id"
ROWS: dict[str, dict[str, Any]] = {
    "api_usage": {
        "user_id": USER, "bot": "b", "provider": "p", "model": "m", "kind": "chat", "status": "ok", "ms": 1,
        "request_bytes": 1, "response_bytes": 1, "is_user_api_key": False,
    },
    "bot_sessions": {"user_id": USER, "bot": "b", "chat_id": 1},
    "daily_totals": {
        "day": "2026-11-01", "bot": "b", "provider": "p", "model": "m", "is_user_api_key": False, "shard": 1,
    },
    "daily_usage": {"user_id": USER, "bot": "b", "day": "2026-11-01"},
    "monthly_api_usage": {
        "user_id": USER, "month": "2026-11-01", "provider": "p", "model": "m", "is_user_api_key": False,
        "calls": 1, "errors": 0, "tokens_in": 0, "tokens_out": 0, "cost": 0, "ms": 0,
    },
    "monthly_usage": {"user_id": USER, "month": "2026-11-01"},
    "telegram_updates": {"bot": "b", "update_id": 1, "kind": "message", "status": "working"},
}  # fmt: skip
NEGATIVE = {
    "api_usage": "ms request_bytes response_bytes tokens_in tokens_out cost",
    "daily_totals": "shard requests calls errors tokens_in tokens_out cost ms new_users",
    "daily_usage": "requests bonus_requests user_api_key_requests releases",
    "monthly_api_usage": "calls errors tokens_in tokens_out cost ms day_cost",
    "monthly_usage": "requests bonus_requests",
    "telegram_updates": "reserved_cost",
}
REFUSED: list[tuple[str, str, Any]] = [
    *((table, column, -1) for table, columns in NEGATIVE.items() for column in columns.split()),
    ("api_usage", "kind", "other"),
    ("bot_sessions", "session_data", "[]"),
    ("bot_sessions", "stats_data", "null"),
    ("daily_totals", "shard", 16),
    ("monthly_api_usage", "month", "2026-11-30"),
    ("monthly_usage", "month", "2026-11-02"),
    ("telegram_updates", "status", "other"),
    ("telegram_updates", "reservation", "other"),
    ("telegram_updates", "reserved_from", "other"),
]


def insert(sql: Sql, table: str, row: dict[str, Any]) -> None:
    values = ", ".join(["%s"] * len(row))
    sql(f"insert into {table} ({', '.join(row)}) values ({values})", *row.values())


def test_each_rule_refuses_its_row(sql: Sql) -> None:
    user = user_id(sql, served_user(sql))
    rows = {
        table: {name: user if value == USER else value for name, value in row.items()}
        for table, row in ROWS.items()
    }
    for table, column, value in REFUSED:
        with pytest.raises(psycopg.errors.CheckViolation, match=f"{table}_check"):
            insert(sql, table, rows[table] | {column: value})
            pytest.fail(f"{table}.{column} took {value}")
    for table, row in rows.items():
        insert(sql, table, row)
