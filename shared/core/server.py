"""The HTTP server of a function: gunicorn as functions-framework starts it, safe against slow clients.

The main loop receives requests (shared/core/request_receiver.py) and hands a thread only complete ones, so a
client that sends slowly costs a socket and some memory, for RECEIVE_SECONDS at most, and never a thread. A
body is not received if the headers already show that the function will refuse it.

Cloud Run sends SIGTERM to the first process of an instance and SIGKILL 10 s later
(docs.cloud.google.com/run/docs/container-contract). Requests in work get STOP_SECONDS of them, the rest is
for closing connections.
"""

from __future__ import annotations

import selectors
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from socket import SHUT_WR, socket
from time import monotonic

import functions_framework
from functions_framework._http import gunicorn as framework
from gunicorn.http.message import Request
from gunicorn.workers.gthread import ThreadWorker

from shared.core import db, http, log
from shared.core.request_receiver import Connection

Admits = Callable[[str, Mapping[str, str]], bool]

RECEIVE_SECONDS = 5.0  # how long a request may take to arrive, from its first byte or the connection's start
UPLOAD_RATE = 400_000  # bytes per second at which a longer one must arrive, which only `admits` lets in
LINGER_SECONDS = 1.0  # how long a refused client may go on sending before the connection is closed
MAX_CONNECTIONS = 500  # at the limit, a new one replaces the oldest that is still sending
MAX_RECEIVED = 32_000_000  # bytes of all requests that have not arrived completely
STOP_SECONDS = 8  # how long a stopping process waits for requests in work
MASTER_STOP_SECONDS = 9  # how long gunicorn's master waits for the process that serves

_admits: dict[str, Admits] = {}
_WITH_UPLOADS = frozenset({"console"})  # functions whose `admits` limits the length of a body itself


