"""`./switchboard bench`: figures of one run, in three to four minutes. It takes two CPUs for itself.

--quick        one minute: fewer and shorter rounds
--large        also with 1,000,000 users and 10,000,000 messages (5 GB of disk, some minutes more)
--only NAMES   some of: text, start, saturation, latency, streamed, slow_ai,
               pictures, callbacks, generations, pages, scale, ranks, messenger, broadcasts, database,
               backups; broadcasts runs when it is named: it takes some minutes more
--against PATH compare with another checkout, both loaded in turns; --only does not apply
--json FILE    the same for a machine

A figure that misses its aim fails nothing; something that breaks does.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tools.bench import (
    against,
    backups,
    broadcasts,
    callback_requests,
    callbacks,
    cpus,
    database_tool,
    generations,
    latency,
    messenger,
    pages,
    pictures,
    ranks,
    saturation,
    slow_ai,
    start,
    streamed,
    text,
    updates,
)
from tools.bench.database import Database
from tools.bench.distance import Distance
from tools.bench.disturbance import Watch
from tools.bench.errors import BenchError
from tools.bench.fake_servers import FakeServers
from tools.bench.one_row import OneRow
from tools.bench.peer import Peer
from tools.bench.report import Aim, Row, Section
from tools.bench.scale import LARGE, SMALL, Scale, Size
from tools.database.errors import DatabaseToolError
from tools.emulator.functions import ROOT

_SECTIONS = (
    "text",
    "start",
    "saturation",
    "latency",
    "streamed",
    "slow_ai",
    "pictures",
    "callbacks",
    "generations",
    "pages",
    "scale",
    "ranks",
    "messenger",
    "broadcasts",
    "database",
    "backups",
)
_ONLY_NAMED = {"broadcasts"}  # some minutes more
_DIRECTORY = ROOT / ".switchboard" / "bench"
_TOKEN = "123456789:" + "b" * 35
_HASH_KEY = "a key of the length that is asked for"


@dataclass(frozen=True)
class Effort:
    """How many rounds of how many seconds."""

    starts: int
    rounds: int
    seconds: float
    slow_rounds: int
    slow_seconds: float
    scale_rounds: int
    scale_seconds: int


DEFAULT = Effort(
    starts=7, rounds=5, seconds=3, slow_rounds=3, slow_seconds=8, scale_rounds=5, scale_seconds=2
)
QUICK = Effort(
    starts=3, rounds=3, seconds=1.5, slow_rounds=1, slow_seconds=5, scale_rounds=1, scale_seconds=1
)


def main() -> int:
    """Measure and print; 1 with what broke, 0 whatever the figures say."""
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # unwinds, so that nothing is left running
    print(_machine(), flush=True)
    try:
        cpus.check()
        results = list(_run(arguments))
    except (BenchError, DatabaseToolError) as error:
        print(error, file=sys.stderr)
        return 1
    marks = [row.mark for section in results for row in section.rows if row.mark]
    if marks:
        print(f"{marks.count('missed')} missed" if "missed" in marks else "Every aim is met.")
    if arguments.json:
        arguments.json.write_text(json.dumps(_plain(results), ensure_ascii=False, indent=1) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./switchboard bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", dest="effort", action="store_const", const=QUICK, default=DEFAULT)
    parser.add_argument("--large", action="store_true")
    parser.add_argument(
        "--only",
        type=lambda text: text.split(","),
        default=[one for one in _SECTIONS if one not in _ONLY_NAMED],
    )
    parser.add_argument("--against", type=Path)
    parser.add_argument("--json", type=Path)
    return parser


def _run(arguments: argparse.Namespace) -> Iterator[Section]:
    """Measure the sections that are wanted, printing each as it is there."""
    effort, only = arguments.effort, set(arguments.only)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, _DIRECTORY, ignore_errors=True)
        _DIRECTORY.mkdir(parents=True, exist_ok=True)
        if arguments.against:
            yield from _compare(effort, arguments.against.absolute())
            return
        if "text" in only:
            yield _posted(text.measure())
        if only - {"scale", "ranks", "messenger", "broadcasts", "text", "database", "backups"}:
            with _Functions.running() as functions:
                yield from functions.measure(effort, only)
        if "scale" in only:
            yield from _scale(effort, [SMALL, LARGE] if arguments.large else [SMALL])
        if "ranks" in only:
            yield from _ranks(effort)
        if "messenger" in only:
            yield from _messenger()
        if "broadcasts" in only:
            yield from _broadcasts()
        if "database" in only:
            yield from _database(effort)
        if "backups" in only:
            yield from _backups(effort)


@dataclass(frozen=True)
class _Functions:
    """The bare function and the product's, with all that they need around them."""

    database: Database
    fake_servers: FakeServers
    bare: Peer
    product: Peer
    counted: Peer
    hmac: Peer
    payments: Peer
    counted_payments: Peer

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[_Functions]:
        """Run what they need; the functions themselves are started by the measurements."""
        with ExitStack() as stack:
            database = stack.enter_context(Database(_DIRECTORY / "postgres").running(cpus.OTHERS))
            database.make("bench", updates.USERS)
            fake_servers = stack.enter_context(FakeServers(database.port).running())
            stack.enter_context(cpus.pinned(cpus.OTHERS))  # our own posting
            bare = Peer("bare", "tools/bench/bare.py", {}, _DIRECTORY / "bare.log")
            hmac = Peer("bare_hmac", "tools/bench/bare_hmac.py", {}, _DIRECTORY / "bare_hmac.log")
            direct = database.backend_url("bench")
            through = database.backend_url("bench", fake_servers.counter_port)
            yield cls(
                database,
                fake_servers,
                bare,
                _function("telegram", fake_servers, direct),
                _function("telegram", fake_servers, through),
                hmac,
                _function("payments", fake_servers, direct),
                _function("payments", fake_servers, through),
            )

    def measure(self, effort: Effort, only: set[str]) -> Iterator[Section]:
        """Measure the sections that are wanted."""
        first = updates.requests("command")
        if "start" in only:
            watch = Watch(self.database.postmaster)
            yield _posted(start.measure(self.bare, self.product, effort.starts), watch)
        if only & {"saturation", "streamed", "slow_ai"}:
            with self.bare.running(next(first)), self.product.running(next(first)):
                yield from self._loaded(effort, only)
        if "saturation" in only:
            with self.counted.running(next(first)):
                yield _posted(saturation.count(self.counted, self.fake_servers))
        if "latency" in only:
            yield from self._latency(next(first))
        if "pictures" in only:
            with self.product.running(next(first)):
                yield _posted(pictures.measure(self.product))
        if "callbacks" in only:
            yield from self._callbacks(effort, next(first))
        if "generations" in only:
            yield from self._generations()
        if "pages" in only:
            yield from self._pages(effort)

    def _latency(self, command: bytes) -> Iterator[Section]:
        watch = Watch(self.database.postmaster)
        with Distance(self.database.port, latency.ROUND_TRIP).running() as distance:
            url = self.database.backend_url("bench", distance.port)
            far = _function("telegram", self.fake_servers, url)
            with self.product.running(command), far.running(command):
                section = latency.measure(self.product, far, distance.round_trip(url))
        yield _posted(section, watch)

    def _callbacks(self, effort: Effort, command: bytes) -> Iterator[Section]:
        owner_url = self.database.owner_url("bench")
        callbacks.prepare(owner_url)
        all_ = callbacks.Callbacks(self.hmac, self.payments, self.product, owner_url)
        watch = Watch(self.database.postmaster)
        signed = next(callback_requests.signed_requests())
        with (
            self.hmac.running(signed),
            self.payments.running(all_.first()),
            self.product.running(command),
        ):
            yield _posted(all_.measure(self.database.postmaster, effort.rounds, effort.seconds), watch)
        with self.counted_payments.running(all_.first()), self.counted.running(command):
            yield _posted(all_.count(self.fake_servers, self.counted_payments, self.counted))

    def _generations(self) -> Iterator[Section]:
        jobs = generations.Generations(self.database.owner_url("bench"), self.fake_servers)
        direct = self.database.backend_url("bench")
        through = self.database.backend_url("bench", self.fake_servers.counter_port)
        scheduled = _function("scheduled", self.fake_servers, direct)
        counted = _function("scheduled", self.fake_servers, through)
        watch = Watch(self.database.postmaster)
        with scheduled.running(generations.first()), counted.running(generations.first()):
            yield _posted(jobs.cost(scheduled, self.database.postmaster), watch)
            yield _posted(jobs.count(counted))
            watch = Watch(self.database.postmaster)
            yield _posted(jobs.sweep(scheduled), watch)

    def _pages(self, effort: Effort) -> Iterator[Section]:
        pages.prepare(self.database.owner_url("bench"))
        console = _function("console", self.fake_servers, self.database.backend_url("bench"))
        watch = Watch(self.database.postmaster)
        yield _posted(pages.starts(self.bare, console, effort.starts), watch)
        with self.bare.running(pages.request("/")), console.running(pages.request("/")):
            section = pages.measure(
                self.bare, console, self.database.postmaster, effort.rounds, effort.seconds
            )
        yield _posted(section, watch)

    def _loaded(self, effort: Effort, only: set[str]) -> Iterator[Section]:
        postmaster = self.database.postmaster
        if "saturation" in only:
            watch = Watch(postmaster)
            one_row = OneRow(self.database, saturation.CONCURRENCY)
            section = saturation.measure(
                self.bare, self.product, one_row, postmaster, effort.rounds, effort.seconds
            )
            yield _posted(section, watch)
            yield self._memory(saturation.CONCURRENCY, Aim(70))
        if "streamed" in only:
            watch = Watch(postmaster)
            section = streamed.measure(
                self.product, self.fake_servers, postmaster, effort.rounds, effort.seconds
            )
            yield _posted(section, watch)
        if "slow_ai" in only:
            watch = Watch(postmaster)
            section = slow_ai.measure(
                self.product, self.fake_servers, effort.slow_rounds, effort.slow_seconds
            )
            yield _posted(section, watch)
            yield self._memory(slow_ai.AT_ONCE, None)

    def _memory(self, at_once: int, aim: Aim | None) -> Section:
        # An instance keeps what as many requests at once once took, so the figure needs their number.
        row = Row(f"PSS after {at_once} at once, MB", self.product.pss(), self.bare.pss(), aim)
        return _posted(Section("Memory after all that", [row]))


