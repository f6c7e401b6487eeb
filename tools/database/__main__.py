"""Keeps the databases of an installation in step, and writes and checks migrations (docs/database.md).

The environments are those of supabase/environments.toml; --on names one, and without it development is meant,
which is the emulator's database where nothing else is configured. Addresses are in environment variables, so
that no process list shows a password.

Exit status: 0 done or equal, 1 an error, 2 the command line cannot be read, 3 something is pending, 4 an
applied migration was edited or is unknown, 5 changed by hand, 6 a migration stopped between its statements,
7 unreachable, 8 verify found something wrong, 9 another run holds the lock, 10 a figure of the health
reached its limit.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

import psycopg

from tools.database import addresses, advice, command_line, environments, error_texts, output
from tools.database.errors import DatabaseToolError, Unreachable


def main() -> int:
    """Run one command and return its exit status; an error is one line that says what to do."""
    assert __doc__ is not None
    arguments = command_line.parser(__doc__).parse_args()
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
            return Unreachable.exit_status if error_texts.is_unreachable(error) else 1


def _secrets() -> set[str]:
    """Return what no output may contain. An unreadable file has no addresses: its command says so itself."""
    try:
        known = environments.read().values()
    except DatabaseToolError:
        return set()
    return {secret for one in known if one.is_named for secret in addresses.secrets(one.url)}


if __name__ == "__main__":
    sys.exit(main())
