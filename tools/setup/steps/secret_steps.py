"""Secrets: asked for, checked and stored one by one. A run that is cut off loses one answer at most."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from tools.secret.generate import GENERATORS
from tools.setup import checks, database, layout, supabase
from tools.setup.answers import Answers
from tools.setup.context import Context
from tools.setup.steps.project import HEADING
from tools.setup.steps.step import Action, CloudStep, Step
from tools.setup.verdict import Verdict


def _stored(context: Context, names: Iterable[str]) -> bool:
    return all(context.store.has_value(name) for name in names)


def _script(names: Iterable[str], project: str) -> list[str]:
    """Return lines that store secrets: random ones are made, the others read from a file or asked for."""
    return [
        f"./switchboard secret new {name} --if-missing --project={project}"
        if name in GENERATORS
        else f"secret {name}"
        for name in names
    ]


class Database(Step):
    """The database: the owner's address is checked with a login, that of the functions is derived from it."""

    title = "Database"
    heading = "1. Supabase"
    names = ("DATABASE_ADMIN_URL", "DATABASE_URL")

    def is_done(self, context: Context) -> bool:
        """Whether both addresses are stored."""
        return _stored(context, self.names)

    def run(self, context: Context) -> None:
        """Ask, log in, store."""
        address = self._ask(context)
        if not context.store.has_value("DATABASE_ADMIN_URL"):
            context.store.put("DATABASE_ADMIN_URL", address.url())
        if not context.store.has_value("DATABASE_URL"):
            context.console.say(
                "  bot_backend gets a password of its own; the first deployment creates the role."
            )
            context.store.put("DATABASE_URL", address.backend(database.new_password()).url())

    def script(self, answers: Answers) -> list[str]:
        """Return lines that store both from files."""
        return _script(self.names, answers.project)

    def _ask(self, context: Context) -> database.Address:
        if context.store.has_value("DATABASE_ADMIN_URL"):
            return database.parse(context.store.get("DATABASE_ADMIN_URL"))
        context.console.say("  Create a project at supabase.com/dashboard/new, near the functions' region.")
        address = self._choose(context) or self._paste(context)
        return address if address.password else self._password(context, address)

    def _choose(self, context: Context) -> database.Address | None:
        """Offer the projects that the Supabase CLI lists, and find the pooler that serves the chosen one."""
        found = supabase.projects(lambda line: context.console.say(f"  {line}"))
        if not found:
            return None
        for project in found:
            context.console.say(f"    {project.reference}  {project.name}, {project.region}")
        references = [project.reference for project in found]
        chosen = context.console.choose("Supabase project", [*references, "other"], references[0])
        if chosen == "other":
            return None
        project = found[references.index(chosen)]
        hosts = supabase.poolers(project)
        addresses = [
            database.Address(host, database.SESSION_PORT, "postgres", f"postgres.{chosen}") for host in hosts
        ]
        right: list[database.Address] = []

        def check(password: str) -> Verdict:
            verdicts = []
            for address in addresses:
                verdicts.append(database.log_in(address.with_password(password).url()))
                if verdicts[-1].is_good:
                    right.append(address.with_password(password))
                    return verdicts[-1]
            # A pooler that does not know the project says nothing about the password.
            return next((one for one in verdicts if one.text != database.UNKNOWN_PROJECT), verdicts[0])

        context.console.ask_secret("Database password", check, may_be_quoted=False)
        return right[0]

    def _paste(self, context: Context) -> database.Address:
        """Ask for the session pooler's address; with a password in it, it is checked at once."""

        def check(text: str) -> Verdict:
            try:
                address = database.parse(text)
            except database.AddressError as error:
                return Verdict.bad(str(error))
            return database.log_in(address.url()) if address.password else Verdict.good("")

        context.console.say("  In Supabase: Connect → Session pooler. The password may stay [YOUR-PASSWORD].")
        return database.parse(context.console.ask_secret("Address of the database", check))

    def _password(self, context: Context, address: database.Address) -> database.Address:
        def check(password: str) -> Verdict:
            return database.log_in(address.with_password(password).url())

        password = context.console.ask_secret("Database password", check, may_be_quoted=False)
        return address.with_password(password)


