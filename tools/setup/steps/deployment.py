"""The first deployment, the webhooks, the first message, the cost."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tools.cloud.gcloud import CloudError, Gcloud
from tools.setup import bot_api, costs, layout
from tools.setup.answers import Answers
from tools.setup.context import Context, Stop
from tools.setup.steps import secret_steps
from tools.setup.steps.step import Action, Step

if TYPE_CHECKING:
    from tools.cloud.payloads import Build, Function

BUILD_SECONDS = 45 * 60  # deploy.yaml ends a build after 40 minutes
WEBHOOK_SECONDS = 180
HEADING = "4. The first deployment, and every other"
WELCOME = {
    "en": "Your bot is live, and alerts will arrive here. "
    "Set prices with /products; /help lists all admin commands.",
    "ru": "Бот работает. Уведомления о сбоях придут сюда. "
    "Команды администратора — в /help, цены — в /products.",
}


def substitutions(answers: Answers) -> dict[str, str]:
    """Return what deploy.yaml is given. Empty values keep its defaults."""
    given = {
        "_REGION": answers.region,
        "_ENVIRONMENT": answers.environment,
        "_CHAT_PROVIDER": answers.chat_provider,
        "_DEFAULT_LANGUAGE": answers.default_language,
        "_ADMIN_EMAILS": answers.admin_emails.replace(" ", ""),
        "_ADMIN_TELEGRAM_IDS": answers.admin_telegram_ids.replace(" ", ""),
        "_SUPPORT_CONTACT": answers.support_contact,
        "_PUBLIC_URL": "" if answers.public_url == "-" else answers.public_url,
        "_TERMS_URL": "" if answers.terms_url == "-" else answers.terms_url,
        "_PAYMENT_SECRETS": ",".join(secret_steps.payment_names(answers)),
        "_BACKUP_PLACE": f"{layout.backup_bucket(answers.project)}/{answers.environment}",
        "_BACKUP_RECIPIENT": answers.backup_recipient,
        "_TOKEN_ENCRYPTION_KEYS_VERSION": "latest" if answers.user_api_keys == "yes" else "",
    }
    without = () if answers.has_backups else ("_BACKUP_PLACE", "_BACKUP_RECIPIENT")
    return {name: value for name, value in given.items() if value and name not in without}


def submit(answers: Answers) -> tuple[str, ...]:
    """Return the words of the build's command. `|` separates: lists hold commas, links may hold `;`."""
    pairs = "|".join(f"{name}={value}" for name, value in substitutions(answers).items())
    return (
        "builds", "submit", "--config=deploy.yaml", "--ignore-file=.gcloudbuildignore",
        f"--substitutions=^|^{pairs}",
    )  # fmt: skip


class Deploy(Step):
    """Cloud Build: migrate, deploy the functions, set the jobs and webhooks."""

    title = "First deployment"
    heading = HEADING
    _lacking: Sequence[str] = ()

    def is_done(self, context: Context) -> bool:
        """Whether all runs, and the last deployment from here had these answers.

        A function's settings do not show every answer, so what was deployed is kept beside them.
        """
        self._lacking = self.lacking(context)
        return not self._lacking and context.answers.deployed == substitutions(context.answers)

    def run(self, context: Context) -> None:
        """Submit the build and watch it; Stop names the step that failed."""
        what = ", ".join(self._lacking) or "this checkout, with the answers above"
        context.console.say(f"  To deploy: {what}. It takes about ten minutes.")
        context.allow("  Deploy now?")
        before = _newest_build(context)
        if not context.cloud.watch(*submit(context.answers), deadline=BUILD_SECONDS, folder=context.root):
            raise Stop(self._failure(context, before))
        context.answers.deployed = substitutions(context.answers)
        context.save()

    def script(self, answers: Answers) -> list[str]:
        """Return the build's command."""
        return [Action(submit(answers)).line(answers.project)]

    def lacking(self, context: Context) -> list[str]:
        """Return the functions and jobs that do not run as the answers say. Raises CloudError."""
        deployed = function_names(context.cloud, context.answers.region)
        lacking = [name for name in layout.FUNCTIONS if name not in deployed or not self._runs(context, name)]
        from shared.scheduled.jobs import JOBS

        found = context.cloud.read(
            "scheduler", "jobs", "list", f"--location={context.answers.region}", "--format=value(name)"
        )
        there = {line.rsplit("/", 1)[-1] for line in found.split()}
        return [*lacking, *(f"job {job}" for job in JOBS if f"switchboard-{job}" not in there)]

    def _runs(self, context: Context, name: str) -> bool:
        found = _describe(context.cloud, name, context.answers.region)
        if found.state != "ACTIVE":
            return False
        given = found.environment
        wanted = substitutions(context.answers)
        same = (
            "_ENVIRONMENT",
            "_CHAT_PROVIDER",
            "_DEFAULT_LANGUAGE",
            "_ADMIN_TELEGRAM_IDS",
            "_SUPPORT_CONTACT",
        )
        return all(given.get(key[1:], "") == wanted.get(key, "") for key in same)

    def _failure(self, context: Context, before: Build | None) -> str:
        again = "Repair that and run ./switchboard setup again; docs/deployment.md (Verify) lists causes."
        try:
            build = _newest_build(context)
        except CloudError:
            return f"The deployment failed. {again}"
        if build is None or (before is not None and build.id == before.id):
            return f"No build was started: the lines above say why. {again}"
        failed = [step.id for step in build.steps if step.status == "FAILURE"]
        where = f" in the step {failed[0]}" if failed else ""
        return f"The deployment failed{where}: {build.log_url}\n{again}"