def _compare(effort: Effort, root: Path) -> Iterator[Section]:
    """Measure this checkout and another one side by side."""
    if not (root / "functions" / "telegram" / "main.py").is_file():
        raise BenchError(f"{root} is no checkout: it has no functions/telegram/main.py")
    with ExitStack() as stack:
        own = stack.enter_context(Database(_DIRECTORY / "postgres").running(cpus.OTHERS))
        other = stack.enter_context(Database(_DIRECTORY / "other").running(cpus.OTHERS))
        own.make("bench", updates.USERS)
        other.make("bench", updates.USERS, supabase=root / "supabase")
        fake_servers = stack.enter_context(FakeServers(own.port).running())
        stack.enter_context(cpus.pinned(cpus.OTHERS))  # our own posting
        bare = Peer("bare", "tools/bench/bare.py", {}, _DIRECTORY / "bare.log")
        ours = _function("telegram", fake_servers, own.backend_url("bench"))
        theirs = _function("telegram", fake_servers, other.backend_url("bench"), root)
        yield _posted(against.starts(ours, theirs, effort.starts))
        first = updates.requests("command")
        for peer in (bare, ours, theirs):
            stack.enter_context(peer.running(next(first)))
        section = against.measure(
            against.Side(bare, own.postmaster),
            against.Side(ours, own.postmaster),
            against.Side(theirs, other.postmaster),
            fake_servers,
            OneRow(own, saturation.CONCURRENCY),
            effort.rounds,
        )
        yield _posted(section)


