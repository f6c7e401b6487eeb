"""Remote servers must present a valid certificate; connection strings are read as libpq reads them."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from shared.core import database_tls
from shared.core.database_tls import SUPABASE_ROOT, tls_options

VERIFIED = {"sslmode": "verify-full", "sslrootcert": str(SUPABASE_ROOT), "gssencmode": "disable"}
POOLER = "aws-0-eu-central-1.pooler.supabase.com"
VARIABLES = ("PGHOST", "PGHOSTADDR", "PGSERVICE", "PGSERVICEFILE", "PGSSLMODE", "PGSSLROOTCERT")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("conninfo", [
    f"postgresql://u.ref:p@{POOLER}:6543/postgres",
    f"postgres://u.ref:p@{POOLER}:6543/postgres?sslmode=require",
    f"postgresql://u.ref:p@{POOLER}:6543/postgres?sslmode=disable",
    f"postgresql://u.ref:p@{POOLER}:6543/postgres?sslmode=prefer&gssencmode=require",
    f"host={POOLER} port=6543 sslmode=allow",
    "postgresql://u:p@localhost.example.com/db",
    "postgresql://u:p@127.0.0.1.example.com/db",
    "postgresql://u:p@10.0.0.5/db",
    "postgresql://u:p@[fd00::5]/db",
    "postgresql://u:p@0.0.0.0/db",
    # The host in the authority part is not the one that is connected to.
    f"postgresql://u:p@localhost/db?host={POOLER}",
    "postgresql://u:p@localhost/db?hostaddr=203.0.113.7",
    "postgresql://u:p@localhost:5432,db.example.com:5432/db",
    "postgresql://u:p@db.example.com,localhost/db",
    "postgresql:///db?host=,db.example.com",
    "postgresql:///db?hostaddr=,203.0.113.7",
    "postgresql://u:p@local%68ost.example.com/db",
    "postgresql://u:p@localhost/db?service=elsewhere",
    "service=elsewhere host=localhost",
])  # fmt: skip
def test_a_remote_server_is_always_verified(conninfo: str) -> None:
    assert tls_options(conninfo) == VERIFIED


@pytest.mark.parametrize("conninfo", [
    "postgresql://u:p@localhost/db",
    "postgresql://u:p@localhost:54322/db?sslmode=disable",
    "postgresql://u:p@127.0.0.1:54322/db",
    "postgresql://u:p@127.0.0.53/db",
    "postgresql://u:p@[::1]:54322/db",
    "postgresql://u:p@localhost,127.0.0.1/db",
    "postgresql:///db",
    "postgresql://u@%2Fvar%2Frun%2Fpostgresql/db",
    "host=/tmp/sockets dbname=db",
    "host=@abstract",
    "dbname=db",
    f"postgresql://u:p@{POOLER}/db?hostaddr=127.0.0.1",  # a tunnel
])  # fmt: skip
def test_local_servers_need_no_tls(conninfo: str) -> None:
    assert tls_options(conninfo) == {}


@pytest.mark.parametrize(("given", "kept"), [
    ("sslmode=verify-full", {}),
    ("sslmode=verify-ca", {"sslmode": "verify-ca"}),
    ("sslrootcert=system", {"sslrootcert": "system"}),
    ("sslrootcert=/etc/own-ca.crt", {"sslrootcert": "/etc/own-ca.crt"}),
    ("sslmode=require&sslrootcert=/etc/own-ca.crt", {"sslrootcert": "/etc/own-ca.crt"}),
    ("sslmode=verify-ca&sslrootcert=/a.crt", {"sslmode": "verify-ca", "sslrootcert": "/a.crt"}),
])  # fmt: skip
def test_explicit_verifying_options_are_kept(given: str, kept: dict[str, str]) -> None:
    assert tls_options(f"postgresql://u:p@db.example.com/db?{given}") == VERIFIED | kept


@pytest.mark.parametrize(("variables", "conninfo", "expected"), [
    ({"PGHOST": "db.example.com"}, "dbname=db", VERIFIED),
    ({"PGHOST": "db.example.com"}, "postgresql://localhost/db", {}),
    ({"PGHOSTADDR": "203.0.113.7"}, "postgresql://localhost/db", VERIFIED),
    ({"PGHOST": "localhost"}, f"postgresql://{POOLER}/db", VERIFIED),
    ({"PGSSLMODE": "disable"}, f"postgresql://{POOLER}/db", VERIFIED),
    ({"PGSSLMODE": "verify-ca"}, f"postgresql://{POOLER}/db", VERIFIED | {"sslmode": "verify-ca"}),
    ({"PGSSLROOTCERT": "/own.crt"}, f"postgresql://{POOLER}/db", VERIFIED | {"sslrootcert": "/own.crt"}),
])  # fmt: skip
def test_pg_variables_are_read_as_libpq_reads_them(
    variables: dict[str, str], conninfo: str, expected: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert tls_options(conninfo) == expected


def test_a_service_file_may_name_any_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "services"
    file.write_text("[elsewhere]\nhostaddr=203.0.113.7\nsslmode=disable\n")
    monkeypatch.setenv("PGSERVICEFILE", str(file))
    monkeypatch.setenv("PGSERVICE", "elsewhere")
    assert tls_options("postgresql://localhost/db") == VERIFIED


def test_a_malformed_string_is_an_error() -> None:
    with pytest.raises(psycopg.ProgrammingError):
        tls_options("postgresql://[::1/db")


def test_the_root_certificate_is_supabases_and_lasts() -> None:
    """The fingerprint is that of the dashboard's prod-ca-2021.crt, valid until 26 April 2031."""
    certificate = x509.load_pem_x509_certificate(database_tls.SUPABASE_ROOT.read_bytes())
    assert certificate.fingerprint(hashes.SHA256()).hex() == (
        "807025ad50d4ed219d2c9c7d299c004f824eb00cf7f65afef607d07b72e6cafa"
    )
    assert certificate.not_valid_after_utc.isoformat() == "2031-04-26T10:56:53+00:00"