def _newest_build(context: Context) -> Build | None:
    from tools.cloud.payloads import Build

    return next(iter(context.cloud.read_list(Build, "builds", "list", "--limit=1")), None)


def function_names(cloud: Gcloud, region: str) -> set[str]:
    """Return the functions of the project in a region. Raises CloudError."""
    found = cloud.read("functions", "list", f"--regions={region}", "--format=value(name)")
    return {line.rsplit("/", 1)[-1] for line in found.split()}


def describe_function(cloud: Gcloud, name: str, region: str) -> Function | None:
    """Return what gcloud tells of a function, or None where there is none. Raises CloudError."""
    return _describe(cloud, name, region) if name in function_names(cloud, region) else None


def _describe(cloud: Gcloud, name: str, region: str) -> Function:
    from tools.cloud.payloads import Function

    return cloud.read_one(Function, "functions", "describe", name, "--gen2", f"--region={region}")


def settings_of(function: Function | None) -> dict[str, str]:
    """Return the settings of a function that `describe_function` found."""
    return function.environment if function is not None else {}


def public_url(cloud: Gcloud, answers: Answers) -> str:
    """Return the deployed address, which deploy.yaml may name and no answer does. Raises CloudError."""
    described = describe_function(cloud, "telegram", answers.region)
    return settings_of(described).get("PUBLIC_URL") or answers.functions_url


class Webhooks(Step):
    """Telegram sends updates to the functions. The deployment sets this; here it is checked and repaired."""

    title = "Webhooks"
    heading = HEADING

    def is_done(self, context: Context) -> bool:
        """Whether every bot's webhook is the address of this deployment and brings all it handles."""
        from shared import bots
        from tools.telegram import info
        from tools.telegram.payloads import WebhookInfo

        base = public_url(context.cloud, context.answers)
        try:
            return all(
                info.is_set(
                    bot_api.read(WebhookInfo, token, "getWebhookInfo"),
                    f"{base}/telegram/{name}",
                    bots.load(name).handled_kinds(),
                )
                for name, token in context.tokens().items()
            )
        except bot_api.BotApiError as error:
            raise Stop(f"{error}. Run ./switchboard setup again.") from None

    def run(self, context: Context) -> None:
        """Set webhooks, menus and descriptions with the tool that the deployment uses."""
        answers = context.answers
        environment = os.environ | {
            "BOT_TOKENS": context.store.get("BOT_TOKENS"),
            "TELEGRAM_WEBHOOK_SECRET": context.store.get("TELEGRAM_WEBHOOK_SECRET"),
            "PUBLIC_URL": public_url(context.cloud, answers),
            "DEFAULT_LANGUAGE": answers.default_language,
            "ADMIN_TELEGRAM_IDS": answers.admin_telegram_ids,
        }
        context.console.say("  + ./switchboard telegram set-webhooks")
        done = subprocess.run(
            [sys.executable, "-m", "tools.telegram", "set-webhooks"],
            cwd=context.root, env=environment, check=False, timeout=WEBHOOK_SECONDS,
        )  # fmt: skip
        if done.returncode:
            raise Stop(
                "The webhooks could not be set: the lines above say why. Run ./switchboard setup again."
            )


class Welcome(Step):
    """The first message to each admin, which proves the way from the bot to them."""

    title = "First message"
    heading = "5. Verify"

    def is_done(self, context: Context) -> bool:
        """Whether each admin got it; Telegram cannot be asked, so the file of answers says it."""
        return set(context.answers.admins) <= set(context.answers.welcomed)

    def run(self, context: Context) -> None:
        """Send it; an admin who never wrote to the bot is asked to press Start."""
        token = next(iter(context.tokens().values()))
        text = WELCOME.get(context.answers.default_language, WELCOME["en"])
        for admin in context.answers.admins:
            if admin not in context.answers.welcomed and self._send(context, token, admin, text):
                context.answers.welcomed.append(admin)
                context.save()

    def _send(self, context: Context, token: str, admin: int, text: str) -> bool:
        while True:
            try:
                bot_api.call(token, "sendMessage", chat_id=admin, text=text)
            except bot_api.BotApiError as error:
                context.console.say(f"  {admin}: {error}")
                if error.status not in (400, 403) or not context.console.confirm(
                    "  Open the bot with this account and press Start. Try again?"
                ):
                    raise Stop(f"{admin} got no message yet. Run ./switchboard setup again.") from None
            else:
                context.console.say(f"  {admin} got the first message.")
                return True


class Cost(Step):
    """What it costs a month."""

    title = "Cost"
    heading = costs.HEADING

    def is_done(self, context: Context) -> bool:
        """Return False: it is printed each time."""
        return False

    def run(self, context: Context) -> None:
        """Print the table."""
        for line in costs.table(context.answers.region):
            context.console.say(f"  {line}")