class Bots(Step):
    """The bots' tokens, each checked with getMe."""

    title = "Bot"
    heading = "2. A bot"

    def is_done(self, context: Context) -> bool:
        """Whether the tokens are stored."""
        return _stored(context, ["BOT_TOKENS"])

    def run(self, context: Context) -> None:
        """Ask for the token of each bot that is to be deployed, at least one, and store them."""
        from shared import bots

        context.console.say("  Write /newbot to @BotFather; it answers with a token. Each bot has its own.")
        names = bots.names()
        base = context.answers.functions_url
        tokens: dict[str, str] = {}

        def check(token: str) -> Verdict:
            owner = next((name for name, known in tokens.items() if known == token), "")
            return Verdict.bad(f"That is the token of {owner}.") if owner else checks.new_bot(token, base)

        for name in names:
            context.console.say(f"  {name}: {bots.load(name).description}")
            is_optional = bool(tokens) or name != names[-1]
            question = f"Token for the bot {name}{', Enter to leave it out' if is_optional else ''}"
            if token := context.console.ask_secret(question, check, is_optional=is_optional):
                tokens[name] = token
        context.store.put("BOT_TOKENS", json.dumps(tokens))

    def script(self, answers: Answers) -> list[str]:
        """Return the line that stores them from a file."""
        return _script(["BOT_TOKENS"], answers.project)


class Ai(Step):
    """The AI provider and its key."""

    title = "AI provider"
    heading = HEADING

    def ask(self, context: Context) -> None:
        """Ask for the provider."""
        context.answer(
            "chat_provider",
            lambda: context.console.choose(
                "AI provider", open_providers(), context.default("chat_provider", "openai")
            ),
        )

    def is_done(self, context: Context) -> bool:
        """Whether the key is stored."""
        return _stored(context, [layout.ai_secret(context.answers.chat_provider)])

    def run(self, context: Context) -> None:
        """Ask for the key, try it, store it."""
        from shared.ai import providers

        provider = context.answers.chat_provider
        service = providers.load(provider)
        context.console.say(f"  Create a key at {service.KEYS_PAGE}")
        key = context.console.ask_secret(
            f"{service.NAME} API key", lambda text: checks.ai_key(provider, text)
        )
        context.store.put(layout.ai_secret(provider), key)

    def script(self, answers: Answers) -> list[str]:
        """Return the line that stores the key from a file."""
        return _script([layout.ai_secret(answers.chat_provider)], answers.project)


class Random(Step):
    """The generated secrets, and whether users may add their own AI keys."""

    title = "Random secrets"
    heading = HEADING

    def ask(self, context: Context) -> None:
        """Ask whether users may bring their own keys."""
        context.answer(
            "user_api_keys",
            lambda: context.console.choose(
                "May users add their own AI keys (/keys)?",
                ["yes", "no"],
                context.default("user_api_keys", "no"),
            ),
        )

    def is_done(self, context: Context) -> bool:
        """Whether each is stored."""
        return _stored(context, random_names(context.answers))

    def run(self, context: Context) -> None:
        """Make and store what is missing; what exists is never replaced."""
        for name in random_names(context.answers):
            if not context.store.has_value(name):
                context.store.make(name, GENERATORS[name]())
        kept = [name for name in random_names(context.answers) if name != "TELEGRAM_WEBHOOK_SECRET"]
        context.console.say(
            f"  Keep copies of {' and '.join(kept)} with your recovery codes: "
            "gcloud secrets versions access latest --secret=NAME"
        )

    def script(self, answers: Answers) -> list[str]:
        """Return the lines that make them."""
        return _script(random_names(answers), answers.project)


