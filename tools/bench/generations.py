"""What a picture costs until it is sent, and how long a run with many open jobs takes."""

from __future__ import annotations

import http.client
import json
import time

import psycopg

from tools.bench import updates
from tools.bench.errors import BenchError
from tools.bench.fake_servers import Control, FakeServers
from tools.bench.peer import Peer, cpu_of
from tools.bench.report import Aim, Row, Section

POLL_INTERVAL = 60  # seconds: a run polls each job once
SECRET = "the-secret-of-the-schedule"  # noqa: S105 - of a database that lives for minutes
_HEADERS = {"Content-Type": "application/json", "Authorization": f"Bearer {SECRET}"}
COUNTED = 50
JOBS = 500
OPEN = 1_000
_PROVIDER_SECONDS = 0.15  # until the provider answers
_MINUTE = 60.0
_RESERVE = """
    select count(*)
      from public.users as u
     cross join lateral public.reserve_generation(
       u.id, 'assistant', u.telegram_id, u.telegram_id, 0, 'image', 'kie_ai', 'nano-banana-2-lite',
       '{"prompt": "a cat in a hat", "options": {}, "references": []}', %(name)s || ':' || u.id, 1, 0, 0.04
     ) as r
     where u.telegram_id between %(first)s and %(first)s + %(count)s - 1 and r ->> 'outcome' = 'reserved'
"""
# The pause before the next poll is over.
_DUE = "update public.generations set due_at = private.clock() where due_at is not null"
_STATES = "select g.state, count(*) from public.generations as g where g.reference like %s group by g.state"
_LIMITS = """
    update private.settings set value = '1000000'
     where key in ('daily_cost_user', 'daily_cost_bot', 'monthly_cost_user', 'monthly_cost_bot')
"""


class Generations:
    """Users' pictures, made by the job `generations` of the function `scheduled`."""

    def __init__(self, owner_url: str, fake_servers: FakeServers) -> None:
        self._owner_url = owner_url
        self._fake_servers = fake_servers
        self._first = updates.FIRST_USER
        with psycopg.connect(owner_url, autocommit=True) as connection:
            connection.execute(_LIMITS)

    def cost(self, scheduled: Peer, postmaster: int) -> Section:
        """Let `JOBS` pictures be made, and return what each cost.

        Raises:
            BenchError: a picture was not sent.
        """
        self._make(scheduled, "warm", COUNTED)
        cpu, postgres, started = scheduled.cpu(), cpu_of(postmaster), time.perf_counter()
        self._make(scheduled, "cost", JOBS)
        seconds = time.perf_counter() - started
        rows = [
            Row("CPU of the function, ms", (scheduled.cpu() - cpu) / JOBS * 1000),
            Row("CPU of Postgres, ms", (cpu_of(postmaster) - postgres) / JOBS * 1000),
            Row("pictures a second", JOBS / seconds, digits=0),
        ]
        return Section(f"A picture, mean of {JOBS}; provider and Telegram answer at once", rows)

    def count(self, counted: Peer) -> Section:
        """Count what a picture asks of others; the peer must reach Postgres through the counter."""
        self._fake_servers.take_counts()
        self._make(counted, "counted", COUNTED)
        counts = self._fake_servers.take_counts()
        round_trips = counts.pop("sql", 0)
        rows = [
            Row("round trips to Postgres", round_trips / COUNTED),
            Row(f"calls to others ({', '.join(sorted(counts))})", sum(counts.values()) / COUNTED),
        ]
        return Section(f"What a picture asks of others, counted over {COUNTED}", rows)

    def sweep(self, scheduled: Peer) -> Section:
        """Poll `OPEN` jobs that go on, whose provider takes its time.

        Raises:
            BenchError: a job was not polled.
        """
        self._reserve("open", OPEN)
        self._run(scheduled, OPEN)
        self._fake_servers.control(Control(media_delay=_PROVIDER_SECONDS, media_ready=False))
        self._make_due()
        self._fake_servers.take_counts()
        started = time.perf_counter()
        self._run(scheduled, OPEN)
        seconds = time.perf_counter() - started
        polled = self._fake_servers.take_counts().get("recordInfo", 0)
        self._fake_servers.control(Control())
        if polled != OPEN:
            raise BenchError(f"{polled} of {OPEN} open jobs were polled")
        row = Row("all polled within, s", seconds, aim=Aim(_MINUTE))
        return Section(f"{OPEN:,} open jobs, the provider answers in {_PROVIDER_SECONDS:g} s", [row])

    def _make(self, peer: Peer, name: str, count: int) -> None:
        """Reserve pictures and run the job until all were sent."""
        self._reserve(name, count)
        self._run(peer, count)  # submits
        self._make_due()
        self._run(peer, count)  # reads the state, copies, sends
        with psycopg.connect(self._owner_url, autocommit=True) as connection:
            states: dict[str, int] = dict(connection.execute(_STATES, (f"{name}:%",)).fetchall())
            wrong = connection.execute("select wrong from public.check_generations() limit 1").fetchone()
        if wrong or states != {"delivered": count}:
            raise BenchError(f"of {count} pictures: {states}; {wrong or 'the ledger agrees'}")

    def _reserve(self, name: str, count: int) -> None:
        """Let as many users, each of them for the first time, ask for a picture."""
        values = {"name": name, "first": self._first, "count": count}
        self._first += count
        with psycopg.connect(self._owner_url, autocommit=True) as connection:
            reserved = connection.execute(_RESERVE, values).fetchone()
        if reserved != (count,):
            raise BenchError(f"{reserved} of {count} pictures were reserved")

    def _make_due(self) -> None:
        with psycopg.connect(self._owner_url, autocommit=True) as connection:
            connection.execute(_DUE)

    @staticmethod
    def _run(peer: Peer, jobs: int) -> None:
        """Call the function's job until it has worked on as many; a run begins none after half a minute."""
        for _ in range(10):
            jobs -= _worked(peer.port)
            if jobs <= 0:
                return
        raise BenchError(f"{jobs} jobs were not due:\n{peer.tail()}")


def first() -> bytes:
    """Return a call of the job."""
    head = "".join(f"{name}: {value}\r\n" for name, value in _HEADERS.items())
    return f"POST /generations HTTP/1.1\r\nHost: localhost\r\n{head}Content-Length: 2\r\n\r\n{{}}".encode()


def _worked(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_MINUTE * 2)
    try:
        connection.request("POST", "/generations", b"{}", _HEADERS)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != 200:
        raise BenchError(f"the job answered {answer.status}: {body[:300]!r}")
    return int(json.loads(body)["worked"])
