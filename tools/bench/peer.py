"""A function as the cloud starts it, functions-framework behind gunicorn, on a CPU of its own."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from tools.bench import cpus
from tools.bench.errors import BenchError
from tools.database.embedded import free_port
from tools.emulator.functions import INHERITED, ROOT

THREADS = 120  # what one instance with one vCPU is deployed with
_START_SECONDS = 30.0
_STOP_SECONDS = 5.0


class Peer:
    """One function: `source` is its file below the checkout `root`, `target` its name there."""

    def __init__(
        self, target: str, source: str, env: Mapping[str, str], log: Path, root: Path = ROOT
    ) -> None:
        self.target = target
        self.port = free_port()
        self._source = source
        self._root = root
        self._env = dict(env)
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @contextmanager
    def running(self, first: bytes) -> Iterator[float]:
        """Run it until the block ends; gives the seconds from its start until `first` had its 200."""
        started = time.perf_counter()
        self._start()
        try:
            self._answer(first, started + _START_SECONDS)
            yield time.perf_counter() - started
        finally:
            self._stop()

    def cpu(self) -> float:
        """CPU seconds of all its processes since their start."""
        return cpu_of(self._pid)

    def pss(self) -> float:
        """Memory of all its processes in MB, shared pages divided among those who share them."""
        return float(sum(process.memory_full_info().pss for process in tree(self._pid)) / 1e6)

    @property
    def _pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def _start(self) -> None:
        command = [sys.executable, "-m", "functions_framework", "--source", str(self._root / self._source)]
        command += ["--target", self.target, "--host", "127.0.0.1", "--port", str(self.port)]
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        own = {"PYTHONPATH": str(self._root), "THREADS": str(THREADS), "PYTHONUNBUFFERED": "1"}
        with cpus.pinned(cpus.FUNCTION), self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self._root,
                env=inherited | own | self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _answer(self, request: bytes, deadline: float) -> None:
        """Post until it listens, then wait for the answer."""
        while True:
            try:
                status = self._post(request)
                break
            except OSError:
                if self._process is None or self._process.poll() is not None:
                    raise BenchError(f"{self.target} ended at its start:\n{self.tail()}") from None
                if time.perf_counter() > deadline:
                    raise BenchError(f"{self.target} does not answer:\n{self.tail()}") from None
                time.sleep(0.002)
        if status != 200:
            raise BenchError(f"{self.target} answered {status}:\n{self.tail()}")

    def _post(self, request: bytes) -> int:
        head, _, body = request.partition(b"\r\n\r\n")
        first, *lines = head.decode().strip().split("\r\n")
        method, path = first.split()[:2]
        headers = dict(line.split(": ", 1) for line in lines)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_START_SECONDS)
        try:
            connection.request(method, path, body or None, headers)
            return connection.getresponse().status
        finally:
            connection.close()

    def tail(self) -> str:
        """The last lines it printed."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-15:]) or "(it printed nothing)"

    def _stop(self) -> None:
        process = self._process
        assert process is not None
        # Politely first: only then does the system count the worker's CPU seconds as ours.
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_SECONDS)


def tree(pid: int) -> list[psutil.Process]:
    """Return a process and all below it."""
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def cpu_of(pid: int) -> float:
    """CPU seconds of a process and all below it, those that have ended included."""
    total = 0.0
    for process in tree(pid):
        with suppress(psutil.NoSuchProcess):
            total += sum(process.cpu_times()[:4])
    return total
