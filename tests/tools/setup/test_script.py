"""--dry-run prints a script that does what the wizard does, without a secret, and runs twice."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.tools.setup import programs
from tests.tools.setup.conftest import PASSWORD, PROJECT, ROOT, Answers, World
from tests.tools.setup.test_setup import AI_KEY, STRIPE_KEY, STRIPE_WEBHOOK, typed
from tools.cloud.gcloud import Gcloud
from tools.setup import layout


def dry(world: World, changed: Answers | None = None, *arguments: str) -> str:
    answers = typed(world, {"Admin Telegram ID": ["123456789"], **(changed or {})})
    done = world.run(answers, "--dry-run", *arguments)
    assert done.status == 0, done.errors
    return done.output


def execute(world: World, script: str, secrets: Path) -> subprocess.CompletedProcess[str]:
    file = world.folder / "setup.sh"
    file.write_text(script)
    return subprocess.run(
        ["bash", str(file)], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        timeout=300, env=world.environment | {"SECRETS": str(secrets)},
    )  # fmt: skip


@pytest.fixture
def secrets(world: World) -> Path:
    """Write the files with an owner's secrets."""
    folder = world.folder / ".secrets"
    folder.mkdir(mode=0o700)
    values = {
        "DATABASE_ADMIN_URL": "postgresql://postgres.ref:one@pooler.example:5432/postgres",
        "DATABASE_URL": "postgresql://bot_backend.ref:two@pooler.example:6543/postgres",
        "BOT_TOKENS": f'{{"assistant": "{world.telegram.bot("assistant").token}"}}',
        "OPENAI_API_KEY": AI_KEY,
        "STRIPE_SECRET_KEY": STRIPE_KEY,
        "STRIPE_WEBHOOK_SECRET": STRIPE_WEBHOOK,
    }
    for name, value in values.items():
        (folder / name).write_text(value + "\n")
    return folder


def test_a_dry_run_calls_nothing_and_prints_bash(world: World) -> None:
    script = dry(world)
    assert world.calls == []
    checked = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
    for secret in (PASSWORD, AI_KEY, world.telegram.bot("assistant").token, STRIPE_KEY):
        assert secret not in script
    assert not world.answers.exists()


@pytest.mark.slow
def test_the_script_ends_with_the_cloud_that_the_wizard_makes(world: World, secrets: Path) -> None:
    script = dry(world).replace("./switchboard doctor", ": ./switchboard doctor")
    first = execute(world, script, secrets)
    assert first.returncode == 1
    assert "gcloud billing projects link" in first.stderr  # only the owner can choose who pays
    state = world.cloud
    state["projects"][PROJECT]["billing"] = "0X0X0X-0X0X0X-0X0X0X"
    world.cloud = state
    second = execute(world, script, secrets)
    assert second.returncode == 0, second.stderr[-2000:]
    assert len(world.project["functions"]) == len(layout.FUNCTIONS)
    assert world.secret("OPENAI_API_KEY") == AI_KEY
    assert len(world.secret("USER_HASH_KEY")) == 64
    before = world.cloud
    third = execute(world, script, secrets)
    assert third.returncode == 0, third.stderr[-2000:]
    after = world.cloud
    for state in (before, after):
        state["projects"][PROJECT].pop("builds")  # a script deploys each time
    assert after == before


def substitutions(script: str) -> dict[str, str]:
    """Return the substitutions of the script's deployment."""
    submit = next(line for line in script.splitlines() if line.startswith("gcloud builds submit"))
    [pairs] = [word.split("=", 1)[1] for word in shlex.split(submit) if word.startswith("--substitutions")]
    return dict(pair.split("=", 1) for pair in pairs.removeprefix("^|^").split("|"))


def test_the_script_deploys_with_a_domain(world: World) -> None:
    domain = "https://bots.example.com"
    assert substitutions(dry(world, None, f"--public-url={domain}"))["_PUBLIC_URL"] == domain
    assert not world.answers.exists(), "a dry run keeps nothing"


HOSTILE = "europe-west3$(touch stolen)"


def test_no_answer_runs_in_the_script_or_becomes_another_setting(world: World) -> None:
    contact, terms = "https://shop.example/a'b$(id);_X=1", "https://shop.example/`id`"
    script = dry(
        world,
        {
            "Region": [HOSTILE, "europe-west3"],
            "Contact": ["https://shop.example/|ENVIRONMENT=staging", contact],
            "Link to your terms": ["https://shop.example/|X=1", terms],
        },
    )
    assert HOSTILE not in script
    given = substitutions(script)
    assert (given["_SUPPORT_CONTACT"], given["_TERMS_URL"]) == (contact, terms)
    assert not {"ENVIRONMENT", "X", "_X"} & set(given)


@pytest.mark.parametrize(
    "kept",
    [
        {"project": "my-bots-1; touch stolen", "region": "europe-west3"},
        {"project": "my-bots-1", "region": HOSTILE},
        {"project": "my-bots-1", "support_contact": "@help|X=1"},
        {"project": "my-bots-1", "payment_providers": "stripe;touch stolen"},
        {"project": ["my-bots-1"]},
    ],
)
def test_a_file_of_answers_from_elsewhere_is_checked(world: World, kept: dict[str, object]) -> None:
    world.answers.write_text(json.dumps(kept))
    done = world.run({}, "--dry-run")
    assert (done.status, done.output) == (1, "")
    assert len(done.errors.splitlines()) == 1


def test_git_and_a_deployment_leave_the_scripts_secrets_out() -> None:
    done = subprocess.run(["git", "check-ignore", "--quiet", ".secrets/BOT_TOKENS"], cwd=ROOT, check=False)
    assert done.returncode == 0
    assert "#!include:.gitignore" in (ROOT / ".gcloudbuildignore").read_text().splitlines()


def test_an_empty_secret_stops_the_script(world: World, secrets: Path) -> None:
    (secrets / "DATABASE_ADMIN_URL").write_text("\n")
    script = dry(world)
    with programs.in_this_process(world.environment):
        Gcloud().change("projects", "create", PROJECT)
    state = world.cloud
    state["projects"][PROJECT]["billing"] = "1"
    world.cloud = state
    done = execute(world, script, secrets)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        1,
        "DATABASE_ADMIN_URL: an empty value is not stored.",
    )
    assert "DATABASE_ADMIN_URL" not in world.project["secrets"]


def test_the_answers_of_a_dry_run_may_come_from_the_wizard(world: World) -> None:
    world.answers.write_text('{"project": "other-project-1", "region": "europe-west1"}')
    script = dry(world)
    assert "--project=other-project-1" in script
    assert "_REGION=europe-west1" in script
    assert os.environ.get("HOME", "/root") not in script
