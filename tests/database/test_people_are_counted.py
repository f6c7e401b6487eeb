"""The migration that begins to count people counts those who are there already."""

from __future__ import annotations

import shutil
from pathlib import Path

import psycopg

from tools.database import migrate
from tools.database.migrate import SUPABASE


def test_people_of_before_are_counted_on_their_last_day(empty_url: str, tmp_path: Path) -> None:
    files = sorted((SUPABASE / "migrations").glob("*.sql"))
    number = next(n for n, path in enumerate(files) if "active_on date" in path.read_text())
    for path in files[:number]:
        shutil.copy(path, tmp_path)
    migrate.sync(empty_url, folder=tmp_path)
    with psycopg.connect(empty_url, autocommit=True, prepare_threshold=None) as connection:
        connection.execute(
            "insert into users (telegram_id, last_activity) select n, "
            # Half past eleven in the evening in UTC is the next day in Moscow.
            "timestamptz '2026-01-01 23:30+00' + make_interval(days => n % 2) "
            "from generate_series(1, 50) as n"
        )
        migrate.sync(empty_url)
        rows = connection.execute(
            "select day::text, sum(active)::int, sum(last_active)::int from daily_people "
            "group by day order by day"
        ).fetchall()
        assert rows == [("-infinity", 0, 50), ("2026-01-02", 25, 25), ("2026-01-03", 25, 25)]
        connection.execute("delete from users")
        assert connection.execute("select sum(last_active)::int from daily_people").fetchall() == [(0,)]