class Worker(ThreadWorker):  # type: ignore[misc]
    """The serving process: receives requests in its main loop and handles each in a thread."""

    def init_process(self) -> None:
        """Serve until SIGTERM."""
        self.cfg.set("graceful_timeout", STOP_SECONDS)  # the master's is longer: it must not kill us first
        self.lingering: deque[Connection] = deque()
        self.admits = _admits.get(self.app.app.name)
        super().init_process()

    def run(self) -> None:
        """Serve; after SIGTERM finish the requests in work, then close the connections to others."""
        super().run()
        log.info(
            "the process stops", action="process_stopped", cut_requests=self.nr_conns, pool=db.pool_state()
        )
        if not self.nr_conns:
            db.close()
            http.close_idle()

    # Receiving ------------------------------------------------------------------------------------------

    def accept(self, listener: socket) -> None:
        """Accept a new connection and read what has arrived."""
        if self.nr_conns >= self.worker_connections - 1:
            self._make_room()
        try:
            client, address = listener.accept()
        except OSError:  # the client is gone, or the process has no file descriptors left
            self._make_room()
            return
        self.nr_conns += 1
        self._receive(Connection(self.cfg, client, address, listener.getsockname()))

    def on_client_socket_readable(self, conn: Connection, client: socket) -> None:
        """Receive the next request of a kept connection."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        conn.start_over()
        self._receive(conn)

    def _receive(self, conn: Connection) -> None:
        """Hand over a request that has arrived; wait for the rest of others in the main loop."""
        conn.timeout = monotonic() + RECEIVE_SECONDS
        conn.receive()
        if not self._needs_more(conn):
            self._hand_over(conn)
            return
        if conn.has_head:
            conn.expect_body()
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def on_pending_socket_readable(self, conn: Connection, client: socket) -> None:
        """Read more of a request."""
        had_head = conn.has_head
        conn.receive()
        if not self._needs_more(conn):
            self._stop_waiting(conn)
            self._hand_over(conn)
        elif sum(len(waiting.received) for waiting in self.pending_conns) > MAX_RECEIVED:
            self._stop_waiting(conn)
            self._refuse(conn, "503 Service Unavailable")
        elif conn.has_head and not had_head:
            conn.expect_body()

    def _needs_more(self, conn: Connection) -> bool:
        if conn.is_whole or conn.is_over or conn.has_long_head:
            return False
        return not conn.has_head or self._is_admitted(conn)

    def _is_admitted(self, conn: Connection) -> bool:
        if self.admits is None:
            return True
        try:
            if not self.admits(conn.path.decode("latin-1").partition("?")[0], conn.headers):
                return False
            if self.app.app.name in _WITH_UPLOADS:
                conn.admit(1 / UPLOAD_RATE)
            return True
        except Exception:  # for example a wrong setting: the function itself responds and logs it
            return False

    def _hand_over(self, conn: Connection) -> None:
        """Let a thread handle what has arrived."""
        if conn.has_long_head:
            self._refuse(conn, "431 Request Header Fields Too Large")
        elif conn.received:
            conn.data_ready = True
            self.enqueue_req(conn)
        else:
            self._close(conn)

    # Giving up -----------------------------------------------------------------------------------------

    def murder_pending(self) -> None:
        """Close connections that exceeded their time; called after each round of the main loop."""
        late = 0
        now = monotonic()
        for conn in [waiting for waiting in self.pending_conns if waiting.timeout <= now]:
            late += bool(conn.received)
            self._stop_waiting(conn)
            self._refuse(conn, "408 Request Timeout")
        if late:
            log.warning("clients sent their requests too slowly", action="slow_clients", count=late)
        while self.lingering and self.lingering[0].timeout <= monotonic():
            self._end_lingering(self.lingering[0])

    def _make_room(self) -> None:
        """Close the connection that has waited longest, of those without a thread."""
        if self.lingering:
            self._end_lingering(self.lingering[0])
        elif self.pending_conns:
            conn = self.pending_conns[0]
            self._stop_waiting(conn)
            self._close(conn)

    def _stop_waiting(self, conn: Connection) -> None:
        self.poller.unregister(conn.sock)
        self.pending_conns.remove(conn)

    def _refuse(self, conn: Connection, status: str) -> None:
        """Send an error to a client that is still sending; one that sent nothing gets none."""
        if conn.received:
            conn.send(f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".encode())
            self._linger(conn)
        else:
            self._close(conn)

    def _close(self, conn: Connection) -> None:
        self.nr_conns -= 1
        conn.close()

    # The answer and after it ----------------------------------------------------------------------------

    def handle_request(self, req: Request, conn: Connection) -> bool:
        """Handle a request; announce it if the connection will be closed afterwards."""
        if not conn.is_whole:
            req.force_close()
        return bool(super().handle_request(req, conn))

    def _keepalive_after(self, conn: Connection, keepalive: bool) -> bool:
        """Return whether the connection can serve another request.

        Only if the end of this one is certain: otherwise the rest would be parsed as the next request.
        """
        is_kept = conn.is_whole and super()._keepalive_after(conn, keepalive)
        return bool(is_kept) and not conn.parser.unreader.buf.getvalue()

    def finish_request(self, conn: Connection, fs: Future[bool]) -> None:
        """Keep or close the connection after the response."""
        if conn.is_whole:
            super().finish_request(conn, fs)
        else:
            self._linger(conn)

    def _linger(self, conn: Connection) -> None:
        """Close for writing and discard what still arrives: a reset could overtake the response."""
        conn.timeout = monotonic() + LINGER_SECONDS
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(SHUT_WR)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._discard, conn))
        except (OSError, ValueError):  # closed already
            self._close(conn)
        else:
            self.lingering.append(conn)

    def _discard(self, conn: Connection, _client: socket) -> None:
        if not conn.discard():
            self._end_lingering(conn)

    def _end_lingering(self, conn: Connection) -> None:
        self.poller.unregister(conn.sock)
        self.lingering.remove(conn)
        self._close(conn)


class Application(framework.GunicornApplication):
    """gunicorn with our worker."""

    def load_config(self) -> None:
        """Take functions-framework's settings (PORT, THREADS, WORKERS) and add ours."""
        super().load_config()  # type: ignore[no-untyped-call]
        self.cfg.set("worker_class", Worker)
        self.cfg.set("worker_connections", MAX_CONNECTIONS)
        self.cfg.set("graceful_timeout", MASTER_STOP_SECONDS)
        # No heartbeat: between requests Cloud Run may give an instance no CPU at all, and a main loop that
        # stood still for that reason must not be killed. The heartbeat would stop no request either.
        self.cfg.set("timeout", 0)
        self.cfg.set("control_socket_disable", True)  # nothing here is managed through it


def install(function: str, admits: Admits | None = None) -> None:
    """Make functions-framework start our server; called while it imports a function.

    `admits` gets the path and the headers (names in lower case) of a request whose body has not arrived, and
    returns whether the function may accept it. If not, the function is called at once, without a body, to
    refuse it.
    """
    framework.GunicornApplication = Application  # type: ignore[misc]
    # Otherwise it reads the rest of every body after the response. Our worker does not need that.
    functions_framework.read_request = lambda response: response
    if admits is not None:
        _admits[function] = admits
