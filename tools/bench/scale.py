"""The two SQL functions of every update, with few and with many people, beside a one-row UPDATE."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tools.bench.database import HISTORY, Database
from tools.bench.errors import BenchError
from tools.bench.report import Aim, Row, Section
from tools.bench.updates import FIRST_PERSON
from tools.database import binaries

CLIENTS = (1, 4)
_GROWTH = 1.5  # how much dearer both may be with all those people

# The yardstick goes in between, so that all three have the same seconds and the same disturbances.
_SCRIPT = """
\\set number :number + 1
\\set update_id :base + :client_id * 10000000 + :number
\\set person random(0, :talking - 1) * :every + :first
\\set other random(0, :talking - 1) * :every + :first
update public.users set last_activity = now() + interval '1 day' where telegram_id = :other;
select public.receive_update(p_bot => 'assistant', p_update_id => :update_id, \
p_delivery => gen_random_uuid(), p_kind => 'message', p_chat_id => :person, \
p_person => jsonb_build_object('id', :person::bigint, 'first_name', 'Мария', 'last_name', 'Иванова', \
'username', 'maria_ivanova', 'language_code', 'ru'), \
p_payload => jsonb_build_object('update_id', :update_id::bigint, 'message', 'Как хранить зелень?'), \
p_lease_seconds => 40, p_reserve => true, p_history => :history)::text;
select public.finish_update(p_bot => 'assistant', p_update_id => :update_id, p_attempt => 1, \
p_messages => '[{"role": "user", "content": "Как хранить зелень?"}, \
{"role": "assistant", "content": "Промойте, обсушите и заверните в бумагу."}]', \
p_reservation => 'settled')::text;
"""


@dataclass(frozen=True)
class Size:
    """How full a database is; every n-th person has a conversation."""

    name: str
    people: int
    every: int = 1

    @property
    def talking(self) -> int:
        """People with a conversation."""
        return self.people // self.every

    @property
    def messages(self) -> int:
        """Rows of history."""
        return self.talking * HISTORY


SMALL = Size("small", people=1_000)
LARGE = Size("large", people=1_000_000, every=5)


@dataclass
class _Rounds:
    """Milliseconds of each statement in each round."""

    update: list[float] = field(default_factory=list)
    receive: list[float] = field(default_factory=list)
    finish: list[float] = field(default_factory=list)

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
        self._database.make(size.name, size.people, size.every)
        return time.perf_counter() - started

    def measure(self, sizes: Sequence[Size], rounds: int, seconds: int) -> list[Section]:
        """Measure all sizes in turn, some rounds of some seconds; with several, also how cost grows."""
        results = {(size, clients): _Rounds() for clients in CLIENTS for size in sizes}
        for number in range(rounds + 1):
            for (size, clients), result in results.items():
                one = self._pgbench(size, clients, seconds if number else 1)
                if number:
                    for values, value in zip(
                        (result.update, result.receive, result.finish), one, strict=True
                    ):
                        values.append(value)
        rows = [row for case, result in results.items() for row in _rows(*case, result)]
        sections = [Section(f"SQL, ms, median of {rounds}", rows, yardstick="UPDATE")]
        if growth := _growth(sizes, results):
            sections.append(Section("Both functions of one update, ms", growth, yardstick="with 1,000"))
        return sections

    def _pgbench(self, size: Size, clients: int, seconds: int) -> list[float]:
        """Run the script and return the milliseconds of each of its statements."""
        self._base += 1_000_000_000  # update_ids that were never seen
        values = {
            "number": 0, "base": self._base, "first": FIRST_PERSON, "every": size.every,
            "talking": size.talking, "history": HISTORY,
        }  # fmt: skip
        command = [str(binaries.embedded() / "pgbench"), "-n", "-r", "-M", "extended", "-T", str(seconds)]
        command += ["-c", str(clients), "-j", "1", "-f", str(self._script)]
        command += [f"-D{name}={value}" for name, value in values.items()]
        done = subprocess.run(
            [*command, self._database.owner_url(size.name)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise BenchError(f"pgbench failed: {done.stderr.strip()}")
        # "         0.211           0 update public.users set ..."; lines of \set stand there too
        found = re.findall(r"^\s+([\d.]+)\s+\d+\s+(?:update|select) ", done.stdout, re.MULTILINE)
        return [float(text) for text in found]


def _rows(size: Size, clients: int, result: _Rounds) -> list[Row]:
    case = f"{size.people:,} people, {size.messages:,} messages, c={clients}"
    return [
        Row(f"{case}: receive_update", median(result.receive), median(result.update), digits=3),
        Row("  finish_update", median(result.finish), median(result.update), digits=3),
    ]


def _growth(sizes: Sequence[Size], results: Mapping[tuple[Size, int], _Rounds]) -> list[Row]:
    """Compare each size with the first: both functions of one update together."""
    return [
        Row(
            f"with {size.people:,} people, c={clients}",
            results[size, clients].both,
            results[sizes[0], clients].both,
            Aim(_GROWTH, of_ratio=True),
            digits=3,
        )
        for size in sizes[1:]
        for clients in CLIENTS
    ]
