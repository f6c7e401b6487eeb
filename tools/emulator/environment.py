"""The settings of the functions: everything points at this machine, except providers named by --real."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path

from shared.ai import providers
from shared.ai.media import providers as media
from tools.emulator import chat_links
from tools.emulator.ai.dialects import DIALECTS
from tools.emulator.telegram import Telegram
from tools.keys.new import new_key

PROVIDERS = tuple(dialect.name for dialect in DIALECTS)
SUPPORT_CONTACT = "@switchboard_help"
CHANNEL = "switchboard_news"  # the @username of the channel whose subscribers are given trainings


class SettingMissing(Exception):
    """.env lacks a setting that --real needs; the message names it."""


def settings(
    base: str, database_url: str, telegram: Telegram, webhook_secret: str, scheduler_secret: str
) -> dict[str, str]:
    """Return a function's settings besides those of the fake servers; `base` is the emulator's address."""
    return {
        "DATABASE_URL": database_url,
        "BOT_TOKENS": bot_tokens(telegram),
        "TELEGRAM_WEBHOOK_SECRET": webhook_secret,
        "USER_HASH_KEY": secrets.token_urlsafe(32),
        "TELEGRAM_API_URL": base,
        "TOKEN_ENCRYPTION_KEYS": new_key(),
        "SCHEDULER_SECRET": scheduler_secret,
        "PUBLIC_URL": base,
        "CONSOLE_URL": f"{base}/console",
        "TELEGRAM_LINK_URL": f"{base}{chat_links.BASE}",
        "SUPPORT_CONTACT": SUPPORT_CONTACT,
        "TRAINING_CHANNEL": f"@{CHANNEL}",
        "ENVIRONMENT": "development",
        "LOG_LEVEL": "DEBUG",
        "RESPONSE_TIMEOUT": "30",
        "INLINE_MODE": "true",
        "MESSENGER_BOTS": "assistant",
        "MINI_APP": "true",
    }


def bot_tokens(telegram: Telegram) -> str:
    """Return BOT_TOKENS for the project's bots in the fake server."""
    bots = telegram.state.bots.items()
    return json.dumps({name: bot.token for name, bot in bots if not bot.is_guest})


def real_ones(wanted: Iterable[str], dotenv: Mapping[str, str]) -> dict[str, str]:
    """Return the settings in .env of the AI providers used for real; raises SettingMissing."""
    environment: dict[str, str] = {}
    for name in wanted:
        if name not in PROVIDERS:
            continue
        key, address = f"{name.upper()}_API_KEY", f"{name.upper()}_BASE_URL"
        if not dotenv.get(key):
            raise SettingMissing(f"--real {name} needs {key} in .env.")
        service = providers.load(name)
        if name in media.names():  # no callbacks: a provider cannot reach this machine
            environment[f"{name.upper()}_WEBHOOK_SECRET"] = ""
        environment |= {
            key: dotenv[key],
            address: dotenv.get(address) or service.BASE_URL,
            "CHAT_PROVIDER": name,
            "CHAT_MODEL": dotenv.get("CHAT_MODEL") or "",
        }
    return environment


def bot_token(dotenv: Mapping[str, str]) -> str:
    """Return the assistant's token from BOT_TOKEN or BOT_TOKENS; raises SettingMissing."""
    from tools import validation

    try:
        tokens = validation.parse_json(dict[str, str], dotenv.get("BOT_TOKENS") or "{}")
    except validation.InvalidData:
        raise SettingMissing("BOT_TOKENS in .env is no JSON object of bots and tokens.") from None
    token = dotenv.get("BOT_TOKEN") or tokens.get("assistant")
    if not token:
        raise SettingMissing("--real telegram needs BOT_TOKEN in .env, or the assistant in BOT_TOKENS.")
    return token


def read_dotenv(path: Path) -> dict[str, str]:
    """Return the NAME=value lines of a .env file; quotes around a value are removed. No file, no lines.

    Windows editors put a mark before the first name, which is not part of it.

    Raises SettingMissing when it is no text.
    """
    values: dict[str, str] = {}
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines() if path.exists() else []
    except UnicodeDecodeError:
        raise SettingMissing(f"{path} is no text in UTF-8.") from None
    for line in lines:
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and not name.startswith("#"):
            value = value.strip()
            quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "'\""
            values[name.strip()] = value[1:-1] if quoted else value.split(" #")[0].strip()
    return values
