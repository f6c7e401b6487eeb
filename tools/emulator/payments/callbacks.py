"""A provider's webhooks to the shop, sent again by the provider's own rules until the shop accepts them."""

from __future__ import annotations

import random
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import urllib3
from urllib3.util import Timeout

from tools.emulator.journal import SHOWN_ANSWER, Attempt, Entry
from tools.emulator.telegram import RawResponse
from tools.emulator.trace import Trace

Json = dict[str, Any]
Writes = Callable[[int], tuple[dict[str, str], bytes]]

MINUTE = 60.0  # a minute of a provider's pauses lasts one second here
TIMEOUT_SECONDS = 30.0
KEPT_ATTEMPTS = 5000


@dataclass(frozen=True)
class Callback:
    """One callback to the shop.

    `write(attempt)` returns headers and body for each attempt, from 1 on: some providers sign the time, some
    count. `kind` is the rest of the path, for providers with several addresses, `address` where it
    seems to come from. What is forged is sent once.
    """

    title: str
    write: Writes
    kind: str = ""
    address: str = ""
    query: str = ""
    method: str = "POST"
    is_forged: bool = False
    id: str = field(default_factory=lambda: secrets.token_hex(16))


@dataclass
class _Wait:
    """A pause before an attempt, until a monotonic time; `is_due` once the clock was moved past it."""

    until: float
    is_due: bool = False


