"""PgBouncer in transaction mode, as Supabase's pooler works: each transaction may get another server."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from tools.database.account import account
from tools.database.embedded import HOST, free_port
from tools.database.errors import CheckError

START_TIMEOUT = 10  # seconds

CONFIGURATION = """
[databases]
{dbname} = host={host} port={port} dbname={dbname} user={user} password={password}
[pgbouncer]
listen_addr = {host}
listen_port = {pool_port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
"""


@contextmanager
def pooled(url: str) -> Iterator[str]:
    """Serve a pool in front of the database of `url`; yields the DSN to it.

    Anyone on this machine may connect while it stands: only for databases made to be thrown away.
    Raises CheckError when PgBouncer is missing or does not start.
    """
    program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        raise CheckError("PgBouncer is missing: apt-get install pgbouncer")
    target = conninfo_to_dict(url)
    pool_port = free_port()
    directory = Path(tempfile.mkdtemp(prefix="switchboard-pooler-"))
    runner = account(directory / "nothing yet")  # it refuses to run as root, as Postgres does
    configuration = directory / "pgbouncer.ini"
    configuration.write_text(CONFIGURATION.format(**target, pool_port=pool_port))
    for path in (configuration, directory):
        runner.own(path)
    process = subprocess.Popen(
        [program, "-q", str(configuration)], user=runner.uid, group=runner.gid, cwd="/",
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        pool = f"postgresql://{target['user']}@{HOST}:{pool_port}/{target['dbname']}"
        _wait(pool)
        yield pool
    finally:
        process.terminate()
        process.wait(START_TIMEOUT)
        shutil.rmtree(directory, ignore_errors=True)


def _wait(url: str) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        try:
            psycopg.connect(url, connect_timeout=2, prepare_threshold=None).close()
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline:
                raise CheckError(f"PgBouncer does not answer: {error}") from error
            time.sleep(0.05)
        else:
            return
