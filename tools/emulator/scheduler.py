"""A fake Cloud Scheduler: calls the jobs of the `scheduled` function with a secret."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import urllib3
from urllib3.util import Timeout

from tools.emulator.clock import Clock
from tools.emulator.journal import Entry
from tools.emulator.telegram import RawResponse
from tools.emulator.trace import Trace

TIMEOUT_SECONDS = 180.0


class Scheduler:
    """Runs jobs on demand, and by their schedules once started."""

    def __init__(self, url: str, secret: str, trace: Trace, clock: Clock | None = None) -> None:
        self.is_paused = False  # while the clock is being moved: time travel runs the jobs itself
        self.url = url
        self.secret = secret
        self._trace = trace
        self._clock = clock or Clock()
        self._stopping = threading.Event()
        self._pool = urllib3.PoolManager(retries=False)

    def run(self, job: str, *, is_recorded: bool = True) -> RawResponse:
        """POST /scheduled/<job>; never raises, the status is 0 without an answer.

        What is not `is_recorded` leaves a trace only when it fails.
        """
        trace_id, begin = secrets.token_hex(16), time.perf_counter()
        journal = self._trace.journal
        entry = Entry(trace_id, "job", f"Scheduler: {job}", state="delivering")
        if is_recorded:
            journal.open(entry)
        else:
            self._trace.mute(trace_id)
        attempt = journal.begin(trace_id, 1)
        headers = {"Authorization": f"Bearer {self.secret}", "X-Cloud-Trace-Context": f"{trace_id}/1;o=1"}
        try:
            answer = self._pool.request(
                "POST",
                f"{self.url}/scheduled/{job}",
                body=b"{}",
                redirect=False,
                headers=headers | {"Content-Type": "application/json", "X-CloudScheduler": "true"},
                timeout=Timeout(connect=5, read=TIMEOUT_SECONDS),
            )
            response = RawResponse(
                answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.data
            )
        except (urllib3.exceptions.HTTPError, OSError):
            response = RawResponse(0, {}, b"", "The function scheduled does not answer")
        ms = round((time.perf_counter() - begin) * 1000, 2)
        detail = {"answer": response.body[:2000].decode("utf-8", "replace"), "error": response.error}
        result = {"ms": ms, "status": response.status, "error": response.error, "answer": detail["answer"]}
        if not is_recorded and response.ok:
            return response
        if not is_recorded:
            trace_id = journal.open(replace(entry, id=secrets.token_hex(16), attempts=[attempt])).id
        journal.end(trace_id, attempt, **result)
        journal.change(trace_id, state="delivered" if response.ok else "refused")
        self._trace.add("scheduler", job, trace_id=trace_id, ms=ms, status=response.status, detail=detail)
        return response

    def start(self, schedules: Mapping[str, str]) -> None:
        """Run each job when its schedule says so (unix-cron, UTC), until `stop`."""
        threading.Thread(target=self._keep, args=(dict(schedules),), daemon=True).start()

    def stop(self) -> None:
        """Call nothing any more."""
        self._stopping.set()

    def _keep(self, schedules: dict[str, str]) -> None:
        while not self._stopping.wait(60 - self._clock.now() % 60):
            if self.is_paused:
                continue
            now = self._clock.moment()
            for job in (job for job, schedule in schedules.items() if is_due(schedule, now)):
                threading.Thread(target=self.run, args=(job,), daemon=True).start()


def is_due(schedule: str, now: datetime) -> bool:
    """Return whether a unix-cron schedule, in numbers, names this minute."""
    minute, hour, day, month, weekday = schedule.split()
    is_day = _names(day, now.day, first=1), _names(weekday, now.isoweekday() % 7)
    # Where both day fields are restricted, cron needs only one to match.
    fits = any(is_day) if "*" not in (day, weekday) else all(is_day)
    return fits and _names(minute, now.minute) and _names(hour, now.hour) and _names(month, now.month, 1)


def _names(field: str, value: int, first: int = 0) -> bool:
    """Return whether one field of a schedule has a value: `*`, `7`, `1-5`, `*/15`, or several with commas."""
    for part in field.split(","):
        span, _, step = part.partition("/")
        low, _, high = span.partition("-")
        begin, end = (first, 59) if span == "*" else (int(low), int(high or low))
        if begin <= value <= end and (value - begin) % int(step or 1) == 0:
            return True
    return False
