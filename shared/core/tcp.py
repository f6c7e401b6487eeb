"""Open TCP connections by a deadline, whatever the resolver and single addresses do (RFC 8305).

The kernel detects a peer that vanished and ends the connection.
"""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Callable
from itertools import zip_longest
from time import monotonic

ATTEMPT_DELAY = (
    0.25  # seconds before the next address is tried beside those that have not answered (RFC 8305)
)
MAX_ADDRESSES = 6  # addresses that are tried, of both families alternately
# The kernel gives up a connection whose sent bytes or probes stay unacknowledged for DEAD_AFTER. Without
# these options it takes 15 minutes or, with nothing to send, never notices.
DEAD_AFTER = 10.0  # seconds
PROBE_AFTER = 10  # seconds without traffic before the first probe
PROBE_EVERY = 5  # seconds
PROBES = 2
_OPTIONS = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)] + [
    (socket.IPPROTO_TCP, getattr(socket, name), value)
    for name, value in (
        ("TCP_KEEPIDLE", PROBE_AFTER),
        ("TCP_KEEPINTVL", PROBE_EVERY),
        ("TCP_KEEPCNT", PROBES),
        ("TCP_USER_TIMEOUT", round(DEAD_AFTER * 1000)),
    )
    if hasattr(socket, name)  # macOS lacks some of them
]

Address = tuple[socket.AddressFamily, tuple[object, ...]]


def connect(
    name: str, port: int, deadline: float, is_allowed: Callable[[str], bool] | None = None
) -> socket.socket:
    """Return a connection to the first address of a host that accepts one.

    Args:
        name: a host name or an IP address.
        deadline: `time.monotonic()` at which the attempt ends, name lookup included.
        is_allowed: whether an IP address may be connected to; None allows all.

    Raises:
        TimeoutError: no address accepted by the deadline. Its `errno` is None.
        OSError: the name is unknown, or no address accepted or is allowed.
        UnicodeError: the name cannot be a host name.
    """
    addresses = _resolve(name, port, deadline)
    if is_allowed is not None:
        addresses = [address for address in addresses if is_allowed(str(address[1][0]))]
    connection = _race(_alternate(addresses)[:MAX_ADDRESSES], deadline)
    try:
        for level, option, value in _OPTIONS:
            connection.setsockopt(level, option, value)
    except BaseException:
        connection.close()
        raise
    return connection


# Name lookups ------------------------------------------------------------------------------------------


class _Lookup:
    """One name lookup in a thread of its own: getaddrinfo takes no timeout and cannot be interrupted."""

    def __init__(self, name: str, port: int) -> None:
        self.done = threading.Event()
        self.addresses: list[Address] = []
        self.error: Exception | None = None
        self._key = (name, port)

    def run(self) -> None:
        try:
            self.addresses = _getaddrinfo(*self._key)
        except Exception as error:  # raised again in the threads that wait for it
            self.error = error
        with _lock:
            _lookups.pop(self._key, None)
        self.done.set()


_lock = threading.Lock()
_lookups: dict[tuple[str, int], _Lookup] = {}  # one per host at most, however many requests wait for it


def _resolve(name: str, port: int, deadline: float) -> list[Address]:
    try:
        return _getaddrinfo(name, port, socket.AI_NUMERICHOST)
    except socket.gaierror:
        pass  # a name, which may take a query
    with _lock:
        lookup = _lookups.get((name, port))
        if lookup is None:
            lookup = _Lookup(name, port)
            threading.Thread(target=lookup.run, name="name lookup", daemon=True).start()
            _lookups[name, port] = lookup  # `run` cannot remove it earlier: it needs the lock
    if not lookup.done.wait(max(deadline - monotonic(), 0)):
        raise TimeoutError("no answer to the name lookup")
    if lookup.error is not None:
        raise lookup.error
    return lookup.addresses


def _getaddrinfo(name: str, port: int, flags: int = 0) -> list[Address]:
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=flags)
    return [(family, address) for family, _type, _protocol, _name, address in found]


def _alternate(addresses: list[Address]) -> list[Address]:
    """Order addresses for the race: families alternate, beginning with the family the resolver prefers."""
    if len(addresses) < 2:
        return addresses
    first = addresses[0][0]
    preferred = [address for address in addresses if address[0] == first]
    others = [address for address in addresses if address[0] != first]
    return [address for pair in zip_longest(preferred, others) for address in pair if address is not None]


# Connection attempts -----------------------------------------------------------------------------------


def _race(addresses: list[Address], deadline: float) -> socket.socket:
    """Return the first connection that opens; a silent address delays the next by ATTEMPT_DELAY.

    Raises:
        TimeoutError: none opened by the deadline; its `errno` is None.
        OSError: all failed; the error of the last.
    """
    attempts: dict[int, socket.socket] = {}
    poller = select.poll()
    waiting = addresses[::-1]
    error = OSError("the host has no address")
    next_at = 0.0
    try:
        while waiting or attempts:
            now = monotonic()
            if now >= deadline:
                raise TimeoutError("no connection in time")
            if waiting and (now >= next_at or not attempts):
                next_at = now + ATTEMPT_DELAY
                try:
                    attempt = _start(waiting.pop())
                except OSError as failure:  # no route for this family, for one
                    error, next_at = failure, now
                    continue
                attempts[attempt.fileno()] = attempt
                poller.register(attempt, select.POLLOUT)
            wake_at = min(deadline, next_at) if waiting else deadline
            for descriptor, _event in poller.poll(max(wake_at - monotonic(), 0) * 1000 + 1):
                poller.unregister(descriptor)
                attempt = attempts.pop(descriptor)
                code = attempt.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if not code:
                    return attempt
                attempt.close()
                error, next_at = OSError(code, "not connected"), now
    finally:
        for loser in attempts.values():
            loser.close()
    raise error


def _start(address: Address) -> socket.socket:
    """Start to connect without waiting."""
    attempt = socket.socket(address[0], socket.SOCK_STREAM)
    try:
        attempt.setblocking(False)
        attempt.connect(address[1])
    except BlockingIOError:
        pass
    except BaseException:
        attempt.close()
        raise
    return attempt
