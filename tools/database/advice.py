"""What to do about an error of Postgres that says only what happened."""

from __future__ import annotations

import psycopg

AGAIN = "The statement changed nothing. After that, run the same command again."
ADVICE = {
    "53100": f"The disk of the database is full: enlarge it, or delete what is not needed. {AGAIN}",
    "53200": f"The database has no memory left: wait until it is less busy, or take a larger one. {AGAIN}",
    "53300": f"All connections are in use: wait, or raise their limit. {AGAIN}",
    "25006": (
        "The database is read-only. If it is a replica, take the address of the primary; otherwise"
        " default_transaction_read_only is on, which Supabase sets when the disk is full: free or enlarge the"
        f" disk, or switch it off. {AGAIN}"
    ),
    "57014": (f"The statement was stopped, by statement_timeout or pg_cancel_backend. {AGAIN}"),
    "57P01": f"The server ended the session: it restarts, or pg_terminate_backend was called. {AGAIN}",
    "57P03": "The server is starting or recovering: wait a minute, and run the same command again.",
}


def of(error: psycopg.Error) -> str:
    """Return what to do, or "" where the error itself says enough."""
    return ADVICE.get(error.sqlstate or "", "")
