"""The command menus that Telegram shows beside the input field, as setMyCommands takes them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from shared.core import texts
from shared.core.errors import ConfigError
from shared.core.json_types import JsonObject
from shared.telegram.context import BotInterface

_LONGEST = 256  # characters of a description (Bot API: BotCommand)


def menus(
    bot: BotInterface,
    languages: Sequence[str],
    *,
    has_database: bool = True,
    hidden: Collection[str] = (),
    admin: int | None = None,
) -> Iterator[JsonObject]:
    """Yield the parameters of setMyCommands for each language: everyone's menu, or that of an admin's chat.

    Args:
        languages: codes, the default first: its menu is also that of all other languages.
        hidden: commands of what is not configured here.
        admin: the Telegram id of an admin, whose own chat gets the admins' menu.

    Raises:
        ConfigError: a text `command_<name>` is missing, empty or too long.
    """
    where = {} if admin is None else {"scope": {"type": "chat", "chat_id": admin}}
    names = bot.menu_commands(has_database, for_admin=admin is not None, hidden=hidden)
    for code, language in (("", languages[0]), *((one, one) for one in languages)):
        commands = [
            {"command": name, "description": description(language, wording(bot, language, f"command_{name}"))}
            for name in names
        ]
        yield {"commands": commands, **where, **({"language_code": code} if code else {})}


def wording(bot: BotInterface, language: str, key: str) -> str:
    """Return the key of a bot’s wording, if there is one.

    It is `<key>_free` where plans are of no use, `<key>_no_chat` where no text goes to an AI.
    """
    endings = () if bot.answers_text_with_ai else ("_no_chat",) if bot.is_metered else ("_free", "_no_chat")
    return next((f"{key}{one}" for one in endings if texts.has(language, f"{key}{one}")), key)


def description(language: str, key: str, longest: int = _LONGEST) -> str:
    """Return a text that Telegram shows beside a command or of a bot.

    Raises:
        ConfigError: it is missing, empty or too long.
    """
    try:
        value = texts.text(language, key)
    except KeyError:
        raise ConfigError(f"no folder `texts` of shared has {key} in {language}.py") from None
    if not 1 <= len(value) <= longest:
        raise ConfigError(f"{language}: {key} must have 1 to {longest} characters")
    return value
