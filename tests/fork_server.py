"""Starts the functions of the tests through a fork server: a process that has imported all of `shared`.

A function imports for half a second of processor time, and a run starts several hundred: with the stack of
each worker, and with each change of settings. The forked process gets its arguments and environment before it
reads either, and installs its hooks itself. How a function starts, and what it imports when, is tested in new
processes: tests/tools/deployment/test_functions.py, tests/core/test_light_psycopg.py.
"""

from __future__ import annotations

import atexit
import functools
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from multiprocessing import connection, reduction
from queue import SimpleQueue
from typing import BinaryIO

from tools.emulator.functions import ROOT


class ForkedFunction:
    """A forked function, with those methods of subprocess.Popen that the emulator uses."""

    def __init__(self, pid: int, stdout: BinaryIO, ended: threading.Event) -> None:
        self.pid = pid
        self.stdout = stdout
        self._ended = ended

    def poll(self) -> int | None:
        """Return 0 when it has ended, however it did, and None before."""
        return 0 if self._ended.is_set() else None

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended; subprocess.TimeoutExpired when that takes longer."""
        if not self._ended.wait(timeout):
            raise subprocess.TimeoutExpired("a forked function", timeout or 0)
        return 0

    def terminate(self) -> None:
        """Send SIGTERM to the process, not to its group."""
        if not self._ended.is_set():
            os.kill(self.pid, signal.SIGTERM)


class ForkServer:
    """Runs tests/fork_server_process.py and asks it to fork.

    That process ends with this one, because only we hold the other end of its socket.
    """

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
            command = [sys.executable, "-m", "tests.fork_server_process"]
            self._process = subprocess.Popen(command, stdin=theirs, cwd=ROOT, env=environment)
        self._connection = connection.Connection(ours.detach())
        self._lock = threading.Lock()
        self._started: SimpleQueue[tuple[int, threading.Event]] = SimpleQueue()
        self._running: dict[int, threading.Event] = {}
        threading.Thread(target=self._read, daemon=True).start()

    def start(self, arguments: Sequence[str], environment: Mapping[str, str]) -> ForkedFunction:
        """Start a function with the arguments and environment of tools/emulator/function_process.py."""
        read, write = os.pipe()
        with self._lock:
            self._connection.send((list(arguments), dict(environment)))
            reduction.send_handle(self._connection, write, self._process.pid)
            os.close(write)
            pid, ended = self._started.get(timeout=30)
        return ForkedFunction(pid, os.fdopen(read, "rb"), ended)

    def close(self) -> None:
        """End the fork server; its functions run on until their stack stops them."""
        self._process.kill()
        self._process.wait()

    def _read(self) -> None:
        while True:
            try:
                event, pid = self._connection.recv()
            except (EOFError, OSError):
                break
            if event == "started":
                self._running[pid] = threading.Event()
                self._started.put((pid, self._running[pid]))
            else:
                self._running.pop(pid).set()
        for ended in self._running.values():  # killed by the guardian of each, which ends with us
            ended.set()


@functools.cache
def fork_server() -> ForkServer:
    """Return the fork server of this process; the first call starts it."""
    server = ForkServer()
    atexit.register(server.close)
    return server
