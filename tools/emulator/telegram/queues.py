"""Telegram's queues of one bot: first in, first out in each, one update in flight, queues side by side."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable

from tools.emulator.telegram.model import Update

logger = logging.getLogger(__name__)

IDLE_WORKER_SECONDS = 0.5
Key = tuple[str, int, str]


class Queues:
    """`deliver(update)` makes one attempt and returns None when done with it, else the seconds to wait."""

    def __init__(self, deliver: Callable[[Update], float | None], limit: Callable[[], int]) -> None:
        self._deliver = deliver
        self._limit = limit
        self._condition = threading.Condition()
        self._queues: dict[Key, deque[Update]] = {}
        self._ready: list[tuple[float, int, Key]] = []
        self._numbers = itertools.count()
        self._workers = 0
        self._waiting = 0
        self._held = True
        self._closed = False

    def put(self, update: Update) -> None:
        """Append an update to its queue."""
        with self._condition:
            queue = self._queues.setdefault(update.queue, deque())
            queue.append(update)
            if len(queue) == 1:
                self._schedule(update.queue, 0)

    def hold(self, held: bool) -> None:
        """Stop starting deliveries, or go on."""
        with self._condition:
            self._held = held
            self._grow()
            self._condition.notify_all()

    def retry_now(self) -> None:
        """Let every waiting retry happen at once."""
        with self._condition:
            self._ready = [(0.0, number, key) for _, number, key in self._ready]
            heapq.heapify(self._ready)
            self._grow()
            self._condition.notify_all()

    def clear(self) -> None:
        """Drop what is not in flight (drop_pending_updates)."""
        with self._condition:
            waiting = {key for _, _, key in self._ready}
            for key, queue in list(self._queues.items()):
                first = None if key in waiting else queue[0]
                for update in queue:
                    if update is not first:
                        update.status = "expired"
                if first is None:
                    del self._queues[key]
                else:
                    self._queues[key] = deque([first])
            self._ready.clear()
            self._condition.notify_all()

    def waiting(self) -> list[Update]:
        """Return the updates that are not in flight, by their numbers."""
        with self._condition:
            keys = {key for _, _, key in self._ready}
            found = [
                update
                for key, queue in self._queues.items()
                for update in (queue if key in keys else list(queue)[1:])
            ]
            return sorted(found, key=lambda update: update.update_id)

    def confirm(self, before: int) -> None:
        """Drop the updates with a smaller number, which getUpdates has handed out."""
        with self._condition:
            keys = {key for _, _, key in self._ready}
            for key in keys:
                kept = deque(update for update in self._queues[key] if update.update_id >= before)
                if kept:
                    self._queues[key] = kept
                else:
                    del self._queues[key]
            self._ready = [one for one in self._ready if one[2] in self._queues]
            heapq.heapify(self._ready)
            self._condition.notify_all()

    def pending(self) -> int:
        """Return the number of updates not yet delivered, including those in flight."""
        with self._condition:
            return sum(len(queue) for queue in self._queues.values())

    def idle(self, timeout: float) -> bool:
        """Wait until nothing is pending; False when time runs out first."""
        with self._condition:
            return self._condition.wait_for(lambda: not self._queues, timeout)

    def close(self) -> None:
        """Start no further delivery."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def _schedule(self, key: Key, delay: float) -> None:
        heapq.heappush(self._ready, (time.monotonic() + delay, next(self._numbers), key))
        self._grow()
        self._condition.notify_all()

    def _grow(self) -> None:
        """Start workers for what is ready, at most max_connections, because a worker is one connection."""
        wanted = min(len(self._ready) - self._waiting, self._limit() - self._workers)
        if self._held or self._closed:
            return
        for _ in range(wanted):
            self._workers += 1
            # Counted as waiting at once, or the next call would start another worker for the same update.
            self._waiting += 1
            threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        with self._condition:
            while (key := self._take()) is not None:
                delay = self._attempt(self._queues[key][0])
                self._waiting += 1
                self._settle(key, delay)
            self._waiting -= 1
            self._workers -= 1

    def _take(self) -> Key | None:
        idle_until = time.monotonic() + IDLE_WORKER_SECONDS
        while not self._closed and self._workers <= self._limit():
            now = time.monotonic()
            if not self._held and self._ready:
                wait = self._ready[0][0] - now
                if wait <= 0:
                    self._waiting -= 1
                    return heapq.heappop(self._ready)[2]
                self._condition.wait(wait)
                idle_until = time.monotonic() + IDLE_WORKER_SECONDS
            elif now >= idle_until:
                break
            else:
                self._condition.wait(idle_until - now)
        return None

    def _attempt(self, update: Update) -> float | None:
        self._condition.release()
        try:
            return self._deliver(update)
        except Exception:
            # A bug of the emulator must neither block the chat for good nor stay silent.
            logger.exception("delivery of update %s failed inside the emulator", update.update_id)
            return 1.0
        finally:
            self._condition.acquire()

    def _settle(self, key: Key, delay: float | None) -> None:
        queue = self._queues[key]
        if delay is None:
            queue.popleft()
        if not queue:
            del self._queues[key]
            self._condition.notify_all()
        else:
            self._schedule(key, delay or 0)
