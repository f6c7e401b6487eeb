"""Locks and kills: a run names who is in its way, and a killed one lets go."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest

from tests.support import eventually
from tests.tools.database.two_environments import World
from tools.database import applying

pytestmark = pytest.mark.database


def program_in(world: World, *arguments: str) -> subprocess.Popen[str]:
    """Start a command in a process of its own, with the same migrations."""
    start = (
        "import sys; from pathlib import Path; from tools.database import migration_files, __main__ as p;"
        f" migration_files.MIGRATIONS = Path({str(world.folder)!r});"
        f" sys.argv = ['database', *{list(arguments)!r}];"
        " sys.exit(p.main())"
    )
    return subprocess.Popen(
        [sys.executable, "-c", start], cwd=Path(__file__).parents[3], env=dict(os.environ), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def is_sleeping(world: World) -> bool:
    return bool(world.on(
        world.development,
        "select 1 from pg_stat_activity where datname = 'development' and query like '%pg_sleep%'"
        " and state = 'active' and pid <> pg_backend_pid() and application_name like 'switchboard%'",
    ))  # fmt: skip


def test_a_second_run_names_the_first_and_gives_up(world: World, monkeypatch) -> None:
    world.both()
    world.add("select pg_sleep(30)")
    monkeypatch.setattr(applying, "TURN_TIMEOUT", 0.3)
    first = program_in(world, "sync")
    try:
        eventually(lambda: is_sleeping(world), seconds=30)
        status, _, error = world.run("sync")
        assert status == 9, error
        assert "The database is being changed: pid " in error
        assert "switchboard/" in error
    finally:
        first.kill()
        first.communicate()


def test_a_killed_run_lets_go_and_the_next_one_goes_on(world: World) -> None:
    world.both()
    path = world.add("create table public.one (); select pg_sleep(60)")
    process = program_in(world, "sync")
    eventually(lambda: is_sleeping(world), seconds=30)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    eventually(lambda: not is_sleeping(world), seconds=20)
    assert world.on(world.development, "select to_regclass('public.one') is null") == [(True,)]
    path.write_text("create table public.one ()")
    assert world.run("sync")[0] == 0
    outcomes = world.on(
        world.development, "select outcome from private.migration_runs order by id desc limit 2"
    )
    assert outcomes == [("done",), ("died",)]


def test_a_reader_in_the_way_is_named_and_the_migration_gets_through(world: World, monkeypatch) -> None:
    world.both()
    monkeypatch.setattr(applying, "LOCK_TIMEOUT", "100ms")
    monkeypatch.setattr(applying, "FIRST_PAUSE", 0.3)
    world.add("alter table public.users add column later int")
    reader = psycopg.connect(world.development, application_name="dashboard")
    reader.execute("select from public.users limit 1")
    process: list[tuple[int, str, str]] = []
    thread = threading.Thread(target=lambda: process.append(world.run("sync")))
    thread.start()
    time.sleep(1.5)
    reader.close()
    thread.join()
    status, _, error = process[0]
    assert status == 0, error
    assert "waits for" in error
    assert world.on(
        world.development, "select lock_waits > 0 from private.migration_steps order by id desc limit 1"
    ) == [(True,)]
