"""The Google Cloud project, its billing, APIs, service accounts and rights."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tools.cloud.gcloud import CloudError
from tools.setup import checks, layout
from tools.setup.answers import Answers
from tools.setup.context import Context, Stop
from tools.setup.steps.step import Action, CloudStep, Step
from tools.setup.verdict import Verdict

HEADING = "3. Google Cloud"
# In gcloud's words for an id that another project has, a deleted one included, or that is not allowed.
_ABOUT_ID = re.compile(r"project[_ ]id", re.IGNORECASE)


class Project(Step):
    """A project that exists, with billing."""

    title = "Google Cloud project"
    heading = HEADING

    def ask(self, context: Context) -> None:
        """Ask for the project's id, once gcloud is there and logged in: nothing works without it."""
        if not context.answers.project:
            self._require_login(context)
        context.console.say(
            "  console.cloud.google.com lists your projects; an id that is free makes a new one."
        )
        context.answer("project", lambda: context.console.ask("Project id", checks.project))
        context.cloud.project = context.answers.project

    def is_done(self, context: Context) -> bool:
        """Whether the project is there and billed."""
        self._require_login(context)
        return self._exists(context) and self._is_billed(context)

    def run(self, context: Context) -> None:
        """Make the project, link a billing account."""
        while not self._exists(context):
            context.allow(f"  Create the project {context.answers.project}?")
            if self._create(context):
                break
            self.ask(context)
        project = context.answers.project
        if not self._is_billed(context):
            account = self._billing_account(context)
            context.allow(f"  Bill {project} to {account}?")
            context.cloud.change("billing", "projects", "link", project, f"--billing-account={account}")

    def script(self, answers: Answers) -> list[str]:
        """Return the project's creation; billing needs an account that only the owner can choose."""
        project = answers.project
        return [
            Action(("projects", "create", project), ("projects", "describe", project)).line(project),
            f'test "$(gcloud billing projects describe {project} --format="value(billingEnabled)")" = True '
            f"|| {{ echo 'Link a billing account: gcloud billing projects link {project} "
            "--billing-account=ACCOUNT' >&2; exit 1; }",
        ]

    def _require_login(self, context: Context) -> None:
        account = context.cloud.read("auth", "list", "--filter=status:ACTIVE", "--format=value(account)")
        if not account.strip():
            raise Stop("gcloud is not logged in: gcloud auth login")

    def _exists(self, context: Context) -> bool:
        project = context.answers.project
        found = context.cloud.read(
            "projects", "list", f"--filter=projectId={project}", "--format=value(projectId)"
        )
        return project in found.split()

    def _create(self, context: Context) -> bool:
        """Make the project; False where the id is taken or not allowed, so that another is asked for."""
        try:
            context.cloud.change("projects", "create", context.answers.project)
        except CloudError as error:
            if not _ABOUT_ID.search(str(error)):
                raise
            context.console.say(f"  Google Cloud refuses the id {context.answers.project}: choose another.")
            context.cloud.project = context.answers.project = ""
            context.save()
            return False
        return True

    def _is_billed(self, context: Context) -> bool:
        found = context.cloud.read(
            "billing", "projects", "describe", context.answers.project, "--format=value(billingEnabled)"
        )
        return found.strip() == "True"

    def _billing_account(self, context: Context) -> str:
        from tools.cloud.payloads import BillingAccount

        found = context.cloud.read_list(BillingAccount, "billing", "accounts", "list", "--filter=open=true")
        accounts = {one.name.rsplit("/", 1)[-1]: one.display_name for one in found}
        if not accounts:
            raise Stop("There is no open billing account: make one at console.cloud.google.com/billing")
        for account, name in accounts.items():
            context.console.say(f"    {account}  {name}")
        return context.console.choose("Billing account", list(accounts), next(iter(accounts)))


class Services(CloudStep):
    """The APIs."""

    title = "APIs"
    heading = HEADING

    def actions(self, answers: Answers) -> Sequence[Action]:
        """Return the command that enables all."""
        return [Action(("services", "enable", *map(layout.service, layout.SERVICES)))]

    def missing(self, context: Context) -> Sequence[Action]:
        """Return the command that enables what is not enabled."""
        found = context.cloud.read("services", "list", "--enabled", "--format=value(config.name)").split()
        lacking = [name for name in map(layout.service, layout.SERVICES) if name not in found]
        return [Action(("services", "enable", *lacking))] if lacking else []


