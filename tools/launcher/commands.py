"""The commands of `./switchboard`, one entry each. README, CONTRIBUTING and docs name them in this form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tools.launcher import development, ports, reset, running

Arguments = Sequence[str]


@dataclass(frozen=True)
class Command:
    """A command that runs a module of ours, or a function of the launcher that calls programs in .venv."""

    about: str
    module: str = ""
    run: Callable[[Arguments], int] | None = None
    usage: str = ""  # what may be typed after a command with `run`, whose programs have a help of their own
    # All raise LauncherError to stop: the second only where packages must be installed, the others each time.
    first: Callable[[Arguments], None] | None = None
    before_install: Callable[[Arguments], None] | None = None
    confirm: Callable[[Arguments], None] | None = None
    arguments: Callable[[Arguments], Arguments] = list  # what the module gets of what was typed
    # Works with the standard library alone, so it never waits for an installation and cannot fail for one.
    needs_packages: Callable[[Arguments], bool] = lambda _: True


GROUPS: dict[str, dict[str, Command]] = {
    "Try it on this machine": {
        "up": Command(
            "start everything: Postgres, the functions, and a page where you are the Telegram users",
            module="tools.emulator",
            first=running.refuse_second,
            before_install=ports.check,
        ),
        "reset": Command(
            "the same with an empty database; asks before it deletes (--yes does not ask)",
            module="tools.emulator",
            first=running.refuse_second,
            before_install=lambda arguments: ports.check(reset.arguments(arguments)),
            confirm=reset.confirm,
            arguments=reset.arguments,
        ),
        "emulator": Command(
            "be a user from the shell: send, tap, fault, chat, clock … while `up` runs",
            module="tools.emulator.command_line",
            needs_packages=lambda arguments: list(arguments[:1]) == ["coverage"],
        ),
    },
    "Put it online": {
        "setup": Command(
            "set up a deployment step by step, checking each answer (--dry-run: print it)", "tools.setup"
        ),
        "doctor": Command("check this checkout and the deployment, with remedies (--json)", "tools.doctor"),
        "database": Command(
            "migrate a database, write settings and admins, show what is applied", "tools.database"
        ),
        "adopt": Command(
            "take over the users of another bot's table in the same database (a dry run, unless --apply)",
            module="tools.adopt",
        ),
        "telegram": Command("set the bots' webhooks and menus, show what Telegram reports", "tools.telegram"),
        "keys": Command(
            "make and rotate the keys that encrypt users' own AI keys",
            module="tools.keys",
            needs_packages=lambda arguments: list(arguments[:1]) != ["new"],
        ),
        "secret": Command(
            "make a secret or store one in Secret Manager, never an empty one",
            module="tools.secret",
            needs_packages=lambda _: False,
        ),
        "import": Command("import users that another bot kept in a file", "tools.imports"),
        "images": Command("pin the images of deploy.yaml to digests", "tools.images"),
    },
    "Work on the code": {
        "test": Command(
            "run the tests, or those of a path: test tests/ai/user_keys",
            run=development.test,
            usage="[--workers N] [PATH or option of pytest ...]",
        ),
        "test-database": Command(
            "run the tests of the embedded Postgres and of the migration tools",
            run=development.test_database,
            usage="[--workers N] [PATH or option of pytest ...]",
        ),
        "test-slow": Command(
            "run the slow tests: killed processes, many examples",
            run=development.test_slow,
            usage="[--workers N] [PATH or option of pytest ...]",
        ),
        "test-browser": Command(
            "run the emulator's page in Chromium",
            run=development.test_browser,
            usage="[PATH or option of pytest ...]",
        ),
        "fuzz": Command("send 30,000 mutated bodies to each function", module="tests.fuzz"),
        "mutate": Command(
            "change each comparison, constant and conflict clause of SQL functions; a test must fail",
            module="tests.mutation",
        ),
        "lint": Command("check style and types", run=development.lint, usage="[PATH ...]"),
        "format": Command("format the code", run=development.format_code, usage="[PATH ...]"),
        "migration": Command(
            "write the next migration from supabase/schemas: migration add_promocodes",
            module="tools.database",
            arguments=lambda arguments: ["migration", *arguments],
        ),
        "sql": Command(
            "check the SQL with the Supabase CLI, pgTAP and squawk",
            module="tools.database",
            arguments=lambda arguments: ["lint", *arguments],
        ),
        "questions": Command(
            "check question banks, convert those of other programs: questions convert FILE", "tools.quiz"
        ),
        "scenarios": Command(
            "check the trainer's scenarios and cases: scenarios check", module="tools.scenarios"
        ),
        "courses": Command(
            "check the folders of courses, load them into a database: courses load --url DSN", "tools.courses"
        ),
        "lock": Command(
            "pin the packages of the .in files (--upgrade: newest versions)",
            run=development.lock,
            usage="[--upgrade]",
        ),
        "bench": Command("measure cost and speed beside a bare function", module="tools.bench"),
        "clean": Command(
            "remove what was installed and cached; the emulator's data stays",
            run=development.clean,
            needs_packages=lambda _: False,
        ),
    },
}
COMMANDS = {name: command for group in GROUPS.values() for name, command in group.items()}


def overview() -> str:
    """Return the list of commands, one line each."""
    lines = ["./switchboard <command> [arguments]; ./switchboard <command> --help explains one.", ""]
    for group, commands in GROUPS.items():
        lines += [group, *(f"  {name:13} {command.about}" for name, command in commands.items()), ""]
    return "\n".join(lines).rstrip()
