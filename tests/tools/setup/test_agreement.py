"""The wizard, docs/deployment.md and deploy.yaml name the same services, rights, secrets, substitutions."""

from __future__ import annotations

import re
from dataclasses import fields, replace

import pytest

from shared.scheduled.jobs import JOBS, Job
from tests.tools.deployment.build import ROOT, deployment, steps
from tools.setup import costs, layout
from tools.setup.answers import Answers
from tools.setup.main import STEPS
from tools.setup.steps.deployment import substitutions
from tools.setup.steps.secret_steps import readers

GUIDE = (ROOT / "docs" / "deployment.md").read_text()
ANSWERS = Answers(
    project="my-bots-123", region="europe-west3", chat_provider="openai", default_language="en",
    user_api_keys="yes", admin_emails="a@example.com", admin_telegram_ids="1", support_contact="@help",
    terms_url="https://example.com", public_url="https://bots.example.com",
    payment_providers="stripe,yookassa,cloudpayments,prodamus,crypto_pay", backup_recipient="age1" + "q" * 58,
)  # fmt: skip


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.title)
def test_a_step_names_a_heading_of_the_guide(step: type) -> None:
    assert re.search(rf"^#+ {re.escape(step.heading)}$", GUIDE, re.MULTILINE), step.heading


def test_the_guide_enables_the_same_services() -> None:
    enable = GUIDE.partition("gcloud services enable ")[2].partition("\n\n")[0]
    assert set(re.findall(r"([a-z]+)\.googleapis\.com", enable)) == set(layout.SERVICES)


def test_the_guide_makes_the_same_accounts_with_the_same_rights() -> None:
    created = re.search(r"for name in ([a-z ]+); do\n  gcloud iam service-accounts create", GUIDE)
    roles = re.search(r"for role in ([a-zA-Z. ]+); do", GUIDE)
    assert created is not None
    assert roles is not None
    assert tuple(created[1].split()) == layout.ACCOUNTS
    assert tuple(roles[1].split()) == layout.DEPLOY_ROLES
    assert f"--role={layout.IMPERSONATION}" in GUIDE
    assert f"--role={layout.READ_SECRET}" in GUIDE


def test_the_guide_lets_the_same_accounts_read_the_same_secrets() -> None:
    found: dict[str, set[str]] = {}
    for names, body in re.findall(r"for secret in ([A-Z_ ]+); do\n(.*?)\ndone", GUIDE, re.DOTALL):
        for account in re.findall(r'allow "?(\w+)"? "\$secret"', body):
            for name in names.split():
                found.setdefault(name, set()).add(account)
        for each in re.findall(r"for name in ([a-z ]+); do allow", body):
            for name in names.split():
                found.setdefault(name, set()).update(each.split())
    found["DATABASE_ADMIN_URL"] |= set(re.findall(r"allow (\w+) DATABASE_ADMIN_URL", GUIDE))
    found["TOKEN_ENCRYPTION_KEYS"] = set(re.findall(r"allow (\w+) TOKEN_ENCRYPTION_KEYS", GUIDE))
    wanted = {name: set(accounts) for name, accounts in readers(ANSWERS).items()}
    assert {name: accounts for name, accounts in found.items() if accounts} == {
        name: wanted[name] for name in found if found[name]
    }
    assert set(layout.READERS) <= set(found)


def test_the_build_reads_the_secrets_that_its_account_may_read() -> None:
    mounted = {entry["env"] for entry in deployment()["availableSecrets"]["secretManager"]}
    assert mounted == {name for name, accounts in layout.READERS.items() if "deploy" in accounts}


def test_a_function_reads_the_secrets_that_its_account_may_read() -> None:
    common = next(line for line in deployment()["options"]["env"] if line.startswith("FUNCTION_SECRETS="))
    names = set(re.findall(r"([A-Z_]+)=[A-Z_]+:", common.partition("=")[2]))
    assert names == {name for name, accounts in layout.READERS.items() if "telegram" in accounts}
    with_ai = {step["id"] for step in steps() if "$ai_key=$ai_key" in step.get("script", "")}
    assert with_ai == set(layout.AI_READERS)