def _scale(effort: Effort, sizes: list[Size]) -> Iterator[Section]:
    with Database(_DIRECTORY / "postgres").running(cpus.ALL) as database:
        scale = Scale(database, _DIRECTORY)
        for size in sizes:
            seconds = scale.fill(size)
            print(f"{size.users:,} users and {size.messages:,} messages made in {seconds:.0f} s", flush=True)
        watch = Watch(database.postmaster)
        for section in scale.measure(sizes, effort.scale_rounds, effort.scale_seconds):
            yield _posted(section, watch)


def _ranks(effort: Effort) -> Iterator[Section]:
    with Database(_DIRECTORY / "postgres").running(cpus.ALL) as database:
        measured = ranks.Ranks(database, _DIRECTORY)
        for users in ranks.SIZES:
            print(f"{users:,} users on boards in {measured.fill(users):.0f} s", flush=True)
        watch = Watch(database.postmaster)
        yield _posted(measured.measure(effort.scale_rounds, effort.scale_seconds), watch)


def _messenger() -> Iterator[Section]:
    with Database(_DIRECTORY / "postgres").running(cpus.ALL) as database:
        count = messenger.CONVERSATIONS
        print(f"{count:,} conversations made in {messenger.fill(database):.0f} s", flush=True)
        watch = Watch(database.postmaster)
        yield _posted(messenger.measure(database), watch)


