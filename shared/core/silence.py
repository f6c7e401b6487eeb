"""Wait until a connection falls silent, with one thread for all connections of the process.

A stream of many small pieces costs a wake-up of its thread for each, far more than parsing them
(docs/performance.md). The end of a stream cannot be recognized without reading it, but after it nothing
follows. So the pieces wait in the kernel, and a single thread looks at all connections together, TICK after
TICK, for those that got nothing.
"""

from __future__ import annotations

import select
import threading
from socket import socket
from time import monotonic, sleep

TICK = 0.012  # seconds
_ARRIVAL = _END = 0
if hasattr(select, "epoll"):  # Linux
    # Edge-triggered: one call returns the connections that got something since the call before.
    _END = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
    _ARRIVAL = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLET


def wait_for_silence(connection: socket, silence: float, timeout: float) -> bool:
    """Wait until nothing has arrived for `silence` seconds, or the peer has closed its side.

    Returns whether that happened within `timeout` seconds. The result is up to two TICKs late. What OpenSSL
    has decrypted but not returned does not count as arriving: read it first.
    """
    if not _ARRIVAL:
        sleep(min(silence, timeout))
        return True
    return _shared_watcher().wait(connection.fileno(), silence, timeout)


class _Wait:
    __slots__ = ("active_at", "is_over", "silence")

    def __init__(self, silence: float) -> None:
        self.silence = silence
        self.active_at = monotonic()
        self.is_over = threading.Lock()  # released when the wait is over: lighter than an Event
        self.is_over.acquire()


class _Watcher:
    def __init__(self) -> None:
        self._waits: dict[int, _Wait] = {}  # by file descriptor
        self._lock = threading.Lock()
        self._has_waits = threading.Event()
        self._arrivals = select.epoll()
        threading.Thread(target=self._run, name="silence", daemon=True).start()

    def wait(self, descriptor: int, silence: float, timeout: float) -> bool:
        wait = _Wait(silence)
        with self._lock:
            self._waits[descriptor] = wait
            self._arrivals.register(descriptor, _ARRIVAL)
        if not self._has_waits.is_set():  # cleared under the lock, and only while none wait
            self._has_waits.set()
        try:
            return wait.is_over.acquire(timeout=max(timeout, 0))
        finally:
            with self._lock:
                self._waits.pop(descriptor, None)
                self._arrivals.unregister(descriptor)

    def _run(self) -> None:
        while True:
            self._has_waits.wait()
            sleep(TICK)
            with self._lock:
                if self._waits:
                    self._look()
                else:
                    self._has_waits.clear()

    def _look(self) -> None:
        now = monotonic()
        for descriptor, event in self._arrivals.poll(0):
            if wait := self._waits.get(descriptor):
                wait.active_at = 0.0 if event & _END else now
        silent = [number for number, wait in self._waits.items() if now - wait.active_at >= wait.silence]
        for descriptor in silent:
            self._waits.pop(descriptor).is_over.release()


_lock = threading.Lock()
_watcher: _Watcher | None = None


def _shared_watcher() -> _Watcher:
    global _watcher  # noqa: PLW0603 - one thread per process, started after the fork
    if _watcher is None:
        with _lock:
            if _watcher is None:
                _watcher = _Watcher()
    return _watcher
