"""The functions as processes of their own, as Cloud Run starts them: functions-framework behind gunicorn."""

from __future__ import annotations

import array
import contextlib
import fcntl
import http.client
import json
import os
import signal
import subprocess
import sys
import termios
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Protocol

from tools.database.embedded import free_port
from tools.emulator.clock import CLOCK_VARIABLE, Clock

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 30.0
STOP_SECONDS = 10.0  # from SIGTERM to SIGKILL, as on Cloud Run
KEPT_LINES = 5000
CATCH_UP_SECONDS = 5.0  # lines printed before an answer may be read after it
# Inherited environment variables. Others are left out, because a developer's .env or shell must not
# change what a test or the emulator does.
INHERITED = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "TEMP",
    "TMP",
    "SYSTEMROOT",
    "VIRTUAL_ENV",
    "COVERAGE_PROCESS_START",
)

LogListener = Callable[[str, dict[str, Any]], None]
StateListener = Callable[[str, str], None]


class Process(Protocol):
    """What the emulator uses of a process; subprocess.Popen has it."""

    @property
    def pid(self) -> int: ...  # noqa: D102 - as in Popen

    @property
    def stdout(self) -> IO[bytes] | None: ...  # noqa: D102

    def poll(self) -> int | None: ...  # noqa: D102

    def wait(self, timeout: float | None = None) -> int: ...  # noqa: D102

    def terminate(self) -> None: ...  # noqa: D102


# Starts a process that leads a group of its own, by the arguments and the environment of function_process.py.
Launch = Callable[[Sequence[str], Mapping[str, str]], Process]


class FunctionFailed(Exception):
    """A function did not come up; the message ends with what it printed last."""


