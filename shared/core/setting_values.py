"""Parse and check the values of settings: each function takes the text of a variable and returns its value.

All raise ValueError with a message that names the expected format and contains nothing of the value.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

_BOT_TOKEN = re.compile(r"\d{1,20}:[A-Za-z0-9_-]{20,}")
ENVIRONMENTS = ("production", "staging", "development", "test")
SHORTEST_SECRET = 16  # characters of a secret that callers of ours present
SHORTEST_PAUSE = 10  # seconds between two reads of a job's state, without a queue of Cloud Tasks
_SHORTEST_QUEUED_PAUSE = 2
_SECRET_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,256}")  # of what Telegram accepts as secret_token
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")


def text(value: str) -> str:
    """Return the text unchanged."""
    return value


def words(value: str) -> tuple[str, ...]:
    """Return the words of a list separated by commas."""
    return tuple(word.strip() for word in value.split(",") if word.strip())


def numbers(value: str) -> tuple[int, ...]:
    """Return the integers of a list separated by commas."""
    return tuple(int(word) for word in words(value))


def positive(value: str) -> int:
    """Return an integer of at least 1."""
    number = int(value)
    if number < 1:
        raise ValueError("must be 1 or more")
    return number


def poll_seconds(value: str) -> int:
    """Return the seconds between two reads of a job's state."""
    number = int(value)
    if number < _SHORTEST_QUEUED_PAUSE:
        raise ValueError(f"must be {_SHORTEST_QUEUED_PAUSE} or more")
    return number


def not_negative(value: str) -> int:
    """Return an integer of at least 0."""
    number = int(value)
    if number < 0:
        raise ValueError("must be 0 or more")
    return number


def switch(value: str) -> bool:
    """Return the boolean of `true` or `false`."""
    if value not in ("true", "false"):
        raise ValueError("must be true or false")
    return value == "true"


def short_code(value: str) -> str:
    """Return a code of one or two digits."""
    if not (value.isascii() and value.isdecimal() and len(value) <= 2):
        raise ValueError("must be a code of one or two digits")
    return value


def region(value: str) -> str:
    """Return a country code (ISO 3166)."""
    if len(value) != 2 or not value.isascii() or not value.isalpha() or not value.isupper():
        raise ValueError("must be two capital letters such as RU (ISO 3166)")
    return value


def response_seconds(value: str) -> float:
    """Return the seconds of RESPONSE_TIMEOUT."""
    seconds = float(value)
    # Telegram drops the connection after 60 s and sends again: storing and sending must fit in too.
    if not 1 <= seconds <= 40:
        raise ValueError("must be between 1 and 40 seconds")
    return seconds


def language(value: str) -> str:
    """Return the code of a language that has texts."""
    if not (Path(__file__).parent / "texts" / f"{value}.py").is_file():
        raise ValueError("there is no such language in shared/core/texts")
    return value


def reasoning_effort(value: str) -> str:
    """Return a reasoning effort, one lower-case word."""
    if re.fullmatch(r"[a-z]{1,20}", value) is None:
        raise ValueError("must be one word such as low, medium or high")
    return value


def url(value: str) -> str:
    """Return an http(s) URL without a slash at the end."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an http(s) address")
    return value.rstrip("/")


def database_url(value: str) -> str:
    """Return a connection string of Postgres."""
    parts = urlsplit(value)
    if parts.scheme not in ("postgres", "postgresql") or not parts.hostname:
        raise ValueError("must look like postgresql://user:password@host:port/database")
    return value


def environment_name(value: str) -> str:
    """Return one of ENVIRONMENTS."""
    # A misspelt "production" must not accept test payments.
    if value not in ENVIRONMENTS:
        raise ValueError(f"must be one of {', '.join(ENVIRONMENTS)}")
    return value


def secrets(value: str) -> tuple[str, ...]:
    """Return secrets separated by commas, each of at least SHORTEST_SECRET characters."""
    found = words(value)
    if any(len(secret) < SHORTEST_SECRET for secret in found):
        raise ValueError(f"must be {SHORTEST_SECRET} characters or more (several separated by commas)")
    return found


def webhook_secrets(value: str) -> tuple[str, ...]:
    """Return secrets that Telegram accepts as secret_token, separated by commas."""
    found = words(value)
    if not found or not all(_SECRET_TOKEN.fullmatch(secret) for secret in found):
        raise ValueError(
            f"must be {SHORTEST_SECRET} to 256 characters of A-Z a-z 0-9 _ - (several separated by commas)"
        )
    return found


def hash_key(value: str) -> str:
    """Return a key of at least 32 characters."""
    if len(value) < 32:
        raise ValueError("must be 32 characters or more")
    return value


def chat(value: str) -> str:
    """Return the @name or id of a channel."""
    if re.fullmatch(r"@[A-Za-z][A-Za-z0-9_]{3,31}|-[0-9]{6,16}", value) is None:
        raise ValueError("must be the @name of a channel, or its id, a number below zero")
    return value


def https_url(value: str) -> str:
    """Return an https URL."""
    if not url(value).startswith("https://"):
        raise ValueError("must be an https address")
    return value


def bot_tokens(value: str) -> Mapping[str, str]:
    """Return the tokens of bots by name, from a JSON object."""
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
    for entry in words(value):
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


def model_names(value: str) -> Mapping[str, str]:
    """Return models by provider, from a JSON object."""
    found = json.loads(value)
    if not isinstance(found, dict) or not all(isinstance(model, str) and model for model in found.values()):
        raise ValueError('must be a JSON object such as {"anthropic": "claude-haiku-5-5"}')
    return MappingProxyType(found)
