"""Commands on migrations before and after they are applied: verify, rollback, down, rename."""

from __future__ import annotations

import argparse

from tools.database import environments, migration_files, plans
from tools.database.errors import StatementError
from tools.database.output import print_json, progress


def verify(arguments: argparse.Namespace) -> int:
    """Run the pending migrations on a scratch server: time, locks, rewrites, and what each blocks.

    Exit status 0 nothing pending, 3 pending and good, 8 something is wrong.
    """
    from tools.database import verify_text, verifying  # need a Postgres of their own

    environment = environments.choose(arguments.on, environments.read())
    report = verifying.verify(environment, arguments.from_backup, progress)
    try:
        plan = plans.make(environment, report.state)
    except StatementError:  # the report names the file
        plan = None
    if arguments.json:
        print_json(verify_text.as_json(report, plan))
    else:
        print(*verify_text.lines(report, plan), sep="\n")
    return report.exit_status


def rollback(arguments: argparse.Namespace) -> int:
    """Take the newest migration back with its down in supabase/downs; a loss of rows must be accepted."""
    from tools.database import rollback as rolling_back  # needs the parser

    environment = environments.choose(arguments.on, environments.read())
    done = rolling_back.rollback(environment, arguments.confirm, accept_loss=arguments.accept_loss)
    for loss in done.lost:
        print(f"lost {loss}")
    print(f"{environment.name}: {done.migration} was taken back; the database is at {done.version}.")
    print("Its file is pending again: `sync` applies it with the migration that mends it.")
    return 0


def down(arguments: argparse.Namespace) -> int:
    """Write the way back of a migration into supabase/downs, and try it forth and back."""
    from tools.database import down_writer

    written = down_writer.write(arguments.migration)
    print(f"Written: {written.path.relative_to(migration_files.SUPABASE.parent)}")
    if written.left:
        print("It does not lead back yet; add this by hand, then run ./switchboard database freeze:")
        print(*(line for one in written.left for line in one.lines()), sep="\n")
        return 1
    print("It went forth and back: equal. Read it before you commit it.")
    return 0


def rename(arguments: argparse.Namespace) -> int:
    """Give a migration a later time, while no environment and not main has it."""
    from tools.database import renaming

    old, new, mentions = renaming.rename(arguments.file, environments.read())
    print(f"{old} is now {new}")
    for path in mentions:
        print(f"{path} mentions {old.version}: look at it.")
    return 0
