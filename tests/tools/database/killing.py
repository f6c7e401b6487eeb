"""Runs a command of the database tool in a process of its own that kills itself at a point."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.tools.database.two_environments import World

ROOT = Path(__file__).parents[3]
START = """
import importlib, os, re, signal, sys
from pathlib import Path
import psycopg
from tools.database import __main__ as program, migration_files

supabase, kind, what, when, number, *arguments = sys.argv[1:]
migration_files.SUPABASE = Path(supabase)
migration_files.MIGRATIONS, migration_files.DOWNS = Path(supabase, "migrations"), Path(supabase, "downs")
left = int(number)

def is_here():
    global left
    left -= 1
    return left == 0

def killing(function, matches):
    def called(*given, **named):
        here = matches(*given) and is_here()
        if here and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = function(*given, **named)
        if here:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    return called

def runs(connection, query, *_):
    text = query if isinstance(query, str) else (
        query.decode() if isinstance(query, bytes) else query.as_string(connection))
    return re.search(what, text) is not None

if kind == "sql":
    psycopg.Connection.execute = killing(psycopg.Connection.execute, runs)
else:
    module, _, path = what.partition(":")
    owner = importlib.import_module(module)
    *outer, name = path.split(".")
    for part in outer:
        owner = getattr(owner, part)
    setattr(owner, name, killing(getattr(owner, name), lambda *_: True))
sys.argv = ["database", *arguments]
sys.exit(program.main())
"""


@dataclass(frozen=True)
class Point:
    """Before or after the n-th statement that matches, or the n-th call of a function (module:name)."""

    kind: str  # sql or call
    what: str
    when: str
    number: int = 1

    def __str__(self) -> str:
        return f"{self.when} {self.what.rpartition(':')[2]} {self.number}"


def start(world: World, point: Point, *arguments: str) -> subprocess.Popen[str]:
    """Start a command that dies at a point."""
    words = [str(world.folder.parent), point.kind, point.what, point.when, str(point.number), *arguments]
    return subprocess.Popen(
        [sys.executable, "-c", START, *words], cwd=ROOT, env=dict(os.environ), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def die(world: World, point: Point, *arguments: str) -> None:
    """Run a command until it dies at its point."""
    process = start(world, point, *arguments)
    out, error = process.communicate(timeout=240)
    assert process.returncode == -signal.SIGKILL, f"{point} was not reached:\n{out}\n{error}"
