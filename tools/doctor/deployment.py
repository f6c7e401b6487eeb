"""Checks of a running deployment. Each asks the cloud, Telegram or a provider; nothing is changed."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from tools.cloud.gcloud import Gcloud
from tools.doctor.finding import Finding
from tools.secret.store import SecretStore
from tools.setup import bot_api, checks, database, layout
from tools.setup.answers import Answers
from tools.setup.console import Console
from tools.setup.context import Context
from tools.setup.steps import deployment, project, secret_steps
from tools.setup.steps.step import CloudStep
from tools.setup.verdict import Verdict

SETUP = "./switchboard setup"
DEPLOY = "./switchboard setup --deploy"
SECONDS = 15.0  # a function may have to start
ALERTS = "100"


class Deployment:
    """What the checks ask: the cloud, and the answers, which are read from the cloud where none are kept."""

    def __init__(self, answers: Answers, cloud: Gcloud, url: str = "") -> None:
        self.answers = answers
        self.cloud = cloud
        self.store = SecretStore(cloud)
        self._given_url = url.rstrip("/")
        self.url = self._given_url or answers.functions_url
        self.has_inline_mode = False
        self.mini_app_url = ""  # of the console, where MINI_APP is on
        self.context = Context(answers, Console(), cloud, self.store, None, lambda: None)  # type: ignore[arg-type]

    def complete(self) -> None:
        """Read missing answers from the function's settings and the secrets. Raises CloudError."""
        described = deployment.describe_function(self.cloud, "telegram", self.answers.region)
        given = deployment.settings_of(described)
        self.url = self._given_url or given.get("PUBLIC_URL", "").rstrip("/") or self.url
        self.has_inline_mode = given.get("INLINE_MODE", "") == "true"
        if given.get("MINI_APP", "") == "true":
            self.mini_app_url = given.get("CONSOLE_URL", "").rstrip("/")
        for field, variable in (
            ("environment", "ENVIRONMENT"), ("chat_provider", "CHAT_PROVIDER"),
            ("default_language", "DEFAULT_LANGUAGE"), ("admin_telegram_ids", "ADMIN_TELEGRAM_IDS"),
            ("support_contact", "SUPPORT_CONTACT"),
        ):  # fmt: skip
            if given.get(variable) and not getattr(self.answers, field):
                setattr(self.answers, field, given[variable])
        names = self.store.names()
        self.answers.chat_provider = self.answers.chat_provider or "openai"
        self.answers.user_api_keys = self.answers.user_api_keys or (
            "yes" if layout.USER_API_KEYS in names else "no"
        )
        if not self.answers.payment_providers:
            found = [
                name for name in secret_steps.payment_providers() if names >= set(secret_steps.required(name))
            ]
            self.answers.payment_providers = ",".join(found) or "-"


def _commands(step: type[CloudStep]) -> Callable[[Deployment], Finding]:
    """Return a check that none of a step's commands is missing."""

    def check(it: Deployment) -> Finding:
        missing = step().missing(it.context)
        if missing:
            first = " ".join(missing[0].words)
            return Finding.wrong(f"{len(missing)} missing, first: gcloud {first}", SETUP)
        return Finding.ok("as they should be")

    return check


def billing(it: Deployment) -> Finding:
    """Check that the project exists and is billed."""
    if not project.Project().is_done(it.context):
        return Finding.wrong(f"{it.answers.project} does not exist or has no billing account", SETUP)
    return Finding.ok(it.answers.project)


def secrets(it: Deployment) -> Finding:
    """Check that every secret has a value."""
    wanted = secret_steps.readers(it.answers)
    lacking = [name for name in wanted if not it.store.has_value(name)]
    if lacking:
        return Finding.wrong(f"no value: {', '.join(lacking)}", SETUP)
    return Finding.ok(f"{len(wanted)} have a value")


