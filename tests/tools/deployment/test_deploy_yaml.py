"""deploy.yaml as a document: what Cloud Build would refuse, and what a reader relies on."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.tools.deployment.build import ROOT, deployment, step, steps
from tools import variables

TEXT = (ROOT / "deploy.yaml").read_text()
GUIDE = (ROOT / "docs" / "deployment.md").read_text()
IDS = [step["id"] for step in steps()]


def test_the_file_matches_cloud_builds_schema() -> None:
    done = subprocess.run(
        [
            Path(sys.executable).parent / "check-jsonschema",
            "--builtin-schema",
            "vendor.cloudbuild",
            ROOT / "deploy.yaml",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", IDS)
def test_a_script_is_bash_that_stops_at_the_first_failure(name: str) -> None:
    script = step(name)["script"]
    assert script.startswith("#!/usr/bin/env bash\nset -euo pipefail\n")
    done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_steps_run_in_a_safe_order() -> None:
    order = [
        "check", "install", "settings", "database", "telegram", "payments", "generations",
        "scheduled", "console", "list-jobs", "jobs", "plan-backup",
        "backup", "smoke", "webhooks",
    ]  # fmt: skip
    assert order == IDS
    for each in steps():
        assert not each.keys() & {"waitFor", "allowFailure", "allowExitCodes"}, (
            f"{each['id']} could be overtaken"
        )


def test_every_substitution_is_used_and_every_used_one_is_there() -> None:
    body = TEXT.partition("\nsteps:")[2]
    assert set(re.findall(r"\$\{(_\w+)\}", body)) == set(deployment()["substitutions"])


def test_scripts_use_variables_that_they_have() -> None:
    common = {line.partition("=")[0] for line in deployment()["options"]["env"]}
    for each in steps():
        script = re.sub(r"<<'END'.*?^END$", "", each["script"], flags=re.DOTALL | re.MULTILINE)
        own = {line.partition("=")[0] for line in each.get("env", [])} | set(each.get("secretEnv", []))
        made = set(re.findall(r"(?:^|\s)(\w+)=", script)) | set(
            re.findall(r"(?:for|-r) ([\w ]+?)(?: in|;)", script)
        )
        made = {word for words in made for word in words.split()}
        used = set(re.findall(r"\$\{?([A-Za-z_]\w*)", script))
        assert used <= common | own | made, f"{each['id']} uses what it has not"


def test_the_common_variables_are_no_settings() -> None:
    # The first step runs tests that read settings: a variable of the build must not become one.
    common = {line.partition("=")[0] for line in deployment()["options"]["env"]}
    assert not common & (variables.known() | {"PYTHONPATH", "THREADS"})


def test_every_secret_of_the_build_is_used_by_a_step() -> None:
    available = [secret["env"] for secret in deployment()["availableSecrets"]["secretManager"]]
    used = {secret for each in steps() for secret in each.get("secretEnv", [])}
    assert set(available) == used
    assert len(available) == len(set(available))


def test_a_secret_is_called_like_its_variable() -> None:
    for secret in deployment()["availableSecrets"]["secretManager"]:
        name = secret["env"]
        assert (
            secret["versionName"] == f"projects/${{PROJECT_ID}}/secrets/{name}/versions/${{_{name}_VERSION}}"
        )


def test_the_file_holds_no_secret() -> None:
    assert not re.search(r"\d{6,}:[\w-]{30,}|://\w+:\w+@|sk-\w{10}", TEXT)


INSTALLS = ("pip", "npm", "npx", "apt-get", "curl", "wget")


def test_nothing_is_installed_where_a_secret_is() -> None:
    for each in steps():
        installs = set(re.findall(r"[\w-]+", each["script"])) & set(INSTALLS)
        assert not (each.get("secretEnv") and installs), each["id"]
        if "pip install" in each["script"]:
            assert "--require-hashes --only-binary=:all:" in each["script"]
        if "npm" in each["script"]:
            assert "npm ci " in each["script"]


def test_steps_with_secrets_have_no_package_of_developers() -> None:
    files = re.findall(r"-r (\S+)", step("install")["script"])
    assert files == ["requirements.txt", "requirements-database.txt"]
    for each in steps():
        if each.get("secretEnv"):
            assert set(re.findall(r"([\w./-]*)/bin/python", each["script"])) == {".venv"}, each["id"]


def test_no_secret_is_an_argument() -> None:
    for each in steps():
        for secret in each.get("secretEnv", []):
            assert not re.search(rf"\$\{{?{secret}\b", each["script"]), f"{each['id']}: {secret}"


def test_images_are_pinned_and_python_is_that_of_the_functions() -> None:
    for each in steps():
        assert re.search(r":(3\.13|22|\d+\.\d+\.\d+)-slim(@sha256:[0-9a-f]{64})?$", each["name"]), each[
            "name"
        ]
    images = {each["name"] for each in steps()}
    assert len({image.partition("@")[0] for image in images}) == len(images), "one image, two digests"
    runtimes = set(re.findall(r"--runtime=python(\d)(\d+)", TEXT))
    assert runtimes == {("3", "13")}
    pythons = {name.partition("@")[0] for name in images if name.startswith("python")}
    assert pythons == {"python:3.13-slim"}


def test_the_runtime_is_one_the_project_supports() -> None:
    import tomllib

    from packaging.specifiers import SpecifierSet

    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (runtime,) = set(re.findall(r"--runtime=python3(\d+)", TEXT))
    assert SpecifierSet(project["requires-python"]).contains(f"3.{runtime}.0")


def test_the_guide_and_the_head_name_what_must_be_there_beforehand() -> None:
    head = TEXT.partition("substitutions:")[0]
    secrets = {secret["env"] for secret in deployment()["availableSecrets"]["secretManager"]}
    for name in secrets | {"OPENAI_API_KEY", "OPENROUTER_API_KEY"}:
        assert name in head
        assert name in GUIDE
    accounts = set(re.findall(r"switchboard-(\w+)@", TEXT))
    assert all(f"switchboard-{account}" in head for account in accounts)
    made, used, *_ = re.findall(r"for name in ([^;]+); do", GUIDE)
    assert set(made.split()) == set(used.split()) == accounts
    for api in (
        "cloudbuild",
        "cloudfunctions",
        "run",
        "artifactregistry",
        "secretmanager",
        "cloudscheduler",
        "iam",
    ):
        assert api in head
        assert f"{api}.googleapis.com" in GUIDE


def test_the_guide_lets_each_account_read_what_it_is_given_and_no_more() -> None:
    readers: dict[str, set[str]] = {}
    for words, body in re.findall(r"for secret in ([^;]+); do\n(.*?)\ndone", GUIDE, re.DOTALL):
        allowed = set(re.findall(r"allow (\w+) ", body))
        for each in re.findall(r"for name in ([^;]+); do allow", body):
            allowed |= set(each.split())
        for secret in words.split():
            readers.setdefault(secret, set()).update(allowed)
    settings = next(line for line in deployment()["options"]["env"] if line.startswith("FUNCTION_SECRETS="))
    of_functions = set(re.findall(r"[=,](\w+)=", settings))
    of_build = {secret["env"] for secret in deployment()["availableSecrets"]["secretManager"]}
    functions = {"telegram", "payments", "generations", "scheduled", "console"}
    for secret, accounts in readers.items():
        expected = {"deploy"} if secret in of_build else set()
        if secret in of_functions:
            expected |= functions
        elif secret.startswith("STRIPE_"):
            expected |= functions - {"generations"}
        elif secret == "OPENAI_API_KEY":
            expected |= {"telegram", "scheduled"}
        assert accounts == expected, secret
    assert of_build | of_functions | {"OPENAI_API_KEY"} <= set(readers)


def test_the_guide_knows_every_substitution_it_mentions_and_every_step_of_the_file() -> None:
    mentioned = set(re.findall(r"\b(_[A-Z][A-Z_]+)\b", GUIDE))
    assert mentioned <= set(deployment()["substitutions"])
    telling = {"_MAX_INSTANCES", "_DATABASE_POOL_SIZE", "_CHAT_PROVIDER", "_MORE_SETTINGS"}
    assert telling | {"_PAYMENT_SECRETS"} <= mentioned


def test_the_alert_policy_of_the_guide_is_what_cloud_monitoring_takes() -> None:
    (policy,) = re.findall(r"^cat >alert-policy\.json <<END\n.*?^END$", GUIDE, re.DOTALL | re.MULTILINE)
    script = policy.replace(">alert-policy.json", "")
    channel = "projects/my-project/notificationChannels/1"
    done = subprocess.run(
        ["bash", "-c", script], env={"channel": channel, "PATH": os.environ["PATH"]},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    document = json.loads(done.stdout)
    (condition,) = document["conditions"]
    assert "severity>=ALERT" in condition["conditionMatchedLog"]["filter"]
    assert document["combiner"] == "OR"
    assert document["alertStrategy"]["notificationRateLimit"]  # required with conditionMatchedLog
    assert document["notificationChannels"] == [channel]


def test_the_costs_of_the_guide_add_up() -> None:
    table = GUIDE.partition("| users who write each month")[2].partition("**AI.**")[0]
    rows = [re.findall(r"\$([\d,]+)", line) for line in table.splitlines() if "$" in line]
    *parts, total = [[int(cell.replace(",", "")) for cell in row] for row in rows]
    assert len(parts) == 4
    for column, together in zip(zip(*parts, strict=True), total, strict=True):
        assert abs(sum(column) - together) <= 1


def test_the_guide_to_payments_names_every_providers_variables_and_address() -> None:
    from shared.payments import providers

    text = (ROOT / "docs" / "payments.md").read_text()
    mentioned = set(re.findall(r"\b_[A-Z][A-Z_]+\b", text))
    assert mentioned <= set(deployment()["substitutions"])
    callers = [
        one for one in map(providers.load, providers.names()) if one.WEBHOOK_KINDS and not one.ENVIRONMENTS
    ]
    for name in (one.key for one in callers):
        assert f"<PUBLIC_URL>/payments/{name}" in text
        assert all(f"`{variable}`" in text for variable in providers.load(name).required_variables())
        for kind in filter(None, providers.load(name).WEBHOOK_KINDS):
            assert f"/{kind}`" in text


def test_the_command_in_the_head_is_the_one_in_the_guide() -> None:
    command = "gcloud builds submit --config=deploy.yaml --ignore-file=.gcloudbuildignore"
    assert command in TEXT
    assert command in GUIDE
