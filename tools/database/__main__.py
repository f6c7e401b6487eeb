"""Commands for the database: bring it up to date, write and check migrations, check all of the SQL.

    ./switchboard database sync        bring a database to the newest migration
    ./switchboard database push        the same with the Supabase CLI (SUPABASE_CLI names its program)
    ./switchboard database settings    write the settings and admins that the environment names
    ./switchboard database status      what is applied and what is not
    ./switchboard database migration   write the next migration from the changes in supabase/schemas
    ./switchboard database check       do migrations and schemas make the same database?
    ./switchboard database freeze      write supabase/migrations.sha256: released migrations stay as they are
    ./switchboard database generate    write shared/core/sql_types.py and docs/schema.md from supabase/schemas
    ./switchboard database lint        everything CI asks of the SQL
    ./switchboard database reset       empty a database of the emulator

The database is --url, or DATABASE_ADMIN_URL where a process list must not show a password. `sync` lets role
bot_backend log in when BOT_BACKEND_PASSWORD is set. `sync`, `push`, `settings` and `status` need the packages
of requirements.txt alone; the other commands are for development.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence

import psycopg

from shared.core.setting_values import SHORTEST_SECRET
from tools.database import admins, marker, migrate, push, reset, settings
from tools.database.errors import DatabaseToolError
from tools.database.migrate import SUPABASE, Migration

# The launcher has a command of its own for these.
SHORT = {"migration": "./switchboard migration", "lint": "./switchboard sql"}


def main() -> int:
    """Run one command; its exit status is 0, or 1 with one line that says what to do."""
    arguments = _parser().parse_args()
    command: Callable[[argparse.Namespace], int] = arguments.command
    try:
        return command(arguments)
    except DatabaseToolError as error:
        print(error, file=sys.stderr)
    except psycopg.Error as error:
        print(f"Postgres: {str(error).strip()}", *getattr(error, "__notes__", []), sep="\n", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    assert __doc__ is not None
    parser = argparse.ArgumentParser(
        prog="./switchboard database",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True)
    for command in (_sync, _push, _settings, _status, _reset):
        name = command.__name__.removeprefix("_")
        with_url = commands.add_parser(name, description=command.__doc__, help=command.__doc__)
        with_url.add_argument("--url", default=os.environ.get("DATABASE_ADMIN_URL"))
        with_url.set_defaults(command=command)
    for command in (_migration, _check, _freeze, _generate, _lint):
        name = command.__name__.removeprefix("_")
        commands.add_parser(
            name, prog=SHORT.get(name), description=command.__doc__, help=command.__doc__
        ).set_defaults(command=command)
    commands.choices["migration"].add_argument("name", help="what it does: add_promocodes")
    return parser


def _url(arguments: argparse.Namespace) -> str:
    if not arguments.url:
        raise DatabaseToolError("Which database? Give --url DSN or set DATABASE_ADMIN_URL.")
    return str(arguments.url)


def _sync(arguments: argparse.Namespace) -> int:
    """Bring a database to the newest migration."""
    password = os.environ.get("BOT_BACKEND_PASSWORD")
    if password and len(password) < SHORTEST_SECRET:
        raise DatabaseToolError(f"BOT_BACKEND_PASSWORD must be {SHORTEST_SECRET} characters or more.")
    applied = migrate.sync(_url(arguments), password)
    for migration in applied:
        print(f"applied {migration}")
    print(f"{len(applied)} applied; the database is at the newest migration.")
    with migrate.connect(_url(arguments)) as connection:
        _warn(migrate.changed(connection))
    if not password:
        print("BOT_BACKEND_PASSWORD is not set: the password of role bot_backend stays as it is.")
    return 0


def _warn(changed: Sequence[Migration]) -> None:
    """Name migrations that were edited after this database had applied them: nothing applies them again."""
    for migration in changed:
        print(f"WARNING: {migration} was changed after it was applied; this database differs from its file.")


def _push(arguments: argparse.Namespace) -> int:
    """Bring a database to the newest migration with the Supabase CLI."""
    return push.push(_url(arguments))


def _settings(arguments: argparse.Namespace) -> int:
    """Write the settings and admins that the environment names."""
    changed = settings.write(_url(arguments), os.environ)
    for key, value in changed.items():
        print(f"{key} = {value}")
    print(f"{len(changed)} settings changed.")
    emails = admins.write(_url(arguments), os.environ)
    print("Admins are left as they are." if emails is None else f"Admins: {', '.join(emails)}")
    return 0


def _status(arguments: argparse.Namespace) -> int:
    """Show what is applied and what is not."""
    known = migrate.migrations()
    with migrate.connect(_url(arguments)) as connection:
        applied = migrate.applied_versions(connection)
        ours = marker.is_marked(connection)
        changed = migrate.changed(connection) if applied else []
    for migration in known:
        print(f"{'applied' if migration.version in applied else 'pending'} {migration}")
    _warn(changed)
    for version in sorted(set(applied) - {migration.version for migration in known}):
        print(f"unknown {version} (applied, but not in supabase/migrations)")
    print("The database is the emulator's own." if ours else "The database is not the emulator's.")
    return 0


def _reset(arguments: argparse.Namespace) -> int:
    """Empty a database of the emulator."""
    reset.reset(_url(arguments))
    print("The database is as new.")
    return 0


def _migration(arguments: argparse.Namespace) -> int:
    """Write the next migration from the changes in supabase/schemas."""
    from tools.database import migration_writer

    written = migration_writer.write(arguments.name)
    if written is None:
        print("Nothing to write: migrations and schemas make the same database.")
        return 0
    print(f"Written: {written.path.relative_to(SUPABASE.parent)}")
    if written.leftover:
        print("It does not make the same database as supabase/schemas yet; add this by hand, then run check:")
        print(*written.leftover, sep="\n")
        return 1
    print("With it, migrations and schemas make the same database. Read it before you commit it.")
    return 0


def _check(arguments: argparse.Namespace) -> int:
    """Say whether migrations and schemas make the same database."""
    from tools.database import schema_drift

    differences = schema_drift.compare()
    if not differences:
        print("Migrations and schemas make the same database.")
        return 0
    print(*differences, sep="\n")
    print(f"{len(differences)} differences: run ./switchboard migration what_changed.")
    return 1


def _freeze(arguments: argparse.Namespace) -> int:
    """Write the hashes of all migrations; a test keeps them from then on. Run after editing the newest."""
    print(f"Written: {migrate.freeze().relative_to(SUPABASE.parent)}")
    return 0


def _generate(arguments: argparse.Namespace) -> int:
    """Write the types of results and the description of the schema anew."""
    from tools.database import result_types, schema_page

    for path in (result_types.write(), schema_page.write()):
        print(f"Written: {path.relative_to(SUPABASE.parent)}")
    return 0


def _lint(arguments: argparse.Namespace) -> int:
    """Run everything CI asks of the SQL."""
    from tools.database import lint

    return lint.run()


if __name__ == "__main__":
    sys.exit(main())
