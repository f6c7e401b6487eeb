"""The real gcloud, where REAL_GCLOUD=1 is set, parses every command of the wizard. It is not logged in."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.tools.setup.test_agreement import ANSWERS
from tools.setup.main import STEPS
from tools.setup.steps.step import CloudStep

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (os.environ.get("REAL_GCLOUD") and shutil.which("gcloud")),
        reason="set REAL_GCLOUD=1 where the Google Cloud SDK is installed (some minutes)",
    ),
]
WRONG_CALL = 2
PROJECT = ANSWERS.project
READS = [
    "auth list --filter=status:ACTIVE --format=value(account)",
    f"projects list --filter=projectId={PROJECT} --format=value(projectId)",
    f"billing projects describe {PROJECT} --format=value(billingEnabled)",
    "billing accounts list --filter=open=true --format=json",
    f"billing projects link {PROJECT} --billing-account=0X0X0X-0X0X0X-0X0X0X",
    "services list --enabled --format=value(config.name)",
    "run regions list --format=value(name)",
    "functions regions list --gen2 --format=value(name)",
    "scheduler locations list --format=value(name)",
    "iam service-accounts list --format=value(email)",
    f"projects get-iam-policy {PROJECT} --format=json",
    f"iam service-accounts get-iam-policy a@{PROJECT}.iam.gserviceaccount.com --format=json",
    "secrets list --format=value(name)",
    "secrets create NAME --replication-policy=automatic",
    "secrets create NAME --replication-policy=user-managed --locations=europe-west3",
    "secrets versions list NAME --sort-by=~createTime --limit=1 --format=value(state)",
    "secrets versions add NAME --data-file=-",
    "secrets versions access latest --secret=NAME",
    "secrets get-iam-policy NAME --format=json",
    "builds list --limit=1 --format=json",
    "functions list --regions=europe-west3 --format=value(name)",
    "functions describe telegram --gen2 --region=europe-west3 --format=json",
    "scheduler jobs list --location=europe-west3 --format=value(name)",
    "logging read severity>=ALERT --freshness=1d --limit=100 --format=json",
]


def written() -> list[list[str]]:
    """The words of every gcloud command in the script, without --project and --quiet."""
    found = []
    for kind in STEPS:
        for line in kind().script(ANSWERS):
            for command in re.split(r" \|\| | >/dev/null 2>&1", line):
                if command.startswith("gcloud ") and issubclass(kind, CloudStep):
                    found.append(shlex.split(command)[1:])
    return found


def parse(words: list[str], folder: Path) -> str:
    """Return what gcloud has against a command itself, or nothing."""
    done = subprocess.run(
        ["gcloud", *words, f"--project={PROJECT}", "--quiet"], input="value",
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "CLOUDSDK_CONFIG": str(folder)},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    return f"{words}: {done.stderr}" if done.returncode == WRONG_CALL else ""


def test_it_knows_every_command_and_flag(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        commands = [*map(str.split, READS), *written()]
        found = list(pool.map(lambda words: parse(words, tmp_path), commands))
    assert not [problem for problem in found if problem]
    assert "unrecognized arguments" in parse(["secrets", "create", "NAME", "--colour=red"], tmp_path)
