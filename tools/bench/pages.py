"""What pages of the console cost: CPU, pages a second, weight of the first view, start of the process."""

from __future__ import annotations

import gzip
import http.client
import re
from collections.abc import Iterator
from itertools import repeat
from statistics import median

import psycopg

from shared.features.courses import library
from shared.web import sessions
from tools.bench import load
from tools.bench.errors import BenchError
from tools.bench.peer import Peer, cpu_of
from tools.bench.report import Aim, Row, Section
from tools.bench.saturation import CONCURRENCY, Rounds
from tools.bench.updates import FIRST_USER
from tools.courses import loading

_COURSE = "telegram-sales"
# A page without a user; pages of a user: one session and one or more reads; a lesson, the longest of them.
PAGES = ("/", "/account/devices", "/account", "/account/usage", "/courses", f"/courses/{_COURSE}/what-sells")
WEIGHT = 60.0  # kB of the first view, compressed
_TOKEN = sessions.new_token()
_SESSION = """
    insert into public.user_sessions (token_hash, user_id, way, device, expires_at, ends_at)
    select %s::bytea, u.id, 'bot', 'Bench', now() + interval '1 day', now() + interval '1 day'
      from public.users as u where u.telegram_id = %s
"""
_GRANT = """
    select private.grant_tier(
        u.id, c.id, 'vip', jsonb_populate_record(null::public.enrollment_grants, '{"source": "manual"}')
      )
      from public.users as u, public.courses as c where u.telegram_id = %s and c.slug = %s
"""
_WARM_SECONDS = 0.5
_ASSET = re.compile(rb'(?:href|src)="([^"]*/assets/[^"]+)"')


def prepare(owner_url: str) -> None:
    """Log a user in who has the sample course."""
    loading.load(owner_url, library.FOLDER / _COURSE, overwrites=True, is_on_sale=True)
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute(_SESSION, [sessions.digest(_TOKEN), FIRST_USER])
        connection.execute(_GRANT, [FIRST_USER, _COURSE])


def request(path: str) -> bytes:
    """Return a request of a page as a browser sends it."""
    head = (
        f"GET {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Accept: text/html",
        "Accept-Encoding: gzip",
        "Accept-Language: en",
        *(f"{name}: {value}" for name, value in _session(path).items()),
    )
    return ("\r\n".join(head) + "\r\n\r\n").encode()


def _session(path: str) -> dict[str, str]:
    """Return the header of a logged-in user; the first page leads such a user to the account."""
    return {} if path == "/" else {"Cookie": f"session={_TOKEN}"}


def starts(bare: Peer, console: Peer, rounds: int) -> Section:
    """Start both in turn. The first round compiles what was never imported, and is not counted."""
    taken: dict[Peer, list[tuple[float, float, float]]] = {bare: [], console: []}
    for number in range(rounds + 1):
        for peer, results in taken.items():
            with peer.running(request("/account/devices")) as seconds:
                if number:
                    results.append((seconds * 1000, peer.cpu() * 1000, peer.pss()))
    wall, cpu, memory = (
        (median(one[index] for one in taken[console]), median(one[index] for one in taken[bare]))
        for index in range(3)
    )
    rows = [
        Row("start to first page, ms", *wall, digits=0),
        Row("  CPU of it, ms", *cpu, digits=0),
        Row("memory after the first page (PSS), MB", *memory),
    ]
    return Section(f"Start of the console, median of {rounds}", rows)


def measure(bare: Peer, console: Peer, postmaster: int, rounds: int, seconds: float) -> Section:
    """Load all pages in turn.

    Raises:
        BenchError: a page was not shown.
    """
    results = {path: Rounds() for path in ("", *PAGES)}
    for number in range(rounds + 1):
        for path, result in results.items():
            one = Rounds() if number == 0 else result  # the first round opens connections and fills caches
            peer = console if path else bare
            cpu, postgres = peer.cpu(), cpu_of(postmaster)
            done = load.during(peer.port, _again(path), seconds if number else _WARM_SECONDS, CONCURRENCY)
            one.add(done, peer.cpu() - cpu, cpu_of(postmaster) - postgres)
    baseline = results.pop("")
    rows = [
        row
        for path, result in results.items()
        for row in (
            Row(f"{path}: CPU of a page, ms", median(result.cpu), median(baseline.cpu), digits=3),
            Row("  pages a second", median(result.per_second), median(baseline.per_second), digits=0),
            Row("  CPU of Postgres, ms", median(result.postgres), digits=3),
            Row("  first view, kB", _weight(console, path), aim=Aim(WEIGHT)),
        )
    ]
    return Section(f"Pages, {CONCURRENCY} at once, median of {rounds}", rows)


def _again(path: str) -> Iterator[bytes]:
    return repeat(request(path or "/"))


def _weight(console: Peer, path: str) -> float:
    """Return the kilobytes that a browser without a cache receives for a page and its files."""
    size, page = _sent(console, path)
    assets = {found.decode().removeprefix("/console") for found in _ASSET.findall(page)}
    return (size + sum(_sent(console, one)[0] for one in sorted(assets))) / 1000


def _sent(console: Peer, path: str) -> tuple[int, bytes]:
    """Return the bytes of a body that were sent, and the body."""
    connection = http.client.HTTPConnection("127.0.0.1", console.port, timeout=20)
    try:
        headers = {"Accept-Encoding": "gzip", "Accept-Language": "en", **_session(path)}
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise BenchError(f"{path} answered {answer.status}")
        is_compressed = answer.headers["Content-Encoding"] == "gzip"
        return len(body), gzip.decompress(body) if is_compressed else body
    finally:
        connection.close()
