"""Tells Telegram where a bot is, what it wants to hear of, and what its menu shows.

All of it is derived: the address from PUBLIC_URL, the kinds of updates and the commands from the bot's
handlers, the words from shared/core/texts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from shared import bots
from shared.core import texts
from shared.core.config import settings
from shared.core.errors import ConfigError, TelegramError
from shared.telegram import menus
from tools.telegram import retrying

# How many updates Telegram delivers at once. Its most: an update waits for an AI inside its request, so a bot
# whose answers take 5 s does 20 a second with 100 and 8 with the default of 40. It is more than the 80 one
# instance takes, and that is meant: Cloud Run starts the next one. See docs/deployment.md.
MAX_CONNECTIONS = 100
_LONGEST_ABOUT = 120  # characters (Bot API: setMyShortDescription)


class Call(Protocol):
    """A way to the Bot API: over HTTP (`retrying.call`), or into the emulator's."""

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
    has_inline_mode: bool | None = None,
    hidden: Collection[str] = (),
    mini_app_url: str = "",
    call: Call = retrying.call,
) -> tuple[str, ...]:
    """Set webhook, command menus and short descriptions of bots; return the names of those bots.

    What is not given comes from the settings: every bot with a token, PUBLIC_URL, the first
    TELEGRAM_WEBHOOK_SECRET, DEFAULT_LANGUAGE, ADMIN_TELEGRAM_IDS, INLINE_MODE. Without a database
    the menus hold only what works there; `hidden` names the commands of what is not configured. Setting the
    same again does no harm, and no update is dropped. With `mini_app_url`, the console's address, the menu
    button opens the pages; without, it stays as it is, because it may be the owner's.

    Raises:
        ConfigError: PUBLIC_URL is missing, or a text does not fit.
        TelegramError: Telegram refused or could not be reached.
    """
    names = tuple(names if names is not None else with_token())
    languages = _languages(default_language or settings().default_language)
    admins = tuple(admins if admins is not None else settings().admin_telegram_ids)
    for name in names:
        wanted = webhook(
            name,
            public_url or _public_url(),
            secret or settings().telegram_webhook_secrets[0],
            has_inline_mode=settings().has_inline_mode if has_inline_mode is None else has_inline_mode,
        )
        call(name, "setWebhook", wanted)
        bot = bots.load(name)
        _set_menus(name, menus.menus(bot, languages, has_database=has_database, hidden=hidden), call)
        _set_descriptions(name, languages, call)
        if mini_app_url:
            _set_menu_button(name, f"{mini_app_url}/app/{name}", languages[0], call)
        if has_database and bot.admin_commands():
            for admin in admins:
                _set_admin_menus(name, menus.menus(bot, languages, hidden=hidden, admin=admin), call)
    return names


def mini_app_url() -> str:
    """Return the address of the console where MINI_APP is on, otherwise an empty text.

    Raises:
        ConfigError: MINI_APP is on without CONSOLE_URL.
    """
    if settings().mini_app and not settings().console_url:
        raise ConfigError("MINI_APP needs CONSOLE_URL, the address of the pages")
    return settings().console_url if settings().mini_app else ""


def _set_menu_button(name: str, address: str, language: str, call: Call) -> None:
    """Let the menu button open the Mini App."""
    text = texts.text(language, "mini_app_button")
    button = {"type": "web_app", "text": text, "web_app": {"url": address}}
    if call(name, "getChatMenuButton", {}) != button:
        call(name, "setChatMenuButton", {"menu_button": button})


def delete_webhook(name: str, call: Call = retrying.call) -> None:
    """Make Telegram keep a bot's updates (24 hours at most) until they are requested again."""
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


def webhook(name: str, public_url: str, secret: str, *, has_inline_mode: bool = False) -> dict[str, Any]:
    """Return the parameters of a bot's setWebhook."""
    return {
        "url": address(name, public_url),
        "secret_token": secret,
        "allowed_updates": list(bots.load(name).handled_kinds(has_inline_mode=has_inline_mode)),
        "max_connections": MAX_CONNECTIONS,
        "drop_pending_updates": False,
    }


def _set_menus(name: str, wanted: Iterable[dict[str, Any]], call: Call) -> None:
    """Set menus, but only those that differ: changes are rationed."""
    for parameters in wanted:
        where = {key: value for key, value in parameters.items() if key != "commands"}
        if call(name, "getMyCommands", where) != parameters["commands"]:
            call(name, "setMyCommands", parameters)


def _set_admin_menus(name: str, wanted: Iterable[dict[str, Any]], call: Call) -> None:
    """Show an admin their commands in their own chat with the bot, which no one else sees."""
    try:
        _set_menus(name, wanted, call)
    except TelegramError as error:
        if "chat not found" not in error.description:  # an admin who never wrote to this bot
            raise


def _set_descriptions(name: str, languages: Sequence[str], call: Call) -> None:
    """Set the bot's short description in each language, where it differs; the default one for all others."""
    for code, language in (("", languages[0]), *((one, one) for one in languages)):
        where = {"language_code": code} if code else {}
        own = f"bot_about_{name}"
        key = (
            own if texts.has(language, own) else "bot_about"
        )  # a bot without a text of its own is an assistant
        about = menus.description(language, key, _LONGEST_ABOUT)
        if call(name, "getMyShortDescription", where).get("short_description", "") != about:
            call(name, "setMyShortDescription", {"short_description": about, **where})


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
