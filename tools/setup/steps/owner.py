"""The admins, and what buyers are shown."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from tools.setup import bot_api, checks
from tools.setup.context import Context
from tools.setup.steps.step import Step

if TYPE_CHECKING:
    from tools.telegram.payloads import User

WAIT_SECONDS = 120
POLL_SECONDS = 20


class Owner(Step):
    """Who gets alarms and may run admin commands, the language, the contact."""

    title = "Admins and texts"
    heading = "4. The first deployment, and every other"

    def ask(self, context: Context) -> None:
        """Ask for the admins' addresses and ids, the language and the contact."""
        console, answers = context.console, context.answers
        emails = context.default("admin_emails")
        context.answer("admin_emails", lambda: console.ask("Admin email", checks.emails, emails))
        context.answer("admin_telegram_ids", lambda: self._ask_id(context))
        languages, language = _languages(), context.default("default_language", "en")
        context.answer("default_language", lambda: console.choose("Bot language", languages, language))
        what = "Contact for buyers (@name, email or link; Telegram requires one)"
        contact = context.default("support_contact", answers.admin_emails.split(",")[0])
        context.answer("support_contact", lambda: console.ask(what, checks.contact, contact))
        context.answer(
            "terms_url",
            lambda: console.ask(
                "Link to your terms of sale (- for none yet)",
                checks.link_or_none,
                context.default("terms_url", "-"),
            ),
        )

    def is_done(self, context: Context) -> bool:
        """Whether all was answered; the deployment carries it into the database."""
        answers = context.answers
        return bool(answers.admin_emails and answers.admin_telegram_ids and answers.support_contact)

    def run(self, context: Context) -> None:
        """Do nothing: answers are no state of the cloud."""

    def _ask_id(self, context: Context) -> str:
        """Find the id by a message to the bot; typed where that is not possible."""
        if found := self._listen(context):
            return found
        return type_id(context)

    def _listen(self, context: Context) -> str:
        """Wait for a private message to the first bot, whose webhook is not set yet."""
        from tools.telegram.payloads import User, WebhookInfo

        try:
            token = next(iter(context.tokens().values()))
            username = bot_api.read(User, token, "getMe").username
            if bot_api.read(WebhookInfo, token, "getWebhookInfo").url:
                return ""
            context.console.say(f"  Open https://t.me/{username} and press Start; Ctrl-C to stop waiting.")
            return self._await_message(context, token)
        except bot_api.BotApiError:
            return ""

    def _await_message(self, context: Context, token: str) -> str:
        from tools.telegram.payloads import Update

        deadline = time.monotonic() + WAIT_SECONDS
        while (left := deadline - time.monotonic()) > 0:
            wait = max(0, min(POLL_SECONDS, int(left)))
            # Without an offset nothing is confirmed: the webhook delivers the message again later.
            try:
                updates = bot_api.read(
                    list[Update], token, "getUpdates", wait + bot_api.DEADLINE,
                    timeout=wait, allowed_updates=["message"],
                )  # fmt: skip
            except KeyboardInterrupt:
                context.console.say()
                return ""
            for update in reversed(updates):
                if update.is_private and (sender := update.sender) is not None:
                    # Anyone can write to a bot and choose any name, so the answer must be typed.
                    if context.console.confirm(f"  Is {_label(sender)} the admin?", default=False):
                        return str(sender.id)
                    return ""
        return ""


def _label(sender: User) -> str:
    """Return how a sender is shown: name, @name and id."""
    handle = f"@{sender.username}, " if sender.username else ""
    return f"{sender.shown_name} ({handle}{sender.id})"


def type_id(context: Context) -> str:
    """Ask for the admin's Telegram ID."""
    default = context.default("admin_telegram_ids")
    return context.console.ask("Admin Telegram ID", checks.telegram_ids, default)


def _languages() -> list[str]:
    from shared.core import texts

    return sorted(path.stem for path in Path(texts.__file__).parent.glob("??.py"))
