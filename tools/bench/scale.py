"""SQL functions of an update and of users beside a one-row UPDATE, with few and with many users."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import psycopg

from tools.bench import pgbench
from tools.bench.database import HISTORY, Database
from tools.bench.report import Aim, Row, Section
from tools.bench.updates import FIRST_USER

CLIENTS = (1, 4)
_GROWTH = 1.5  # how much more both may cost with all those users

# The baseline goes in between, so that all have the same seconds and the same disturbances.
_SCRIPT = """
\\set number :number + 1
\\set update_id :base + :client_id * 10000000 + :number
\\set user_id random(0, :talking - 1) * :every + :first
\\set other random(0, :talking - 1) * :every + :first
update public.users set last_activity = now() + interval '1 day' where telegram_id = :other;
select public.receive_update(p_bot => 'assistant', p_update_id => :update_id, \
p_delivery => gen_random_uuid(), p_kind => 'message', p_chat_id => :user_id, \
p_telegram_user => jsonb_build_object('id', :user_id::bigint, 'first_name', 'Мария', 'last_name', 'Иванова', \
'username', 'maria_ivanova', 'language_code', 'ru'), \
p_payload => jsonb_build_object('update_id', :update_id::bigint, 'message', 'Как хранить зелень?'), \
p_lease_seconds => 40, p_reserve => true, p_history => :history)::text;
select public.finish_update(p_bot => 'assistant', p_update_id => :update_id, p_attempt => 1, \
p_messages => '[{"role": "user", "content": "Как хранить зелень?"}, \
{"role": "assistant", "content": "Промойте, обсушите и заверните в бумагу."}]', \
p_reservation => 'settled')::text;
select u.id as new_user from public.users as u where u.telegram_id = :user_id \\gset
select u.id as asking, u.referral_code as code from public.users as u where u.telegram_id = :other \\gset
select public.get_user_usage_stats(:asking)::text;
with gone as (delete from public.user_referrals where referred_id = :new_user or referrer_id = :new_user) \
update public.users set is_newcomer = true where id = :new_user;
select public.complete_referral(:new_user, :code)::text;
"""


@dataclass(frozen=True)
class Size:
    """The size of a database; every n-th user has a conversation."""

    name: str
    users: int
    every: int = 1

    @property
    def talking(self) -> int:
        """Users with a conversation."""
        return self.users // self.every

    @property
    def messages(self) -> int:
        """Rows of history."""
        return self.talking * HISTORY


SMALL = Size("small", users=1_000)
LARGE = Size("large", users=1_000_000, every=5)


@dataclass
class _Rounds:
    """Milliseconds of each statement in each round."""

    update: list[float] = field(default_factory=list)
    receive: list[float] = field(default_factory=list)
    finish: list[float] = field(default_factory=list)
    stats: list[float] = field(default_factory=list)
    referral: list[float] = field(default_factory=list)

    def add(self, milliseconds: Sequence[float]) -> None:
        """Keep one round, in the order of the script."""
        kept = (self.update, self.receive, self.finish, self.stats, self.referral)
        for values, value in zip(kept, milliseconds, strict=True):
            values.append(value)

    @property
    def both(self) -> float:
        """Milliseconds of the two functions together."""
        return median(self.receive) + median(self.finish)


class Scale:
    """Fills databases and measures them in turn."""

    def __init__(self, database: Database, directory: Path) -> None:
        self._database = database
        self._script = directory / "scale.sql"
        self._script.write_text(_SCRIPT)
        self._base = int(time.time())

    def fill(self, size: Size) -> float:
        """Make the database of a size and return the seconds it took."""
        started = time.perf_counter()
        self._database.make(size.name, size.users, size.every)
        with psycopg.connect(self._database.owner_url(size.name)) as connection:
            # The few users here invite each other again and again.
            connection.execute(
                "update private.settings set value = '1000000000' where key = 'referral_daily_limit'"
            )
        return time.perf_counter() - started

    def measure(self, sizes: Sequence[Size], rounds: int, seconds: int) -> list[Section]:
        """Measure all sizes in turn, some rounds of some seconds; with several, also how cost grows."""
        results = {(size, clients): _Rounds() for clients in CLIENTS for size in sizes}
        for number in range(rounds + 1):
            for (size, clients), result in results.items():
                one = self._pgbench(size, clients, seconds if number else 1)
                if number:
                    result.add(one)
        rows = [row for case, result in results.items() for row in _rows(*case, result)]
        sections = [Section(f"SQL, ms, median of {rounds}", rows, baseline="UPDATE")]
        if growth := _growth(sizes, results):
            sections.append(Section("Cost and the number of users, ms", growth, baseline="with 1,000"))
        return sections

    def _pgbench(self, size: Size, clients: int, seconds: int) -> list[float]:
        """Run the script and return the milliseconds of each of its statements."""
        self._base += 1_000_000_000  # update ids that were never seen
        values = {
            "number": 0, "base": self._base, "first": FIRST_USER, "every": size.every,
            "talking": size.talking, "history": HISTORY,
        }  # fmt: skip
        return pgbench.run(self._database.owner_url(size.name), self._script, values, seconds, clients)


def _rows(size: Size, clients: int, result: _Rounds) -> list[Row]:
    case = f"{size.users:,} users, {size.messages:,} messages, c={clients}"
    return [
        Row(f"{case}: receive_update", median(result.receive), median(result.update), digits=3),
        Row("  finish_update", median(result.finish), median(result.update), digits=3),
        Row("  get_user_usage_stats", median(result.stats), median(result.update), digits=3),
        Row("  complete_referral", median(result.referral), median(result.update), digits=3),
    ]


def _growth(sizes: Sequence[Size], results: Mapping[tuple[Size, int], _Rounds]) -> list[Row]:
    """Compare each size with the first: both functions of one update together, and each function of users."""
    rows = []
    for size in sizes[1:]:
        for clients in CLIENTS:
            large, small = results[size, clients], results[sizes[0], clients]
            rows += [
                Row(name, ours, first, Aim(_GROWTH, of_ratio=True), digits=3)
                for name, ours, first in (
                    (f"with {size.users:,} users, c={clients}: an update", large.both, small.both),
                    ("  get_user_usage_stats", median(large.stats), median(small.stats)),
                    ("  complete_referral", median(large.referral), median(small.referral)),
                )
            ]
    return rows
