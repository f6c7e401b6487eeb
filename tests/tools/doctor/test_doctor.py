"""./switchboard doctor: one line for each check, with the remedy, and an exit status."""

from __future__ import annotations

import io
import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from shared.scheduled.jobs import JOBS
from tests.tools.setup import programs
from tests.tools.setup.conftest import PROJECT, ROOT
from tools.database import admins
from tools.database.embedded import Server
from tools.doctor import local
from tools.doctor import main as doctor
from tools.doctor.finding import Finding
from tools.emulator.lockfile import LockFile
from tools.emulator.stack import Stack
from tools.setup import layout
from tools.setup.answers import Answers
from tools.setup.steps.secret_steps import readers

OLGA = 777_000_111


def healthy(stack: Stack, database_url: str, backend_url: str) -> dict[str, Any]:
    """Return a complete fake cloud."""
    answers = Answers(project=PROJECT, chat_provider="openai", user_api_keys="no", payment_providers="stripe")
    values = {
        "DATABASE_ADMIN_URL": database_url,
        "DATABASE_URL": backend_url,
        "BOT_TOKENS": json.dumps({"assistant": stack.telegram.bot("assistant").token}),
        "TELEGRAM_WEBHOOK_SECRET": stack.webhook_secret,
        "USER_HASH_KEY": "a-key-of-at-least-32-characters-for-tests",
        "OPENAI_API_KEY": "sk-proj-abcdefghijklmnop",
        "STRIPE_SECRET_KEY": "sk_test_emulator",
        "STRIPE_WEBHOOK_SECRET": "whsec_emulator",
    }
    builder = layout.member("deploy", PROJECT)
    variables = {
        "ENVIRONMENT": "staging", "CHAT_PROVIDER": "openai", "DEFAULT_LANGUAGE": "en",
        "ADMIN_TELEGRAM_IDS": str(OLGA), "SUPPORT_CONTACT": "@help_desk",
        "INLINE_MODE": "true",
    }  # fmt: skip
    return {
        "billing": "0X0X0X-0X0X0X-0X0X0X",
        "services": [layout.service(name) for name in layout.SERVICES],
        "emails": [layout.email(name, PROJECT) for name in layout.ACCOUNTS],
        "policy": [{"role": f"roles/{role}", "members": [builder]} for role in layout.DEPLOY_ROLES],
        "account_policies": {
            layout.email(name, PROJECT): [{"role": layout.IMPERSONATION, "members": [builder]}]
            for name in layout.ACCOUNTS
        },
        "secrets": {
            name: {
                "versions": [values[name]],
                "policy": [{
                    "role": layout.READ_SECRET,
                    "members": [layout.member(account, PROJECT) for account in accounts],
                }],
            }
            for name, accounts in readers(answers).items()
        },
        "functions": {
            name: {"state": "ACTIVE", "serviceConfig": {"environmentVariables": dict(variables)}}
            for name in layout.FUNCTIONS
        },
        "jobs": [f"switchboard-{job}" for job in JOBS],
        "builds": [],
        "log": [],
    }  # fmt: skip


@pytest.fixture(scope="module")
def gcloud_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH on which gcloud is found; calls of it stay in this process."""
    folder = tmp_path_factory.mktemp("gcloud") / "bin"
    programs.install(folder, "gcloud")
    return f"{folder}:{os.environ['PATH']}"


class Clinic:
    """A deployment and the doctor that checks it."""

    def __init__(self, folder: Path, stack: Stack, project: dict[str, Any], path: str) -> None:
        self.folder = folder
        self.path = path
        self.stack = stack
        self.project = project
        self.accounts = ["olga@example.com"]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        cloud = self.folder / "cloud.json"
        before = json.dumps({"projects": {PROJECT: self.project}, "accounts": self.accounts, "taken": []})
        cloud.write_text(before)
        addresses = {n: url for n, url in self.stack.env.items() if n.endswith(("_BASE_URL", "_API_URL"))}
        environment = {
            "PATH": self.path, "FAKE_CLOUD": str(cloud), "LOG_LEVEL": "CRITICAL", **addresses,
        }  # fmt: skip
        command = [f"--project={PROJECT}", f"--url={self.stack.url}", *arguments]
        output, errors = io.StringIO(), io.StringIO()
        with programs.in_this_process(environment), redirect_stdout(output), redirect_stderr(errors):
            status = doctor.main(command)
        done = subprocess.CompletedProcess(command, status, output.getvalue(), errors.getvalue())
        assert json.loads(cloud.read_text()) == json.loads(before), "the doctor changed the cloud"
        for held in self.project["secrets"].values():
            for value in held["versions"]:
                assert value not in done.stdout + done.stderr
        return done

    def find(self, *arguments: str) -> tuple[bool, dict[str, dict[str, str]]]:
        """Run it as JSON: whether all is well, and the deployment's checks by their names."""
        done = self.run("--json", *arguments)
        # In this process the product's log may be on: the report begins with a line of its own.
        report = json.loads(done.stdout[done.stdout.index("{\n") :])
        assert done.returncode == (0 if report["ok"] else 1)
        return report["ok"], {row["name"]: row for row in report["checks"] if row["part"] == "deployment"}