class Region(Step):
    """Where the functions run."""

    title = "Region"
    heading = HEADING

    def is_done(self, context: Context) -> bool:
        """Whether it was chosen."""
        return bool(context.answers.region)

    def run(self, context: Context) -> None:
        """Ask for a region that has all a deployment needs; the database should be near."""
        found = _regions(context)

        def check(answer: str) -> Verdict:
            near = ", ".join(name for name in found if name.startswith(answer[:6])) or ", ".join(found)
            said = f"Cloud Run, Cloud Functions and Cloud Scheduler are all in: {near}"
            return Verdict.good("") if answer in found else Verdict.bad(said)

        context.answer(
            "region", lambda: context.console.ask("Region, near the database", check, "europe-west3")
        )


def _regions(context: Context) -> list[str]:
    """Return the regions with Cloud Run, functions and Scheduler: some have only one or two of them."""
    services = (("run", "regions"), ("functions", "regions"), ("scheduler", "locations"))
    each = []
    for service, places in services:
        generation = ["--gen2"] if service == "functions" else []
        listed = context.cloud.read(service, places, "list", *generation, "--format=value(name)")
        each.append({line.rsplit("/", 1)[-1] for line in listed.split()})
    return sorted(set.intersection(*each))


class Accounts(CloudStep):
    """One service account for the build, each function and the caller of the jobs."""

    title = "Service accounts"
    heading = HEADING

    def ask(self, context: Context) -> None:
        """Ask for the public key that seals backups: without one, their account gets no rights."""
        what = "Public key of your backups (age1… of age-keygen -o backup-identity.txt; - for no backups)"
        default = context.default("backup_recipient", "-")
        context.answer(
            "backup_recipient", lambda: context.console.ask(what, checks.recipient_or_none, default)
        )

    def actions(self, answers: Answers) -> Sequence[Action]:
        """Return the commands that make all accounts."""
        return [self._create(name, answers.project) for name in layout.ACCOUNTS]

    def missing(self, context: Context) -> Sequence[Action]:
        """Return those of accounts that are not there."""
        found = context.cloud.read("iam", "service-accounts", "list", "--format=value(email)").split()
        project = context.answers.project
        return [
            self._create(name, project)
            for name in layout.ACCOUNTS
            if layout.email(name, project) not in found
        ]

    def _create(self, name: str, project: str) -> Action:
        exists = ("iam", "service-accounts", "describe", layout.email(name, project))
        return Action(("iam", "service-accounts", "create", f"switchboard-{name}"), exists)


class Rights(CloudStep):
    """What the build may do: deploy, and act as the other accounts; the daily backup builds as itself."""

    title = "Rights of the builds"
    heading = HEADING

    def actions(self, answers: Answers) -> Sequence[Action]:
        """Return all bindings."""
        project = answers.project
        return [
            *(self._role(role, project) for role in layout.DEPLOY_ROLES),
            *(self._act_as(name, project) for name in layout.ACCOUNTS),
            *(self._role(role, project, "backup") for role in self._backup_roles(answers)),
            *([self._act_as("backup", project, "backup")] if answers.has_backups else []),
        ]

    def missing(self, context: Context) -> Sequence[Action]:
        """Return the bindings that the policies lack."""
        from tools.cloud.payloads import Policy

        project = context.answers.project
        builder = layout.member("deploy", project)
        policy = context.cloud.read_one(Policy, "projects", "get-iam-policy", project)
        roles = [role for role in layout.DEPLOY_ROLES if not policy.gives(f"roles/{role}", builder)]
        backup = [
            role
            for role in self._backup_roles(context.answers)
            if not policy.gives(f"roles/{role}", layout.member("backup", project))
        ]
        accounts: list[str] = []
        itself: list[Action] = []
        for name in layout.ACCOUNTS:
            of = context.cloud.read_one(
                Policy, "iam", "service-accounts", "get-iam-policy", layout.email(name, project)
            )
            if not of.gives(layout.IMPERSONATION, builder):
                accounts.append(name)
            own = layout.member(name, project)
            if name == "backup" and context.answers.has_backups and not of.gives(layout.IMPERSONATION, own):
                itself.append(self._act_as(name, project, name))
        return [
            *(self._role(role, project) for role in roles),
            *(self._act_as(name, project) for name in accounts),
            *(self._role(role, project, "backup") for role in backup),
            *itself,
        ]

    def _backup_roles(self, answers: Answers) -> Sequence[str]:
        return layout.BACKUP_ROLES if answers.has_backups else ()

    def _role(self, role: str, project: str, account: str = "deploy") -> Action:
        member = f"--member={layout.member(account, project)}"
        return Action(
            (
                "projects",
                "add-iam-policy-binding",
                project,
                "--condition=None",
                member,
                f"--role=roles/{role}",
            )
        )

    def _act_as(self, name: str, project: str, by: str = "deploy") -> Action:
        member = f"--member={layout.member(by, project)}"
        account = layout.email(name, project)
        return Action(
            (
                "iam",
                "service-accounts",
                "add-iam-policy-binding",
                account,
                member,
                f"--role={layout.IMPERSONATION}",
            )
        )
