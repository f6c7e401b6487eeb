"""The wizard as a script of bash: complete, free of secrets, and safe to run again."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from tools.setup import checks
from tools.setup.answers import Answers
from tools.setup.console import Console
from tools.setup.context import Context
from tools.setup.steps import owner, secret_steps
from tools.setup.steps.step import Step

HEAD = """\
#!/usr/bin/env bash
# Sets up a deployment of Switchboard, as ./switchboard setup does. Run it in the repository's folder, and
# again after any failure. It holds no secret: each is read from the file $SECRETS/NAME, or asked for.
set -euo pipefail
SECRETS="${SECRETS:-.secrets}"

secret() { # stores one secret, unless it exists; never an empty one
  if [ -f "$SECRETS/$1" ]; then
    ./switchboard secret set "$1" --if-missing --project=PROJECT <"$SECRETS/$1"
  else
    ./switchboard secret set "$1" --if-missing --project=PROJECT
  fi
}
"""


def render(answers: Answers, previous: Answers, console: Console, steps: Sequence[type[Step]]) -> str:
    """Ask for the answers that are missing, offline, and return the script."""
    complete(answers, previous, console)
    project, region = shlex.quote(answers.project), shlex.quote(answers.region)
    lines = [HEAD.replace("PROJECT", project)]
    for kind in steps:
        step = kind()
        if commands := step.script(answers):
            lines += [f"# {step.title} (docs/deployment.md: {step.heading})", *commands, ""]
    lines += [f"./switchboard doctor --project={project} --region={region}"]
    return "\n".join(lines)


def complete(answers: Answers, previous: Answers, console: Console) -> None:
    """Ask for what the script needs, checking forms only: nothing outside is called."""
    context = Context(answers, console, None, None, None, lambda: None, previous=previous)  # type: ignore[arg-type]
    context.answer("project", lambda: console.ask("Project id", checks.project))
    context.answer("region", lambda: console.ask("Region", checks.region, "europe-west3"))
    context.answer("admin_telegram_ids", lambda: owner.type_id(context))
    for kind in (secret_steps.Ai, secret_steps.Random, secret_steps.Payments, owner.Owner):
        kind().ask(context)
