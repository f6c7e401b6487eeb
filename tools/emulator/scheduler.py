"""Cloud Scheduler's part: it calls the jobs of the `scheduled` function with a secret."""

from __future__ import annotations

import secrets
import threading
import time

import urllib3
from urllib3.util import Timeout

from tools.emulator.telegram import RawResponse
from tools.emulator.trace import Trace

TIMEOUT_SECONDS = 180.0


class Scheduler:
    """Runs jobs on demand, and every `interval` seconds once started."""

    def __init__(self, url: str, secret: str, trace: Trace) -> None:
        self.url = url
        self.secret = secret
        self._trace = trace
        self._stopping = threading.Event()
        self._pool = urllib3.PoolManager(retries=False)

    def run(self, job: str) -> RawResponse:
        """POST /scheduled/<job>; never raises, status 0 when nobody answered."""
        trace_id, begin = secrets.token_hex(16), time.perf_counter()
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
        self._trace.add("scheduler", job, trace_id=trace_id, ms=ms, status=response.status, detail=detail)
        return response

    def start(self, job: str, interval: float) -> None:
        """Run a job again and again until `stop`."""
        threading.Thread(target=self._repeat, args=(job, interval), daemon=True).start()

    def stop(self) -> None:
        """End the repetitions."""
        self._stopping.set()

    def _repeat(self, job: str, interval: float) -> None:
        while not self._stopping.wait(interval):
            self.run(job)
