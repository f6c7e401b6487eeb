"""How long the commands of `./switchboard database` take for two databases that need nothing."""

from __future__ import annotations

import os
import subprocess
import time
from statistics import median

import psycopg

from tools.bench.database import Database
from tools.bench.errors import BenchError
from tools.bench.report import Aim, Row, Section
from tools.emulator.functions import INHERITED, ROOT

DATABASES = ("development", "production")
_SECONDS = 300
_COMMANDS = {
    "status of both": ("status",),
    "sync with nothing to do": ("sync", "--on", "development"),
    "drift": ("drift", "--on", "production"),
    "verify": ("verify", "--on", "production"),
}
_AIMS = {"status of both": 1.5, "sync with nothing to do": 1.0, "drift": 1.0, "verify": 10.0}


def measure(database: Database, rounds: int) -> Section:
    """Run each command some times, with the start of its process.

    Raises:
        BenchError: a command found something to do.
    """
    for name in DATABASES:
        database.make(name, 1)
        # As on a server of one's own: a database with the emulator's mark needs no name.
        with psycopg.connect(database.owner_url(name), autocommit=True) as connection:
            connection.execute(f"comment on database {name} is null".encode())
        _run(database, "init", "--on", name)
    rows = []
    for name, arguments in _COMMANDS.items():
        taken = []
        for _ in range(rounds + 1):  # the first one compiles and fills caches
            started = time.perf_counter()
            _run(database, *arguments)
            taken.append(time.perf_counter() - started)
        rows.append(Row(f"{name}, s", median(taken[1:]), aim=Aim(_AIMS[name]), digits=2))
    return Section(f"./switchboard database, today's schema, median of {rounds}", rows)


def _run(database: Database, *arguments: str) -> None:
    env = {name: os.environ[name] for name in INHERITED if name in os.environ} | {
        "DEVELOPMENT_DATABASE_URL": database.tool_url("development"),
        "DATABASE_ADMIN_URL": database.tool_url("production"),
    }
    command = [str(ROOT / "switchboard"), "database", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    if done.returncode:
        raise BenchError(
            f"database {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr[-2000:]}"
        )