def _broadcasts() -> Iterator[Section]:
    with Database(_DIRECTORY / "postgres").running(cpus.ALL) as database:
        print(f"{broadcasts.USERS:,} users made in {broadcasts.fill(database):.0f} s", flush=True)
        watch = Watch(database.postmaster)
        yield _posted(broadcasts.measure(database), watch)


def _database(effort: Effort) -> Iterator[Section]:
    with Database(_DIRECTORY / "postgres").running(cpus.ALL) as database:
        watch = Watch(database.postmaster)
        yield _posted(database_tool.measure(database, effort.scale_rounds), watch)


def _backups(effort: Effort) -> Iterator[Section]:
    with ExitStack() as stack:
        database = stack.enter_context(Database(_DIRECTORY / "postgres").running(cpus.OTHERS))
        measured = backups.Backups(database, _DIRECTORY)
        fake_servers = stack.enter_context(FakeServers(database.port).running())
        stack.enter_context(cpus.pinned(cpus.OTHERS))  # our own posting
        product = _function("telegram", fake_servers, database.backend_url(backups.NAME))
        stack.enter_context(product.running(next(updates.requests("command"))))
        watch = Watch(database.postmaster)
        yield _posted(measured.measure(product, effort.slow_rounds), watch)


def _function(name: str, fake_servers: FakeServers, database_url: str, root: Path = ROOT) -> Peer:
    env = callback_requests.environment(fake_servers.url) | {
        "DATABASE_URL": database_url,
        "BOT_TOKENS": json.dumps({"assistant": _TOKEN}),
        "TELEGRAM_WEBHOOK_SECRET": updates.SECRET,
        "USER_HASH_KEY": _HASH_KEY,
        "PERSON_HASH_KEY": _HASH_KEY,  # its former name, for `--against`
        "TELEGRAM_API_URL": fake_servers.url,
        "OPENAI_API_KEY": "none",
        "OPENAI_BASE_URL": f"{fake_servers.url}/openai/v1",
        "KIE_AI_API_KEY": "none",
        "KIE_AI_BASE_URL": f"{fake_servers.url}/kie_ai",
        "KIE_AI_POLL_INTERVAL": str(generations.POLL_INTERVAL),
        "SCHEDULER_SECRET": generations.SECRET,
    }
    log = _DIRECTORY / (f"{name}.log" if root == ROOT else f"other_{name}.log")
    return Peer(name, f"functions/{name}/main.py", env, log, root)


def _posted(section: Section, watch: Watch | None = None) -> Section:
    """Print a section, and how much others disturbed it."""
    if watch is not None:
        section = replace(section, others=watch.others())
    print(f"\n{section.text()}", end="", flush=True)
    return section


def _machine() -> str:
    return (
        f"Python {platform.python_version()}, {platform.system()} {platform.release()};"
        f" the function on CPU {min(cpus.FUNCTION, default='?')},"
        f" Postgres, fake servers and load on CPU {min(cpus.OTHERS, default='?')}"
    )


def _plain(sections: list[Section]) -> dict[str, Any]:
    return {"machine": _machine(), "sections": [section.plain() for section in sections]}


if __name__ == "__main__":
    sys.exit(main())
