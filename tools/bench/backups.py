"""A backup of a database in use: time, memory, restores into two versions, chats meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import psycopg
import pyrage

from tools.bench import cpus, load, updates
from tools.bench.database import Database
from tools.bench.errors import BenchError
from tools.bench.peer import Peer
from tools.bench.report import Aim, Row, Section
from tools.database import binaries
from tools.database.backups import keeping
from tools.database.embedded import Server, free_port
from tools.database.errors import ServerError
from tools.emulator.functions import INHERITED, ROOT

NAME = "backed_up"
USERS, EVERY = 50_000, 5  # every fifth has 50 messages
_ALONE = 5.0  # seconds of chats without a backup
_MEMORY = Aim(200)  # MB, whatever the size of the tables
_SLOWER = Aim(1.2, of_ratio=True)
_SECONDS = 600


class Backups:
    """Takes backups of one database while a function answers chats from it."""

    def __init__(self, database: Database, directory: Path) -> None:
        """Make the database, and the keys."""
        self._database, self._directory = database, directory
        self._identity = pyrage.x25519.Identity.generate()
        self._seconds: list[float] = []
        self._megabytes: list[float] = []
        database.make(NAME, USERS, EVERY)
        with psycopg.connect(database.owner_url(NAME), autocommit=True) as connection:
            connection.execute(f"comment on database {NAME} is null".encode())
            connection.execute("insert into private.database_identity values ('production', true)")
            row = connection.execute("select pg_database_size(current_database()) / 1e6").fetchone()
        self._size = float(row[0]) if row else 0.0

    def measure(self, product: Peer, rounds: int) -> Section:
        """Measure chats without and with a backup in turn, then restore the last one.

        Raises:
            BenchError: a command failed, or a restore is not equal.
        """
        chats = updates.requests("chat")
        load.some(product.port, chats, 50)
        alone, meanwhile = [], []
        for _ in range(rounds):
            alone.append(load.during(product.port, chats, _ALONE, 1).percentile(50) * 1000)
            with self._backup() as process:
                waits = []
                while process.poll() is None:
                    waits.append(load.during(product.port, chats, 0.5, 1).percentile(50) * 1000)
            meanwhile.append(median(waits))
        file = self._newest()
        rows = [
            Row("database, MB", self._size),
            Row("backup, MB", file.stat().st_size / 1e6),
            Row("time of a backup while chats are answered, s", median(self._seconds)),
            Row("memory of the command (max RSS), MB", max(self._megabytes), aim=_MEMORY),
            Row("half of the chats within, ms", median(meanwhile), median(alone), _SLOWER, 2),
        ]
        for major in (15, binaries.EMBEDDED_MAJOR):
            try:
                rows.append(Row(f"restored into {major} and compared, s", self._restore(file, major)))
            except ServerError:
                continue  # that Postgres is not installed
        title = f"A backup of {USERS:,} users and {USERS // EVERY * 50:,} messages, median of {rounds}"
        return Section(title, rows, baseline="no backup")

    @contextmanager
    def _backup(self) -> Iterator[subprocess.Popen[bytes]]:
        env = {name: os.environ[name] for name in INHERITED if name in os.environ} | {
            "DATABASE_ADMIN_URL": self._database.tool_url(NAME),
            "BACKUP_PLACE": str(self._directory / "backups"),
            "BACKUP_RECIPIENT": str(self._identity.to_public()),
        }
        # Niced, as it runs on another machine than the database: the question is what Postgres does for it.
        nice = ["nice", "-n", "19", sys.executable]
        command = [*nice, "-m", "tools.database", "backup", "--on", "production"]
        started = time.perf_counter()
        with cpus.pinned(cpus.OTHERS):
            process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL)
        peak = _Peak(process.pid)
        waiting = process.poll

        def poll() -> int | None:
            peak.look()
            return waiting()

        process.poll = poll  # type: ignore[method-assign]
        yield process
        if process.wait(_SECONDS):
            raise BenchError(f"database backup ended with {process.returncode}")
        self._seconds.append(time.perf_counter() - started)
        self._megabytes.append(peak.megabytes)

    def _newest(self) -> Path:
        return max((self._directory / "backups").iterdir(), key=lambda path: path.stat().st_mtime)

    def _restore(self, file: Path, major: int) -> float:
        """Restore into a server of its own; `restore` compares rows and hashes of every table."""
        programs = None if major == binaries.EMBEDDED_MAJOR else binaries.debian(major)
        server = Server(self._directory / f"restored-{major}", free_port(), programs=programs, durable=False)
        try:
            server.start()
            url = server.create_database("restored")
            loading = server.url("restored", "supabase_admin")
            started = time.perf_counter()
            keeping.restore(file, str(self._identity), url, loading, lambda _: None)
            return time.perf_counter() - started
        finally:
            server.remove()


class _Peak:
    """The highest resident memory of a process, as the kernel keeps it."""

    def __init__(self, process: int) -> None:
        self._status = Path(f"/proc/{process}/status")
        self.megabytes = 0.0

    def look(self) -> None:
        """Read it, while the process lives."""
        try:
            lines = self._status.read_text().splitlines()
        except OSError:
            return
        for line in lines:
            if line.startswith("VmHWM:"):
                self.megabytes = max(self.megabytes, int(line.split()[1]) / 1000)
