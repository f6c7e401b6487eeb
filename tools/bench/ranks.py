"""Ranks, boards and one award beside a one-row UPDATE, with a thousand and with a million users."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median

import psycopg

from tools.bench import pgbench
from tools.bench.database import Database
from tools.bench.report import Aim, Row, Section
from tools.bench.updates import FIRST_USER

SIZES = (1_000, 1_000_000)
_MILLISECONDS = 2.0
_GROWTH = 1.5  # how much more each may cost with a million users

# Many different totals, few of them high, as a ledger makes them; a tenth was active in the week.
_FILL = """
    insert into public.board_scores (user_id, board, period, starts_on, xp, reached_at, is_ranked, is_listed)
    select
      u.id, b.board, p.period, p.starts_on,
      1 + floor(200000 * power((u.id * 7919 % 1000003) / 1000003.0, 3)), now(),
      true, u.id % 10 > 0
      from public.users as u, (values (''), ('spin')) as b (board), (
        values ('all', date 'epoch'), ('week', private.period_start('week', now()))
      ) as p (period, starts_on)
     where p.period = 'all' or u.id % 10 = 1;
    select private.rebuild_board_histogram();
"""
_NAMES = ("UPDATE", "rank and neighbours", "  in a bot's week", "  the first ten", "  one award")
_SCRIPT = """
\\set number :number + 1
\\set award :base + :client_id * 10000000 + :number
\\set user_id random(0, :users - 1) + :first
\\set other random(0, :users - 1) + :first
update public.users set last_activity = now() + interval '1 day' where telegram_id = :other;
select public.get_user_rank(:user_id)::text;
select public.get_user_rank(:user_id, 'spin', 'week')::text;
select public.get_leaderboard()::text;
select public.award_xp(:user_id, 'spin', 'service', 'bench:' || :award, 25)::text;
"""


class Ranks:
    """Fills databases with users on boards and measures them in turn."""

    def __init__(self, database: Database, directory: Path) -> None:
        self._database = database
        self._script = directory / "ranks.sql"
        self._script.write_text(_SCRIPT)
        self._base = int(time.time())

    def fill(self, users: int) -> float:
        """Make the database with this many users on boards; return the seconds it took."""
        started = time.perf_counter()
        self._database.make(_name(users), users, every=users)
        with psycopg.connect(self._database.owner_url(_name(users)), autocommit=True) as connection:
            connection.execute("set synchronous_commit = off")
            connection.execute("set session_replication_role = replica")  # no trigger of a million rows
            connection.execute(_FILL)
            connection.execute("vacuum analyze")
            connection.execute("checkpoint")
        return time.perf_counter() - started

    def measure(self, rounds: int, seconds: int) -> Section:
        """Measure both sizes in turn, some rounds of some seconds."""
        results: dict[int, list[list[float]]] = {users: [] for users in SIZES}
        for number in range(rounds + 1):
            for users, kept in results.items():
                self._base += 1_000_000_000  # references that were never used
                values = {"number": 0, "base": self._base, "first": FIRST_USER, "users": users}
                url = self._database.owner_url(_name(users))
                measured = pgbench.run(url, self._script, values, seconds if number else 1, clients=1)
                if number:
                    kept.append(measured)
        medians = {
            users: [median(column) for column in zip(*kept, strict=True)] for users, kept in results.items()
        }
        rows = [row for users, figures in medians.items() for row in _rows(users, figures)]
        few, many = (medians[users] for users in SIZES)
        rows += [
            Row(
                f"{name.strip()}: a million ÷ a thousand", large, small, Aim(_GROWTH, of_ratio=True), digits=3
            )
            for name, small, large in zip(_NAMES[1:], few[1:], many[1:], strict=True)
        ]
        return Section(f"Boards, ms, median of {rounds}", rows, baseline="UPDATE")


def _name(users: int) -> str:
    return f"ranks_{users}"


def _rows(users: int, figures: list[float]) -> list[Row]:
    update, *others = figures
    names = [f"{users:,} users: {_NAMES[1]}", *_NAMES[2:]]
    return [
        Row(name, value, update, Aim(_MILLISECONDS), digits=3)
        for name, value in zip(names, others, strict=True)
    ]
