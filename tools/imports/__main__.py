"""Imports users that another bot kept in a file.

    ./switchboard import users_data.json --bot spin                      # show what it would do
    ./switchboard import users_data.json --bot spin --apply              # do it

The file is {"<Telegram id>": {"session": {…}, "stats": {…}}}. XP (stats.total_xp) and badges
(stats.achievements_unlocked) count for the level that all bots show; session and statistics become those of
the bot, unless the user has some there already. Whatever is imported again is not given twice. Before
--apply the file and what the database holds of its users are copied beside it. The database is --url, or
DATABASE_ADMIN_URL. The exit status is 1 when a user was refused, 2 when nothing could be imported.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from tools.database import arriving_users, connections
from tools.database.errors import DatabaseToolError
from tools.imports import importer, users_file
from tools.imports.importer import Report

FAILED, IMPOSSIBLE = 1, 2
SHOWN_REFUSALS = 20


def main() -> int:
    """Run the import; its exit status is 0, 1 when users were refused, or 2 with one line that says why."""
    arguments = _parser().parse_args()
    try:
        report = _run(arguments)
    except (DatabaseToolError, users_file.UnreadableFile) as error:
        print(error, file=sys.stderr)
        return IMPOSSIBLE
    except psycopg.Error as error:
        print(f"Postgres: {str(error).strip()}", file=sys.stderr)
        return IMPOSSIBLE
    if arguments.report:
        text = json.dumps(report.json(), ensure_ascii=False, indent=1)
        arriving_users.write_private(Path(arguments.report), text)
    print("\n".join(summary(report)))
    return FAILED if report.counts["refused"] else 0


def _parser() -> argparse.ArgumentParser:
    assert __doc__ is not None
    parser = argparse.ArgumentParser(
        prog="./switchboard import",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--bot", required=True, help="the bot whose sessions and badges these are: spin")
    parser.add_argument("--apply", action="store_true", help="write to the database")
    parser.add_argument("--overwrite-sessions", action="store_true", help="replace sessions that exist")
    parser.add_argument("--timezone", default="UTC", help="of dates without one, such as Europe/Moscow")
    parser.add_argument("--report", metavar="FILE", help="write what became of each user, as JSON")
    parser.add_argument("--url", default=os.environ.get("DATABASE_ADMIN_URL"))
    return parser


def _run(arguments: argparse.Namespace) -> Report:
    if not arguments.url:
        raise DatabaseToolError("Which database? Give --url DSN or set DATABASE_ADMIN_URL.")
    zone = arriving_users.time_zone(arguments.timezone)
    key = os.environ.get("USER_HASH_KEY", "")
    entries = list(users_file.read(arguments.file, zone, datetime.now(UTC)))
    report = Report(
        str(arguments.file), importer.sha256_of(arguments.file), arguments.bot, bool(arguments.apply)
    )
    with connections.connect(arguments.url) as connection:
        arriving_users.check_hash_key(connection, key)
        if arguments.apply:
            importer.back_up(arguments.file, report, connection, entries)
        report.lines += importer.run(
            connection,
            entries,
            arguments.bot,
            key=key,
            apply=arguments.apply,
            overwrite=arguments.overwrite_sessions,
        )
    return report


def summary(report: Report) -> list[str]:
    """Return the report in lines for the terminal."""
    counts = report.counts
    lines = [
        f"{len(report.lines)} users in {report.file} (SHA-256 {report.sha256})",
        f"  new {counts['created']}, changed {counts['changed']}, unchanged {counts['unchanged']}, "
        f"erased before {counts['erased']}, refused {counts['refused']}",
        f"  XP {'given' if report.applied else 'to give'}: {report.xp}, badges: {report.badges}",
    ]
    kept = sum(line.session == "kept" for line in report.lines)
    if kept:
        lines.append(f"  {kept} users have a session already, which stays (--overwrite-sessions replaces it)")
    refused = [line for line in report.lines if line.outcome == "refused"]
    lines += [
        f"  refused {line.key[:32]!r} (line {line.line}): {line.reason}" for line in refused[:SHOWN_REFUSALS]
    ]
    if len(refused) > SHOWN_REFUSALS:
        lines.append(f"  … and {len(refused) - SHOWN_REFUSALS} more: --report FILE lists all")
    if report.applied:
        lines.append(f"Imported. The file is copied to {report.backup}.")
    else:
        lines.append("Nothing was written. Add --apply to import.")
    return lines


if __name__ == "__main__":
    sys.exit(main())
