"""Checks of what the owner types, each a call that costs nothing, with a deadline. No text holds a secret."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from tools.setup import bot_api
from tools.setup.verdict import Verdict

DEADLINE = 10.0  # seconds of one check
_lock = threading.Lock()
_TOKEN = re.compile(r"\d{1,20}:[A-Za-z0-9_-]{20,}")
_PROJECT = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")
_REGION = re.compile(r"[a-z]{2,20}-[a-z]{2,20}[0-9]{1,2}")
# `|` separates the settings in deploy.yaml: behind it a value would be another setting.
_EMAIL = re.compile(r"[^@\s,|]+@[^@\s,|]+\.[^@\s,|]+")
_LINK = re.compile(r"https?://[^\s|]+")
_ID = re.compile(r"[0-9]{1,16}")
_KEY = re.compile(r"[!-~]+")  # what an HTTP header and an address may hold
_DOMAIN = re.compile(r"https://[A-Za-z0-9.-]+")
_CONTACT = re.compile(rf"@[A-Za-z][A-Za-z0-9_]{{3,31}}|{_LINK.pattern}|{_EMAIL.pattern}")
# What `settings()` wants of every function and no check looks at.
_UNUSED = {
    "DATABASE_URL": "postgresql://unused@localhost/unused",
    "BOT_TOKENS": '{"assistant": "1:not-a-token-that-is-used"}',
    "TELEGRAM_WEBHOOK_SECRET": "not-used-by-a-check",
    "USER_HASH_KEY": "not-used-by-any-check-of-the-wizard",
}


def project(answer: str) -> Verdict:
    """Check the form of a Google Cloud project id."""
    if _PROJECT.fullmatch(answer):
        return Verdict.good("")
    return Verdict.bad(
        "A project id has 6 to 30 lowercase letters, digits and hyphens, such as my-bots-481516."
    )


def region(answer: str) -> Verdict:
    """Check the form of a region's name."""
    if _REGION.fullmatch(answer):
        return Verdict.good("")
    return Verdict.bad("A region looks like europe-west3: https://cloud.google.com/run/docs/locations")


def emails(answer: str) -> Verdict:
    """Check a list of e-mail addresses."""
    wrong = [word.strip() for word in answer.split(",") if not _EMAIL.fullmatch(word.strip())]
    return Verdict.bad(f"{wrong[0]!r} is not an email address.") if wrong else Verdict.good("")


def telegram_ids(answer: str) -> Verdict:
    """Check a list of Telegram ids."""
    words = [word.strip() for word in answer.split(",")]
    if all(_ID.fullmatch(word) and 0 < int(word) < 2**52 for word in words):
        return Verdict.good("")
    return Verdict.bad(
        "A Telegram ID is a number such as 123456789: docs/deployment.md (Find your ids) has the way."
    )


def contact(answer: str) -> Verdict:
    """Check what buyers are shown: a @name, an e-mail address or a link."""
    if _CONTACT.fullmatch(answer):
        return Verdict.good("")
    return Verdict.bad(
        "Enter an @name, an email address or a link that begins with https://, without spaces and |."
    )


def link_or_none(answer: str) -> Verdict:
    """Check an https link, or `-` for none."""
    if answer == "-" or (answer.startswith("https://") and _LINK.fullmatch(answer)):
        return Verdict.good("")
    return Verdict.bad("Enter a link that begins with https://, without spaces and |, or - for none.")


def public_url(answer: str) -> Verdict:
    """Check a domain before the functions, or `-` for none."""
    if answer == "-" or _DOMAIN.fullmatch(answer):
        return Verdict.good("")
    return Verdict.bad(
        "The domain looks like https://bots.example.com, without a path; - is Google's own address."
    )


def new_bot(token: str, base: str) -> Verdict:
    """Check a token, and that no other deployment has the bot: a bot has one webhook."""
    verdict = bot_token(token)
    if not verdict.is_good:
        return verdict
    from tools.telegram.payloads import WebhookInfo

    try:
        url = bot_api.read(WebhookInfo, token, "getWebhookInfo").url
    except bot_api.BotApiError as error:
        return Verdict.unknown(f"{error}.")
    if not url or url.startswith(f"{base}/"):
        return verdict
    # The path may hold a secret of the other program.
    return Verdict.warning(
        f"{verdict.text} sends its updates to {urlsplit(url).hostname}. A deployment here takes it away from "
        "there: staging needs a bot of its own."
    )


