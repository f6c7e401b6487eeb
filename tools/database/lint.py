"""Everything CI asks of the SQL, with the real programs: the Supabase CLI, pgTAP, squawk, PgBouncer.

On the oldest Postgres we support (Debian's 15) and on the newest (the embedded 18) the migrations are applied
by the Supabase CLI and by our own tool, and all must make the same database as supabase/schemas.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psycopg

from tools.database import (
    binaries,
    catalogue,
    connections,
    contracts,
    downs,
    findings,
    migrate,
    migration_files,
    pooler,
    released,
    schema_drift,
)
from tools.database.embedded import Server, free_port
from tools.database.errors import CheckError, DatabaseToolError
from tools.database.migration_files import SUPABASE

TIMEOUT = 180  # seconds for one program
# The CLI takes this password for a local database, and accepts no other.
CLI_PASSWORD = "postgres"  # noqa: S105
OURS, THEIRS = "ours", "postgres"  # databases: migrated by our tool, and by the CLI


@dataclass(frozen=True)
class Target:
    """One Postgres under test, and a copy of supabase/ whose config.toml names its port."""

    major: int
    server: Server
    programs: Path
    workdir: Path

    def url(self, database: str) -> str:
        """Return the DSN as postgres."""
        return self.server.url(database)

    def supabase(self, *arguments: str) -> str:
        """Run the Supabase CLI against its "local stack", which is this server; return what it said."""
        program = os.environ.get("SUPABASE_CLI") or shutil.which("supabase")
        if program is None:
            raise CheckError(
                "The Supabase CLI is missing: npm ci --prefix tools/supabase_cli (SUPABASE_CLI names it)"
            )
        return run_program(program, *arguments, "--workdir", str(self.workdir), "--yes")


def run() -> int:
    """Run every check and print a line for each; returns 1 when one failed or a program is missing."""
    results = [
        _report("squawk: migrations do not block a live database", squawk),
        _report("migrations take away only what is unused", unused),
        _report("migrations come after those of main", after_main),
    ]
    for major in (15, 18):
        try:
            programs = binaries.embedded() if major == binaries.EMBEDDED_MAJOR else binaries.debian(major)
            with _target(major, programs) as target:
                checks = [check for check in CHECKS if major in check.majors]
                results += [_report(f"{major}: {check.name}", partial(check.run, target)) for check in checks]
        except DatabaseToolError as error:
            results.append(_failed(f"{major}: a server", str(error)))
    return 0 if all(results) else 1


def run_program(*command: str) -> str:
    """Run a program and return what it printed; raises CheckError with it when its exit status is not 0."""
    try:
        result = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
    except FileNotFoundError as error:
        raise CheckError(f"{command[0]} is missing") from error
    except subprocess.TimeoutExpired as error:
        raise CheckError(f"{command[0]} took longer than {TIMEOUT} s") from error
    output = result.stdout + result.stderr
    if result.returncode:
        raise CheckError(output.strip())
    return output


# The checks ---------------------------------------------------------------------------------------------


def squawk() -> None:
    """Look for statements that lock a table in use, or that cannot be taken back."""
    found = [
        f"{path.name}:{one}"
        for path in sorted((SUPABASE / "migrations").glob("*.sql"))
        for one in findings.read(path)
    ]
    if found:
        raise CheckError("\n".join(found))


def unused() -> None:
    """Look for drops, renames and changed signatures that do not say since when they are unused."""
    found = [f"{one}:{finding}" for one in migration_files.migrations() for finding in contracts.check(one)]
    if found:
        raise CheckError("\n".join(found))


def after_main() -> None:
    """Compare the files with those of main, where this clone knows main."""
    found = released.problems(migration_files.digests(), released.hashes() or {})
    if found:
        raise CheckError("\n".join(found))


def push(target: Target) -> None:
    """Apply the migrations with the real CLI."""
    target.supabase("db", "push")


def sync(target: Target) -> None:
    """Apply the migrations with our tool through a transaction pooler, twice."""
    with pooler.pooled(target.server.create_database(OURS)) as url:
        migrate.sync(url)
        if migrate.sync(url):
            raise CheckError("A second sync applied something.")


def same_database(target: Target) -> None:
    """Compare what the CLI made with what our tool made."""
    with connections.connect(target.url(OURS)) as ours, connections.connect(target.url(THEIRS)) as theirs:
        _no_differences(catalogue.differences(catalogue.describe(ours), catalogue.describe(theirs)))


def same_bookkeeping(target: Target) -> None:
    """See that each tool finds nothing to do after the other."""
    if migrate.sync(target.url(THEIRS)):
        raise CheckError("Our tool applied a migration that the CLI had applied.")
    output = target.supabase("db", "push", "--dry-run", "--remote=" + target.url(OURS))
    if "Would push" in output:
        raise CheckError(f"The CLI would apply a migration that our tool applied:\n{output}")


def agree(target: Target) -> None:
    """Compare the migrations with the schema files."""
    _no_differences(schema_drift.compare(target.programs))


def written_downs(target: Target) -> None:
    """Take every migration with a written down forth and back."""
    found = downs.try_all(target.programs)
    left = [f"{name}: {one}" for name, changes in found.items() for one in changes]
    if left:
        raise CheckError("\n".join(left))


def db_lint(target: Target) -> None:
    """Let plpgsql_check read every function."""
    _extension(target, "plpgsql_check")
    target.supabase("db", "lint", "--schema", "public,private", "--level", "warning", "--fail-on", "warning")


def advisors(target: Target) -> None:
    """Ask Supabase's advisors about security and performance."""
    target.supabase("db", "advisors", "--type", "all", "--level", "warn", "--fail-on", "warn")


