"""Settings are read once; an invalid one is named in one line without its value."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.core import config
from shared.core.config import settings
from shared.core.errors import ConfigError
from tools import variables

ROOT = Path(__file__).parents[2]
GOOD = {
    "DATABASE_URL": "postgresql://bot_backend:secret-password@db.example:6543/postgres",
    "BOT_TOKENS": '{"assistant": "123456:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}',
    "TELEGRAM_WEBHOOK_SECRET": "the-first-secret,the-second-secret",
    "USER_HASH_KEY": "a-key-of-at-least-32-characters-for-tests",
}
KEY = "aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMmh1bnQ="  # hunter2hunter2… in base64, 32 bytes


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for variable in config.variables():
        monkeypatch.delenv(variable, raising=False)
    for variable, value in GOOD.items():
        monkeypatch.setenv(variable, value)
    settings.cache_clear()
    yield
    settings.cache_clear()


def test_defaults_match_the_documentation() -> None:
    assert settings().max_history_length == 50
    assert settings().response_timeout == 30
    assert settings().default_language == "ru"
    assert settings().telegram_api_url == "https://api.telegram.org"
    assert settings().telegram_webhook_secrets == ("the-first-secret", "the-second-secret")


@pytest.mark.parametrize("variable", sorted(config.required_variables()))
def test_a_missing_setting_is_named(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "  ")
    with pytest.raises(ConfigError, match=variable) as caught:
        settings()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DATABASE_URL", "mysql://root:hunter2@x/y"),
        ("DATABASE_URL", "hunter2"),
        ("BOT_TOKENS", "{hunter2"),
        ("BOT_TOKENS", '{"assistant": "hunter2"}'),
        ("BOT_TOKENS", '["hunter2"]'),
        ("TELEGRAM_WEBHOOK_SECRET", "hunter2 with spaces"),
        ("TELEGRAM_WEBHOOK_SECRET", "hunter2hunter2h"),
        ("TELEGRAM_WEBHOOK_SECRET", "hunter2hunter2hunter2,hunter2"),
        ("SCHEDULER_SECRET", "hunter2hunter2h"),
        ("ENVIRONMENT", "Production"),
        ("ENVIRONMENT", "prod"),
        ("ENVIRONMENT", "live"),
        ("USER_HASH_KEY", "hunter2"),
        ("PRIVACY_URL", "http://policy.example"),
        ("RESPONSE_TIMEOUT", "soon"),
        ("RESPONSE_TIMEOUT", "60"),
        ("RESPONSE_TIMEOUT", "nan"),
        ("MAX_HISTORY_LENGTH", "0"),
        ("MAX_HISTORY_CHARACTERS", "0"),
        ("CHAT_MAX_TOKENS", "-1"),
        ("KIE_AI_POLL_INTERVAL", "1"),
        ("ADMIN_TELEGRAM_IDS", "1,x"),
        ("PUBLIC_URL", "example.com"),
        ("PHONE_REGION", "Russia"),
        ("PHONE_REGION", "ru"),
        ("PHONE_REGION", "7"),
        ("DEFAULT_LANGUAGE", "xx"),
        ("CHAT_REASONING_EFFORT", "hunter2 "),
        ("TOKEN_ENCRYPTION_KEYS", "hunter2"),
        ("TOKEN_ENCRYPTION_KEYS", "a:hunter2"),
        ("TOKEN_ENCRYPTION_KEYS", f"a:{KEY},b:{KEY}hunter2"),
        ("TOKEN_ENCRYPTION_KEYS", f"a:{KEY},a:{KEY}"),
        ("TOKEN_ENCRYPTION_KEYS", f"hunter2 with spaces:{KEY}"),
        ("TOKEN_ENCRYPTION_KEYS", KEY),
    ],
)
def test_a_malformed_setting_is_named_without_its_value(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError, match=variable) as caught:
        settings()
    assert "hunter2" not in str(caught.value)
    assert KEY not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_short_pauses_need_a_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIE_AI_POLL_INTERVAL", "2")
    with pytest.raises(ConfigError, match="KIE_AI_POLL_INTERVAL below 10 needs GENERATIONS_QUEUE"):
        settings()
    monkeypatch.setenv("GENERATIONS_QUEUE", "projects/p/locations/l/queues/q")
    assert settings().kie_ai_poll_interval == 2


def test_one_bot_needs_only_bot_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BOT_TOKENS")
    monkeypatch.setenv("BOT_TOKEN", "123456:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB")
    assert settings().bot_token("assistant").startswith("123456:B")
    with pytest.raises(ConfigError, match="BOT_TOKENS has no token for the bot 'quiz'"):
        settings().bot_token("quiz")


def test_encryption_keys_keep_their_order_and_are_hidden_with_and_without_their_ids(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEYS", f"2026-11-21-a:{KEY}, old:{KEY}")
    assert list(settings().token_encryption_keys) == ["2026-11-21-a", "old"]
    assert set(settings().token_encryption_keys.values()) == {b"hunter2hunter2hunter2hunter2hunt"}
    assert {KEY, f"old:{KEY}"} <= config.secret_values()


def test_env_example_lists_every_setting_and_nothing_else() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    listed = {
        line.lstrip("# ").partition("=")[0]
        for line in lines
        if "=" in line and " " not in line.partition("=")[0].lstrip("# ")
    }
    known = variables.known()
    assert known - listed == set(), "add them to .env.example"
    assert listed - known == set(), "no code reads them"