@pytest.fixture
def clinic(
    tmp_path: Path,
    stack: Stack,
    database_url: str,
    backend_url: str,
    gcloud_path: str,
) -> Clinic:
    admins.write(database_url, {"ADMIN_EMAILS": "olga@example.com", "ADMIN_TELEGRAM_IDS": str(OLGA)})
    return Clinic(tmp_path, stack, healthy(stack, database_url, backend_url), gcloud_path)


def test_a_healthy_deployment_is_reported(clinic: Clinic) -> None:
    done = clinic.run()
    assert done.returncode == 0, done.stdout
    lines = [line for line in done.stdout.partition("Deployment:")[2].splitlines() if line.startswith("  ")]
    assert len(lines) == 17
    assert {line.split()[0] for line in lines} == {"ok"}, done.stdout
    assert "@assistant_bot" in done.stdout or "assistant" in done.stdout
    assert "stripe accepts the keys: test mode" in done.stdout


def _paused(project: dict[str, Any]) -> None:
    project["paused"] = ["switchboard-sweep"]


DAMAGE: dict[str, tuple[Callable[[dict[str, Any]], Any], str, str]] = {
    "project": (lambda p: p.update(billing=""), "no billing account", "setup"),
    "APIs": (lambda p: p["services"].remove("run.googleapis.com"), "1 missing", "setup"),
    "accounts": (lambda p: p["emails"].pop(), "switchboard-backup", "setup"),
    "rights": (lambda p: p["policy"].pop(), "roles/cloudscheduler.admin", "setup"),
    "secrets": (lambda p: p["secrets"]["USER_HASH_KEY"]["versions"].clear(), "USER_HASH_KEY", "setup"),
    "access": (lambda p: p["secrets"]["BOT_TOKENS"].update(policy=[]), "6 missing", "setup"),
    "functions": (lambda p: p["functions"].pop("payments"), "payments", "deploys again"),
    "jobs": (_paused, "switchboard-sweep", "gcloud scheduler jobs resume switchboard-sweep"),
    "database": (
        lambda p: p["secrets"]["DATABASE_ADMIN_URL"].update(versions=["postgresql://a:b@127.0.0.1:1/x"]),
        "is the project paused", "secret set DATABASE_ADMIN_URL",
    ),
    "bot_backend": (
        lambda p: p["secrets"]["DATABASE_URL"].update(versions=["postgresql://a:b@127.0.0.1:1/x"]),
        "is the project paused", "setup --deploy",
    ),
    "bots": (
        lambda p: p["secrets"]["BOT_TOKENS"].update(
            versions=['{"assistant": "123456789:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}']
        ),
        "does not know this token", "secret set BOT_TOKENS",
    ),
    "AI": (
        lambda p: p["secrets"]["OPENAI_API_KEY"].update(versions=["sk-wrong-key-abcdefghijklmnop"]),
        "rejected this key", "secret set OPENAI_API_KEY",
    ),
    "payment keys": (
        lambda p: p["secrets"]["STRIPE_SECRET_KEY"].update(versions=["sk_test_other"]),
        "rejected these keys", "secret set STRIPE_SECRET_KEY",
    ),
}  # fmt: skip


def test_each_problem_is_named_with_its_remedy(clinic: Clinic) -> None:
    for damage, _, _ in DAMAGE.values():
        damage(clinic.project)
    is_well, found = clinic.find()
    assert not is_well
    for name, (_, text, remedy) in DAMAGE.items():
        assert (found[name]["state"], name) == ("wrong", name), found[name]
        assert text in found[name]["text"]
        assert remedy in found[name]["remedy"]
    assert found["telegram"]["state"] == "ok"  # one that is well beside them


def test_a_remedy_names_the_environment(clinic: Clinic) -> None:
    clinic.project["functions"].pop("payments")
    _, found = clinic.find("--environment=staging")
    assert found["functions"]["remedy"] == "./switchboard setup --environment staging deploys again"


def test_it_says_whether_anything_is_on_sale(clinic: Clinic, sql: Callable[..., Any]) -> None:
    _, found = clinic.find()
    [row] = sql("select count(*) from products where is_active")
    assert row["count"] > 1
    assert found["sales"]["text"] == f"{row['count']} products on sale, contact @help_desk"
    sql("update products set is_active = false")
    _, found = clinic.find()
    assert (found["sales"]["state"], found["sales"]["text"]) == ("note", "no product is on sale")
    assert "/products" in found["sales"]["remedy"]


def test_the_address_is_that_of_the_deployment(clinic: Clinic) -> None:
    for function in clinic.project["functions"].values():
        function["serviceConfig"]["environmentVariables"]["PUBLIC_URL"] = clinic.stack.url
    is_well, found = clinic.find("--url=")
    assert is_well, found


