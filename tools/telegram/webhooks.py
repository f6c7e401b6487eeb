"""Tells Telegram where a bot is, what it wants to hear of, and what its menu shows.

All of it is derived: the address from PUBLIC_URL, the kinds of updates and the commands from the bot's
handlers, the words from shared/texts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from shared import bots, texts
from shared.config import settings
from shared.errors import ConfigError, TelegramError
from tools.telegram import patience

# How many updates Telegram delivers at once. Its most: an update waits for an AI inside its request, so a bot
# whose answers take 5 s does 20 a second with 100 and 8 with the default of 40. It is more than the 80 one
# instance takes, and that is meant: Cloud Run starts the next one. See docs/deployment.md.
MAX_CONNECTIONS = 100
LIMITS = {
    "description": 256,
    "short_description": 120,
}  # characters (Bot API: BotCommand, setMyShortDescription)


class Call(Protocol):
    """A way to the Bot API: over HTTP (`patience.call`), or into the emulator's."""

    def __call__(self, bot: str, method: str, parameters: dict[str, Any]) -> Any:
        """Call a method and return its result."""


def set_webhooks(
    names: Iterable[str] | None = None,
    *,
    public_url: str | None = None,
    secret: str | None = None,
    default_language: str | None = None,
    admins: Iterable[int] | None = None,
    has_database: bool = True,
    hidden: Collection[str] = (),
    call: Call = patience.call,
) -> tuple[str, ...]:
    """Set webhook, command menus and short descriptions of bots; return the names of those bots.

    What is not given comes from the settings: every bot with a token, PUBLIC_URL, the first
    TELEGRAM_WEBHOOK_SECRET, DEFAULT_LANGUAGE, ADMIN_TELEGRAM_IDS. Without a database the menus hold only what
    works there; `hidden` names the commands of what is not configured. Setting the same again does no harm,
    and no update is dropped.

    Raises:
        ConfigError: PUBLIC_URL is missing, or a text does not fit.
        TelegramError: Telegram refused or could not be reached.
    """
    names = tuple(names if names is not None else with_token())
    languages = _languages(default_language or settings().default_language)
    admins = tuple(admins if admins is not None else settings().admin_telegram_ids)
    for name in names:
        wanted = webhook(name, public_url or _public_url(), secret or settings().telegram_webhook_secrets[0])
        call(name, "setWebhook", wanted)
        # Without a language code first: what people of all other languages see.
        for code, language in (("", languages[0]), *((language, language) for language in languages)):
            _set_menu(name, code, language, commands(name, language, has_database, hidden), call)
            if has_database and bots.load(name).admin_commands():
                for admin in admins:
                    _set_admin_menu(name, admin, code, admin_commands(name, language, hidden), call)
    return names


def delete_webhook(name: str, call: Call = patience.call) -> None:
    """Make Telegram keep a bot's updates (24 hours at most) until somebody asks for them again."""
    call(name, "deleteWebhook", {"drop_pending_updates": False})


def with_token() -> tuple[str, ...]:
    """Return the names of the bots that have a token in the settings."""
    return tuple(name for name in bots.names() if name in settings().bot_tokens)


def address(name: str, public_url: str | None = None) -> str:
    """Return where Telegram delivers a bot's updates.

    Raises:
        ConfigError: PUBLIC_URL is missing.
    """
    return f"{public_url or _public_url()}/telegram/{name}"


def webhook(name: str, public_url: str, secret: str) -> dict[str, Any]:
    """Return the parameters of a bot's setWebhook."""
    return {
        "url": address(name, public_url),
        "secret_token": secret,
        "allowed_updates": list(bots.load(name).handled_kinds()),
        "max_connections": MAX_CONNECTIONS,
        "drop_pending_updates": False,
    }


def commands(
    name: str, language: str, has_database: bool = True, hidden: Collection[str] = ()
) -> list[dict[str, str]]:
    """Return a bot's command menu in a language, as setMyCommands takes it.

    Raises:
        ConfigError: a text `command_<name>` is missing, empty or too long.
    """
    return _menu(bots.load(name).menu_commands(has_database, hidden=hidden), language)


def admin_commands(name: str, language: str, hidden: Collection[str] = ()) -> list[dict[str, str]]:
    """Return the command menu of a bot's admins, with the commands that only they have.

    Raises:
        ConfigError: a text `command_<name>` is missing, empty or too long.
    """
    return _menu(bots.load(name).menu_commands(for_admin=True, hidden=hidden), language)


def _menu(names: Iterable[str], language: str) -> list[dict[str, str]]:
    return [
        {"command": name, "description": _text(language, f"command_{name}", "description")} for name in names
    ]


def _set_menu(name: str, code: str, language: str, menu: list[dict[str, str]], call: Call) -> None:
    """Set one language's menu and description, but only what is not so already: changes are rationed."""
    where = {"language_code": code} if code else {}
    if call(name, "getMyCommands", where) != menu:
        call(name, "setMyCommands", {"commands": menu, **where})
    about = _text(language, "bot_about", "short_description")
    if call(name, "getMyShortDescription", where).get("short_description", "") != about:
        call(name, "setMyShortDescription", {"short_description": about, **where})


def _set_admin_menu(name: str, admin: int, code: str, menu: list[dict[str, str]], call: Call) -> None:
    """Show an admin their commands in their own chat with the bot, which nobody else sees."""
    where: dict[str, Any] = {"scope": {"type": "chat", "chat_id": admin}}
    if code:
        where["language_code"] = code
    try:
        if call(name, "getMyCommands", where) != menu:
            call(name, "setMyCommands", {"commands": menu, **where})
    except TelegramError as error:
        if "chat not found" not in error.description:  # an admin who never wrote to this bot
            raise


def _text(language: str, key: str, kind: str) -> str:
    try:
        value = texts.text(language, key)
    except KeyError:
        raise ConfigError(f"shared/texts/{language}.py has no {key}") from None
    if not 1 <= len(value) <= LIMITS[kind]:
        raise ConfigError(f"shared/texts/{language}.py: {key} must have 1 to {LIMITS[kind]} characters")
    return value


def _languages(default: str) -> Sequence[str]:
    """Return the languages there are, the default first.

    `texts.languages()` would ask the settings, which the emulator's own process has none of.
    """
    codes = {path.stem for path in Path(texts.__file__).parent.glob("??.py")}
    return (default, *sorted(codes - {default}))


def _public_url() -> str:
    if not settings().public_url:
        raise ConfigError("PUBLIC_URL is missing: the address of the functions, https://…")
    return settings().public_url
