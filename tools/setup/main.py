"""Runs the steps in their order, or prints them as a script."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tools.cloud.gcloud import CloudError, Gcloud
from tools.secret.store import SecretStore
from tools.setup import answers as answers_file
from tools.setup import checks, script
from tools.setup.answers import AnswersError
from tools.setup.console import Console
from tools.setup.context import Context, Stop
from tools.setup.steps import backups, deployment, owner, project, secret_steps
from tools.setup.steps.step import Step

ROOT = Path(__file__).resolve().parents[2]
STEPS: tuple[type[Step], ...] = (
    project.Project,
    project.Services,
    project.Region,
    project.Accounts,
    project.Rights,
    secret_steps.Database,
    secret_steps.Bots,
    secret_steps.Ai,
    secret_steps.Random,
    secret_steps.Payments,
    backups.Backups,
    secret_steps.Access,
    owner.Owner,
    deployment.Deploy,
    deployment.Webhooks,
    deployment.Welcome,
    deployment.Cost,
)

NEXT = """\
Next:
  Send /products to the bot to set prices and start selling (docs/deployment.md: 6. Put products on sale).
  Have alerts mailed to you (docs/deployment.md: 7. Get alerts).
Later:
  ./switchboard doctor            checks everything
  ./switchboard setup --deploy    deploys a newer checkout with the same answers"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the wizard; the exit status is 0, 1 with one line that says what to do, or 130 after Ctrl-C."""
    parsed = _parser().parse_args(arguments)
    file = Path(parsed.answers) if parsed.answers else answers_file.path(ROOT, parsed.environment)
    console = Console(out=sys.stderr if parsed.dry_run else sys.stdout)
    try:
        answers = answers_file.load(file, parsed.environment)
        previous = answers
        if parsed.ask_again:
            answers = answers.without_choices()
        if parsed.public_url:
            answers.public_url = parsed.public_url
        if parsed.dry_run:
            print(script.render(answers, previous, console, STEPS))
            return 0
        if parsed.deploy:
            answers.deployed = {}
        with answers_file.alone(file):
            run(_context(answers, previous, file, console, parsed.yes))
    except (KeyboardInterrupt, EOFError):
        console.say("\nStopped. Run ./switchboard setup again to go on from here.")
        return 130
    except (Stop, CloudError, AnswersError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def run(context: Context) -> None:
    """Run all steps that are not done. Raises Stop, CloudError."""
    began = time.monotonic()
    for number, kind in enumerate(STEPS, 1):
        step = kind()
        context.console.say(f"\n{number}/{len(STEPS)} {step.title} (docs/deployment.md: {step.heading})")
        step.ask(context)
        if step.is_done(context):
            context.console.say("  done")
        else:
            step.run(context)
    minutes, seconds = divmod(round(time.monotonic() - began), 60)
    context.console.say(f"\nReady after {minutes} min {seconds} s.\n{NEXT}")


def _context(
    answers: answers_file.Answers, previous: answers_file.Answers, file: Path, console: Console, yes: bool
) -> Context:
    cloud = Gcloud(answers.project, lambda line: console.say(f"  {line}"))
    return Context(
        answers, console, cloud, SecretStore(cloud, lambda: answers.region), ROOT,
        lambda: answers_file.save(file, answers.or_else(previous)), yes, previous,
    )  # fmt: skip


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./switchboard setup",
        description="Walks you through docs/deployment.md. Each answer is checked at once, each cloud "
        "command is shown before it runs, and a run that was stopped is continued by the next one.",
    )
    parser.add_argument("--environment", choices=answers_file.ENVIRONMENTS, default="production")
    parser.add_argument(
        "--dry-run", action="store_true", help="run nothing; print a script that does the same"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask before commands run")
    parser.add_argument(
        "--ask-again", action="store_true", help="change answers: ask all but project and region"
    )
    parser.add_argument(
        "--deploy", action="store_true", help="deploy again with the same answers, as after a git pull"
    )
    parser.add_argument(
        "--public-url", metavar="URL", type=_public_url,
        help="a domain before the functions, https://bots.example.com; - for none again",
    )  # fmt: skip
    parser.add_argument("--answers", metavar="FILE", help="the file of answers (default: in .switchboard)")
    return parser


def _public_url(text: str) -> str:
    verdict = checks.public_url(text.rstrip("/"))
    if not verdict.is_good:
        raise argparse.ArgumentTypeError(verdict.text)
    return text.rstrip("/")
