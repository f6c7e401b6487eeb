"""What to do about an error of Postgres that says only what happened."""

from __future__ import annotations

import psycopg

AGAIN = "Nothing of this statement stayed; run the same command again then."
ADVICE = {
    "53100": f"The disk of the database is full: enlarge it, or delete what is not needed. {AGAIN}",
    "53200": f"The database has no memory left: wait until it is less busy, or take a larger one. {AGAIN}",
    "53300": f"All connections are in use: wait, or raise their limit. {AGAIN}",
    "25006": (
        "The database is read-only: a full disk makes Supabase switch it so, and a replica is so always. Free"
        f" or enlarge the disk, or take the address of the primary. {AGAIN}"
    ),
    "57014": (
        f"The server or a person stopped the statement: statement_timeout, or pg_cancel_backend. {AGAIN}"
    ),
    "57P01": f"The server ended the session: it restarts, or a person ended it. {AGAIN}",
    "57P03": "The server is starting or recovering: wait a minute, and run the same command again.",
}


def of(error: psycopg.Error) -> str:
    """Return what to do, or "" where the error itself says enough."""
    return ADVICE.get(error.sqlstate or "", "")
