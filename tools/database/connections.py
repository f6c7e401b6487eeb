"""Connections of the tools, and transactions whose objects belong to the right role."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from shared.core.database_tls import tls_options
from tools.database import addresses, prepare
from tools.database.runs import actor

CONNECT_TIMEOUT = 10  # seconds


def connect(url: str, command: str = "") -> psycopg.Connection:
    """Connect for tools: TLS as in shared/core/database_tls.py, autocommit, nothing prepared (poolers).

    `command` is part of the name that pg_stat_activity shows. Raises AddressError and
    psycopg.OperationalError.
    """
    addresses.read(url)
    name = "/".join(part for part in ("switchboard", command, actor()) if part)
    return psycopg.connect(
        url,
        autocommit=True,
        prepare_threshold=None,
        connect_timeout=CONNECT_TIMEOUT,
        application_name=name[:63],
        **tls_options(url),  # type: ignore[arg-type]
    )


@contextmanager
def as_owner(connection: psycopg.Connection) -> Iterator[None]:
    """Open a transaction in which everything made belongs to the role the CLI would use."""
    with connection.transaction():
        name = sql.Identifier(prepare.owner(connection))
        connection.execute(sql.SQL("set local role {}").format(name))
        yield
