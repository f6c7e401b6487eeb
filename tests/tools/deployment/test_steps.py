"""The other steps: jobs, database, settings, the smoke test of the new revision, webhooks."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared.core.config import settings
from shared.scheduled import authorization
from shared.scheduled.jobs import JOBS
from tests.tools.deployment.build import ROOT, SECRETS, Build, Call, Run
from tools.emulator.telegram import Telegram
from tools.emulator.web import HttpServer

pytestmark = pytest.mark.slow  # each test starts many processes

FUNCTIONS_URL = "https://europe-west3-my-project.cloudfunctions.net"
# What `curl` prints of a revision that works: the body and the status.
WELL = {
    f"curl {FUNCTIONS_URL}/telegram": "unauthorized 401",
    f"curl {FUNCTIONS_URL}/payments/unknown": "unknown provider 404",
    f"curl {FUNCTIONS_URL}/generations/unknown": "unknown provider 404",
    f"curl {FUNCTIONS_URL}/console": "</html> 405",
}
FUNCTION_URL = "https://scheduled-abc-ew.a.run.app"
DESCRIBE = {"gcloud functions describe scheduled": FUNCTION_URL}
ACCOUNT = "switchboard-scheduler@my-project.iam.gserviceaccount.com"


def set_jobs(build: Build, existing: str = "") -> list[Call]:
    assert build.run("list-jobs").status == 0
    run = build.run("jobs", DESCRIBE | {"gcloud scheduler jobs list": existing})
    assert run.status == 0, run.output
    return [call for call in run.calls if call.words[3] in ("create", "update", "delete")]


def test_every_job_is_made_from_the_list_of_jobs(build: Build) -> None:
    made = {call.words[5]: call for call in set_jobs(build)}
    assert set(made) == {f"switchboard-{name}" for name in JOBS}
    for name, job in JOBS.items():
        call = made[f"switchboard-{name}"]
        assert call.words[3:5] == ["create", "http"]
        assert call.flags["schedule"] == job.schedule
        assert call.flags["description"] == job.about
        assert call.flags["uri"] == f"{FUNCTION_URL}/{name}"
        assert call.flags["http-method"] == "POST"
        assert call.flags["oidc-service-account-email"] == ACCOUNT


def test_an_existing_job_is_updated(build: Build) -> None:
    there = f"projects/my-project/locations/europe-west3/jobs/switchboard-{next(iter(JOBS))}\n"
    verbs = [call.words[3] for call in set_jobs(build, there)]
    assert verbs == ["update"] + ["create"] * (len(JOBS) - 1)


def test_a_job_not_listed_is_deleted_and_a_foreign_job_stays(build: Build) -> None:
    folder = "projects/my-project/locations/europe-west3/jobs"
    there = f"{folder}/switchboard-gone\n{folder}/nightly-report\n{folder}/switchboard-sweep2\n"
    deleted = [call.words[4] for call in set_jobs(build, there) if call.words[3] == "delete"]
    assert deleted == ["switchboard-gone", "switchboard-sweep2"]


def test_a_jobs_token_is_made_out_to_a_name_the_function_accepts(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = build.run("scheduled").calls[0].pairs("set-env-vars")
    for variable, value in [*SECRETS.items(), *given.items()]:
        monkeypatch.setenv(variable, value)
    settings.cache_clear()
    try:
        accepted = authorization.audience()
    finally:
        settings.cache_clear()
    assert {call.flags["oidc-token-audience"] for call in set_jobs(build)} == {accepted}


def test_the_scheduler_waits_longer_than_the_function_may_take(build: Build) -> None:
    timeout = build.run("scheduled").calls[0].flags["timeout"]
    for call in set_jobs(build):
        assert int(call.flags["attempt-deadline"].rstrip("s")) > int(timeout.rstrip("s"))


def database(build: Build, **environment: str) -> list[Call]:
    run = build.run("database", **environment)
    assert run.status == 0, run.output
    assert [call.words[2:4] for call in run.calls] == [
        ["tools.database", "sync"], ["tools.deployment", "database"], ["tools.database", "settings"],
    ]  # fmt: skip
    return run.calls


def test_migrations_are_applied_to_production_and_nothing_else(build: Build, tmp_path: Path) -> None:
    sync, _, settings = database(build)
    assert sync.words[4:] == ["production", "production", "current"]
    assert settings.words[4:] == ["production"]
    reviewed = Build(tmp_path / "reviewed", _MIGRATION_PLAN="9c1f3a5b7d2e")
    assert database(reviewed)[0].words[4:] == ["production", "production", "9c1f3a5b7d2e"]


def test_the_database_is_backed_up_where_the_deployer_says_or_the_reason_is_passed_on(tmp_path: Path) -> None:
    key = "age1" + "q" * 58
    backed_up = Build(tmp_path / "a", _BACKUP_PLACE="gs://our-backups/production", _BACKUP_RECIPIENT=key)
    sync, *_ = database(backed_up)
    assert (sync.environment["BACKUP_PLACE"], sync.environment["BACKUP_RECIPIENT"]) == (
        "gs://our-backups/production", key,
    )  # fmt: skip
    assert "without-backup" not in sync.flags
    sync, *_ = database(Build(tmp_path / "b", _WITHOUT_BACKUP="no users yet"))
    assert sync.words[-1] == "no users yet"


def test_the_role_gets_the_password_that_its_address_has(build: Build) -> None:
    sync, *_ = database(build)
    assert sync.environment["BOT_BACKEND_PASSWORD"] == "p@ss/word"


def test_the_databases_settings_are_those_of_the_deployment(tmp_path: Path) -> None:
    build = Build(
        tmp_path / "build", _MORE_SETTINGS="MAX_HISTORY_LENGTH=30|DAILY_COST_BOT=50", _SUPPORT_CONTACT="@help"
    )
    _, sales, settings = database(build)
    assert settings.environment["DAILY_COST_BOT"] == "50"
    assert (sales.environment["ENVIRONMENT"], sales.environment["SUPPORT_CONTACT"]) == ("production", "@help")


def test_the_admins_reach_the_table_and_every_function(
    tmp_path: Path, database_url: str, sql: Callable[..., Any]
) -> None:
    build = Build(
        tmp_path / "build",
        _ADMIN_EMAILS="boss@example.com, ann@example.com",
        _ADMIN_TELEGRAM_IDS="123456789,987654321",
    )
    *_, settings = database(build)
    done = subprocess.run(
        [sys.executable, "-m", "tools.database", "settings"],
        env={"PATH": os.environ["PATH"], "DEVELOPMENT_DATABASE_URL": database_url, **settings.environment},
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Admins: ann@example.com, boss@example.com" in done.stdout
    rows = sql("select email, telegram_id from admins order by email")
    assert [(row["email"], row["telegram_id"]) for row in rows] == [
        ("ann@example.com", 987654321), ("boss@example.com", 123456789),
    ]  # fmt: skip
    for name in ("telegram", "payments", "generations", "scheduled", "console"):
        (call,) = build.run(name).calls
        assert call.pairs("set-env-vars")["ADMIN_TELEGRAM_IDS"] == "123456789,987654321"


@pytest.mark.parametrize(("given", "says"), [
    ({"_ADMIN_EMAILS": ""}, "set _ADMIN_EMAILS."),
    ({"_ADMIN_TELEGRAM_IDS": " , "}, "set _ADMIN_TELEGRAM_IDS."),
    ({"_ADMIN_EMAILS": "", "_ADMIN_TELEGRAM_IDS": ""}, "set _ADMIN_EMAILS and _ADMIN_TELEGRAM_IDS."),
    ({"_ADMIN_EMAILS": "boss"}, "'boss' is no e-mail address"),
    ({"_ADMIN_TELEGRAM_IDS": "1,2"}, "has more admins than ADMIN_EMAILS"),
    ({"_MORE_SETTINGS": "ADMIN_EMAILS=a@example.com"}, "ADMIN_EMAILS has a place of its own"),
    ({"_MORE_SETTINGS": "RESPONSE_TIMEOUT=90"}, "RESPONSE_TIMEOUT is malformed"),
    ({"_MORE_SETTINGS": "RESPONSE_TIMOUT=9"}, "there is no setting RESPONSE_TIMOUT"),
    ({"_PUBLIC_URL": "https://bots.example.com/"}, "must look like https://bots.example.com"),
    ({"_PUBLIC_URL": "http://bots.example.com"}, "must look like https://bots.example.com"),
    ({"_CONSOLE_URL": "https://pages.example.com/console"}, "_CONSOLE_URL must look like"),
    ({"_SUPPORT_CONTACT": "https://a.example|CHAT_PROVIDER=fake"}, "_SUPPORT_CONTACT must not contain |"),
    ({"_TERMS_URL": "https://a.example/?a|LOG_LEVEL=DEBUG"}, "_TERMS_URL must not contain |"),
])  # fmt: skip
def test_a_wrong_substitution_stops_with_one_line(tmp_path: Path, given: dict[str, str], says: str) -> None:
    run = Build(tmp_path / "build", **given).run("settings")
    assert run.status == 1
    assert says in run.output
    assert len(run.output.splitlines()) == 1


def test_all_callers_use_the_domain_of_the_owner(tmp_path: Path) -> None:
    build = Build(tmp_path / "build", _PUBLIC_URL="https://bots.example.com")
    assert build.run("settings").status == 0
    for name in ("telegram", "payments", "generations", "scheduled", "console"):
        (call,) = build.run(name).calls
        assert call.pairs("set-env-vars")["PUBLIC_URL"] == "https://bots.example.com"
    jobs = set_jobs(build)
    assert {call.flags["oidc-token-audience"] for call in jobs} == {"https://bots.example.com/scheduled"}
    own = {words.replace(FUNCTIONS_URL, "https://bots.example.com"): answer for words, answer in WELL.items()}
    assert build.run("smoke", WELL | own).status == 0
    unreachable = build.run("smoke", WELL)
    assert unreachable.status == 1
    assert "https://bots.example.com/telegram does not answer" in unreachable.output


def test_pages_have_the_address_of_the_function_or_a_domain_of_their_own(tmp_path: Path) -> None:
    for given, expected in (
        ({}, f"{FUNCTIONS_URL}/console"),
        ({"_PUBLIC_URL": "https://bots.example.com"}, "https://bots.example.com/console"),
        ({"_CONSOLE_URL": "https://pages.example.com"}, "https://pages.example.com"),
    ):
        build = Build(tmp_path / str(len(expected)), **given)
        for name in ("telegram", "console"):
            (call,) = build.run(name).calls
            assert call.pairs("set-env-vars")["CONSOLE_URL"] == expected
    assert build.run("smoke", WELL | {"curl https://pages.example.com/console": "</html> 405"}).status == 0
    failed = build.run("smoke", WELL | {"curl https://pages.example.com/console": " 403"})
    assert failed.status == 1
    assert "https://pages.example.com/console does not answer as console does" in failed.output


def test_with_another_role_the_password_stays(build: Build) -> None:
    sync, *_ = database(
        build, DATABASE_URL="postgresql://bot_backend_2.ref:other@pooler.example:6543/postgres"
    )
    assert sync.environment["BOT_BACKEND_PASSWORD"] == ""


def test_a_wrong_setting_stops_before_anything_changes(build: Build) -> None:
    assert build.run("settings").status == 0
    run = build.run("settings", BOT_TOKENS='{"assistant": "not-a-token"}')
    assert run.status == 1
    assert run.output.startswith("BOT_TOKENS is malformed")
    assert "not-a-token" not in run.output


@pytest.mark.parametrize(("secrets", "more", "says"), [
    ("", "", "Payment providers: telegram_stars"),
    ("STRIPE_SECRET_KEY,STRIPE_WEBHOOK_SECRET", "", "Payment providers: stripe, telegram_stars"),
    ("YOOKASSA_SECRET_KEY", "YOOKASSA_SHOP_ID=100500", "Payment providers: telegram_stars, yookassa"),
    ("CRYPTO_PAY_TOKEN", "CRYPTO_PAY_API_URL=https://testnet-pay.crypt.bot", "Payment providers: crypto_pay"),
])  # fmt: skip
def test_the_build_lists_the_payment_providers(tmp_path: Path, secrets: str, more: str, says: str) -> None:
    run = Build(tmp_path / "build", _PAYMENT_SECRETS=secrets, _MORE_SETTINGS=more).run("settings")
    assert run.status == 0, run.output
    assert says in run.output


@pytest.mark.parametrize(("secrets", "says"), [
    ("STRIPE_SECRET_KEY", "stripe also needs STRIPE_WEBHOOK_SECRET"),
    ("STRIPE_KEY,STRIPE_WEBHOOK_SECRET", "no provider reads STRIPE_KEY"),
    ("PRODAMUS_SECRET_KEY,CRYPTO_PAY_TOKEN", "prodamus also needs PRODAMUS_URL"),
])  # fmt: skip
def test_an_incomplete_provider_stops_before_anything_changes(
    tmp_path: Path, secrets: str, says: str
) -> None:
    run = Build(tmp_path / "build", _PAYMENT_SECRETS=secrets).run("settings")
    assert run.status == 1
    assert says in run.output


def test_a_media_secret_that_no_provider_reads_stops_before_anything_changes(tmp_path: Path) -> None:
    run = Build(tmp_path / "build", _MEDIA_SECRETS="KIE_AI_API_KEY,KIE_API_KEY").run("settings")
    assert run.status == 1
    assert "_MEDIA_SECRETS: no provider reads KIE_API_KEY" in run.output


def test_a_build_without_its_files_says_what_to_do(build: Build) -> None:
    (build.workspace / "supabase").unlink()
    run = build.run("check")
    assert run.status == 1
    assert "--ignore-file=.gcloudbuildignore" in run.output


def test_webhooks_are_set_only_when_the_new_revision_answers(build: Build) -> None:
    run = build.run("smoke", WELL)
    assert (run.status, [call.words[0] for call in run.calls]) == (0, ["curl", "curl", "curl", "curl"])


@pytest.mark.parametrize(("function", "path", "answer"), [
    ("telegram", "telegram", " 503"),
    ("payments", "payments/unknown", " 503"),
    ("generations", "generations/unknown", " 503"),
    ("payments", "payments/unknown", "<title>Page not found</title> 404"),  # Google's: there is no function
    ("payments", "payments/unknown", ""),
    ("console", "console", "<title>Page not found</title> 404"),
])  # fmt: skip
def test_a_function_that_does_not_start_leaves_the_webhooks(
    build: Build, function: str, path: str, answer: str
) -> None:
    failed = build.run("smoke", WELL | {f"curl {FUNCTIONS_URL}/{path}": answer})
    assert failed.status == 1
    assert f"does not answer as {function} does: see its log" in failed.output
    calls = [call for call in failed.calls if call.words[:2] == ["curl", f"{FUNCTIONS_URL}/{path}"]]
    assert len(calls) == 12


@pytest.fixture
def telegram() -> Telegram:
    return Telegram()


def test_the_last_step_points_the_webhooks(build: Build, telegram: Telegram) -> None:
    server = HttpServer(telegram.handle)
    server.start()
    try:
        run = _webhooks(build, server, telegram)
    finally:
        server.stop()
        telegram.stop()
    assert run.status == 0, run.output
    assert telegram.bot("assistant").webhook.url == (
        "https://europe-west3-my-project.cloudfunctions.net/telegram/assistant"
    )
    assert telegram.bot("assistant").webhook.secret == "the-first-webhook-secret"


def _webhooks(build: Build, server: HttpServer, telegram: Telegram) -> Run:
    tokens = f'{{"assistant": "{telegram.bot("assistant").token}"}}'
    return build.run("webhooks", BOT_TOKENS=tokens, TELEGRAM_API_URL=server.url)
