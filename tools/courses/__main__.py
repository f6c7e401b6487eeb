"""Check the folders of courses, and load them into a database (docs/courses.md).

./switchboard courses check [FOLDER …]             the courses that are shipped, or others
./switchboard courses load --url DSN [FOLDER …]    write them; what was edited in the console stays
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import psycopg

from shared.features.courses import library
from tools.courses import loading
from tools.database.errors import DatabaseToolError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit status is 0, or 1 with a line for each fault."""
    parser = argparse.ArgumentParser(
        prog="./switchboard courses",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True)
    for name, command in (("check", _check), ("load", _load)):
        sub = commands.add_parser(name, help=command.__doc__)
        sub.add_argument("folders", nargs="*", type=Path, metavar="FOLDER")
        sub.set_defaults(command=command)
        if name == "load":
            sub.add_argument("--url", default=os.environ.get("DATABASE_ADMIN_URL"), metavar="DSN")
            sub.add_argument(
                "--overwrite", action="store_true", help="replace what was edited in the console"
            )
            sub.add_argument("--on-sale", action="store_true", help="put products that are new on sale")
    parsed = parser.parse_args(arguments)
    try:
        return int(parsed.command(parsed))
    except library.InvalidCourse as error:
        print("\n".join(error.faults), file=sys.stderr)
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
    except DatabaseToolError as error:
        print(error, file=sys.stderr)
    except psycopg.Error as error:
        print(f"Postgres: {str(error).strip()}", file=sys.stderr)
    return 1


def _check(arguments: argparse.Namespace) -> int:
    """Check the format of folders."""
    faults: list[str] = []
    for folder in arguments.folders or library.folders():
        try:
            course = library.read(folder)
        except library.InvalidCourse as error:
            faults += error.faults
        else:
            print(f"{folder.name}: {len(course['lessons'])} lessons, {', '.join(course['texts'])}")
    for fault in faults:
        print(fault, file=sys.stderr)
    return int(bool(faults))


def _load(arguments: argparse.Namespace) -> int:
    """Write courses into a database."""
    if not arguments.url:
        print("Which database? Give --url DSN or set DATABASE_ADMIN_URL.", file=sys.stderr)
        return 1
    for folder in loading.in_order(arguments.folders or library.folders()):
        lines = loading.load(
            arguments.url, folder, overwrites=arguments.overwrite, is_on_sale=arguments.on_sale
        )
        print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
