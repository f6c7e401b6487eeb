"""Texts of Postgres' errors without what may quote rows of users.

DETAIL ("Key (email)=(…) already exists"), CONTEXT, and values that could not be read stay out of terminals
and of logs of a build. `--detail` shows them.
"""

from __future__ import annotations

import re

import psycopg

HIDDEN = "(hidden, it may quote rows: --detail shows it)"
_VALUE = re.compile(r'(: |value )".*"', re.DOTALL)
_DATA_EXCEPTION = "22"  # class of SQLSTATE: invalid input, out of range


def is_unreachable(error: psycopg.Error) -> bool:
    """Whether there was no connection: libpq gives no SQLSTATE then, Postgres one of class 08 or 28."""
    return isinstance(error, psycopg.OperationalError) and (error.sqlstate or "08")[:2] in ("08", "28")


def full(error: psycopg.Error) -> str:
    """Return everything that Postgres says."""
    return str(error).strip() or type(error).__name__


def primary(error: psycopg.Error) -> str:
    """Return what failed, in one line. Texts of libpq, which knows no rows, stay whole."""
    text = error.diag.message_primary
    if text is None:
        return full(error)
    if (error.sqlstate or "").startswith(_DATA_EXCEPTION):
        return _VALUE.sub(r"\1…", text)
    return text


def without_rows(error: psycopg.Error) -> str:
    """Return everything that Postgres says, with DETAIL, CONTEXT and unreadable values hidden."""
    text, diagnosis = full(error), error.diag
    if diagnosis.message_primary is None:
        return text
    for quoting in (diagnosis.message_detail, diagnosis.context):
        if quoting:
            text = text.replace(quoting.strip(), HIDDEN)
    return text.replace(diagnosis.message_primary, primary(error))