def pgtap(target: Target) -> None:
    """Run supabase/tests as `supabase test db` does, which itself needs Docker."""
    if shutil.which("pg_prove") is None:
        raise CheckError("pg_prove is missing: apt-get install libtap-parser-sourcehandler-pgtap-perl")
    _extension(target, "pgtap")
    tests = SUPABASE / "tests"
    if not list(tests.rglob("*.sql")):
        raise CheckError("supabase/tests is empty.")
    run_program("pg_prove", "--ext", ".pg", "--ext", ".sql", "-r", "-d", target.url(THEIRS), str(tests))


@dataclass(frozen=True)
class Check:
    """A check and the majors it runs on."""

    name: str
    run: Callable[[Target], None]
    majors: tuple[int, ...] = (15, 18)


CHECKS = (
    Check("supabase db push applies the migrations", push),
    Check("sync applies them through a transaction pooler", sync),
    Check("both make the same database", same_database),
    Check("each finds nothing to do after the other", same_bookkeeping),
    Check("supabase/schemas makes the same database", agree),
    Check("written downs lead back", written_downs),
    Check("supabase db advisors", advisors),
    # The embedded Postgres has no other extensions.
    Check("supabase db lint", db_lint, (15,)),
    Check("pgTAP", pgtap, (15,)),
)


# What they share ----------------------------------------------------------------------------------------


@contextmanager
def _target(major: int, programs: Path) -> Iterator[Target]:
    workdir = Path(tempfile.mkdtemp(prefix="switchboard-supabase-"))
    server = Server(
        tempfile.mkdtemp(prefix="switchboard-lint-"), free_port(), programs=programs, password=CLI_PASSWORD,
        durable=False, generous=True,
    )  # fmt: skip
    try:
        # A copy: the CLI writes into its folder, and finds the local database by the port in config.toml.
        shutil.copytree(SUPABASE, workdir / "supabase", ignore=shutil.ignore_patterns(".temp", ".branches"))
        config = workdir / "supabase" / "config.toml"
        config.write_text(config.read_text().replace("port = 54322", f"port = {server.port}"))
        server.start()
        yield Target(major, server, programs, workdir)
    finally:
        server.remove()
        shutil.rmtree(workdir, ignore_errors=True)


def _extension(target: Target, name: str) -> None:
    """Install an extension that only a superuser may install."""
    with connections.connect(target.server.url(THEIRS, "supabase_admin")) as connection:
        try:
            connection.execute(f"create extension if not exists {name} with schema extensions".encode())
        except psycopg.errors.FeatureNotSupported as error:
            package = name.replace("_", "-")
            raise CheckError(
                f"{name} is missing: apt-get install postgresql-{target.major}-{package}"
            ) from error


def _no_differences(differences: list[catalogue.Difference]) -> None:
    if differences:
        raise CheckError("\n".join(str(difference) for difference in differences))


def _report(name: str, check: Callable[[], None]) -> bool:
    start = time.monotonic()
    try:
        check()
    except (DatabaseToolError, psycopg.Error) as error:
        return _failed(name, str(error))
    print(f"ok    {name} ({time.monotonic() - start:.1f} s)", flush=True)
    return True


def _failed(name: str, reason: str) -> bool:
    print(f"FAIL  {name}: {reason.strip()}", flush=True)
    return False