def functions(it: Deployment) -> Finding:
    """Check that each function is active and has the settings of the answers, and each job exists."""
    lacking = deployment.Deploy().lacking(it.context)
    if lacking:
        return Finding.wrong(f"not running as configured: {', '.join(lacking)}", f"{SETUP} deploys again")
    return Finding.ok(f"{len(layout.FUNCTIONS)} active, every job there")


def jobs(it: Deployment) -> Finding:
    """Check that no job is paused."""
    from tools.cloud.payloads import Job

    found = it.cloud.read_list(Job, "scheduler", "jobs", "list", f"--location={it.answers.region}")
    ours = {one.name.rsplit("/", 1)[-1]: one.state for one in found}
    paused = [name for name, state in ours.items() if name.startswith("switchboard-") and state != "ENABLED"]
    if paused:
        return Finding.wrong(
            f"not enabled: {', '.join(paused)}",
            f"gcloud scheduler jobs resume {paused[0]} --location={it.answers.region}",
        )
    return Finding.ok("enabled")


def _health(name: str) -> Callable[[Deployment], Finding]:
    def check(it: Deployment) -> Finding:
        status, body = _get(f"{it.url}/{name}/health")
        if status == 200:
            return Finding.ok(" ".join(body.split())[:60])
        logs = f"gcloud functions logs read {name} --gen2 --region={it.answers.region}"
        return Finding.wrong(f"/health answers {status or 'nothing'}", f"{logs} names the reason")

    return check


def _get(url: str) -> tuple[int, str]:
    """Return status and body; 0 where nothing answers."""
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as response:
            return int(response.status), response.read(2000).decode(errors="replace")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, ""
    except (OSError, ValueError):
        return 0, ""


def bots(it: Deployment) -> Finding:
    """Check each bot's token, webhook and inline mode."""
    from shared import bots as known
    from tools.telegram import info
    from tools.telegram.payloads import MenuButton, User, WebhookInfo

    names = []
    for name, token in it.context.tokens().items():
        verdict = checks.bot_token(token)
        if not verdict.is_good:
            return _finding(verdict, "./switchboard secret set BOT_TOKENS, then deploy", name)
        answer = bot_api.read(WebhookInfo, token, "getWebhookInfo")
        kinds = known.load(name).handled_kinds(has_inline_mode=it.has_inline_mode)
        problems = list(info.problems(answer, f"{it.url}/telegram/{name}", kinds, datetime.now(UTC)))
        if problems:
            what, is_unset, _ = problems[0].partition(info.SET_IT)
            return Finding.wrong(f"{name}: {what}", SETUP if is_unset else "docs/deployment.md: 5. Verify")
        me = bot_api.read(User, token, "getMe")
        for problem in info.inline_problems(
            name, me.supports_inline_queries, has_inline_mode=it.has_inline_mode
        ):
            what, _, remedy = problem.partition(": ")
            return Finding.wrong(f"{name}: {what}", remedy)
        if it.mini_app_url:
            button = bot_api.read(MenuButton, token, "getChatMenuButton")
            if button.web_app.url != f"{it.mini_app_url}/app/{name}":
                return Finding.wrong(f"{name}: MINI_APP is on, but the menu button doesn’t open it", DEPLOY)
        names.append(verdict.text)
    return Finding.ok(", ".join(names))


def owner_login(it: Deployment) -> Finding:
    """Log in as the database's owner; look for migrations that were not applied, and for admins."""
    import psycopg

    from tools.database import bookkeeping, connections, migration_files

    try:
        with connections.connect(it.store.get("DATABASE_ADMIN_URL")) as connection:
            applied = set(bookkeeping.applied_versions(connection))
            pending = [one for one in migration_files.migrations() if one.version not in applied]
            if pending:
                return Finding.wrong(f"migrations not applied: {len(pending)}, first {pending[0]}", DEPLOY)
            row = connection.execute("select count(telegram_id) from public.admins").fetchone()
    except psycopg.Error as error:
        return Finding.wrong(database.reason(str(error)), "./switchboard secret set DATABASE_ADMIN_URL")
    if row is None or not row[0]:
        return Finding.wrong("no admin has a Telegram id, so alarms reach no one", DEPLOY)
    return Finding.ok(f"all migrations applied, admins: {row[0]}")


