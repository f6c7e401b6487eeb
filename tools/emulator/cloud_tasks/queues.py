"""Queues and their tasks: when a task is sent, how often, and how many at once."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import urllib3
from urllib3.util import Timeout

from tools.emulator.trace import Trace

Authorize = Callable[["Task"], str]  # returns the token of a task's call
KEPT_TASKS = 2000
RETRY_SECONDS = 0.1  # Google's default; doubled each time, to an hour


@dataclass
class Task:
    """One task. `answers`: the statuses with which it was answered, 0 without an answer."""

    name: str
    url: str
    method: str
    headers: Mapping[str, str]
    body: bytes
    account: str
    audience: str
    deadline: float  # seconds that its target may take
    at: float  # Unix time
    created: float
    answers: list[int] = field(default_factory=list)
    is_done: bool = False
    is_sending: bool = False

    @property
    def id(self) -> str:
        """Return the last part of the name."""
        return self.name.rpartition("/")[2]


class Queue:
    """One queue, as `gcloud tasks queues create` makes it. `most` counts the calls that ran at once."""

    def __init__(self, name: str, *, max_concurrent_dispatches: int = 1000, max_attempts: int = 100) -> None:
        self.name = name
        self.max_concurrent_dispatches = max_concurrent_dispatches
        self.max_attempts = max_attempts
        self.most = 0
        self._running = 0
        self._lock = threading.Lock()
        self._tasks: dict[str, Task] = {}
        self._pool = urllib3.PoolManager(retries=False, maxsize=50)

    @property
    def tasks(self) -> list[Task]:
        """Return the tasks, also those that are done, oldest first."""
        with self._lock:
            return list(self._tasks.values())

    def add(self, task: Task) -> bool:
        """Add a task; return False when one of this name was here before."""
        with self._lock:
            if task.name in self._tasks:
                return False
            while len(self._tasks) >= KEPT_TASKS:
                del self._tasks[next(iter(self._tasks))]
            self._tasks[task.name] = task
            return True

    def clear(self) -> None:
        """Purge the queue and forget the names."""
        with self._lock:
            self._tasks.clear()
            self.most = 0

    def due(self, now: float) -> list[Task]:
        """Return the tasks to send now, as many as the limit permits, and mark them as being sent."""
        with self._lock:
            waiting = (one for one in self._tasks.values() if not one.is_done and not one.is_sending)
            found = sorted((one for one in waiting if one.at <= now), key=lambda one: one.at)
            found = found[: max(self.max_concurrent_dispatches - self._running, 0)]
            self._running += len(found)
            self.most = max(self.most, self._running)
            for task in found:
                task.is_sending = True
            return found

    def send(self, task: Task, token: str, now: Callable[[], float], trace: Trace) -> None:
        """Call the target of a task that `due` returned, and plan the next attempt if it fails."""
        status, begin, trace_id = 0, time.perf_counter(), secrets.token_hex(16)
        try:
            status = self._call(task, token, trace_id)
        finally:
            with self._lock:
                task.answers.append(status)
                task.is_done = 200 <= status < 300 or len(task.answers) >= self.max_attempts
                task.at = now() + min(RETRY_SECONDS * 2 ** (len(task.answers) - 1), 3600)
                task.is_sending = False
                self._running -= 1
            ms = round((time.perf_counter() - begin) * 1000, 2)
            trace.add("scheduler", f"task {task.id}", trace_id=trace_id, ms=ms, status=status)

    def _call(self, task: Task, token: str, trace_id: str) -> int:
        retries = len(task.answers)
        headers = {
            **task.headers,
            "Authorization": f"Bearer {token}",
            "User-Agent": "Google-Cloud-Tasks",
            "X-Cloud-Trace-Context": f"{trace_id}/1;o=1",
            "X-CloudTasks-QueueName": self.name.rpartition("/")[2],
            "X-CloudTasks-TaskName": task.id,
            "X-CloudTasks-TaskRetryCount": str(retries),
            "X-CloudTasks-TaskExecutionCount": str(len([one for one in task.answers if 0 < one < 500])),
            "X-CloudTasks-TaskETA": f"{task.at:.6f}",
        }
        if retries:
            headers["X-CloudTasks-TaskPreviousResponse"] = str(task.answers[-1])
        try:
            return self._pool.request(
                task.method, task.url, body=task.body, headers=headers, redirect=False,
                timeout=Timeout(connect=5, read=task.deadline),
            ).status  # fmt: skip
        except (urllib3.exceptions.HTTPError, OSError):
            return 0


class Dispatcher:
    """Sends due tasks of all queues: by `run`, or by itself once started."""

    def __init__(
        self,
        queues: Callable[[], Iterator[Queue]],
        authorize: Authorize,
        now: Callable[[], float],
        trace: Trace,
    ) -> None:
        self._queues, self._authorize, self._now, self._trace = queues, authorize, now, trace
        self._stopping = threading.Event()

    def run(self) -> int:
        """Send what is due now, at once as far as the queues permit, and wait; return the number of calls."""
        count = 0
        while found := [(queue, task) for queue in self._queues() for task in queue.due(self._now())]:
            with ThreadPoolExecutor(len(found)) as threads:
                for queue, task in found:
                    threads.submit(queue.send, task, self._authorize(task), self._now, self._trace)
            count += len(found)
        return count

    def start(self, pause: float = 0.05) -> None:
        """Send tasks when they are due, until `stop`."""
        self._stopping.clear()
        threading.Thread(target=self._keep, args=(pause,), daemon=True).start()

    def stop(self) -> None:
        """Send nothing more by itself."""
        self._stopping.set()

    def _keep(self, pause: float) -> None:
        while not self._stopping.wait(pause):
            for queue in self._queues():
                for task in queue.due(self._now()):
                    arguments = (task, self._authorize(task), self._now, self._trace)
                    threading.Thread(target=queue.send, args=arguments, daemon=True).start()
