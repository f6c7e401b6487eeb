"""Applies the migrations with the Supabase CLI: verified certificate, no password in a process list.

The CLI takes PGPASSWORD, PGSSLMODE and PGSSLROOTCERT from the environment. An sslmode in the address would
win, so the address it is given has neither a password nor parameters.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from urllib.parse import quote

from psycopg.conninfo import conninfo_to_dict

from shared.core.database_tls import tls_options
from tools.database.errors import DatabaseToolError
from tools.database.migrate import ATTEMPTS

DEADLOCK = "SQLSTATE 40P01"


def push(url: str, environment: Mapping[str, str] = os.environ) -> int:
    """Run `supabase db push` on the database of `url` and return its exit status.

    It runs again after a deadlock: a migration that changes several tables in use locks them in another
    order than the functions that use them. The CLI continues with the migration that was rolled back.
    """
    address, additions = _split(url)
    command = [_program(environment), "db", "push", f"--remote={address}", "--yes"]
    for _ in range(ATTEMPTS - 1):
        status, errors = _run(command, {**environment, **additions})
        if status == 0 or DEADLOCK not in errors:
            return status
    return _run(command, {**environment, **additions})[0]


def _run(command: list[str], environment: Mapping[str, str]) -> tuple[int, str]:
    """Run a command; return its exit status and what it wrote to stderr, which is shown as it comes."""
    errors = []
    with subprocess.Popen(
        command, env=environment, stderr=subprocess.PIPE, text=True, errors="replace"
    ) as process:
        for line in process.stderr or ():
            sys.stderr.write(line)
            sys.stderr.flush()
            errors.append(line)
    return process.returncode, "".join(errors)


def _program(environment: Mapping[str, str]) -> str:
    program = environment.get("SUPABASE_CLI") or shutil.which("supabase")
    if not program:
        raise DatabaseToolError(
            "The Supabase CLI is missing: npm ci --prefix tools/supabase_cli (SUPABASE_CLI names it)"
        )
    return program


def _split(url: str) -> tuple[str, dict[str, str]]:
    """Return the address without its secrets, and the variables that hold what was left out."""
    given = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    host = given.get("host", "")
    if not host or "," in host or host.startswith("/"):
        raise DatabaseToolError(
            "The Supabase CLI needs an address of one host: postgresql://USER@HOST:PORT/NAME"
        )
    tls = tls_options(url)
    root = tls.get("sslrootcert", "")
    variables = {
        "PGPASSWORD": given.get("password", ""),
        "PGSSLMODE": tls.get("sslmode", given.get("sslmode", "")),
        "PGSSLROOTCERT": "" if root == "system" else root,  # without one it takes those of the system
    }
    user, name = (
        quote(given.get("user", "postgres"), safe=""),
        quote(given.get("dbname", "postgres"), safe=""),
    )
    host = f"[{host}]" if ":" in host else host
    address = f"postgresql://{user}@{host}:{given.get('port', '5432')}/{name}"
    return address, {variable: value for variable, value in variables.items() if value}
