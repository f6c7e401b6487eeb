"""Commands on changes before and after they are applied: verify, rollback, rename, report."""

from __future__ import annotations

import argparse

from tools.database import environments, plans
from tools.database.errors import StatementError
from tools.database.output import print_json, progress


def verify(arguments: argparse.Namespace) -> int:
    """Run the pending migrations on a scratch server: time, locks, rewrites, and whom each blocks.

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
