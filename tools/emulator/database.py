"""A TCP proxy between the functions and Postgres that can be down, slow, or cut at a chosen statement."""

from __future__ import annotations

import contextlib
import re
import select
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from psycopg.conninfo import conninfo_to_dict

from tools.emulator.postgres_wire import (
    CANCEL_REQUEST,
    GSS_REQUEST,
    READY,
    SSL_REQUEST,
    Splitter,
    ends_batch,
    startup_code,
    statement,
)

When = Literal["before", "after"]
Action = Callable[[], object] | Literal["cut"]

CONNECT_SECONDS = 10.0
DYING_SECONDS = 0.5  # a killed process needs to lose its connections


@dataclass
class Hook:
    """What happens around a statement that mentions `name`."""

    name: str
    when: When
    do: Action
    times: int = 1


class Cut(Exception):
    """The connection ends here."""


class Database:
    """`url` is where the functions connect; `upstream` where Postgres really is."""

    def __init__(self, upstream: str, port: int = 0) -> None:
        self._target = conninfo_to_dict(upstream)
        self._lock = threading.Lock()
        self._hooks: list[Hook] = []
        self._links: set[_Link] = set()
        self._listener: socket.socket | None = None
        self._paused = threading.Event()
        self.was_disturbed = False  # by `down` or `on`; the tests reset it
        self.port = port
        self.up()

    @property
    def url(self) -> str:
        """Return the DSN of the upstream with the proxy's address."""
        known = {
            name: quote(str(value), safe="") for name, value in self._target.items() if value is not None
        }
        password = f":{known['password']}" if "password" in known else ""
        who = f"{known['user']}{password}@" if "user" in known else ""
        return f"postgresql://{who}127.0.0.1:{self.port}/{known.get('dbname', '')}?sslmode=disable"

    @property
    def is_down(self) -> bool:
        """Return whether connections are refused at the moment."""
        with self._lock:
            return self._listener is None

    def down(self) -> None:
        """Cut every connection and refuse new ones."""
        self.was_disturbed = True
        with self._lock:
            listener, self._listener = self._listener, None
            links = list(self._links)
        if listener is not None:
            _close(listener)
        for link in links:
            link.close()

    def up(self) -> None:
        """Accept connections (again, on the same port)."""
        with self._lock:
            if self._listener is not None:
                return
            self._listener = socket.create_server(("127.0.0.1", self.port), backlog=128)
            self.port = self._listener.getsockname()[1]
            threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def on(self, name: str, when: When, do: Action, times: int = 1) -> None:
        """At the next statements that contain the word `name`: call `do`, or "cut" the client's connection.

        before: the statement was read from the client and has not reached Postgres; nor does it, when the
            client is gone afterwards.
        after: Postgres has answered (and committed); the client has not seen the answer.
        """
        self.was_disturbed = True
        with self._lock:
            self._hooks.append(Hook(name, when, do, times))

    def clear(self) -> None:
        """Forget the hooks."""
        with self._lock:
            self._hooks.clear()

    def connect(self) -> socket.socket:
        """Open a connection to the real server."""
        host, port = str(self._target.get("host") or "127.0.0.1"), int(self._target.get("port") or 5432)
        if host.startswith("/"):
            upstream = socket.socket(socket.AF_UNIX)
            upstream.connect(f"{host}/.s.PGSQL.{port}")
            return upstream
        upstream = socket.create_connection((host, port), timeout=CONNECT_SECONDS)
        upstream.settimeout(None)
        upstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return upstream

    def take_hooks(self, text: str) -> list[Hook]:
        """Return the hooks that this statement triggers; each is used once."""
        with self._lock:
            found = [hook for hook in self._hooks if re.search(rf"\b{re.escape(hook.name)}\b", text)]
            for hook in found:
                hook.times -= 1
                if hook.times <= 0:
                    self._hooks.remove(hook)
            return found

    def forget(self, link: _Link) -> None:
        """Remove a link that ended."""
        with self._lock:
            self._links.discard(link)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link = _Link(self, client)
            with self._lock:
                refused = self._listener is not listener
                if not refused:
                    self._links.add(link)
            if refused:
                link.close()
            else:
                threading.Thread(target=link.run, daemon=True).start()


class _Link:
    """One client and its connection to Postgres, a thread for each direction."""

    def __init__(self, database: Database, client: socket.socket) -> None:
        self._database = database
        self._client = client
        self._server: socket.socket | None = None
        self._lock = threading.Lock()
        self._batches = 0
        self._after: dict[int, list[Hook]] = {}
        self._closed = False

    def run(self) -> None:
        try:
            server = self._database.connect()
            with self._lock:
                self._server = server
            # down() may have been called while the connection was being made.
            if self._closed:
                return
            threading.Thread(target=self._guarded, args=(self._answers, server), daemon=True).start()
            self._guarded(self._statements, server)
        except OSError:
            pass
        finally:
            self.close()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            server = self._server
        _close(self._client)
        if server is not None:
            _close(server)
        self._database.forget(self)

    def _guarded(self, pump: Callable[[socket.socket], None], server: socket.socket) -> None:
        try:
            pump(server)
        except (OSError, Cut):
            pass
        finally:
            self.close()

    def _statements(self, server: socket.socket) -> None:
        splitter = Splitter(startup=True)
        while data := self._client.recv(65536):
            out = bytearray()
            for kind, message in splitter.feed(data):
                if kind == b"" and startup_code(message) in (SSL_REQUEST, GSS_REQUEST):
                    self._client.sendall(b"N")
                    continue
                if self._pass(kind, message, server, out):
                    out.clear()
                out += message
            server.sendall(out)

    def _pass(self, kind: bytes, message: bytes, server: socket.socket, out: bytearray) -> bool:
        """Inspect one message; True when what came before it was already sent."""
        text = statement(kind, message)
        hooks = self._database.take_hooks(text) if text is not None else []
        with self._lock:
            if after := [hook for hook in hooks if hook.when == "after"]:
                # An answer ends with the ReadyForQuery of its batch, whose number is known beforehand.
                self._after.setdefault(self._batches + 1, []).extend(after)
            if ends_batch(kind) and not (kind == b"" and startup_code(message) == CANCEL_REQUEST):
                self._batches += 1
        before = [hook for hook in hooks if hook.when == "before"]
        if before:
            server.sendall(out)
        for hook in before:
            _act(hook)
        if before and _is_gone(self._client):
            raise Cut
        return bool(before)

    def _answers(self, server: socket.socket) -> None:
        splitter = Splitter(startup=False)
        out, ready = bytearray(), 0
        while data := server.recv(65536):
            for kind, message in splitter.feed(data):
                out += message
                if kind != READY:
                    continue
                ready += 1
                with self._lock:
                    hooks = self._after.pop(ready, [])
                for hook in hooks:
                    _act(hook)
            with self._lock:
                withheld = ready + 1 in self._after
            if not withheld:
                self._client.sendall(out)
                out.clear()


def _act(hook: Hook) -> None:
    if hook.do == "cut":
        raise Cut
    hook.do()


def _is_gone(client: socket.socket) -> bool:
    """Return whether the client has died; a live client sends nothing while it waits for its answer."""
    try:
        if not select.select([client], [], [], DYING_SECONDS)[0]:
            return False
        return client.recv(1, socket.MSG_PEEK) == b""
    except (OSError, ValueError):  # the socket was closed meanwhile
        return True


def _close(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