def test_a_webhook_elsewhere_is_wrong(clinic: Clinic) -> None:
    is_well, found = clinic.find("--url=http://127.0.0.1:1")
    assert not is_well
    assert "the address should be http://127.0.0.1:1/telegram/assistant" in found["bots"]["text"]
    assert found["telegram"]["text"] == "/health answers nothing"


def test_inline_mode_that_is_on_at_one_place_only_is_wrong(clinic: Clinic) -> None:
    bot = clinic.stack.telegram.bot("assistant")
    bot.has_inline_mode = False
    try:
        _, found = clinic.find()
        assert found["bots"]["text"] == "assistant: INLINE_MODE is on, but inline mode is off at @BotFather"
        assert "/setinline" in found["bots"]["remedy"]
        bot.has_inline_mode = True
        for function in clinic.project["functions"].values():
            del function["serviceConfig"]["environmentVariables"]["INLINE_MODE"]
        _, found = clinic.find()
        assert found["bots"]["text"] == "assistant: inline mode is on at @BotFather, but INLINE_MODE is off"
    finally:
        bot.has_inline_mode = None


def test_an_admin_without_an_id_is_wrong_and_an_alert_is_a_note(
    clinic: Clinic, sql: Callable[..., Any]
) -> None:
    sql("update admins set telegram_id = null")
    clinic.project["log"] = [{"jsonPayload": {"message": "a payment was refused"}}]
    _, found = clinic.find()
    assert "alarms reach no one" in found["database"]["text"]
    assert found["alerts"]["state"] == "note"
    assert "a payment was refused" in found["alerts"]["text"]


def test_without_a_login_nothing_else_is_asked(clinic: Clinic) -> None:
    clinic.accounts = []
    is_well, found = clinic.find()
    assert not is_well
    assert list(found) == ["gcloud"]
    assert found["gcloud"]["remedy"] == "gcloud auth login"


@pytest.mark.parametrize(
    ("option", "words"),
    [("--project=Bad project;x", "A project id has 6 to 30"), ("--region=moon", "A region looks like")],
)
def test_an_invalid_project_id_is_reported(
    capsys: pytest.CaptureFixture[str], option: str, words: str
) -> None:
    assert doctor.main([f"--project={PROJECT}", option]) == 1
    assert words in capsys.readouterr().out


def test_without_gcloud_its_installation_is_explained(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert doctor.main([f"--project={PROJECT}"]) == 1
    said = "gcloud is not installed → https://cloud.google.com/sdk/docs/install"
    assert said in capsys.readouterr().out


def test_without_a_deployment_the_checkout_is_checked(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.doctor", f"--answers={tmp_path / 'none'}"], cwd=ROOT,
        env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "none is set up from here → ./switchboard setup" in done.stdout


@pytest.mark.parametrize(
    ("text", "state", "words"),
    [
        ("LOG_LEVEL=INFO\nBOT_TOKEN=\n", "ok", "1 setting"),
        ("LOG_LEVLE=INFO\n", "note", "nothing reads LOG_LEVLE"),
        ("RESPONSE_TIMEOUT=400\n", "wrong", "RESPONSE_TIMEOUT"),
        ('BOT_TOKENS={"assistant": "my-secret-token"}\n', "wrong", "BOT_TOKENS"),
    ],
)
def test_a_dotenv_is_read_as_the_tools_read_it(tmp_path: Path, text: str, state: str, words: str) -> None:
    file = tmp_path / ".env"
    file.write_text(text)
    file.chmod(0o600)
    found = local.dotenv(tmp_path)
    assert (found.state, words in found.text) == (state, True), found
    assert "my-secret-token" not in found.text


def test_a_dotenv_that_others_can_read_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("LOG_LEVEL=INFO\n")
    file.chmod(0o600 | stat.S_IRGRP)
    assert local.dotenv(tmp_path) == Finding.wrong("others on this machine can read .env", "chmod 600 .env")


def test_a_taken_port_is_a_note_unless_the_emulator_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr("tools.launcher.ports.PAGE", taken.getsockname()[1])
        assert local.emulator_ports(tmp_path).state == "note"
        (tmp_path / ".switchboard").mkdir()
        lock = LockFile(tmp_path / ".switchboard")
        lock.take("http://127.0.0.1:1 runs with it")
        try:
            assert local.emulator_ports(tmp_path) == Finding.ok(
                "the emulator runs: http://127.0.0.1:1 runs with it"
            )
        finally:
            lock.release()


def test_pending_migrations_are_wrong(clinic: Clinic, server: Server) -> None:
    url = server.create_database("unmigrated")
    try:
        clinic.project["secrets"]["DATABASE_ADMIN_URL"]["versions"] = [url]
        _, found = clinic.find()
    finally:
        server.drop_database("unmigrated")
    assert found["database"]["state"] == "wrong"
    count = len(list((Path(__file__).parents[3] / "supabase/migrations").glob("*.sql")))
    assert f"migrations not applied: {count}, first" in found["database"]["text"]
    assert found["database"]["remedy"] == "./switchboard setup --deploy"
