"""Applies the migrations with the Supabase CLI: verified certificate, no password in a process list.

The CLI takes PGPASSWORD, PGSSLMODE and PGSSLROOTCERT from the environment. An sslmode in the address would
win, so the address it is given has neither a password nor parameters.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from urllib.parse import quote

from psycopg.conninfo import conninfo_to_dict

from shared.core.database_tls import tls_options
from tools.database.errors import DatabaseToolError


def push(url: str, environment: Mapping[str, str] = os.environ) -> int:
    """Run `supabase db push` on the database of `url` and return its exit status."""
    address, additions = _split(url)
    command = [_program(environment), "db", "push", f"--remote={address}", "--yes"]
    return subprocess.run(command, env={**environment, **additions}, check=False).returncode


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
