"""Postgres some milliseconds away: a proxy that delays what passes, in a process of its own.

Each direction takes half of the round trip. The proxy adds what waking its threads takes (some tenths of a
millisecond), so `Distance.round_trip` measures what a client really waits for.
"""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from statistics import median

import psycopg

from tools.bench import cpus
from tools.database.embedded import free_port
from tools.emulator.functions import ROOT

_SAMPLES = 50


class Distance:
    """The process, seen from ours."""

    def __init__(self, database_port: int, milliseconds: float) -> None:
        self.port = free_port()
        self._database_port = database_port
        self._milliseconds = milliseconds

    @contextmanager
    def running(self) -> Iterator[Distance]:
        """Run the process until the block ends."""
        command = [sys.executable, "-m", "tools.bench.distance", str(self.port), str(self._database_port)]
        with cpus.pinned(cpus.OTHERS):
            process = subprocess.Popen([*command, str(self._milliseconds)], cwd=ROOT, stdout=subprocess.PIPE)
        try:
            assert process.stdout is not None
            process.stdout.readline()  # it listens
            yield self
        finally:
            process.kill()
            process.communicate()

    def round_trip(self, url: str) -> float:
        """Return the milliseconds that the smallest statement takes, from the median of some."""
        taken = []
        with psycopg.connect(url, autocommit=True) as connection:
            for _ in range(_SAMPLES):
                started = time.perf_counter()
                connection.execute("select 1")
                taken.append((time.perf_counter() - started) * 1000)
        return median(taken)


def _pass_on(source: socket.socket, target: socket.socket, seconds: float) -> None:
    with suppress(OSError):
        while data := source.recv(1_000_000):
            time.sleep(seconds)
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("database_port", type=int)
    parser.add_argument("milliseconds", type=float)
    arguments = parser.parse_args()
    one_way = arguments.milliseconds / 2 / 1000
    with socket.create_server(("127.0.0.1", arguments.port)) as listener:
        print("ready", flush=True)
        while True:
            near, _ = listener.accept()
            far = socket.create_connection(("127.0.0.1", arguments.database_port))
            for connection in (near, far):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for ends in ((near, far), (far, near)):
                threading.Thread(target=_pass_on, args=(*ends, one_way), daemon=True).start()


if __name__ == "__main__":
    _main()
