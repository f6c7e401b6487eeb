"""Connections to a server elsewhere: its certificate must be of a root we trust and made out to its name."""

from __future__ import annotations

import json
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from shared.core import config, database_tls, db
from shared.core.errors import DatabaseUnavailable
from tests.first_server import BACKEND_PASSWORD
from tools.database import __main__ as program
from tools.database import connections
from tools.database.embedded import Server

pytestmark = pytest.mark.database

HOST = "db.example.com"
SSL_REQUEST = b"\0\0\0\x08\x04\xd2\x16\x2f"


@dataclass
class Authority:
    """A certificate authority with its root in a file."""

    root: Path
    name: x509.Name
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def new(cls, root: Path, common_name: str) -> Authority:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        builder = _builder(name, name, key.public_key()).add_extension(
            x509.BasicConstraints(True, None), True
        )
        root.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        return cls(root, name, key)

    def context(self, host: str, ended: timedelta = timedelta(days=-1)) -> ssl.SSLContext:
        """The TLS side of a server with a certificate made out to `host`, which ended so long ago."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        builder = _builder(name, self.name, key.public_key(), ended).add_extension(
            x509.SubjectAlternativeName([x509.DNSName(host)]), False
        )
        pem = builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        pem += key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file = self.root.with_name(f"{self.root.stem}-{host}.pem")
        file.write_bytes(pem)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    ended: timedelta = timedelta(days=-1),
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=9))
        .not_valid_after(now - ended)
    )


class TlsServer:
    """Terminates TLS before a Postgres that has none; `received` is whether a client sent it anything."""

    def __init__(self, upstream: int, context: ssl.SSLContext | None) -> None:
        self._upstream = upstream
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.received = False
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            if client.recv(8) != SSL_REQUEST:
                self.received = True
                return
            client.sendall(b"N" if self._context is None else b"S")
            if self._context is None:
                self.received = bool(client.recv(1))
                return
            try:
                tls = self._context.wrap_socket(client, server_side=True)
            except OSError:
                return
            with tls, socket.create_connection(("127.0.0.1", self._upstream)) as upstream:
                thread = threading.Thread(target=_copy, args=(upstream, tls), daemon=True)
                thread.start()
                _copy(tls, upstream, self._note)
                thread.join()

    def _note(self) -> None:
        self.received = True


def _copy(source: socket.socket, target: socket.socket, note: Callable[[], None] = lambda: None) -> None:
    try:
        while data := source.recv(65_536):
            note()
            target.sendall(data)
        target.shutdown(socket.SHUT_RDWR)
    except (OSError, ValueError):
        pass


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.new(tmp_path_factory.mktemp("tls") / "trusted.crt", "Trusted")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.new(tmp_path_factory.mktemp("tls") / "stranger.crt", "Stranger")


@pytest.fixture
def serve(
    server: Server, trusted: Authority, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[ssl.SSLContext | None], TlsServer]]:
    """Start a TLS server as HOST, with `trusted` in the place of Supabase's root."""
    monkeypatch.setattr(database_tls, "SUPABASE_ROOT", trusted.root)
    resolve = socket.getaddrinfo

    def resolve_here(host: Any, *arguments: Any, **options: Any) -> Any:
        return resolve("127.0.0.1" if str(host).endswith(".example.com") else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve_here)
    started: list[TlsServer] = []

    def start(context: ssl.SSLContext | None) -> TlsServer:
        started.append(TlsServer(server.port, context))
        return started[-1]

    yield start
    for each in started:
        each.stop()


def remote(url: str, tls: TlsServer, host: str = HOST, query: str = "") -> str:
    """`url` of the server behind `tls`, as if it were elsewhere."""
    before, _, after = url.partition("@")
    return f"{before}@{host}:{tls.port}/{after.partition('/')[2]}{query}"


WEAKER = ["", "?sslmode=require", "?sslmode=prefer", "?sslmode=disable"]


@pytest.mark.parametrize("query", WEAKER)
def test_tools_connect_to_the_right_server(
    query: str, server: Server, database_url: str, trusted: Authority, serve: Callable[..., TlsServer]
) -> None:
    tls = serve(trusted.context(HOST))
    with closing(connections.connect(remote(server.url("migrated"), tls, query=query))) as connection:
        assert connection.pgconn.ssl_in_use
        assert tls.received
        assert connection.execute("select current_database()").fetchone() == ("migrated",)


@pytest.mark.parametrize("query", WEAKER)
def test_a_certificate_of_another_root_is_refused(
    query: str, server: Server, database_url: str, stranger: Authority, serve: Callable[..., TlsServer]
) -> None:
    tls = serve(stranger.context(HOST))
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        connections.connect(remote(server.url("migrated"), tls, query=query))
    assert not tls.received


@pytest.mark.parametrize("query", WEAKER)
def test_a_certificate_for_another_name_is_refused(
    query: str, server: Server, database_url: str, trusted: Authority, serve: Callable[..., TlsServer]
) -> None:
    tls = serve(trusted.context("other.example.com"))
    with pytest.raises(psycopg.OperationalError, match=r"does not match host name"):
        connections.connect(remote(server.url("migrated"), tls, query=query))
    assert not tls.received


