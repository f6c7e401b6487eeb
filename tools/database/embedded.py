"""A Postgres of our own on 127.0.0.1, without Docker and without the operating system's packages.

Users as on the hosted Supabase: superuser `supabase_admin`, and `postgres`, which is none. Every database
made here is prepared like a Supabase project (see prepare) and bears the emulator's marker.
"""

import functools
import hashlib
import secrets
import shlex
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psutil  # type: ignore[import-untyped]
import psycopg
from psycopg import sql

from tools.database import binaries, marker, prepare
from tools.database.account import Account, account
from tools.database.errors import ServerError

HOST = "127.0.0.1"
SUPERUSER = "supabase_admin"
USERS = (SUPERUSER, "postgres")
START_TIMEOUT = 30  # seconds; a start takes 0.1 s, recovery after a kill somewhat longer


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that is free now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class Server:
    """One Postgres with its data in `directory`, listening on 127.0.0.1:`port`.

    As root it runs under another system user, which gets the data; if that user cannot come to `directory`
    the data lies below /var/lib/switchboard instead, and the first start says so.
    """

    def __init__(
        self,
        directory: Path | str,
        port: int,
        *,
        programs: Path | None = None,
        password: str | None = None,
        durable: bool = True,
        generous: bool = False,
    ) -> None:
        """Start nothing yet.

        programs: folder with initdb, pg_ctl and postgres; the embedded Postgres 18 by default.
        password: of supabase_admin and postgres, when the data is made; a random one by default.
        durable:  False lets a power cut destroy the data (fsync off), for tests.
        generous: default privileges of Supabase projects older than 2026-10-30, for tests.
        """
        self.directory = Path(directory).absolute()
        self.port = port
        self._programs = programs
        self._password = password
        self._durable = durable
        self._generous = generous
        self.data = self._data()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def log(self) -> Path:
        """The server's own log."""
        return self.data / "server.log"

    @property
    def running(self) -> bool:
        """Whether this data is being served, by us or by an earlier process of ours."""
        return self._postmaster() is not None

    def start(self) -> None:
        """Make the data where absent and serve it; returns when connections are accepted.

        A server left running by a killed process is taken over. Raises ServerError.
        """
        server = self._postmaster()
        if server is not None and server[1] == self.port:
            return
        if server is not None:
            self.stop()
        if not self.data.exists():
            self._initialise()
        self._check_version()
        self._serve()
        if not self._prepared.exists():
            self._prepare()

    def copy_data(self, source: Self) -> None:
        """Begin with the data of a server that is stopped, its users and their passwords included."""
        subprocess.run(["cp", "-a", "--reflink=auto", source.data, self.data], check=True)  # keeps the owner
        for name in ("_secret", "_prepared"):
            shutil.copy2(getattr(source, name), getattr(self, name))

    def stop(self, *, immediate: bool = False) -> None:
        """Stop serving; `immediate` as a power cut would (the next start recovers from the log)."""
        if not self.running:
            return
        mode = "immediate" if immediate else "fast"
        result = self._run("pg_ctl", "stop", "-w", "-m", mode, "-D", self.data)
        if result.returncode:
            raise ServerError(f"Postgres did not stop: {result.stderr.strip() or result.stdout.strip()}")

    def remove(self) -> None:
        """Stop and delete the data."""
        self.stop(immediate=True)
        for path in {self.data.parent, self.directory}:
            shutil.rmtree(path, ignore_errors=True)

    def url(self, database: str = "postgres", user: str = "postgres", password: str | None = None) -> str:
        """Return the DSN of a database; the password of supabase_admin and postgres is known."""
        if password is None and user in USERS:
            password = self.password
        login = user if password is None else f"{user}:{quote(password, safe='')}"
        return f"postgresql://{login}@{HOST}:{self.port}/{database}"

    @property
    def password(self) -> str:
        """The password of supabase_admin and postgres."""
        return self._secret.read_text().strip()

    def create_database(self, name: str, template: str = "template1") -> str:
        """Make a database like a new Supabase project, or a copy of `template`; return its DSN (postgres)."""
        with self._connect("postgres") as connection:
            connection.execute(
                sql.SQL("create database {} owner postgres template {}").format(
                    sql.Identifier(name), sql.Identifier(template)
                )
            )
            marker.mark(connection, name)
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Delete a database together with the connections to it."""
        with self._connect("postgres") as connection:
            connection.execute(
                sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
            )

    # The data -------------------------------------------------------------------------------------------

    @property
    def _secret(self) -> Path:
        return self.directory / "password"

    @property
    def _prepared(self) -> Path:
        return self.directory / "prepared"

    def _data(self) -> Path:
        """Return where the data lies, which is not below `directory` when the account cannot come there."""
        self.directory.mkdir(parents=True, exist_ok=True)
        here = self.directory / "data"
        runner = account(here)
        if not runner.can_enter(self.directory):
            runner.own(self.directory)
        if runner.can_enter(self.directory):
            return here
        name = f"{self.directory.name}-{hashlib.sha256(str(self.directory).encode()).hexdigest()[:12]}"
        elsewhere = binaries.SYSTEM_DIRECTORY / name / "data"
        if not elsewhere.exists():
            print(
                f"Postgres runs as another user, who cannot enter {self.directory}: data in {elsewhere}",
                file=sys.stderr,
            )
            elsewhere.parent.mkdir(parents=True, exist_ok=True)
            for path in (binaries.SYSTEM_DIRECTORY, elsewhere.parent):
                path.chmod(0o755)
        return elsewhere

    def _initialise(self) -> None:
        """Run initdb beside the final place, so that one cut short leaves nothing that looks like data."""
        runner = self._account
        fresh = self.data.with_name("data.new")
        shutil.rmtree(fresh, ignore_errors=True)
        self._prepared.unlink(missing_ok=True)
        fresh.mkdir(mode=0o700)
        runner.own(fresh)
        password = self._write_password()
        password_file = fresh.with_name("password.new")
        password_file.touch(mode=0o600)
        password_file.write_text(password)
        runner.own(password_file)
        # scram and not trust: 127.0.0.1 is open to every user of this machine, and the superuser of a
        # Postgres runs programs as the system user it belongs to. The password's file only we can read.
        result = self._run(
            "initdb", "--username", SUPERUSER, "--auth", "scram-sha-256", "--pwfile", password_file,
            "--encoding", "UTF8", *self._locale(), "--no-sync", "--no-instructions", "-D", fresh,
        )  # fmt: skip
        password_file.unlink()
        if result.returncode:
            raise ServerError(f"initdb failed: {result.stderr.strip()}")
        fresh.rename(self.data)

    def _write_password(self) -> str:
        password = self._password or secrets.token_urlsafe(24)
        self._secret.unlink(missing_ok=True)
        self._secret.touch(mode=0o600)
        self._secret.write_text(password)
        return password

    def _locale(self) -> tuple[str, ...]:
        """Return options for upper() and lower() that know Cyrillic and one text order on every machine."""
        if self._major() >= 17:
            return "--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"
        return "--locale", "C.UTF-8"

    def _major(self) -> int:
        version = self._run("postgres", "--version").stdout  # postgres (PostgreSQL) 18.4
        return int(version.split()[2].split(".")[0])

    def _check_version(self) -> None:
        made_by = (self.data / "PG_VERSION").read_text().strip()
        if made_by != str(self._major()):
            raise ServerError(
                f"{self.data} was made by Postgres {made_by}; remove {self.directory} to start anew."
            )

    def _prepare(self) -> None:
        """Make the users and rights of a Supabase project, in template1 for every later database."""
        for name in ("template1", "postgres"):
            with self._connect(name) as connection:
                if connection.execute("select 1 from pg_roles where rolname = 'postgres'").fetchone() is None:
                    connection.execute(
                        sql.SQL(
                            "create role postgres login createrole createdb replication bypassrls password {}"
                        ).format(sql.Literal(self.password))
                    )
                prepare.prepare(connection, generous=self._generous)
                # As on the hosted service: `create extension` there lands in a schema that is on the path.
                connection.execute("""alter role postgres set search_path = "$user", public, extensions""")
                connection.execute(
                    sql.SQL("alter database {} owner to postgres").format(sql.Identifier(name))
                )
                marker.mark(connection, "postgres")
        self._prepared.touch()

    def _connect(self, database: str) -> psycopg.Connection:
        url = self.url(database, SUPERUSER)
        return psycopg.connect(url, autocommit=True, prepare_threshold=None, connect_timeout=10)

    # The process ----------------------------------------------------------------------------------------

    def _serve(self) -> None:
        self._check_port()
        options = ["-p", str(self.port)]
        for name, value in self._settings().items():
            options += ["-c", f"{name}={value}"]
        result = self._run(
            "pg_ctl", "start", "-w", "-t", str(START_TIMEOUT),
            "-D", self.data, "-l", self.log, "-o", shlex.join(options),
        )  # fmt: skip
        if result.returncode:
            last = "\n".join(self.log.read_text().splitlines()[-5:]) if self.log.exists() else result.stderr
            raise ServerError(f"Postgres did not start on port {self.port}: {last.strip()}")

    def _settings(self) -> dict[str, str]:
        settings = {
            "listen_addresses": HOST,
            "unix_socket_directories": "",  # a second way in, with a length limit on its path
            "timezone": "UTC",
        }
        if not self._durable:
            # Not synchronous_commit: what was committed must survive a kill of the server, which tests do.
            settings |= {"fsync": "off", "full_page_writes": "off"}
        return settings

    def _check_port(self) -> None:
        """Raise ServerError if another program listens on the port."""
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, self.port))
            except OSError as error:
                raise ServerError(
                    f"Port {self.port} is taken by another program (a Supabase stack? then: supabase stop)."
                ) from error

    def _postmaster(self) -> tuple[int, int] | None:
        """Return (process id, port) of the server of this data; a stale pid file is removed.

        After a crash, above all in a new container, the id in the file may belong to any other process,
        and then Postgres itself would refuse to start.
        """
        file = self.data / "postmaster.pid"
        try:
            lines = file.read_text().splitlines()
        except FileNotFoundError:
            return None
        if len(lines) > 3 and self._serves(int(lines[0])):
            return int(lines[0]), int(lines[3])
        file.unlink(missing_ok=True)
        return None

    def _serves(self, process_id: int) -> bool:
        try:
            return str(self.data) in psutil.Process(process_id).cmdline()
        except psutil.Error:
            return False

    @functools.cached_property
    def _account(self) -> Account:
        return account(self.data)

    @functools.cached_property
    def _folder(self) -> Path:
        return binaries.reachable(self._programs or binaries.embedded(), self._account)

    def _run(self, program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return self._account.run(self._folder / program, *arguments, timeout=2 * START_TIMEOUT)
