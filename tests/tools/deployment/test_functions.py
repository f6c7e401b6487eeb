"""The arguments of `gcloud functions deploy`: each function with all it needs to answer and nothing more."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from shared.ai import providers
from shared.core import config
from shared.scheduled.jobs import JOBS
from tests.tools.deployment.build import ROOT, SECRETS, Build, Call, deployment, steps
from tools import variables

FUNCTIONS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/main.py"))
POOLER_CLIENTS = 200  # what the smallest Supabase plans let connect to the pooler
SLOTS = {"PYTHONPATH", "THREADS"}  # variables of the platform, no settings of ours
WITH_AI = ("telegram", "scheduled")
STRIPE = ("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET")
# What each answers a stranger when its settings are read and right.
STRANGERS = {"telegram": 401, "payments": 404, "generations": 404, "scheduled": 401, "console": 404}
ANSWERS = """
import sys
from functions_framework import create_app
answer = create_app({name!r}, {source!r}).test_client().post("/unknown")
sys.exit(0 if answer.status_code == {status} else f"{{answer.status_code}}: {{answer.text}}")
"""


def deployed(build: Build, name: str) -> Call:
    run = build.run(name)
    assert run.status == 0, run.output
    (call,) = run.calls
    assert call.words[:4] == ["gcloud", "functions", "deploy", name]
    return call


def test_every_function_is_deployed_and_nothing_else() -> None:
    scripts = "".join(step["script"] for step in steps())
    found = [line.split()[3] for line in scripts.splitlines() if line.startswith("gcloud functions deploy")]
    assert sorted(found) == FUNCTIONS


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_built_from_its_folder_with_the_whole_source(build: Build, name: str) -> None:
    call = deployed(build, name)
    assert "gen2" in call.flags
    assert call.flags["source"] == "."
    assert call.flags["ignore-file"] == ".gcloudignore"
    assert call.flags["entry-point"] == name
    building = call.pairs("set-build-env-vars")
    assert building["GOOGLE_FUNCTION_SOURCE"] == f"functions/{name}/main.py"
    assert (ROOT / building["GOOGLE_FUNCTION_SOURCE"]).is_file()
    assert building["SOURCE_DATE_EPOCH"].isdigit()


def answers(call: Call, name: str, status: int, **more: str) -> subprocess.CompletedProcess[str]:
    """Start a function with its deployed settings and check its answer to an unauthorized call."""
    secrets = {variable: SECRETS.get(variable, "x") for variable in call.pairs("set-secrets")}
    source = call.pairs("set-build-env-vars")["GOOGLE_FUNCTION_SOURCE"]
    return subprocess.run(
        [sys.executable, "-c", ANSWERS.format(name=name, source=source, status=status)],
        env={"PATH": os.environ["PATH"]} | call.pairs("set-env-vars") | secrets | more,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_answers_with_its_deployed_settings(build: Build, name: str) -> None:
    call = deployed(build, name)
    done = answers(call, call.flags["entry-point"], STRANGERS[name])
    assert done.returncode == 0, done.stderr + done.stdout


@pytest.mark.parametrize("name", ["telegram", "payments", "generations", "console"])
def test_a_wrong_setting_is_reported_to_the_deployment(build: Build, name: str) -> None:
    done = answers(deployed(build, name), name, 503, RESPONSE_TIMEOUT="soon")
    assert done.returncode == 0, done.stderr + done.stdout
    assert "RESPONSE_TIMEOUT" in done.stdout


@pytest.mark.parametrize("name", FUNCTIONS)
def test_required_settings_are_deployed_and_all_are_known(build: Build, name: str) -> None:
    call = deployed(build, name)
    plain, secret = set(call.pairs("set-env-vars")), set(call.pairs("set-secrets"))
    assert config.required_variables() <= plain | secret
    assert plain <= config.variables() | SLOTS
    assert not plain & secret
    assert not {variable for variable in plain if config._SECRET_NAME.search(variable)}
    assert {"ENVIRONMENT", "PUBLIC_URL", "GOOGLE_CLOUD_PROJECT"} <= plain


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_secret_is_read_from_the_secret_of_its_name(build: Build, name: str) -> None:
    for variable, secret in deployed(build, name).pairs("set-secrets").items():
        assert secret == f"{variable}:latest"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_gets_the_secrets_of_the_payment_providers_that_exist(tmp_path: Path, name: str) -> None:
    without = deployed(Build(tmp_path / "without"), name).pairs("set-secrets")
    assert not set(without) & variables.known() - config.variables() - {"OPENAI_API_KEY"}
    build = Build(tmp_path / "with", _PAYMENT_SECRETS=",".join(STRIPE))
    given = deployed(build, name).pairs("set-secrets")
    added = {} if name == "generations" else {secret: f"{secret}:latest" for secret in STRIPE}
    assert given == without | added


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_secrets_of_pictures_and_videos_are_given_once_where_they_are_used(
    tmp_path: Path, name: str
) -> None:
    without = deployed(Build(tmp_path / "without"), name).pairs("set-secrets")
    for number, names in enumerate(("OPENAI_API_KEY,KIE_AI_API_KEY", "KIE_AI_API_KEY,OPENAI_API_KEY")):
        call = deployed(Build(tmp_path / str(number), _MEDIA_SECRETS=names), name)
        added = {"KIE_AI_API_KEY": "KIE_AI_API_KEY:latest"} if name in ("scheduled", "telegram") else {}
        assert call.pairs("set-secrets") == without | added
    both = deployed(Build(tmp_path / "both", _MEDIA_SECRETS="KIE_AI_API_KEY,KIE_AI_WEBHOOK_SECRET"), name)
    given = set(both.pairs("set-secrets")) - set(without)
    signing = {"KIE_AI_WEBHOOK_SECRET"}
    key = {"KIE_AI_API_KEY"}
    expected = {"telegram": key, "generations": signing, "scheduled": signing | key}
    assert given == expected.get(name, set())


@pytest.mark.parametrize("provider", providers.names())
@pytest.mark.parametrize("name", WITH_AI)
def test_the_key_is_that_of_the_chosen_provider(tmp_path: Path, name: str, provider: str) -> None:
    call = deployed(Build(tmp_path, _CHAT_PROVIDER=provider, _AI_API_KEY_VERSION="7"), name)
    keys = {key: value for key, value in call.pairs("set-secrets").items() if key.endswith("_API_KEY")}
    assert keys == {f"{provider.upper()}_API_KEY": f"{provider.upper()}_API_KEY:7"}
    assert call.pairs("set-env-vars")["CHAT_PROVIDER"] == provider


@pytest.mark.parametrize("function", ["payments", "generations", "console"])
def test_a_function_that_asks_no_ai_gets_no_key(build: Build, function: str) -> None:
    assert not [name for name in deployed(build, function).pairs("set-secrets") if name.endswith("_API_KEY")]


@pytest.mark.parametrize("name", [*WITH_AI, "console"])
def test_encryption_keys_are_deployed_when_set(tmp_path: Path, name: str) -> None:
    without = deployed(Build(tmp_path / "without"), name).pairs("set-secrets")
    given = deployed(Build(tmp_path / "with", _TOKEN_ENCRYPTION_KEYS_VERSION="3"), name).pairs("set-secrets")
    assert "TOKEN_ENCRYPTION_KEYS" not in without
    assert given == without | {"TOKEN_ENCRYPTION_KEYS": "TOKEN_ENCRYPTION_KEYS:3"}


def test_storage_is_reached_where_files_are_stored_and_sent(tmp_path: Path) -> None:
    build = Build(tmp_path, _SUPABASE_URL="https://ref.supabase.co", _SUPABASE_SECRET_KEY_VERSION="2")
    for name in FUNCTIONS:
        call = deployed(build, name)
        found = (
            call.pairs("set-env-vars").get("SUPABASE_URL"),
            call.pairs("set-secrets").get("SUPABASE_SECRET_KEY"),
        )
        expected = ("https://ref.supabase.co", "SUPABASE_SECRET_KEY:2")
        assert found == (expected if name in ("scheduled", "telegram", "console") else (None, None))


def test_only_the_pages_get_the_secret_of_logins(tmp_path: Path) -> None:
    build = Build(tmp_path, _TELEGRAM_LOGIN_SECRET_VERSION="4")
    for name in FUNCTIONS:
        found = deployed(build, name).pairs("set-secrets").get("TELEGRAM_LOGIN_SECRET")
        assert found == ("TELEGRAM_LOGIN_SECRET:4" if name == "console" else None)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_additional_settings_and_lists_are_deployed(tmp_path: Path, name: str) -> None:
    build = Build(
        tmp_path,
        _ADMIN_TELEGRAM_IDS="1,2",
        _SUPPORT_CONTACT="@help, or help@example.com",
        _TERMS_URL="https://example.com/terms?of=sale",
        _MORE_SETTINGS="MAX_HISTORY_LENGTH=30|RESPONSE_TIMEOUT=20",
    )
    given = deployed(build, name).pairs("set-env-vars")
    assert given["ADMIN_TELEGRAM_IDS"] == "1,2"
    assert (given["MAX_HISTORY_LENGTH"], given["RESPONSE_TIMEOUT"]) == ("30", "20")
    assert given["SUPPORT_CONTACT"] == "@help, or help@example.com"
    assert given["TERMS_URL"] == "https://example.com/terms?of=sale"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_threads_match_concurrent_requests(build: Build, name: str) -> None:
    call = deployed(build, name)
    assert call.pairs("set-env-vars")["THREADS"] == call.flags["concurrency"]
    assert int(call.flags["concurrency"]) > 1
    assert call.flags["cpu"] == "1"  # more than one request at a time needs a whole CPU
    assert call.flags["memory"] == "512Mi"
    assert "serve-all-traffic-latest-revision" in call.flags, "after a rollback nothing new would be served"


def test_every_job_and_task_of_the_queue_finds_a_thread(build: Build) -> None:
    """A job never runs twice at once; one that finds no thread gets 429 and comes later."""
    page = (ROOT / "docs" / "generations.md").read_text()
    dispatches = re.search(r"--max-concurrent-dispatches=(\d+) --max-attempts", page)
    assert dispatches is not None
    call = deployed(build, "scheduled")
    assert call.flags["max-instances"] == "1"
    assert len(JOBS) + int(dispatches[1]) <= int(call.flags["concurrency"])


def test_telegram_is_as_the_design_measured_it(build: Build) -> None:
    call = deployed(build, "telegram")
    assert (call.flags["concurrency"], call.flags["timeout"]) == ("120", "60s")
    assert "allow-unauthenticated" in call.flags
    assert (call.flags["min-instances"], call.flags["max-instances"]) == ("0", "5")


@pytest.mark.parametrize(("name", "instances"), [("payments", "2"), ("generations", "1"), ("console", "2")])
def test_it_is_open_to_all_and_waits_as_long_as_they_do(build: Build, name: str, instances: str) -> None:
    call = deployed(build, name)
    assert "allow-unauthenticated" in call.flags
    assert "ingress-settings" not in call.flags
    assert (call.flags["concurrency"], call.flags["timeout"]) == ("80", "60s")
    assert (call.flags["min-instances"], call.flags["max-instances"]) == ("0", instances)


def test_the_instances_do_not_use_up_the_pooler(build: Build) -> None:
    """Twice, because instances of the old revision still run while new ones start."""
    connections = sum(
        int(call.flags["max-instances"]) * int(call.pairs("set-env-vars")["DATABASE_POOL_SIZE"])
        for call in (deployed(build, name) for name in FUNCTIONS)
    )
    assert connections == 76, "the arithmetic at the head of deploy.yaml"
    assert 2 * connections <= POOLER_CLIENTS


def test_each_function_has_its_own_account(build: Build) -> None:
    accounts = {name: deployed(build, name).flags["run-service-account"] for name in FUNCTIONS}
    assert accounts == {name: f"switchboard-{name}@my-project.iam.gserviceaccount.com" for name in FUNCTIONS}
    builder = deployment()["serviceAccount"].rpartition("/")[2]
    assert builder.startswith("switchboard-deploy@")
    assert not set(accounts.values()) & {builder}


def test_only_the_scheduler_of_this_project_may_call_scheduled(build: Build) -> None:
    call = deployed(build, "scheduled")
    assert call.flags["ingress-settings"] == "internal-only"
    given = call.pairs("set-env-vars")
    assert given["SCHEDULER_SERVICE_ACCOUNT"] == "switchboard-scheduler@my-project.iam.gserviceaccount.com"
    for other in {*FUNCTIONS} - {"scheduled"}:
        assert "ingress-settings" not in deployed(build, other).flags
        assert "SCHEDULER_SERVICE_ACCOUNT" not in deployed(build, other).pairs("set-env-vars")
