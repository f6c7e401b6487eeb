"""Brings any Postgres to the newest migration, with the bookkeeping of the Supabase CLI.

Both may be used on the same database in any order: `supabase db push` and `sync` read and write the same
table. One migration is one transaction, so a database is always exactly at one of them.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from shared.core.database_tls import tls_options
from tools.database import prepare
from tools.database.errors import MigrationError

SUPABASE = Path(__file__).parents[2] / "supabase"
HASHES = "migrations.sha256"
FILE_NAME = re.compile(r"(\d{14})_([a-z0-9_]+)\.sql")
LOCK = 7_305_421_977  # any number; the same one keeps two syncs apart
CONNECT_TIMEOUT = 10  # seconds
# A migration that waits for a lock makes every statement behind it wait too, on a database in use.
LOCK_TIMEOUT = "10s"
ATTEMPTS = 5  # of a migration in a deadlock with functions in use; they repeat their call when they lose it

BOOKKEEPING = """
create schema if not exists supabase_migrations;
create table if not exists supabase_migrations.schema_migrations (version text not null primary key);
alter table supabase_migrations.schema_migrations add column if not exists statements text[];
alter table supabase_migrations.schema_migrations add column if not exists name text;
"""


@dataclass(frozen=True)
class Migration:
    """One file of supabase/migrations; `version` is its 14 digits (UTC: yyyymmddhhmmss)."""

    version: str
    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.version}_{self.name}"


def migrations(folder: Path = SUPABASE / "migrations") -> list[Migration]:
    """Read the migrations in their order; raises MigrationError for a file the CLI would skip or confuse."""
    found = []
    for path in sorted(folder.glob("*.sql")):
        match = FILE_NAME.fullmatch(path.name)
        if match is None:
            raise MigrationError(f"{path.name}: a migration is called <14 digits>_<lower_case_name>.sql")
        found.append(Migration(match[1], match[2], path.read_text(encoding="utf-8")))
    versions = [migration.version for migration in found]
    if len(versions) != len(set(versions)):
        raise MigrationError("Two migrations have the same 14 digits; give the newer one a later time.")
    return found


def hashes(supabase: Path = SUPABASE) -> dict[str, str]:
    """Return the SHA-256 of each released migration by file name, from supabase/migrations.sha256.

    Empty without that file: nothing is released yet, and migrations may still be rewritten.
    """
    path = supabase / HASHES
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {name.removeprefix("migrations/"): digest for digest, name in (line.split() for line in lines)}


def freeze(supabase: Path = SUPABASE) -> Path:
    """Write supabase/migrations.sha256 (`sha256sum -c` checks it) from the migrations there are."""
    path = supabase / HASHES
    files = sorted((supabase / "migrations").glob("*.sql"))
    lines = (f"{hashlib.sha256(one.read_bytes()).hexdigest()}  migrations/{one.name}\n" for one in files)
    path.write_text("".join(lines), encoding="utf-8")
    return path


def sync(
    url: str, bot_backend_password: str | None = None, folder: Path = SUPABASE / "migrations"
) -> list[Migration]:
    """Bring the database to the newest migration and return those that were applied (none: it was there).

    An empty plain Postgres gets what a Supabase project would have first. With a password, role bot_backend
    may log in with it afterwards. Safe to run twice and from two places at once. Raises MigrationError,
    PrepareError or psycopg.Error; what was applied before the failing migration stays.
    """
    known = migrations(folder)
    with connect(url) as connection:
        prepare.prepare(connection)
        applied = [migration for migration in known if _apply(connection, migration, known)]
        if not known:
            _check(applied_versions(connection), known)
        if bot_backend_password:
            let_in(connection, "bot_backend", bot_backend_password)
    return applied


def connect(url: str) -> psycopg.Connection:
    """Connect for tools: TLS as in shared/core/database_tls.py, autocommit, nothing prepared (poolers)."""
    return psycopg.connect(
        url,
        autocommit=True,
        prepare_threshold=None,
        connect_timeout=CONNECT_TIMEOUT,
        **tls_options(url),  # type: ignore[arg-type]
    )


def applied_versions(connection: psycopg.Connection) -> list[str]:
    """Return the versions the database says it has, in order; none when it was never migrated."""
    row = connection.execute(
        "select to_regclass('supabase_migrations.schema_migrations') is not null"
    ).fetchone()
    if row is None or not row[0]:
        return []
    rows = connection.execute("select version from supabase_migrations.schema_migrations order by version")
    return [version for (version,) in rows]


def changed(connection: psycopg.Connection, folder: Path = SUPABASE / "migrations") -> list[Migration]:
    """Return the applied migrations whose files differ from what was applied."""
    rows = connection.execute(
        "select version, array_to_string(statements, '') from supabase_migrations.schema_migrations"
        " where statements is not null"
    )
    applied = {version: _essence(text) for version, text in rows}
    return [m for m in migrations(folder) if applied.get(m.version, _essence(m.text)) != _essence(m.text)]


def _essence(text: str) -> str:
    """Return a migration without what gets lost when the Supabase CLI splits it into statements."""
    return re.sub(r"[\s;]+", "", text)


@contextmanager
def as_owner(connection: psycopg.Connection) -> Iterator[None]:
    """Open a transaction in which everything made belongs to the role the CLI would use."""
    with connection.transaction():
        name = sql.Identifier(prepare.owner(connection))
        connection.execute(sql.SQL("set local role {}").format(name))
        yield


def let_in(connection: psycopg.Connection, role: str, password: str) -> None:
    """Give a role LOGIN and a password, which reaches the server and its log only as a SCRAM verifier."""
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    statement = sql.SQL("alter role {} with login password {}").format(
        sql.Identifier(role), sql.Literal(verifier.decode())
    )
    with connection.transaction():
        # Two at once would fail with "tuple concurrently updated".
        connection.execute("select pg_advisory_xact_lock(%s)", [LOCK])
        connection.execute(statement)


def _apply(connection: psycopg.Connection, migration: Migration, known: Sequence[Migration]) -> bool:
    """Apply a migration unless the database has it; the lock makes a second sync wait and then skip it.

    One that changes several tables in use locks them in another order than the functions that use them.
    """
    for _ in range(ATTEMPTS - 1):
        with suppress(psycopg.errors.DeadlockDetected):
            return _apply_once(connection, migration, known)
    return _apply_once(connection, migration, known)


def _apply_once(connection: psycopg.Connection, migration: Migration, known: Sequence[Migration]) -> bool:
    with as_owner(connection):
        connection.execute("select pg_advisory_xact_lock(%s)", [LOCK])
        applied = applied_versions(connection)
        _check(applied, known)
        if migration.version in applied:
            return False
        _run(connection, migration)
        return True


def _run(connection: psycopg.Connection, migration: Migration) -> None:
    connection.execute(BOOKKEEPING)
    connection.execute("select set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
    try:
        connection.execute(migration.text)
    except psycopg.Error as error:
        error.add_note(f"in migration {migration}")
        raise
    connection.execute(
        "insert into supabase_migrations.schema_migrations (version, statements, name) values (%s, %s, %s)",
        [migration.version, [migration.text], migration.name],
    )


def _check(applied: Sequence[str], known: Sequence[Migration]) -> None:
    """Raise MigrationError unless what is applied is a beginning of what we have."""
    versions = [migration.version for migration in known]
    foreign = sorted(set(applied) - set(versions))
    if foreign:
        raise MigrationError(
            f"The database has migrations that are not in supabase/migrations: {', '.join(foreign)}."
            " It belongs to a newer or another version of this code; update the code first."
        )
    skipped = [
        version for version in versions if applied and version < applied[-1] and version not in applied
    ]
    if skipped:
        raise MigrationError(
            f"The database is past {', '.join(skipped)} without having applied it."
            " Give that migration a version later than the newest applied one."
        )