def bot_token(token: str) -> Verdict:
    """Ask Telegram whose token it is (getMe)."""
    if not _TOKEN.fullmatch(token):
        return Verdict.bad(
            "A token looks like 123456789:AAE…; @BotFather shows it under /mybots → API Token."
        )
    from tools.telegram.payloads import User

    try:
        me = bot_api.read(User, token, "getMe")
    except bot_api.BotApiError as error:
        if error.status in (401, 404):
            return Verdict.bad("Telegram does not know this token: copy it from @BotFather again.")
        return Verdict.unknown(f"{error}.")
    if not me.can_join_groups:
        return Verdict.good(f"@{me.username}, which cannot be added to groups")
    return Verdict.good(f"@{me.username}")


def key_form(text: str) -> Verdict:
    """Check the form of a key or id of a provider: printable ASCII without spaces."""
    if _KEY.fullmatch(text):
        return Verdict.good("")
    return Verdict.bad("It has Latin letters, digits and signs, and no spaces: copy it again.")


def ai_key(provider: str, key: str) -> Verdict:
    """Ask an AI provider whether it accepts a key, with the call that /keys uses."""
    if not (form := key_form(key)).is_good:
        return form
    from shared.ai.key_check import Verdict as Answer
    from shared.ai.key_check import check_key

    with with_settings({}):
        answer = check_key(provider, key, DEADLINE)
    if answer is Answer.GOOD:
        return Verdict.good(f"{provider} accepts the key")
    if answer is Answer.REFUSED:
        return Verdict.bad(f"{provider} rejected this key: copy it again or create another one.")
    return Verdict.unknown(f"{provider} could not be asked about this key.")


def recipient_or_none(answer: str) -> Verdict:
    """Check the public key that seals backups, or `-`."""
    if answer == "-" or re.fullmatch(r"age1[0-9a-z]{58}", answer):
        return Verdict.good("")
    if answer.startswith("AGE-SECRET-KEY-"):
        return Verdict.bad(
            "That is the secret half: keep it off-line, and give the line “public key: age1…”."
        )
    return Verdict.bad(
        "It begins with age1 and has 62 characters: age-keygen -o backup-identity.txt makes one."
    )


def payment_keys(provider: str, values: Mapping[str, str], environment: str) -> Verdict:
    """Ask a payment provider for its newest payments, which only reads; tell test keys from live ones."""
    from shared.core.errors import SwitchboardError
    from shared.payments import providers

    service = providers.load(provider)
    if not service.SUPPORTS_STATEMENTS:
        return Verdict.unknown(f"{provider} offers no call that tests its keys; a first small payment does.")
    until = datetime.now(UTC)
    try:
        with with_settings(values):
            service.statement(until - timedelta(hours=1), until, "", DEADLINE)
    except SwitchboardError as error:
        # The provider's own text may repeat the key; the status is enough.
        status = re.search(r"answered (\d{3})", str(error))
        if status is None:
            return Verdict.unknown(f"{provider} could not be asked.")
        if status[1] in ("401", "403", "404"):
            return Verdict.bad(f"{provider} rejected these keys (HTTP {status[1]}): copy them again.")
        return Verdict.unknown(f"{provider} answered with HTTP {status[1]}.")
    return _mode(provider, values, environment)


def _mode(provider: str, values: Mapping[str, str], environment: str) -> Verdict:
    from shared.payments import providers

    sandbox = providers.load(provider).SANDBOX
    if sandbox is None or sandbox.api_url or sandbox.key not in values:
        return Verdict.good(f"{provider} accepts the keys")
    if not sandbox.is_test_key(values[sandbox.key]):
        return Verdict.good(f"{provider} accepts the keys: live mode, real money")
    if environment == "production":
        return Verdict.warning(
            f"{provider} accepts the keys, but they are test keys: production ignores test payments."
        )
    return Verdict.good(f"{provider} accepts the keys: test mode")


@contextmanager
def with_settings(values: Mapping[str, str]) -> Iterator[None]:
    """Run with these settings for a while; what a function needs besides gets a value that is not used.

    One at a time, as the environment belongs to the whole process.
    """
    from shared.core.config import settings

    with _lock:
        given = {name: value for name, value in _UNUSED.items() if not os.environ.get(name)} | dict(values)
        before = {name: os.environ.get(name) for name in given}
        os.environ.update(given)
        settings.cache_clear()
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value
            settings.cache_clear()
