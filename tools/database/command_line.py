"""The command line of `./switchboard database`: commands, their options, and an example of each."""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tools.database.commands import backups, development, environments, migrations

DEFAULT = "development"
MOST_RUNS = 10_000  # that `history` shows
# The launcher has a command of its own for these.
SHORT = {"migration": "./switchboard migration", "lint": "./switchboard sql"}
OF_ALL = ("status", "doctor", "report")  # without --on they are about all environments
TRUE: dict[str, Any] = {"action": "store_true"}


@dataclass(frozen=True)
class Command:
    """A command; `example` is what may stand behind its name."""

    run: Callable[[argparse.Namespace], int]
    example: str = ""

    @property
    def name(self) -> str:
        """Return the word that is typed."""
        return self.run.__name__


ON_ENVIRONMENTS = (
    Command(environments.status, "--verbose"),
    Command(environments.plan, "--on production"),
    Command(migrations.verify, "--on production --from-backup backups/production-20261130-100928417.age"),
    Command(environments.sync, "--on production --confirm production --plan 9c1f3a5b7d2e"),
    Command(migrations.rollback, "--on production"),
    Command(environments.drift, "--on production --undo"),
    Command(environments.health, "--on production"),
    Command(environments.history, "--on production --limit 5"),
    Command(environments.report, "--html databases.html"),
    Command(environments.init, "--on production --baseline 20261130081734"),
    Command(environments.adopt, "--on production"),
    Command(environments.resume, "--on production"),
    Command(environments.abandon, "--on production"),
    Command(environments.doctor, "--on production"),
    Command(backups.backup, "--on production --check"),
    Command(development.settings, "--on production"),
    Command(development.reset),
    Command(development.seed, "--on development"),
)
ON_FILES = (
    Command(
        backups.restore, "backups/production-20261130-100928417.age --into production --erased-ids 12,345"
    ),
    Command(development.migration, "add_promocodes"),
    Command(development.check),
    Command(migrations.down, "20261130140000"),
    Command(migrations.rename, "20261130120000"),
    Command(development.freeze),
    Command(development.generate),
    Command(development.lint),
)


def _runs(text: str) -> int:
    """Read the number of runs that `history` shows."""
    is_short = text.isascii() and text.isdecimal() and len(text) <= len(str(MOST_RUNS))
    if not (is_short and 1 <= int(text) <= MOST_RUNS):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no whole number from 1 to {MOST_RUNS}")
    return int(text)


# Commands, the option, and what argparse must know of it.
OPTIONS: tuple[tuple[Sequence[str], str, dict[str, Any]], ...] = (
    (
        ("status", "plan", "verify", "drift", "health", "history"), "--json",
        TRUE | {"help": "one JSON value"},
    ),
    (
        ("sync", "rollback", "resume", "abandon", "restore"), "--confirm",
        {"metavar": "NAME", "help": "the protected environment, without a terminal"},
    ),
    (("status",), "--verbose", TRUE | {"help": "with the differences of edited files"}),
    (("status",), "--record", TRUE | {"help": "write into each whether it lacks migrations, for its alerts"}),
    (
        ("verify",), "--from-backup",
        {"metavar": "FILE", "help": "fill the scratch server from it: a path, or gs://BUCKET/NAME"},
    ),
    (("rollback",), "--accept-loss", TRUE | {"help": "of rows that the down drops or changes"}),
    (
        ("history",), "--limit",
        {"type": _runs, "default": 20, "metavar": "COUNT", "help": "of the newest runs; 20 by default"},
    ),
    (("drift",), "--against", {"metavar": "NAME", "help": "the other environment"}),
    (
        ("drift",), "--write",
        {"metavar": "NAME", "nargs": "?", "const": "changed_by_hand", "help": "write it as a migration"},
    ),
    (("drift",), "--undo", TRUE | {"help": "print SQL that takes it back"}),
    (("report",), "--html", {"metavar": "FILE", "required": True, "help": "where to write it"}),
    (
        ("init",), "--baseline",
        {"metavar": "VERSION", "help": "14 digits: it has everything up to there"},
    ),
    (("sync",), "--all", TRUE | {"help": "all environments, in the order that `after` says"}),
    (("sync",), "--to", {"metavar": "VERSION", "help": "14 digits of the last migration to apply"}),
    (("sync",), "--plan", {"metavar": "HASH", "help": "of the reviewed plan; `current` accepts any"}),
    (
        ("sync",), "--despite-drift",
        {"metavar": "ENTRY", "action": "append", "default": [], "help": "as `drift` names it"},
    ),
    (
        ("sync",), "--without-backup",
        {"metavar": "REASON", "help": "why a protected environment is not backed up before"},
    ),
    (("sync",), "--outside-window", TRUE | {"help": "large tables may be read or rewritten now"}),
    (("backup",), "--to", {"metavar": "PLACE", "help": "another place: a folder, or gs://BUCKET/PREFIX"}),
    (("backup",), "--check", TRUE | {"help": "restore it on trial first, on a server of its own"}),
    (("restore",), "file", {"help": "a path, or gs://BUCKET/NAME"}),
    (
        ("restore",), "--into",
        {"default": "scratch", "metavar": "NAME", "help": "scratch, or an empty environment"},
    ),
    (
        ("restore",), "--erased-in",
        {"metavar": "NAME", "help": "the environment that knows who was erased since"},
    ),
    (("restore",), "--erased-ids", {"metavar": "IDS", "help": "numbers of the users who were erased since"}),
    (("down",), "migration", {"nargs": "?", "help": "its 14 digits, its name or its path"}),
    (("rename",), "file", {"help": "its 14 digits, its name or its path"}),
    (("migration",), "name", {"help": "what it does: add_promocodes"}),
)  # fmt: skip


def parser(description: str) -> argparse.ArgumentParser:
    """Return the parser; what it parses has the function of the command as `command`."""
    made = argparse.ArgumentParser(
        prog="./switchboard database", description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    added = made.add_subparsers(required=True, metavar="COMMAND", title="commands")
    named: dict[str, argparse.ArgumentParser] = {}
    for command in (*ON_ENVIRONMENTS, *ON_FILES):
        name, about = command.name, inspect.cleandoc(command.run.__doc__ or "")
        typed = SHORT.get(name, f"./switchboard database {name}")
        named[name] = added.add_parser(
            name, prog=typed, description=about, help=about.partition("\n")[0],
            epilog=f"Example:\n  {typed} {command.example}".rstrip(),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )  # fmt: skip
        named[name].set_defaults(command=command.run)
        named[name].add_argument(
            "--detail", action="store_true", help="show Postgres' DETAIL, which may quote rows of users"
        )
    for command in ON_ENVIRONMENTS:
        default = None if command.name in OF_ALL else DEFAULT
        says = f"the environment; {default or 'all'} by default"
        named[command.name].add_argument("--on", metavar="NAME", default=default, help=says)
    for names, option, settings in OPTIONS:
        for name in names:
            named[name].add_argument(option, **settings)
    return made
