"""Keeps the databases of an installation in step, and writes and checks migrations (docs/database.md).

    ./switchboard database status      all environments side by side: version, pending, edited, changed by
    hand
    ./switchboard database plan        what sync would apply, with the hash of the review
    ./switchboard database verify      run what is pending on a scratch server: time, locks, what it blocks
    ./switchboard database sync        bring an environment to the newest migration, or --all in their order
    ./switchboard database rollback    take the newest migration back, where its down is written
    ./switchboard database drift       what was changed by hand, or how two environments differ
    ./switchboard database health      how healthy a database is, with the limits of alerts
    ./switchboard database history     the runs that a database remembers
    ./switchboard database report      one HTML page about all of this, for a browser
    ./switchboard database init        name a database that is in use already
    ./switchboard database adopt       take over migrations that another program recorded
    ./switchboard database resume      continue a migration that stopped between its statements
    ./switchboard database abandon     take such a migration back
    ./switchboard database backup      one snapshot of an environment, compressed and sealed
    ./switchboard database restore     try a backup on a scratch server, or fill an empty environment from it
    ./switchboard database doctor      addresses, certificates, rights and versions
    ./switchboard database settings    write the settings and admins that the environment variables name

    ./switchboard database migration   write the next migration from the changes in supabase/schemas
    ./switchboard database check       do migrations and schemas make the same database?
    ./switchboard database down        write what takes a migration back, for rollback
    ./switchboard database rename      give a migration that is merged later a later time
    ./switchboard database freeze      write supabase/migrations.sha256: released migrations stay as they are
    ./switchboard database generate    write shared/core/sql_types.py and docs/schema.md from supabase/schemas
    ./switchboard database lint        everything CI asks of the SQL
    ./switchboard database reset       empty the emulator's database
    ./switchboard database seed        add example products and users to a development database

The environments are those of supabase/environments.toml; --on names one, and without it development is meant,
which is the emulator's database where nothing else is configured. Addresses are in environment variables, so
that no process list shows a password.

Exit status: 0 done or equal, 1 an error, 3 something is pending, 4 an applied migration was edited or is
unknown, 5 changed by hand, 6 a migration stopped between its statements, 7 unreachable, 8 verify found
something wrong, 9 another run holds the lock, 10 a figure of the health reached its limit.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

import psycopg

from tools.database import addresses, advice, environments, error_texts, output
from tools.database.commands import backups, development, migrations
from tools.database.commands import environments as commands
from tools.database.errors import DatabaseToolError, Unreachable

DEFAULT = "development"
# The launcher has a command of its own for these.
SHORT = {"migration": "./switchboard migration", "lint": "./switchboard sql"}
ON_ENVIRONMENTS = (
    commands.status, commands.plan, migrations.verify, commands.sync, migrations.rollback, commands.drift,
    commands.health, commands.history, commands.report, commands.init, commands.adopt, commands.resume,
    commands.abandon, commands.doctor, backups.backup,
    development.settings, development.reset, development.seed,
)  # fmt: skip
ON_FILES = (
    backups.restore,
    development.migration, development.check, migrations.down, migrations.rename, development.freeze,
    development.generate, development.lint,
)  # fmt: skip
OF_ALL = ("status", "doctor", "report")  # without --on they are about all environments


def main() -> int:
    """Run one command and return its exit status; an error is one line that says what to do."""
    arguments = _parser().parse_args()
    command: Callable[[argparse.Namespace], int] = arguments.command
    with output.hidden(_secrets()):
        try:
            return command(arguments)
        except DatabaseToolError as error:
            print(error, *getattr(error, "__notes__", []), sep="\n", file=sys.stderr)
            return error.exit_status
        except psycopg.Error as error:
            sqlstate = f" (SQLSTATE {error.sqlstate})" if error.sqlstate else ""
            said = error_texts.full(error) if arguments.detail else error_texts.without_rows(error)
            text = f"Postgres: {said}{sqlstate}"
            remarks = [*getattr(error, "__notes__", []), advice.of(error)]
            print(text, *filter(None, remarks), sep="\n", file=sys.stderr)
            return Unreachable.exit_status if _is_unreachable(error) else 1


def _is_unreachable(error: psycopg.Error) -> bool:
    """Whether there was no connection: libpq gives no SQLSTATE then, Postgres one of class 08 or 28."""
    return isinstance(error, psycopg.OperationalError) and (error.sqlstate or "08")[:2] in ("08", "28")


def _secrets() -> set[str]:
    """Return what no output may contain. An unreadable file has no addresses: its command says so itself."""
    try:
        known = environments.read().values()
    except DatabaseToolError:
        return set()
    return {secret for one in known if one.is_named for secret in addresses.secrets(one.url)}


def _parser() -> argparse.ArgumentParser:
    assert __doc__ is not None
    parser = argparse.ArgumentParser(
        prog="./switchboard database",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    added = parser.add_subparsers(required=True)
    named: dict[str, argparse.ArgumentParser] = {}
    for command in (*ON_ENVIRONMENTS, *ON_FILES):
        name = command.__name__
        named[name] = added.add_parser(
            name, prog=SHORT.get(name), description=command.__doc__, help=command.__doc__
        )
        named[name].set_defaults(command=command)
        named[name].add_argument(
            "--detail", action="store_true", help="show Postgres' DETAIL, which may quote rows of users"
        )
    for command in ON_ENVIRONMENTS:
        name = command.__name__
        named[name].add_argument(
            "--on", metavar="NAME", default=None if name in OF_ALL else DEFAULT, help="the environment"
        )
    for name in ("status", "plan", "verify", "drift", "health", "history"):
        named[name].add_argument("--json", action="store_true", help="one JSON object")
    for name in ("sync", "rollback", "resume", "abandon"):
        named[name].add_argument(
            "--confirm", metavar="NAME", help="the protected environment, without a terminal"
        )
    named["status"].add_argument(
        "--verbose", action="store_true", help="with the differences of edited files"
    )
    named["verify"].add_argument(
        "--from-backup", metavar="FILE", help="fill the scratch server from it: a path, or gs://BUCKET/NAME"
    )
    named["rollback"].add_argument(
        "--accept-loss", action="store_true", help="of rows that the down drops or changes"
    )
    named["status"].add_argument(
        "--record", action="store_true", help="write into each whether it lacks migrations, for its alerts"
    )
    named["history"].add_argument("--limit", type=int, default=20)
    named["drift"].add_argument("--against", metavar="NAME", help="the other environment")
    named["drift"].add_argument(
        "--write", metavar="NAME", nargs="?", const="changed_by_hand", help="write it as a migration"
    )
    named["drift"].add_argument("--undo", action="store_true", help="print SQL that takes it back")
    named["report"].add_argument("--html", metavar="FILE", required=True, help="where to write it")
    named["init"].add_argument(
        "--baseline", metavar="VERSION", help="14 digits: it has everything up to there"
    )
    sync = named["sync"]
    sync.add_argument("--all", action="store_true", help="all environments, in the order that `after` says")
    sync.add_argument("--to", metavar="VERSION", help="14 digits of the last migration to apply")
    sync.add_argument("--plan", metavar="HASH", help="of the reviewed plan; `current` accepts any")
    sync.add_argument(
        "--despite-drift", metavar="ENTRY", action="append", default=[], help="as `drift` names it"
    )
    sync.add_argument(
        "--without-backup", metavar="REASON", help="why a protected environment is not backed up before"
    )
    sync.add_argument(
        "--outside-window", action="store_true", help="large tables may be read or rewritten now"
    )
    named["backup"].add_argument(
        "--to", metavar="PLACE", help="another place: a folder, or gs://BUCKET/PREFIX"
    )
    named["backup"].add_argument(
        "--check", action="store_true", help="restore it on trial first, on a server of its own"
    )
    restore = named["restore"]
    restore.add_argument("file", help="a path, or gs://BUCKET/NAME")
    restore.add_argument("--into", default="scratch", metavar="NAME", help="scratch, or an empty environment")
    restore.add_argument("--confirm", metavar="NAME", help="the protected environment, without a terminal")
    restore.add_argument(
        "--erased-in", metavar="NAME", help="the environment that knows who was erased since"
    )
    restore.add_argument("--erased-ids", metavar="IDS", help="numbers of the users who were erased since")
    named["down"].add_argument("migration", nargs="?", help="its 14 digits, its name or its path")
    named["rename"].add_argument("file", help="its 14 digits, its name or its path")
    named["migration"].add_argument("name", help="what it does: add_promocodes")
    return parser


if __name__ == "__main__":
    sys.exit(main())