class Callbacks:
    """The callbacks of one provider. Each is delivered on its own, so a refused one blocks no other."""

    def __init__(
        self,
        provider: str,
        url: Callable[[], str],
        pauses: tuple[float, ...],
        is_accepted: Callable[[RawResponse], bool],
        trace: Trace,
        retry_scale: float = 1.0,
        name: str = "",
    ) -> None:
        self._name = name or provider
        self.attempts: list[Json] = []
        self.give_up: Callable[[Callback], None] = lambda callback: None
        self._provider = provider
        self._url = url
        self._pauses = pauses
        self._is_accepted = is_accepted
        self._trace = trace
        self._scale = retry_scale
        self._condition = threading.Condition()
        self._under_way: dict[str, int] = {}
        self._waits: list[_Wait] = []
        self._busy = 0  # batches and attempts being sent now, without those that wait
        self._to_lose = 0
        self._age = 0
        self._stopping = threading.Event()
        self._pool = urllib3.PoolManager(num_pools=10, maxsize=100, block=False, retries=False)

    def send(self, callbacks: Iterable[Callback], after: float = 0.0) -> None:
        """Send these in this order, after so many of the provider's seconds; each is repeated by itself."""
        batch = list(callbacks)
        for callback in batch:
            self._open(callback)
        with self._condition:
            for callback in batch:
                self._under_way[callback.id] = self._under_way.get(callback.id, 0) + 1
            self._busy += not after
        threading.Thread(target=self._send, args=(batch, after, self._age), daemon=True).start()

    def ask(self, callback: Callback) -> RawResponse:
        """Send this once and return the answer: a provider asks before it takes the money."""
        self._open(callback)
        response = self._deliver(callback, 1)
        self._trace.journal.change(callback.id, state="delivered" if response.ok else "refused")
        return response

    def resend(self, callback: Callback, note: str, without: Iterable[str] = ()) -> Attempt:
        """Send this once, whatever became of it before; `without` some of its headers."""
        headers, body = callback.write(1)
        kept = {name: value for name, value in headers.items() if name not in without}
        return self._post_recorded(callback, 0, kept, body, note)[1]

    def lose_next(self, count: int = 1) -> None:
        """Lose the next `count` callbacks, which are not sent again."""
        with self._condition:
            self._to_lose += count

    def is_under_way(self, ids: Iterable[str]) -> bool:
        """Return whether one of these is still being delivered or waits for its next attempt."""
        with self._condition:
            return any(one in self._under_way for one in ids)

    def idle(self, timeout: float) -> bool:
        """Wait until everything is delivered or given up; False when time runs out first."""
        with self._condition:
            return self._condition.wait_for(lambda: not self._under_way, timeout)

    def pass_time(self, seconds: float) -> None:
        """Shorten every pause by `seconds` of the provider's time, because the clock was moved."""
        with self._condition:
            for wait in self._waits:
                wait.until -= seconds / MINUTE * self._scale
                if wait.until <= time.monotonic() and not wait.is_due:
                    wait.is_due = True
                    self._busy += 1  # counted from now on, so that `settled` waits for it
            self._condition.notify_all()

    def settled(self, timeout: float) -> bool:
        """Wait until nothing is being sent, whatever waits for another attempt; False when time runs out."""
        with self._condition:
            return self._condition.wait_for(lambda: not self._busy, timeout)

    def clear(self) -> None:
        """Drop what waits for another attempt, and every fault."""
        with self._condition:
            self._age += 1
            self._to_lose = 0
            self._condition.notify_all()

    def stop(self) -> None:
        """Send nothing any more."""
        self._stopping.set()
        self.clear()

    def _send(self, batch: list[Callback], after: float, age: int) -> None:
        if after:
            self._wait(after, age)
        for callback in batch:
            if self._attempt(callback, 1, age):
                self._done(callback)
            else:
                threading.Thread(target=self._repeat, args=(callback, age), daemon=True).start()
        self._rest()

    def _repeat(self, callback: Callback, age: int) -> None:
        for number, pause in enumerate(self._pauses, 2):
            self._wait(pause, age)
            is_last = self._attempt(callback, number, age)
            self._rest()
            if is_last:
                break
        else:
            self._trace.journal.change(callback.id, state="gave_up", next_at=None)
            self.give_up(callback)
        self._done(callback)

    def _done(self, callback: Callback) -> None:
        with self._condition:
            self._under_way[callback.id] -= 1
            if not self._under_way[callback.id]:
                del self._under_way[callback.id]
            self._condition.notify_all()

    def _wait(self, seconds: float, age: int) -> None:
        """Wait before an attempt, and count it as being sent from then on."""
        with self._condition:
            wait = _Wait(time.monotonic() + seconds / MINUTE * self._scale)
            self._waits.append(wait)
            while not self._is_over(age) and not wait.is_due and (left := wait.until - time.monotonic()) > 0:
                self._condition.wait(left)
            self._waits.remove(wait)
            self._busy += not wait.is_due

    def _rest(self) -> None:
        with self._condition:
            self._busy -= 1
            self._condition.notify_all()

    def _is_over(self, age: int) -> bool:
        return self._stopping.is_set() or age != self._age

    def _attempt(self, callback: Callback, number: int, age: int) -> bool:
        """Make one attempt; whether it was the last."""
        with self._condition:
            if self._is_over(age):
                return True
            is_lost = self._to_lose > 0
            self._to_lose -= is_lost
        if is_lost:
            self._trace.add("fault", f"{self._provider}: {callback.title} lost", trace_id=callback.id)
            return True
        self._trace.journal.change(callback.id, state="delivering")
        response = self._deliver(callback, number)
        is_last = callback.is_forged or self._is_accepted(response)
        state = "delivered" if self._is_accepted(response) else "refused" if is_last else "retrying"
        pause = self._pauses[number - 1] / MINUTE * self._scale if number <= len(self._pauses) else 0
        next_at = time.time() + pause if state == "retrying" else None
        self._trace.journal.change(callback.id, state=state, next_at=next_at)
        return is_last

    def _deliver(self, callback: Callback, number: int) -> RawResponse:
        headers, body = callback.write(number)
        note = "forged" if callback.is_forged else ""
        return self._post_recorded(callback, number, headers, body, note)[0]

    def _post_recorded(
        self, callback: Callback, number: int, headers: dict[str, str], body: bytes, note: str
    ) -> tuple[RawResponse, Attempt]:
        attempt = self._trace.journal.begin(callback.id, number or None, note)
        response = self._post(callback, headers, body, attempt.trace_id)
        self._record(callback, number, body, response, attempt)
        return response, attempt

    def _open(self, callback: Callback) -> None:
        title = f"{self._name}: {callback.title}{' (forged)' if callback.is_forged else ''}"
        self._trace.journal.open(
            Entry(callback.id, "callback", title, provider=self._provider, source=callback)
        )

    def _post(self, callback: Callback, headers: dict[str, str], body: bytes, trace_id: str) -> RawResponse:
        headers = {"X-Forwarded-For": callback.address} | headers if callback.address else dict(headers)
        headers["X-Cloud-Trace-Context"] = f"{trace_id}/{random.getrandbits(63)};o=1"
        url = self._url() + (f"/{callback.kind}" if callback.kind else "")
        begin = time.perf_counter()
        try:
            answer = self._pool.request(
                callback.method,
                url + (f"?{callback.query}" if callback.query else ""),
                body=body,
                headers=headers,
                redirect=False,
                retries=False,
                timeout=Timeout(connect=5, read=TIMEOUT_SECONDS),
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            return RawResponse(0, {}, b"", type(error).__name__, _ms(begin))
        found = {name.lower(): value for name, value in answer.headers.items()}
        return RawResponse(answer.status, found, answer.data, None, _ms(begin))

    def _record(
        self, callback: Callback, number: int, body: bytes, response: RawResponse, made: Attempt
    ) -> None:
        answer = response.body[:SHOWN_ANSWER].decode("utf-8", "replace")
        result = {"ms": response.ms, "status": response.status, "error": response.error, "answer": answer}
        self._trace.journal.end(callback.id, made, **result)
        attempt = {
            "id": callback.id,
            "title": callback.title,
            "attempt": number,
            "status": response.status,
            "answer": answer,
            "is_forged": callback.is_forged,
        }
        with self._condition:
            self.attempts.append(attempt)
            del self.attempts[:-KEPT_ATTEMPTS]
        shown = body[:8000].decode("utf-8", "replace")
        title = f"{callback.title}{' (forged)' if callback.is_forged else ''}"
        self._trace.add(
            "payment",
            title,
            trace_id=callback.id,
            attempt=made.key,
            ms=response.ms,
            status=response.status,
            detail={
                "provider": self._provider,
                "body": shown,
                "error": response.error,
                "label": made.label,
                **attempt,
            },
        )


def _ms(begin: float) -> float:
    return round((time.perf_counter() - begin) * 1000, 2)
