"""The settings of a process, read once from the environment. No other module reads the environment.

A setting is one field of `Settings`: its variable, the function that parses it, and its default. A field
without a default is required. `.env.example` lists them all, and a test compares the two.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from functools import lru_cache
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import urlsplit

from shared.core import setting_values as values
from shared.core.errors import ConfigError

_Value = TypeVar("_Value")
_REQUIRED = object()
SHORT_BOT_TOKEN = "BOT_TOKEN"  # noqa: S105  a variable: short for BOT_TOKENS with the assistant alone
_SECRET_NAME = re.compile(r"(KEY|KEYS|SECRET|TOKEN|TOKENS|PASSWORD|DATABASE_URL)$")


def _setting(variable: str, parse: Callable[[str], Any] = values.text, default: object = _REQUIRED) -> Any:
    return field(metadata={"variable": variable, "parse": parse, "default": default})


@dataclass(frozen=True)
class Settings:
    """The values of the environment. Get them from `settings()`."""

    database_url: str = _setting("DATABASE_URL", values.database_url)  # not needed without a database
    database_enabled: bool = _setting("DB_ENABLED", values.switch, True)
    database_pool_size: int = _setting("DATABASE_POOL_SIZE", values.positive, 10)
    bot_tokens: Mapping[str, str] = _setting("BOT_TOKENS", values.bot_tokens)
    telegram_webhook_secrets: tuple[str, ...] = _setting("TELEGRAM_WEBHOOK_SECRET", values.webhook_secrets)
    user_hash_key: str = _setting("USER_HASH_KEY", values.hash_key)
    telegram_api_url: str = _setting("TELEGRAM_API_URL", values.url, "https://api.telegram.org")
    chat_provider: str = _setting("CHAT_PROVIDER", default="openai")
    chat_model: str = _setting("CHAT_MODEL", default="")
    chat_reasoning_effort: str = _setting("CHAT_REASONING_EFFORT", values.reasoning_effort, "")
    transcription_provider: str = _setting("TRANSCRIPTION_PROVIDER", default="")
    transcription_model: str = _setting("TRANSCRIPTION_MODEL", default="")
    speech_provider: str = _setting("SPEECH_PROVIDER", default="")
    speech_model: str = _setting("SPEECH_MODEL", default="")
    speech_voice: str = _setting("SPEECH_VOICE", default="")
    user_api_key_models: Mapping[str, str] = _setting(
        "USER_API_KEY_MODELS", values.model_names, MappingProxyType({})
    )
    token_encryption_keys: Mapping[str, bytes] = _setting(
        "TOKEN_ENCRYPTION_KEYS", values.encryption_keys, MappingProxyType({})
    )
    chat_max_tokens: int = _setting("CHAT_MAX_TOKENS", values.positive, 8_000)
    answer_drafts: bool = _setting("ANSWER_DRAFTS", values.switch, True)
    inline_mode: bool = _setting("INLINE_MODE", values.switch, False)
    messenger_bots: tuple[str, ...] = _setting("MESSENGER_BOTS", values.words, ())
    kie_ai_poll_interval: int = _setting("KIE_AI_POLL_INTERVAL", values.poll_seconds, 10)
    kie_ai_max_wait_time: int = _setting("KIE_AI_MAX_WAIT_TIME", values.positive, 1_200)
    max_history_length: int = _setting("MAX_HISTORY_LENGTH", values.positive, 50)
    max_history_characters: int = _setting("MAX_HISTORY_CHARACTERS", values.positive, 40_000)
    response_timeout: float = _setting("RESPONSE_TIMEOUT", values.response_seconds, 30.0)
    default_language: str = _setting("DEFAULT_LANGUAGE", values.language, "ru")
    public_url: str = _setting("PUBLIC_URL", values.url, "")
    console_url: str = _setting("CONSOLE_URL", values.url, "")
    telegram_link_url: str = _setting("TELEGRAM_LINK_URL", values.url, "https://t.me")
    telegram_login_url: str = _setting("TELEGRAM_LOGIN_URL", values.url, "https://oauth.telegram.org")
    telegram_login_secret: str = _setting("TELEGRAM_LOGIN_SECRET", default="")
    mini_app: bool = _setting("MINI_APP", values.switch, False)
    login_bot: str = _setting("LOGIN_BOT", default="")
    privacy_url: str = _setting("PRIVACY_URL", values.https_url, "")
    environment: str = _setting("ENVIRONMENT", values.environment_name, "production")
    scheduler_secrets: tuple[str, ...] = _setting("SCHEDULER_SECRET", values.secrets, ())
    scheduler_service_account: str = _setting("SCHEDULER_SERVICE_ACCOUNT", default="")
    generations_queue: str = _setting("GENERATIONS_QUEUE", default="")
    cloud_tasks_url: str = _setting("CLOUD_TASKS_URL", values.url, "https://cloudtasks.googleapis.com")
    scheduled_url: str = _setting("SCHEDULED_URL", values.url, "")
    metadata_host: str = _setting("GCE_METADATA_HOST", default="metadata.google.internal")
    admin_telegram_ids: tuple[int, ...] = _setting("ADMIN_TELEGRAM_IDS", values.numbers, ())
    fallback_messages_per_minute: int = _setting("FALLBACK_MESSAGES_PER_MINUTE", values.positive, 30)
    fallback_ai_requests_per_minute: int = _setting("FALLBACK_AI_REQUESTS_PER_MINUTE", values.positive, 10)
    trusted_proxy_hops: int = _setting("TRUSTED_PROXY_HOPS", values.not_negative, 1)
    support_contact: str = _setting("SUPPORT_CONTACT", default="")
    training_channel: str = _setting("TRAINING_CHANNEL", values.chat, "")
    terms_url: str = _setting("TERMS_URL", values.url, "")
    receipt_tax_system: str = _setting("RECEIPT_TAX_SYSTEM", values.short_code, "")
    phone_region: str = _setting("PHONE_REGION", values.region, "RU")
    receipt_vat_code: str = _setting("RECEIPT_VAT_CODE", values.short_code, "1")
    supabase_url: str = _setting("SUPABASE_URL", values.url, "")
    supabase_secret_key: str = _setting("SUPABASE_SECRET_KEY", default="")
    google_cloud_project: str = _setting("GOOGLE_CLOUD_PROJECT", default="")
    log_level: str = _setting("LOG_LEVEL", default="INFO")

    def bot_token(self, bot: str) -> str:
        """Return the token of a bot.

        Raises:
            ConfigError: BOT_TOKENS has no token for it.
        """
        try:
            return self.bot_tokens[bot]
        except KeyError:
            raise ConfigError(f"BOT_TOKENS has no token for the bot {bot!r}") from None

    @property
    def has_inline_mode(self) -> bool:
        """Whether questions in inline mode are answered: they are counted, so only with a database."""
        return self.inline_mode and self.database_enabled

    @property
    def may_sell(self) -> bool:
        """Whether products may be sold: Telegram requires that buyers can reach the seller."""
        return bool(self.support_contact) or self.environment != "production"

    def api_key(self, provider: str) -> str:
        """Return the key of an AI provider, `<PROVIDER>_API_KEY`.

        Raises:
            ConfigError: the variable is missing or empty.
        """
        variable = f"{provider.upper()}_API_KEY"
        key = os.environ.get(variable, "").strip()
        if not key:
            raise ConfigError(f"{variable} is missing: {provider} cannot be called without it")
        return key

    def base_url(self, provider: str, default: str) -> str:
        """Return the base URL of an AI provider: `<PROVIDER>_BASE_URL`, or `default`."""
        variable = f"{provider.upper()}_BASE_URL"
        return _parse(variable, values.url, os.environ.get(variable, "").strip() or default)

    def webhook_secrets(self, provider: str) -> tuple[str, ...]:
        """Return the secrets with which a media provider signs callbacks, `<PROVIDER>_WEBHOOK_SECRET`.

        Several, separated by commas, while they are rotated; none when the variable is missing.
        """
        return values.words(os.environ.get(f"{provider.upper()}_WEBHOOK_SECRET", ""))

    def variable(self, name: str) -> str:
        """Return a variable of a payment provider, an empty text when it is missing."""
        return os.environ.get(name, "").strip()

    def url(self, name: str) -> str:
        """Return the address in a variable of a payment provider, without a slash at the end.

        Raises:
            ConfigError: it is missing or malformed.
        """
        return _parse(name, values.url, self.variable(name))

    def payment_url(self, provider: str, default: str) -> str:
        """Return the base URL of a payment provider: `<PROVIDER>_API_URL`, or `default`.

        Raises:
            ConfigError: the variable is malformed.
        """
        variable = f"{provider.upper()}_API_URL"
        return _parse(variable, values.url, self.variable(variable) or default)


def _parse(variable: str, parse: Callable[[str], _Value], value: str) -> _Value:
    try:
        return parse(value)
    except ValueError as error:
        # The value may be a secret: the message describes the error without it.
        reason = "is not valid JSON" if isinstance(error, json.JSONDecodeError) else str(error)
        if _SECRET_NAME.search(variable) is None and "invalid literal" in reason:
            reason = f"{value!r} is not a number"
        raise ConfigError(f"{variable} is malformed: {reason}") from None


def _environment() -> dict[str, str]:
    environment = {name: value.strip() for name, value in os.environ.items()}
    if not environment.get("BOT_TOKENS") and environment.get(SHORT_BOT_TOKEN):
        environment["BOT_TOKENS"] = json.dumps({"assistant": environment[SHORT_BOT_TOKEN]})
    return environment


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Read the environment, once per process.

    Raises:
        ConfigError: a value is missing or malformed; one line that names the variable.
    """
    environment = _environment()
    found: dict[str, Any] = {}
    for setting in fields(Settings):
        variable, default = setting.metadata["variable"], setting.metadata["default"]
        if text := environment.get(variable):
            found[setting.name] = _parse(variable, setting.metadata["parse"], text)
        elif variable == "DATABASE_URL" and environment.get("DB_ENABLED") == "false":
            found[setting.name] = ""
        elif default is not _REQUIRED:
            found[setting.name] = default
        else:
            raise ConfigError(f"{variable} is missing: set it as .env.example shows")
    return _checked(Settings(**found))