class Function:
    """One function. Its process leads a group of its own, so that gunicorn's workers die with it."""

    def __init__(
        self,
        name: str,
        source: str | Path,
        env: Mapping[str, str],
        *,
        port: int = 0,
        clock: Clock | None = None,
        on_log: LogListener | None = None,
        on_state: StateListener | None = None,
        launch: Launch | None = None,
    ) -> None:
        self.name = name
        self.source = Path(source)
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = dict(env)
        self.state = "stopped"
        self._clock = clock
        self._on_log = on_log or (lambda name, line: None)
        self._on_state = on_state or (lambda name, state: None)
        self._launch = launch or launch_process
        self._process: Process | None = None
        self._guardian: subprocess.Popen[bytes] | None = None
        self._lock = threading.RLock()
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._logs: deque[dict[str, Any]] = deque(maxlen=KEPT_LINES)
        self._printed = 0

    @property
    def pid(self) -> int:
        """Return the process id of gunicorn's master and its group; 0 when nothing runs."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else 0

    @property
    def logs(self) -> list[dict[str, Any]]:
        """Return the lines that are JSON objects, oldest first."""
        return list(self._logs)

    @property
    def raw_log(self) -> str:
        """Return the last lines that the process printed."""
        return "\n".join(self.lines_after(0))

    @property
    def printed(self) -> int:
        """Return how many lines the process has printed so far."""
        self._catch_up()
        return self._printed

    def lines_after(self, count: int) -> list[str]:
        """Return what it printed after so many lines, as far as it is kept."""
        self._catch_up()
        lines = list(self._lines)
        return lines[max(0, len(lines) - max(0, self._printed - count)) :]

    def _catch_up(self) -> None:
        """Wait until we have read what the process has written: it answers its caller before that."""
        deadline = time.monotonic() + CATCH_UP_SECONDS
        seen = -1
        while (self._is_behind() or seen != self._printed) and time.monotonic() < deadline:
            seen = self._printed
            time.sleep(0.005)

    def _is_behind(self) -> bool:
        stream = self._process.stdout if self._process is not None else None
        if stream is None or stream.closed:
            return False
        waiting = array.array("i", [0])
        try:
            fcntl.ioctl(stream.fileno(), termios.FIONREAD, waiting)
        except (OSError, ValueError):  # it ended meanwhile
            return False
        return waiting[0] > 0

    def start(self, wait: bool = True) -> None:
        """Start the process and wait until it answers; FunctionFailed when it does not."""
        with self._lock:
            if self.pid:
                return
            self._set("starting")
            arguments = ["--source", str(ROOT / self.source), "--target", self.name]
            arguments += ["--host", "127.0.0.1", "--port", str(self.port)]
            self._process = self._launch(arguments, self._environment())
            self._guardian = _guard(self._process)
            threading.Thread(target=self._read, args=(self._process,), daemon=True).start()
        if wait:
            self.wait()

    def wait(self, timeout: float = START_SECONDS) -> None:
        """Wait until the function answers; FunctionFailed when it ends or time runs out."""
        deadline = time.monotonic() + timeout
        while not self._answers():
            if not self.pid:
                self._set("crashed")
                raise FunctionFailed(f"Function {self.name} ended at its start:\n{self._tail()}")
            if time.monotonic() > deadline:
                raise FunctionFailed(
                    f"Function {self.name} does not answer after {timeout:.0f} s:\n{self._tail()}"
                )
            time.sleep(0.03)
        self._set("running")

    def stop(self) -> None:
        """End it as Cloud Run does: SIGTERM to its first process, SIGKILL to all of them 10 s later."""
        with self._lock:
            process = self._process
            if process is None:
                return
            if process.poll() is None:
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(STOP_SECONDS)
            self._finish(process)

    def kill(self) -> None:
        """Send SIGKILL to the whole process group, as when an instance dies."""
        with self._lock:
            if self._process is not None:
                self._finish(self._process)

    def restart(self) -> None:
        """Stop and start again on the same port."""
        with self._lock:
            self.stop()
            self.start()

    def _finish(self, process: Process) -> None:
        # Also after a clean exit, because a worker that outlives its master would keep the port.
        _signal(process, signal.SIGKILL)
        process.wait()
        if self._guardian is not None:
            self._guardian.kill()
            self._guardian.communicate()
            self._guardian = None
        self._process = None
        self._set("stopped")

    def _environment(self) -> dict[str, str]:
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        own = {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "PORT": str(self.port), "THREADS": "20"}
        if self._clock is not None:
            own[CLOCK_VARIABLE] = str(self._clock.file)
        return inherited | own | self.env

    def _answers(self) -> bool:
        # functions-framework answers this path itself, so no function runs.
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/robots.txt")
            connection.getresponse().read()
            return True
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _read(self, process: Process) -> None:
        assert process.stdout is not None
        with process.stdout as stream:
            for raw in stream:
                text = raw.decode("utf-8", "replace").rstrip()
                self._lines.append(text)
                self._printed += 1
                line = _parsed(text)
                self._logs.append(line) if "action" in line or "severity" in line else None
                self._on_log(self.name, line)
        if self._process is process and self.state == "running":
            self._set("crashed")

    def _tail(self) -> str:
        return "\n".join(list(self._lines)[-15:]) or "(it printed nothing)"

    def _set(self, state: str) -> None:
        if self.state != state:
            self.state = state
            self._on_state(self.name, state)


def launch_process(arguments: Sequence[str], environment: Mapping[str, str]) -> Process:
    """Start a function in a new process."""
    return subprocess.Popen(
        [sys.executable, "-m", "tools.emulator.function_process", *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _guard(process: Process) -> subprocess.Popen[bytes]:
    """Let the group die with us, even when we are killed and can do nothing more.

    Only we hold the other end of the guardian's standard input, so it ends when we do.
    """
    command = ["sh", "-c", 'read -r line; kill -9 "-$0"', str(process.pid)]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _parsed(text: str) -> dict[str, Any]:
    if text.startswith("{"):
        try:
            value = json.loads(text)
        except ValueError:
            value = None
        if isinstance(value, dict):
            return value
    return {"message": text}


def _signal(process: Process, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
