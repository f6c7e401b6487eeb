"""The emulator's own database as its owner: where the clock is moved and the tables are read.

Only a database with the emulator's marker is touched, whatever address is given.
"""

from __future__ import annotations

import re

import psycopg

from tools.database import marker

MOVED = re.compile(r"clock_timestamp\(\)(?: \+ interval '(?P<seconds>[0-9.]+) seconds')?")


class OwnerDatabase:
    """Connects for each task; the functions' connections stay their own."""

    def __init__(self, url: str) -> None:
        self._url = url

    def connect(self) -> psycopg.Connection:
        """Open a connection in autocommit mode.

        Raises:
            NotOurs: the database does not bear the emulator's marker.
            psycopg.Error: there is no such database, or the server is away.
        """
        connection = psycopg.connect(self._url, autocommit=True, prepare_threshold=None, connect_timeout=5)
        try:
            marker.require(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def clock_offset(self) -> float:
        """Return the seconds by which private.clock() is ahead of the server's clock."""
        with self.connect() as connection:
            found = MOVED.search(_clock_text(connection))
        return float(found["seconds"] or 0) if found else 0.0

    def set_clock_offset(self, seconds: float) -> None:
        """Let private.clock() be so many seconds ahead.

        The function's text is replaced, as only its owner can. The schema holds no offset that a role of
        production could change.
        """
        moved = f"clock_timestamp() + interval '{seconds:.6f} seconds'" if seconds else "clock_timestamp()"
        with self.connect() as connection:
            connection.execute(MOVED.sub(moved, _clock_text(connection)).encode())


def _clock_text(connection: psycopg.Connection) -> str:
    row = connection.execute("select pg_get_functiondef('private.clock()'::regprocedure)").fetchone()
    return str(row[0]) if row else ""