@pytest.mark.parametrize("query", WEAKER)
def test_a_certificate_that_has_expired_is_refused(
    query: str, server: Server, database_url: str, trusted: Authority, serve: Callable[..., TlsServer]
) -> None:
    tls = serve(trusted.context(HOST, timedelta(days=2)))
    with pytest.raises(psycopg.OperationalError, match="certificate"):
        connections.connect(remote(server.url("migrated"), tls, query=query))
    assert not tls.received


def test_a_root_certificate_that_is_missing_is_named(
    server: Server, database_url: str, trusted: Authority, serve: Callable[..., TlsServer], tmp_path: Path
) -> None:
    tls = serve(trusted.context(HOST))
    missing = tmp_path / "gone.crt"
    with pytest.raises(psycopg.OperationalError, match=r"gone\.crt"):
        connections.connect(remote(server.url("migrated"), tls, query=f"?sslrootcert={missing}"))
    assert not tls.received


@pytest.mark.parametrize(("broken", "says"), [
    ("stranger", "certificate verify failed"), ("name", "does not match host name"),
    ("expired", "certificate"), ("plain", "does not support SSL"),
])  # fmt: skip
def test_status_names_what_is_wrong_with_the_certificate_and_no_password(
    server: Server, database_url: str, trusted: Authority, stranger: Authority,
    serve: Callable[..., TlsServer], monkeypatch: pytest.MonkeyPatch, capsys, broken: str, says: str,
) -> None:  # fmt: skip
    contexts = {
        "stranger": lambda: stranger.context(HOST), "name": lambda: trusted.context("other.example.com"),
        "expired": lambda: trusted.context(HOST, timedelta(days=2)), "plain": lambda: None,
    }  # fmt: skip
    url = remote(server.url("migrated"), serve(contexts[broken]()))
    monkeypatch.setenv("DATABASE_ADMIN_URL", url)
    monkeypatch.setattr(sys, "argv", ["database", "status", "--on", "production"])
    assert program.main() == 7
    printed = capsys.readouterr()
    assert says in printed.out + printed.err
    assert server.password not in printed.out + printed.err


@pytest.mark.parametrize("query", WEAKER)
def test_a_server_without_tls_gets_no_password(
    query: str, server: Server, database_url: str, serve: Callable[..., TlsServer]
) -> None:
    tls = serve(None)
    with pytest.raises(psycopg.OperationalError, match="does not support SSL"):
        connections.connect(remote(server.url("migrated"), tls, query=query))
    assert not tls.received


def test_an_owners_root_certificate_is_used(
    server: Server, database_url: str, stranger: Authority, serve: Callable[..., TlsServer]
) -> None:
    tls = serve(stranger.context(HOST))
    url = remote(server.url("migrated"), tls, query=f"?sslrootcert={stranger.root}")
    connections.connect(url).close()


def test_verify_ca_leaves_the_name_unchecked(
    server: Server, database_url: str, trusted: Authority, serve: Callable[..., TlsServer]
) -> None:
    tls = serve(trusted.context("other.example.com"))
    connections.connect(remote(server.url("migrated"), tls, query="?sslmode=verify-ca")).close()


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Make this process a function with that DATABASE_URL."""

    def become(url: str) -> None:
        monkeypatch.setenv("DATABASE_URL", url)
        monkeypatch.setenv("BOT_TOKENS", json.dumps({"assistant": f"123456:{'A' * 35}"}))
        monkeypatch.setenv("TELEGRAM_WEBHOOK_SECRET", "webhook-secret-of-tests")
        monkeypatch.setenv("USER_HASH_KEY", "a-key-of-at-least-32-characters-for-tests")
        config.settings.cache_clear()

    monkeypatch.setattr(db, "_pool", None)
    monkeypatch.setattr(db, "_circuit", db._Circuit())
    monkeypatch.setattr(db, "RETRY_SECONDS", 1.0)
    yield become
    if db._pool is not None:
        db._pool.close(timeout=1)
    config.settings.cache_clear()


def test_a_function_calls_the_right_server(
    function: Callable[[str], None],
    server: Server,
    database_url: str,
    trusted: Authority,
    serve: Callable[..., TlsServer],
) -> None:
    tls = serve(trusted.context(HOST))
    function(remote(server.url("migrated", "bot_backend", BACKEND_PASSWORD), tls, query="?sslmode=disable"))
    assert db.call("stale_updates", p_limit=0) == []


def test_a_function_refuses_another_server_and_its_log_says_why(
    function: Callable[[str], None],
    server: Server,
    database_url: str,
    stranger: Authority,
    serve: Callable[..., TlsServer],
    capsys: pytest.CaptureFixture[str],
) -> None:
    tls = serve(stranger.context(HOST))
    function(remote(server.url("migrated", "bot_backend", BACKEND_PASSWORD), tls))
    with pytest.raises(DatabaseUnavailable):
        db.call("stale_updates", p_limit=0)
    assert not tls.received
    (line,) = [
        json.loads(line) for line in capsys.readouterr().out.splitlines() if "database_unavail" in line
    ]
    assert "certificate verify failed" in line["connect_error"]
