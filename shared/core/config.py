"""The settings of a process, read once from the environment. Nothing else reads it.

A setting is one field of `Settings`: its variable, how its text becomes a value, and its default. A field
without a default is required. `.env.example` lists them all, and a test compares the two.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from shared.core.errors import ConfigError

_REQUIRED = object()
SHORT_BOT_TOKEN = "BOT_TOKEN"  # noqa: S105  a variable: short for BOT_TOKENS with the assistant alone
_BOT_TOKEN = re.compile(r"\d{1,20}:[A-Za-z0-9_-]{20,}")
ENVIRONMENTS = ("production", "staging", "development", "test")
SHORTEST_SECRET = 16  # characters of a secret that callers of ours present
_SECRET_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,256}")  # of what Telegram accepts as secret_token
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
_SECRET_NAME = re.compile(r"(KEY|KEYS|SECRET|TOKEN|TOKENS|PASSWORD|DATABASE_URL)$")


def _text(value: str) -> str:
    return value


def _words(value: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in value.split(",") if word.strip())


def _numbers(value: str) -> tuple[int, ...]:
    return tuple(int(word) for word in _words(value))


def _positive(value: str) -> int:
    number = int(value)
    if number < 1:
        raise ValueError("must be 1 or more")
    return number


def _not_negative(value: str) -> int:
    number = int(value)
    if number < 0:
        raise ValueError("must be 0 or more")
    return number


def _switch(value: str) -> bool:
    if value not in ("true", "false"):
        raise ValueError("must be true or false")
    return value == "true"


def _one_digit(value: str) -> str:
    if not (value.isascii() and value.isdecimal() and len(value) <= 2):
        raise ValueError("must be a code of one or two digits")
    return value


def _region(value: str) -> str:
    if len(value) != 2 or not value.isascii() or not value.isalpha() or not value.isupper():
        raise ValueError("must be two capital letters such as RU (ISO 3166)")
    return value


def _seconds(value: str) -> float:
    seconds = float(value)
    # Telegram drops the connection after 60 s and sends again: storing and sending must fit in too.
    if not 1 <= seconds <= 40:
        raise ValueError("must be between 1 and 40 seconds")
    return seconds


def _language(value: str) -> str:
    if not (Path(__file__).parent / "texts" / f"{value}.py").is_file():
        raise ValueError("there is no such language in shared/core/texts")
    return value


def _effort(value: str) -> str:
    if re.fullmatch(r"[a-z]{1,20}", value) is None:
        raise ValueError("must be one word such as low, medium or high")
    return value


def _url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an http(s) address")
    return value.rstrip("/")


def _database_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("postgres", "postgresql") or not parts.hostname:
        raise ValueError("must look like postgresql://user:password@host:port/database")
    return value


def _environment_name(value: str) -> str:
    # A misspelt "production" must not accept test payments.
    if value not in ENVIRONMENTS:
        raise ValueError(f"must be one of {', '.join(ENVIRONMENTS)}")
    return value


def _long_words(value: str) -> tuple[str, ...]:
    secrets = _words(value)
    if any(len(secret) < SHORTEST_SECRET for secret in secrets):
        raise ValueError(f"must be {SHORTEST_SECRET} characters or more (several separated by commas)")
    return secrets


def _webhook_secrets(value: str) -> tuple[str, ...]:
    secrets = _words(value)
    if not secrets or not all(_SECRET_TOKEN.fullmatch(secret) for secret in secrets):
        raise ValueError(
            f"must be {SHORTEST_SECRET} to 256 characters of A-Z a-z 0-9 _ - (several separated by commas)"
        )
    return secrets


def _hash_key(value: str) -> str:
    if len(value) < 32:
        raise ValueError("must be 32 characters or more")
    return value


def _chat(value: str) -> str:
    if re.fullmatch(r"@[A-Za-z][A-Za-z0-9_]{3,31}|-[0-9]{6,16}", value) is None:
        raise ValueError("must be the @name of a channel, or its id, a number below zero")
    return value


def _https_url(value: str) -> str:
    if not _url(value).startswith("https://"):
        raise ValueError("must be an https address")
    return value


def _bot_tokens(value: str) -> Mapping[str, str]:
    tokens = json.loads(value)
    if not isinstance(tokens, dict) or not tokens:
        raise ValueError('must be a JSON object such as {"assistant": "123:abc"}')
    for name, token in tokens.items():
        if not isinstance(token, str) or not _BOT_TOKEN.fullmatch(token):
            raise ValueError(f"the token of {name} does not look like one of @BotFather's")
    return MappingProxyType(tokens)


def encryption_keys(value: str) -> Mapping[str, bytes]:
    """Read TOKEN_ENCRYPTION_KEYS: the keys by their ids, in the order given.

    Raises:
        ValueError: it is malformed; the message tells nothing of it.
    """
    keys: dict[str, bytes] = {}
    for entry in _words(value):
        key_id, _, text = entry.partition(":")
        try:
            key = base64.b64decode(text, validate=True)
        except ValueError:
            key = b""
        if not _KEY_ID.fullmatch(key_id) or len(key) != 32:
            raise ValueError("must be id:base64 of 32 bytes, several separated by commas, the newest first")
        if key_id in keys:
            raise ValueError(f"has two keys with the id {key_id}")
        keys[key_id] = key
    return MappingProxyType(keys)


def _models(value: str) -> Mapping[str, str]:
    models = json.loads(value)
    if not isinstance(models, dict) or not all(isinstance(model, str) and model for model in models.values()):
        raise ValueError('must be a JSON object such as {"anthropic": "claude-haiku-5-5"}')
    return MappingProxyType(models)


_CONTEXT = 128_000  # tokens, where MODELS does not say


@dataclass(frozen=True, slots=True)
class Model:
    """What an AI model costs, in US dollars for a million tokens, and how many tokens it reads."""

    price_in: Decimal
    price_out: Decimal
    context: int


def _model_list(value: str) -> Mapping[str, Model]:
    message = 'must be a JSON object such as {"my-model": {"in": 0.25, "out": 2, "context": 128000}}'
    models = json.loads(value)
    if not isinstance(models, dict):
        raise ValueError(message)
    try:
        return MappingProxyType({name: _model(fields) for name, fields in models.items()})
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        raise ValueError(message) from None


def _model(fields: Mapping[str, Any]) -> Model:
    prices = Decimal(str(fields["in"])), Decimal(str(fields["out"]))
    context = fields.get("context", _CONTEXT)
    is_priced = all(price.is_finite() and price >= 0 for price in prices)
    if not is_priced or type(context) is not int or context < 1_000:
        raise ValueError("out of range")
    return Model(*prices, context)


def _setting(variable: str, parse: Callable[[str], Any] = _text, default: Any = _REQUIRED) -> Any:
    return field(metadata={"variable": variable, "parse": parse, "default": default})


@dataclass(frozen=True)
class Settings:
    """What the environment says. Get it from `settings()`."""

    database_url: str = _setting("DATABASE_URL", _database_url)  # not needed without a database
    database_enabled: bool = _setting("DB_ENABLED", _switch, True)
    database_pool_size: int = _setting("DATABASE_POOL_SIZE", _positive, 10)
    bot_tokens: Mapping[str, str] = _setting("BOT_TOKENS", _bot_tokens)
    telegram_webhook_secrets: tuple[str, ...] = _setting("TELEGRAM_WEBHOOK_SECRET", _webhook_secrets)
    user_hash_key: str = _setting("USER_HASH_KEY", _hash_key)
    telegram_api_url: str = _setting("TELEGRAM_API_URL", _url, "https://api.telegram.org")
    chat_provider: str = _setting("CHAT_PROVIDER", default="openai")
    chat_model: str = _setting("CHAT_MODEL", default="gpt-5-mini")
    chat_reasoning_effort: str = _setting("CHAT_REASONING_EFFORT", _effort, "")
    user_api_key_models: Mapping[str, str] = _setting("USER_API_KEY_MODELS", _models, MappingProxyType({}))
    token_encryption_keys: Mapping[str, bytes] = _setting(
        "TOKEN_ENCRYPTION_KEYS", encryption_keys, MappingProxyType({})
    )
    chat_max_tokens: int = _setting("CHAT_MAX_TOKENS", _positive, 8_000)
    models: Mapping[str, Model] = _setting("MODELS", _model_list, MappingProxyType({}))
    max_history_length: int = _setting("MAX_HISTORY_LENGTH", _positive, 50)
    max_history_characters: int = _setting("MAX_HISTORY_CHARACTERS", _positive, 40_000)
    response_timeout: float = _setting("RESPONSE_TIMEOUT", _seconds, 30.0)
    default_language: str = _setting("DEFAULT_LANGUAGE", _language, "ru")
    public_url: str = _setting("PUBLIC_URL", _url, "")
    privacy_url: str = _setting("PRIVACY_URL", _https_url, "")
    environment: str = _setting("ENVIRONMENT", _environment_name, "production")
    scheduler_secrets: tuple[str, ...] = _setting("SCHEDULER_SECRET", _long_words, ())
    scheduler_service_account: str = _setting("SCHEDULER_SERVICE_ACCOUNT", default="")
    admin_telegram_ids: tuple[int, ...] = _setting("ADMIN_TELEGRAM_IDS", _numbers, ())
    fallback_messages_per_minute: int = _setting("FALLBACK_MESSAGES_PER_MINUTE", _positive, 30)
    fallback_ai_requests_per_minute: int = _setting("FALLBACK_AI_REQUESTS_PER_MINUTE", _positive, 10)
    trusted_proxy_hops: int = _setting("TRUSTED_PROXY_HOPS", _not_negative, 1)
    support_contact: str = _setting("SUPPORT_CONTACT", default="")
    training_channel: str = _setting("TRAINING_CHANNEL", _chat, "")
    terms_url: str = _setting("TERMS_URL", _url, "")
    receipt_tax_system: str = _setting("RECEIPT_TAX_SYSTEM", _one_digit, "")
    phone_region: str = _setting("PHONE_REGION", _region, "RU")
    receipt_vat_code: str = _setting("RECEIPT_VAT_CODE", _one_digit, "1")
    google_cloud_project: str = _setting("GOOGLE_CLOUD_PROJECT", default="")
    log_level: str = _setting("LOG_LEVEL", default="INFO")

    def bot_token(self, bot: str) -> str:
        """Return the token of a bot.

        Raises:
            ConfigError: this bot has no token here.
        """
        try:
            return self.bot_tokens[bot]
        except KeyError:
            raise ConfigError(f"BOT_TOKENS has no token for the bot {bot!r}") from None

    @property
    def may_sell(self) -> bool:
        """Whether products may be put on sale: Telegram demands that buyers can reach the seller."""
        return bool(self.support_contact) or self.environment != "production"

    def api_key(self, provider: str) -> str:
        """Return the key of an AI provider, `<PROVIDER>_API_KEY`.

        Raises:
            ConfigError: the variable is missing or empty.
        """
        variable = f"{provider.upper()}_API_KEY"
        key = os.environ.get(variable, "").strip()
        if not key:
            raise ConfigError(f"{variable} is missing: {provider} cannot be asked without it")
        return key

    def base_url(self, provider: str, default: str) -> str:
        """Return where an AI provider is reached: `<PROVIDER>_BASE_URL`, or its own address."""
        variable = f"{provider.upper()}_BASE_URL"
        return _parse(variable, _url, os.environ.get(variable, "").strip() or default)  # type: ignore[no-any-return]

    def variable(self, name: str) -> str:
        """Return a variable of a payment provider, an empty text when it is missing."""
        return os.environ.get(name, "").strip()

    def url(self, name: str) -> str:
        """Return the address in a variable of a payment provider, without a slash at the end.

        Raises:
            ConfigError: it is missing or malformed.
        """
        return _parse(name, _url, self.variable(name))  # type: ignore[no-any-return]

    def payment_url(self, provider: str, default: str) -> str:
        """Return where a payment provider's API is: `<PROVIDER>_API_URL`, or its own address.

        Raises:
            ConfigError: the variable is malformed.
        """
        variable = f"{provider.upper()}_API_URL"
        return _parse(variable, _url, self.variable(variable) or default)  # type: ignore[no-any-return]


def _parse(variable: str, parse: Callable[[str], Any], value: str) -> Any:
    try:
        return parse(value)
    except ValueError as error:
        # Some values are secrets: say what is wrong with them, never what they are.
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
    values: dict[str, Any] = {}
    for setting in fields(Settings):
        variable, default = setting.metadata["variable"], setting.metadata["default"]
        if text := environment.get(variable):
            values[setting.name] = _parse(variable, setting.metadata["parse"], text)
        elif variable == "DATABASE_URL" and environment.get("DB_ENABLED") == "false":
            values[setting.name] = ""
        elif default is not _REQUIRED:
            values[setting.name] = default
        else:
            raise ConfigError(f"{variable} is missing: set it as .env.example shows")
    return Settings(**values)


def required_variables() -> frozenset[str]:
    """Return the variables that have no default."""
    return frozenset(f.metadata["variable"] for f in fields(Settings) if f.metadata["default"] is _REQUIRED)


def variables() -> frozenset[str]:
    """Return every variable `Settings` knows."""
    return frozenset(f.metadata["variable"] for f in fields(Settings))


def secret_values() -> frozenset[str]:
    """Return the values of this environment that must never be printed, for the log to strike out."""
    values: set[str] = set()
    for name, value in os.environ.items():
        if _SECRET_NAME.search(name) and value.strip():
            values.update(_secret_parts(value.strip()))
    return frozenset(value for value in values if len(value) >= 6)


def _secret_parts(value: str) -> set[str]:
    """Split one secret variable into the strings worth hiding: list members, tokens, a DSN's password."""
    parts = {value}
    if value.startswith("{"):
        with suppress(ValueError, AttributeError):
            parts.update(str(token) for token in json.loads(value).values())
    elif "://" in value:
        parts = {urlsplit(value).password or ""}
    else:
        words = _words(value)
        parts.update(words, (word.partition(":")[2] for word in words))  # id:key
    return parts
