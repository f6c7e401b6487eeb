"""Repeats small tasks while users wait for an answer: a chat action, a draft of the answer.

One thread per process watches all tasks. The first of them starts it (never before gunicorn's fork); it
sleeps while there are none. The tasks themselves run in a few other threads, so a task may wait for the
network, and neither the request's thread nor the other tasks wait for it.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from math import inf
from time import monotonic, sleep

from shared.core import log

_TICK = 0.1  # seconds
_THREADS = 8  # a call of the Bot API takes about 0.1 s, so that they serve 80 calls a second


class Task(ABC):
    """Something to do again and again. `due` is the `time.monotonic()` of the next run."""

    __slots__ = ("due",)

    def __init__(self, due: float) -> None:
        self.due = due

    @abstractmethod
    def run(self) -> float:
        """Do it once; return when to do it again, `math.inf` for never. It must not raise."""


class Ticker:
    """Runs tasks from when they are added until they are removed."""

    def __init__(self) -> None:
        self._tasks: set[Task] = set()
        self._lock = threading.Lock()
        self._has_tasks = threading.Event()
        self._workers = ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="ticker")
        threading.Thread(target=self._run, name="ticker", daemon=True).start()

    def add(self, task: Task) -> None:
        """Run a task when it is due."""
        with self._lock:
            self._tasks.add(task)
        if not self._has_tasks.is_set():  # cleared under the lock, and only while there are none
            self._has_tasks.set()

    def remove(self, task: Task) -> None:
        """Run a task no more. A run in progress goes on."""
        with self._lock:
            self._tasks.discard(task)

    def _run(self) -> None:
        while True:
            self._has_tasks.wait()
            sleep(_TICK)
            for task in self._due():
                self._workers.submit(self._work, task)

    def _due(self) -> list[Task]:
        now = monotonic()
        with self._lock:
            if not self._tasks:
                self._has_tasks.clear()
            due = [task for task in self._tasks if task.due <= now]
            for task in due:
                task.due = inf  # until this run is over: no queue builds up behind a slow server
        return due

    def _work(self, task: Task) -> None:
        with self._lock:
            is_removed = task not in self._tasks
        if is_removed:
            return
        try:
            task.due = task.run()
        except Exception as error:  # the pool would keep it silent
            log.error("a repeated task failed", action="ticker_failed", error=str(error))


_lock = threading.Lock()
_ticker: Ticker | None = None


def shared_ticker() -> Ticker:
    """Return the ticker of this process."""
    global _ticker  # noqa: PLW0603 - one thread per process, started after the fork
    if _ticker is None:
        with _lock:
            if _ticker is None:
                _ticker = Ticker()
    return _ticker
