"""Adopts the table of users of another bot in the database where Switchboard is installed.

    ./switchboard adopt --url DSN                       # show what it would do
    ./switchboard adopt --url DSN --bot trainer --apply # do it

--apply moves the table into schema legacy, untouched and closed to the Data API, with all else that has a
name that Switchboard needs; installs Switchboard's tables (database sync); and takes the users over: names,
dates, language, XP, balance, plan, and totals as statistics of the bot. It may be interrupted and run again:
nothing is given twice. See docs/adoption.md. The exit status is 1 when a row was refused or the numbers
differ, 2 when nothing could be done.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from tools.adopt import adoption, report, source
from tools.adopt.source import Blocker, Surroundings
from tools.database import arriving_users, connections, migrate
from tools.database.errors import DatabaseToolError, MigrationError

FAILED, IMPOSSIBLE = 1, 2


def main() -> int:
    """Run the adoption; return its exit status."""
    arguments = _parser().parse_args()
    try:
        outcome, moved, around = _run(arguments)
    except DatabaseToolError as error:
        print(report.printable(str(error)), file=sys.stderr)
        return IMPOSSIBLE
    except psycopg.Error as error:
        lines = [report.printable(line) for line in str(error).strip().split("\n")]
        print("Postgres:", "\n".join(lines), file=sys.stderr)
        return IMPOSSIBLE
    if arguments.report:
        text = json.dumps(report.as_json(outcome, moved, around), ensure_ascii=False, indent=1)
        arriving_users.write_private(Path(arguments.report), text)
    print("\n".join(report.lines(outcome, moved, around)))
    return FAILED if outcome.refused or outcome.differences else 0


def _parser() -> argparse.ArgumentParser:
    assert __doc__ is not None
    parser = argparse.ArgumentParser(
        prog="./switchboard adopt", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--url", default=os.environ.get("DATABASE_ADMIN_URL"))
    parser.add_argument("--table", help="schema.table of the old users (public.users)")
    parser.add_argument("--bot", default="legacy", help="the bot that XP and statistics are from (legacy)")
    parser.add_argument("--timezone", default="UTC", help="of dates without one, such as Europe/Moscow")
    parser.add_argument("--report", metavar="FILE", help="write the report with all refused rows, as JSON")
    parser.add_argument("--apply", action="store_true", help="write to the database")
    return parser


def _run(arguments: argparse.Namespace) -> tuple[adoption.Outcome, Sequence[Blocker], Surroundings]:
    if not arguments.url:
        raise DatabaseToolError("Which database? Give --url DSN or set DATABASE_ADMIN_URL.")
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,31}", arguments.bot):
        raise DatabaseToolError("--bot: 1 to 32 lower-case letters, digits and underscores.")
    zone = arriving_users.time_zone(arguments.timezone)
    key = os.environ.get("USER_HASH_KEY", "")
    with connections.connect(arguments.url) as connection:
        table = source.find(connection, arguments.table)
        columns = source.columns(connection, table)
        around = source.surroundings(connection, table)
        if source.is_installed(connection):
            arriving_users.check_hash_key(connection, key)
        moved: list[Blocker] = []
        if arguments.apply:
            table, moved = _install(arguments.url, connection, table)
        elif table.schema == "public":
            moved = source.to_move(connection, table)
    outcome = adoption.run(
        arguments.url, table, columns, arguments.bot,
        key=key, zone=zone, now=datetime.now(UTC), apply=arguments.apply,
    )  # fmt: skip
    return outcome, moved, around


def _install(
    url: str, connection: source.Connection, table: source.Table
) -> tuple[source.Table, list[Blocker]]:
    """Move what is in the way, install Switchboard, and return where the table is now with what moved."""
    moved = source.move(connection, table)
    try:
        migrate.sync(url)
    except (DatabaseToolError, psycopg.Error) as error:
        if source.is_installed(connection):
            raise
        # Nothing of ours is there: the old bot goes on as before.
        with suppress(psycopg.Error):
            source.move_back(connection, moved)
            raise MigrationError(
                f"Switchboard could not be installed ({str(error).strip()})."
                " The old tables are where they were."
            ) from error
        raise
    source.close(connection)
    return (source.Table(source.SCHEMA, table.name) if table.schema == "public" else table), moved


if __name__ == "__main__":
    sys.exit(main())
