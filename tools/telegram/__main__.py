"""Commands for the bots' webhooks.

    ./switchboard telegram set-webhooks   address, secret, kinds of updates, command menus, description
    ./switchboard telegram info           what Telegram says of them; exit status 1 when something is wrong
    ./switchboard telegram ids            ids of those who wrote to a bot that has no webhook yet, yours too
    ./switchboard telegram delete         remove them: Telegram keeps the updates of a day

All bots with a token, or one with --bot. Read from the environment, then from .env: BOT_TOKENS, for the first
two PUBLIC_URL, for the first TELEGRAM_WEBHOOK_SECRET (of several the first is set). No database is needed.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from shared import bots
from shared.core.config import settings
from shared.core.errors import ConfigError, DatabaseUnavailable, SwitchboardError
from shared.core.log import redact_secrets
from shared.features.common.offering import Offering, hidden_commands, read_offering
from tools.telegram import ids, info, retrying, webhooks

DOTENV = Path(__file__).parents[2] / ".env"
# `settings()` wants these of every function. Placeholders stand for those that a command here does not use.
UNUSED = {
    "DATABASE_URL": "postgresql://unused@localhost/unused",
    "TELEGRAM_WEBHOOK_SECRET": "not-used-by-this-tool",
    "USER_HASH_KEY": "not-used-by-any-command-of-this-tool",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit status is 0, or 1 with lines that say what is wrong."""
    parsed = _parser().parse_args(arguments)
    command: Callable[[str | None], int] = parsed.command
    _complete_environment(needs_secret=command is _set_webhooks)
    try:
        return command(parsed.bot)
    except SwitchboardError as error:
        _say(str(error), sys.stderr)
        return 1


def _set_webhooks(bot: str | None) -> int:
    """Set webhook, command menus and description."""
    names = tuple(_chosen(bot))
    url = settings().public_url
    if url and not url.startswith("https://"):
        _say(f"PUBLIC_URL {url} is not https: Telegram refuses it, only the emulator does not.", sys.stderr)
    has_database, offering = settings().database_enabled, _offering()
    for name in names:
        hidden = hidden_commands(bots.load(name), offering)
        webhooks.set_webhooks(
            [name], has_database=has_database, hidden=hidden, mini_app_url=webhooks.mini_app_url()
        )
        shown = bots.load(name).menu_commands(has_database, hidden=hidden)
        menu = ", ".join(f"/{command}" for command in shown)
        _say(f"{name}: updates go to {webhooks.address(name)}; menu {menu or 'empty'}")
    return 0


def _offering() -> Offering:
    """Return what is on offer, for the menus; everything where the database gives no answer."""
    if not settings().database_enabled or settings().database_url == UNUSED["DATABASE_URL"]:
        return Offering()
    try:
        return read_offering()
    except DatabaseUnavailable as error:
        _say(f"The database does not answer, so the menu has /buy: {error}", sys.stderr)
        return Offering()


def _info(bot: str | None) -> int:
    """Show what Telegram says of the webhooks, and what of it is wrong."""
    from tools.telegram.payloads import User, WebhookInfo

    wrong, has_inline_mode = 0, settings().has_inline_mode
    for name in _chosen(bot):
        answer = retrying.read(WebhookInfo, name, "getWebhookInfo", {})
        me = retrying.read(User, name, "getMe", {})
        kinds = bots.load(name).handled_kinds(has_inline_mode=has_inline_mode)
        found = (
            *info.problems(answer, webhooks.address(name), kinds, datetime.now(UTC)),
            *info.inline_problems(name, me.supports_inline_queries, has_inline_mode=has_inline_mode),
        )
        _say(name)
        for line in info.lines(answer):
            _say(f"  {line}")
        for problem in found:
            _say(f"  WRONG: {problem}")
        wrong += len(found)
    return 1 if wrong else 0


def _ids(bot: str | None) -> int:
    """Show the Telegram ids of those who wrote to a bot that has no webhook yet."""
    for name in _chosen(bot):
        found = ids.recent_users(name)
        for number, label in found.items():
            _say(f"{name}: {number}  {label}")
        if not found:
            _say(f"{name}: no one has written yet. Send your bot a message and run this again.")
    return 0


def _delete(bot: str | None) -> int:
    """Remove the webhooks."""
    for name in _chosen(bot):
        webhooks.delete_webhook(name)
        _say(f"{name}: no webhook any more; Telegram keeps its updates for 24 hours.")
    return 0


def _chosen(bot: str | None) -> Iterator[str]:
    """Yield the bots a command is about.

    Raises:
        ConfigError: there is no such bot, or none has a token.
    """
    if bot is not None:
        if bot not in bots.names():
            raise ConfigError(f"There is no bot {bot!r}; there are: {', '.join(bots.names())}")
        settings().bot_token(bot)
        yield bot
        return
    tokens = settings().bot_tokens
    for name in sorted(set(bots.names()) ^ set(tokens)):
        lack = "no package in shared/bots" if name in tokens else "no token in BOT_TOKENS"
        _say(f"{name}: left out, {lack}", sys.stderr)
    if not webhooks.with_token():
        raise ConfigError(f"BOT_TOKENS has none of the bots there are: {', '.join(bots.names())}")
    yield from webhooks.with_token()


def _complete_environment(*, needs_secret: bool) -> None:
    """Add what .env has and the environment has not, and a placeholder for what no command here reads."""
    from tools.emulator.environment import read_dotenv

    needed = {"TELEGRAM_WEBHOOK_SECRET"} if needs_secret else set()
    unused = {name: value for name, value in UNUSED.items() if name not in needed}
    for variable, value in (read_dotenv(DOTENV) | unused).items():
        if not os.environ.get(variable, "").strip():
            os.environ[variable] = value


def _say(text: str, file: TextIO | None = None) -> None:
    print(redact_secrets(text), file=file or sys.stdout)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./switchboard telegram",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True)
    for name, command in (
        ("set-webhooks", _set_webhooks),
        ("info", _info),
        ("ids", _ids),
        ("delete", _delete),
    ):
        added = commands.add_parser(name, description=command.__doc__, help=command.__doc__)
        added.add_argument("--bot", metavar="NAME", help="this bot only")
        added.set_defaults(command=command)
    return parser


if __name__ == "__main__":
    sys.exit(main())
