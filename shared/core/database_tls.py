"""TLS for connections to Postgres: a remote server must present a valid certificate before the login.

`sslmode=require` encrypts without checking the certificate, so an attacker on the network can pose as the
database. Supabase signs the certificates of its databases and poolers with its own root, which no system
trusts by default. It is in `shared/core/certificates` and deployed with every function.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo

SUPABASE_ROOT = Path(__file__).parent / "certificates" / "supabase-root-2021.crt"
_VERIFYING = ("verify-ca", "verify-full")


def tls_options(conninfo: str) -> dict[str, str]:
    """Return the connection parameters that add certificate verification to `conninfo` and override its own.

    Loopback addresses and Unix sockets get none. Any other server gets `sslmode=verify-full` and Supabase's
    root certificate; a weaker sslmode is raised. Explicit choices that verify are kept: `sslmode=verify-ca`,
    and `sslrootcert` (a file, or `system` for certificates that the system trusts). Everything is read as
    libpq reads it: from the connection string and, where that is silent, from PGHOST, PGSSLMODE and the like.

    Raises:
        psycopg.ProgrammingError: the connection string is malformed.
    """
    given = _defaults() | {name: str(value) for name, value in conninfo_to_dict(conninfo).items()}
    if _is_local(given):
        return {}
    mode = given.get("sslmode")
    return {
        "sslmode": mode if mode in _VERIFYING else "verify-full",
        "sslrootcert": given.get("sslrootcert") or str(SUPABASE_ROOT),
        # A connection encrypted by Kerberos is not encrypted by TLS, and its sslmode is ignored.
        "gssencmode": "disable",
    }


def _defaults() -> dict[str, str]:
    """Return the parameters from the PG* variables and the service file they name."""
    options = Conninfo.get_defaults()
    return {o.keyword.decode(): o.val.decode() for o in options if o.envvar and o.val}


def _is_local(given: Mapping[str, str]) -> bool:
    """Return whether every server that may be tried is this machine; a service file may name any other."""
    if given.get("service"):
        return False
    hosts = given.get("host", "").split(",")
    addresses = given.get("hostaddr", "").split(",")
    count = max(len(hosts), len(addresses))
    hosts += [""] * (count - len(hosts))
    addresses += [""] * (count - len(addresses))
    return all(_is_loopback(address or host) for host, address in zip(hosts, addresses, strict=True))


def _is_loopback(host: str) -> bool:
    # Without a host libpq takes the Unix socket of this machine; `@` begins the name of an abstract one.
    if not host or host.startswith(("/", "@")) or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