def backend_login(it: Deployment) -> Finding:
    """Log in as the functions do."""
    verdict = database.log_in(it.store.get("DATABASE_URL"))
    if verdict.text == database.WRONG_PASSWORD:
        return Finding.wrong("the database has another password than DATABASE_URL", f"{DEPLOY} sets it")
    return _finding(verdict, f"{DEPLOY} sets bot_backend's password")


def sales(it: Deployment) -> Finding:
    """Check that something is on sale, and nothing without a contact."""
    import psycopg

    from tools.database.errors import DatabaseToolError
    from tools.deployment import sales as rule

    contact, url = it.answers.support_contact, it.store.get("DATABASE_ADMIN_URL")
    try:
        rule.check(url, {"ENVIRONMENT": it.answers.environment, "SUPPORT_CONTACT": contact})
        count = rule.on_sale(url)
    except DatabaseToolError as error:
        return Finding.wrong(str(error), SETUP)
    except psycopg.Error:
        return Finding.unknown("the products cannot be read: see the line “database”")
    if not count:
        return Finding.note("no product is on sale", "an admin sends /products to the bot")
    products = f"{count} product{'s' if count > 1 else ''} on sale"
    return Finding.ok(f"{products}, contact {contact}" if contact else products)


def ai(it: Deployment) -> Finding:
    """Try the AI provider's key with a call that costs nothing."""
    provider = it.answers.chat_provider
    secret = layout.ai_secret(provider)
    return _finding(
        checks.ai_key(provider, it.store.get(secret)), f"./switchboard secret set {secret}, then deploy"
    )


def payments(it: Deployment) -> Finding:
    """Try the keys of the payment providers."""
    verdicts = []
    for provider in it.answers.providers:
        values = {name: it.store.get(name) for name in secret_steps.required(provider)}
        verdict = checks.payment_keys(provider, values, it.answers.environment)
        if verdict.state == "wrong":
            return Finding.wrong(verdict.text, f"./switchboard secret set {next(iter(values))}, then deploy")
        verdicts.append(verdict)
    unsure = [verdict for verdict in verdicts if verdict.is_unknown]
    if unsure:
        return Finding(unsure[0].state.replace("warning", "note"), unsure[0].text)
    return Finding.ok("; ".join(verdict.text for verdict in verdicts) or "Telegram Stars alone")


def alerts(it: Deployment) -> Finding:
    """Look for lines of severity ALERT of the last day."""
    from tools.cloud.payloads import LogEntry

    wanted = 'resource.type="cloud_run_revision" severity>=ALERT'
    found = it.cloud.read_list(LogEntry, "logging", "read", wanted, "--freshness=1d", f"--limit={ALERTS}")
    if found:
        last = f"{len(found)} in the last day, the last: {found[0].text[:80]}"
        return Finding.note(last, "docs/deployment.md: Verify")
    return Finding.ok("none in the last day")


def _finding(verdict: Verdict, remedy: str, name: str = "") -> Finding:
    text = f"{name}: {verdict.text}" if name else verdict.text
    if verdict.is_good:
        return Finding.ok(text)
    return Finding.unknown(text, remedy) if verdict.is_unknown else Finding.wrong(text, remedy)


CHECKS: Sequence[tuple[str, Callable[[Deployment], Finding]]] = (
    ("project", billing),
    ("APIs", _commands(project.Services)),
    ("accounts", _commands(project.Accounts)),
    ("rights", _commands(project.Rights)),
    ("secrets", secrets),
    ("access", _commands(secret_steps.Access)),
    ("database", owner_login),
    ("bot_backend", backend_login),
    ("functions", functions),
    ("jobs", jobs),
    ("telegram", _health("telegram")),
    ("payments", _health("payments")),
    ("bots", bots),
    ("AI", ai),
    ("payment keys", payments),
    ("sales", sales),
    ("alerts", alerts),
)