def _checked(found: Settings) -> Settings:
    """Return the settings if they fit together."""
    if found.kie_ai_poll_interval < values.SHORTEST_PAUSE and not found.generations_queue:
        raise ConfigError(
            f"KIE_AI_POLL_INTERVAL below {values.SHORTEST_PAUSE} needs GENERATIONS_QUEUE: without a "
            "queue, the states of jobs are read once a minute"
        )
    return found


def required_variables() -> frozenset[str]:
    """Return the variables that have no default."""
    return frozenset(f.metadata["variable"] for f in fields(Settings) if f.metadata["default"] is _REQUIRED)


def variables() -> frozenset[str]:
    """Return every variable `Settings` knows."""
    return frozenset(f.metadata["variable"] for f in fields(Settings))


def secret_values() -> frozenset[str]:
    """Return the secret values of this environment, which the log redacts."""
    found: set[str] = set()
    for name, value in os.environ.items():
        if _SECRET_NAME.search(name) and value.strip():
            found.update(_secret_parts(value.strip()))
    return frozenset(value for value in found if len(value) >= 6)


def _secret_parts(value: str) -> set[str]:
    """Split a secret variable into the strings to redact: list items, tokens, the password of a DSN."""
    parts = {value}
    if value.startswith("{"):
        with suppress(ValueError, AttributeError):
            parts.update(str(token) for token in json.loads(value).values())
    elif "://" in value:
        parts = {urlsplit(value).password or ""}
    else:
        words = values.words(value)
        parts.update(words, (word.partition(":")[2] for word in words))  # id:key
    return parts
