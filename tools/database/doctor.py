"""Checks an environment from the outside in: address, server, certificate, name, rights, versions."""

from collections.abc import Iterator

import psycopg

from shared.core.database_tls import tls_options
from tools.database import addresses, connections, error_texts, identity, prepare
from tools.database.environments import Environment
from tools.database.errors import DatabaseToolError

READ_ONLY = "default_transaction_read_only is on, as Supabase sets it when the disk is full"
OLDEST, NEWEST = 15, 18  # versions of Postgres on which everything is tested


def check(environment: Environment) -> Iterator[tuple[bool, str]]:
    """Yield (is it good, one line) for each check; the first that makes the others senseless is the last."""
    try:
        url = environment.require_url()
    except DatabaseToolError as error:
        yield False, str(error)
        return
    yield True, _address(url)
    try:
        connection = connections.connect(url, "doctor")
    except psycopg.OperationalError as error:
        yield False, f"Postgres: {error_texts.without_rows(error)}"
        return
    with connection:
        yield True, _encryption(connection, url)
        yield _server(connection)
        try:
            identity.require(connection, environment)
            yield True, f"the database says that it is {identity.read(connection) or 'nothing yet'}"
        except DatabaseToolError as error:
            yield False, str(error)
        yield from _rights(connection)


def _address(url: str) -> str:
    given = addresses.read(url)
    port = given.get("port", "5432")
    kind = (
        "transaction pooler"
        if addresses.is_transaction_pooler(url)
        else "session pooler"
        if "pooler" in given.get("host", "")
        else "server"
    )
    return f"{given.get('user', '?')} at {given.get('host', '?')}:{port} ({kind})"


def _encryption(connection: psycopg.Connection, url: str) -> str:
    mode = tls_options(url).get("sslmode")
    if not connection.pgconn.ssl_in_use:
        return "this machine, without encryption"
    return f"encrypted, certificate verified ({mode})" if mode else "encrypted"


def _server(connection: psycopg.Connection) -> tuple[bool, str]:
    major = connection.info.server_version // 10_000
    text = f"Postgres {connection.info.parameter_status('server_version')}"
    if OLDEST <= major <= NEWEST:
        return True, text
    return False, f"{text}: versions {OLDEST} to {NEWEST} are supported"


def _rights(connection: psycopg.Connection) -> Iterator[tuple[bool, str]]:
    owner = prepare.owner(connection)
    row = connection.execute(
        "select has_database_privilege(%s, current_database(), 'create'),"
        " pg_is_in_recovery(), current_setting('transaction_read_only') = 'on'",
        [owner],
    ).fetchone()
    may_create, is_replica, is_read_only = row or (False, False, True)
    yield bool(may_create), f"{owner} may{'' if may_create else ' not'} make schemas and tables here"
    if is_replica:
        yield False, "the database is read-only: this is a replica, take the address of the primary"
    elif is_read_only:
        yield False, f"the database is read-only: {READ_ONLY}"
