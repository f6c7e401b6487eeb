"""Runs the checks and prints a line for each."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from tools.cloud.gcloud import PROGRAM, CloudError, Gcloud
from tools.doctor import local
from tools.doctor.finding import Finding
from tools.setup import answers as answers_file
from tools.setup import checks
from tools.setup.answers import Answers, AnswersError

ROOT = Path(__file__).resolve().parents[2]
AT_ONCE = 6
Row = tuple[str, str, Finding]  # part, name, what was found


def main(arguments: Sequence[str] | None = None) -> int:
    """Check; the exit status is 1 when something is wrong, 130 after Ctrl-C, else 0."""
    parsed = _parser().parse_args(arguments)
    try:
        rows = list(_shown(_rows(parsed), parsed.json))
    except KeyboardInterrupt:
        print("\nStopped; nothing was changed.", file=sys.stderr)
        return 130
    is_well = all(finding.state != "wrong" for _, _, finding in rows)
    if parsed.json:
        print(json.dumps({"ok": is_well, "checks": [_as_json(*row) for row in rows]}, indent=2))
    else:
        counts = {
            state: sum(row[2].state == state for row in rows) for state in ("ok", "note", "wrong", "unknown")
        }
        print("\n" + ", ".join(f"{count} {state}" for state, count in counts.items() if count))
    return 0 if is_well else 1


def _rows(parsed: argparse.Namespace) -> Iterator[Row]:
    for name, check in local.CHECKS.items():
        yield "checkout", name, _safely(lambda check=check: check(ROOT))  # type: ignore[misc]
    if not parsed.local:
        for part, name, finding in _deployment(parsed):
            yield part, name, _for_environment(finding, parsed.environment)


def _for_environment(finding: Finding, environment: str) -> Finding:
    """Return the finding with a remedy that names the environment, where it is not the wizard's default."""
    if environment == answers_file.ENVIRONMENTS[0]:
        return finding
    wizard = "./switchboard setup"
    return replace(finding, remedy=finding.remedy.replace(wizard, f"{wizard} --environment {environment}"))


def _deployment(parsed: argparse.Namespace) -> Iterator[Row]:
    try:
        answers = _answers(parsed)
    except AnswersError as error:
        yield "deployment", "answers", Finding.wrong(str(error), "./switchboard setup")
        return
    if not (answers.project and answers.region):
        yield (
            "deployment",
            "project",
            Finding.note("none is set up from here", "./switchboard setup, or --project and --region"),
        )
        return
    from tools.doctor import deployment

    it = deployment.Deployment(answers, Gcloud(answers.project), parsed.url)
    first = _safely(lambda: _ready(it))
    if first.state == "wrong":
        yield "deployment", "gcloud", first
        return
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(lambda check: _safely(lambda: check[1](it)), deployment.CHECKS)
        for (name, _), finding in zip(deployment.CHECKS, found, strict=True):
            yield "deployment", name, finding


def _ready(it: object) -> Finding:
    """Ask the cloud for what the other checks need."""
    from tools.doctor.deployment import Deployment

    assert isinstance(it, Deployment)
    if shutil.which(PROGRAM) is None:
        return Finding.wrong("gcloud is not installed", "https://cloud.google.com/sdk/docs/install")
    if not it.cloud.read("auth", "list", "--filter=status:ACTIVE", "--format=value(account)").strip():
        return Finding.wrong("not logged in", "gcloud auth login")
    it.complete()
    return Finding.ok("logged in")


def _answers(parsed: argparse.Namespace) -> Answers:
    file = Path(parsed.answers) if parsed.answers else answers_file.path(ROOT, parsed.environment)
    if parsed.project:
        for verdict in (checks.project(parsed.project), checks.region(parsed.region)):
            if not verdict.is_good:
                raise AnswersError(verdict.text)
        return Answers(environment="", project=parsed.project, region=parsed.region)
    return answers_file.load(file, parsed.environment)


def _safely(check: Callable[[], Finding]) -> Finding:
    """Return what a check finds; one that cannot be made is wrong or unknown, never a traceback."""
    from tools.setup.bot_api import BotApiError
    from tools.setup.context import Stop

    try:
        return check()
    except (CloudError, Stop) as error:
        return Finding.wrong(str(error), "./switchboard setup")
    except BotApiError as error:
        return Finding.unknown(f"{error}")
    except Exception as error:
        # Its text may hold a secret, so only its kind is shown.
        return Finding.unknown(f"the check failed: {type(error).__name__}")


def _shown(rows: Iterator[Row], as_json: bool) -> Iterator[Row]:
    """Pass the rows on, printing each as it comes."""
    part = ""
    for row in rows:
        if not as_json:
            if row[0] != part:
                print(f"{row[0].capitalize()}:")
            print(_line(row[1], row[2]), flush=True)
        part = row[0]
        yield row


def _line(name: str, finding: Finding) -> str:
    state = finding.state.upper() if finding.state == "wrong" else finding.state
    remedy = f" → {finding.remedy}" if finding.remedy else ""
    return f"  {state:7} {name:12} {finding.text}{remedy}"


def _as_json(part: str, name: str, finding: Finding) -> dict[str, str]:
    return {
        "part": part,
        "name": name,
        "state": finding.state,
        "text": finding.text,
        "remedy": finding.remedy,
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./switchboard doctor",
        description="Checks this checkout and the deployment; changes nothing. "
        "The exit status is 1 when something is wrong.",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--local", action="store_true", help="only this checkout")
    parser.add_argument("--environment", choices=answers_file.ENVIRONMENTS, default="production")
    parser.add_argument("--answers", metavar="FILE", help="the file of the wizard's answers")
    parser.add_argument("--project", default="", help="a project that was not set up from here")
    parser.add_argument("--region", default="europe-west3")
    parser.add_argument("--url", default="", help="the functions' address, where it is a domain of yours")
    return parser