class Payments(Step):
    """Payment providers besides Telegram Stars, which need nothing."""

    title = "Payments"
    heading = HEADING

    def ask(self, context: Context) -> None:
        """Ask for the providers."""
        context.answer("payment_providers", lambda: self._choose(context))

    def is_done(self, context: Context) -> bool:
        """Whether every key of the chosen providers is stored."""
        return _stored(context, payment_names(context.answers))

    def run(self, context: Context) -> None:
        """Ask for the keys of each provider, try them together, store them."""
        for provider in context.answers.providers:
            if not _stored(context, required(provider)):
                self._ask_keys(context, provider)

    def script(self, answers: Answers) -> list[str]:
        """Return the lines that store them from files."""
        return _script(payment_names(answers), answers.project)

    def _choose(self, context: Context) -> str:
        names = payment_providers()

        def check(answer: str) -> Verdict:
            unknown = [word for word in answer.replace(" ", "").split(",") if word not in names]
            if answer == "-" or not unknown:
                return Verdict.good("")
            return Verdict.bad(f"Unknown provider {unknown[0]!r}. Choose from {', '.join(names)}.")

        listed = ", ".join(names)
        return context.console.ask(
            f"Payment providers besides Telegram Stars ({listed}; - for none)",
            check,
            context.default("payment_providers", "-"),
        )

    def _ask_keys(self, context: Context, provider: str) -> None:
        answers = context.answers
        context.console.say(
            f"  Webhook address to enter at {provider}: {answers.functions_url}/payments/{provider}"
        )
        while True:
            values = {name: self._value(context, name) for name in required(provider)}
            verdict = checks.payment_keys(provider, values, answers.environment)
            context.console.say(f"  {verdict}")
            if verdict.is_good or (
                verdict.is_unknown and context.console.confirm("Use them anyway?", default=False)
            ):
                break
        for name, value in values.items():
            if not context.store.has_value(name):
                context.store.put(name, value)

    def _value(self, context: Context, name: str) -> str:
        if context.store.has_value(name):
            return context.store.get(name)
        return context.console.ask_secret(name, checks.key_form)


class Access(CloudStep):
    """Which account reads which secret."""

    title = "Access to the secrets"
    heading = HEADING

    def actions(self, answers: Answers) -> Sequence[Action]:
        """Return all bindings."""
        wanted = readers(answers)
        return [self._grant(name, account, answers.project) for name in wanted for account in wanted[name]]

    def missing(self, context: Context) -> Sequence[Action]:
        """Return the bindings that the secrets' policies lack."""
        from tools.cloud.payloads import Policy

        project = context.answers.project
        lacking = []
        for name, accounts in readers(context.answers).items():
            policy = context.cloud.read_one(Policy, "secrets", "get-iam-policy", name)
            lacking += [
                self._grant(name, account, project)
                for account in accounts
                if not policy.gives(layout.READ_SECRET, layout.member(account, project))
            ]
        return lacking

    def _grant(self, name: str, account: str, project: str) -> Action:
        member = f"--member={layout.member(account, project)}"
        return Action(("secrets", "add-iam-policy-binding", name, f"--role={layout.READ_SECRET}", member))


def open_providers() -> list[str]:
    """Return the AI providers that anyone can get a key of."""
    from shared.ai import providers

    return [name for name in providers.names() if not providers.load(name).IS_DISCONTINUED]


def payment_providers() -> list[str]:
    """Return the payment providers that need keys."""
    from shared.payments import providers

    every = (providers.load(name) for name in providers.names())
    return [one.key for one in every if one.REQUIRED and not one.ENVIRONMENTS]


def required(provider: str) -> tuple[str, ...]:
    """Return the variables that a payment provider needs."""
    from shared.payments import providers

    return providers.load(provider).required_variables()


def random_names(answers: Answers) -> list[str]:
    """Return the secrets that are made, not asked for."""
    return [
        "TELEGRAM_WEBHOOK_SECRET",
        "USER_HASH_KEY",
        *([layout.USER_API_KEYS] if answers.user_api_keys == "yes" else []),
    ]


def payment_names(answers: Answers) -> list[str]:
    """Return the secrets of the chosen payment providers."""
    return [name for provider in answers.providers for name in required(provider)]


def readers(answers: Answers) -> dict[str, tuple[str, ...]]:
    """Return for each secret of this deployment the accounts that read it."""
    wanted = dict(layout.READERS)
    wanted[layout.ai_secret(answers.chat_provider)] = layout.AI_READERS
    if answers.user_api_keys == "yes":
        wanted[layout.USER_API_KEYS] = layout.USER_API_KEY_READERS
    if answers.has_backups:
        wanted["DATABASE_ADMIN_URL"] = (*layout.READERS["DATABASE_ADMIN_URL"], "backup")
    return wanted | dict.fromkeys(payment_names(answers), layout.PAYMENT_READERS)