def test_the_build_is_given_substitutions_that_it_has() -> None:
    given = substitutions(ANSWERS)
    assert set(given) <= set(deployment()["substitutions"])
    assert all(given.values())


def test_the_cost_is_that_of_the_guide() -> None:
    rows = {
        name.strip(" *"): [
            int(cell.strip(" *").split()[0].lstrip("$").replace(",", "")) for cell in cells.split("|")
        ]
        for name, cells in re.findall(
            r"^\| ([^|]+) \| ([^|]*\$[^|]*\|[^|]*\|[^|]*) \|$",
            GUIDE.partition("| users who write each month")[2],
            re.MULTILINE,
        )[:5]
    }
    months = [costs.month(users, "europe-west3") for users in costs.USERS]
    assert rows == {
        "AI, `gpt-5.4-mini`": [one.ai for one in months],
        "Supabase": [one.database for one in months],
        "Cloud Run in `europe-west3`": [one.functions for one in months],
        "the rest of Google Cloud": [one.rest for one in months],
        "together": [one.total for one in months],
    }


def test_every_job_is_in_the_arithmetic() -> None:
    """A new job has seconds here, and a row in the guide, which has the sums too."""
    assert set(costs.RUN_SECONDS) == set(JOBS)
    rows = re.findall(
        r"^\| `(\w+)` \| `([^`]+)` \| ([\d,]+) \| ([\d.]+) \| ([\d,]+) \|$", GUIDE, re.MULTILINE
    )
    assert rows == [
        (
            name, job.schedule, f"{costs.runs(name):,}", f"{costs.RUN_SECONDS[name]:g}",
            f"{costs.runs(name) * costs.RUN_SECONDS[name]:,.0f}",
        )
        for name, job in JOBS.items()
    ]  # fmt: skip
    total = sum(costs.runs(name) for name in JOBS)
    assert f"| together | | {total:,} | | {costs.jobs_seconds():,.0f} |" in GUIDE
    assert f"{total:,} runs of jobs" in GUIDE
    assert f"({len(JOBS)} − {costs.FREE_JOBS}) × $0.10 = ${costs.scheduler():.2f}" in GUIDE
    deleted = re.search(r"^for job in (.+); do gcloud scheduler jobs delete", GUIDE, re.MULTILINE)
    assert deleted is not None
    assert set(deleted[1].split()) == set(JOBS)


@pytest.mark.parametrize(
    ("schedule", "runs"),
    [
        ("* * * * *", 43_200),
        ("*/15 * * * *", 2_880),
        ("17 * * * *", 720),
        ("40 6 * * *", 30),
        ("0 */6 * * *", 120),
    ],
)
def test_runs_of_a_schedule(monkeypatch: pytest.MonkeyPatch, schedule: str, runs: int) -> None:
    monkeypatch.setitem(costs.JOBS, "one", Job(schedule, "a:b", "A test"))
    assert costs.runs("one") == runs


def test_a_region_of_the_first_tier_costs_less() -> None:
    assert costs.month(10_000, "europe-west1").functions < costs.month(10_000, "europe-west3").functions
    assert len({len(line) for line in costs.table("europe-west3")[:-1]}) == 1


def test_the_page_on_the_wizard_lists_every_answer() -> None:
    page = (ROOT / "docs" / "setup.md").read_text()
    words = {
        "environment": "--environment", "project": "project id", "region": "region",
        "public_url": "--public-url",
        "chat_provider": "AI provider", "default_language": "language of the bot",
        "admin_emails": "e-mail", "admin_telegram_ids": "Telegram id",
        "support_contact": "contact for buyers", "terms_url": "terms", "user_api_keys": "own AI keys",
        "payment_providers": "payment providers",
        "backup_recipient": "public key of backups", "welcomed": "first message",
        "deployed": "what was deployed",
    }  # fmt: skip
    assert set(words) == {one.name for one in fields(Answers)}
    assert not [word for word in words.values() if word not in page]


def test_asking_again_keeps_where_the_deployment_is() -> None:
    kept = replace(ANSWERS, welcomed=[1]).without_choices()
    assert kept == Answers(
        "production", "my-bots-123", "europe-west3", "https://bots.example.com", welcomed=[1]
    )
