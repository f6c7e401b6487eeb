from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from typing import Any

import pytest

from shared.ai import chat, error_handling, models, providers, structured
from shared.ai.chat import ChatAnswer
from shared.core import log
from shared.core.config import settings
from shared.core.http import close_idle
from tests.ai.asking import KEY, MESSAGES, Ask, Lines
from tests.ai.raw_server import RawServer
from tools.emulator.ai import Ai
from tools.emulator.ai.dialects import DIALECTS
from tools.emulator.web import HttpServer


def forget_settings() -> None:
    for cached in (settings, log._level, log._own_secrets):
        cached.cache_clear()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    values = {
        "DATABASE_URL": "postgresql://bot_backend:secret@localhost/postgres",
        "BOT_TOKENS": json.dumps({"assistant": "123456789:" + "a" * 35}),
        "TELEGRAM_WEBHOOK_SECRET": "webhook-secret-of-tests",
        "USER_HASH_KEY": "a-key-of-at-least-32-characters-for-tests",
        "OPENAI_API_KEY": KEY,
        "OPENROUTER_API_KEY": "sk-or-v1-0123456789abcdefghij",
        "ANTHROPIC_API_KEY": "sk-ant-api03-0123456789abcdefghij",
        "GEMINI_API_KEY": "AQ.Ab8RN6K0123456789abcdefghij",
        "GITHUB_API_KEY": "github_pat_0123456789abcdefghij",
        "KIE_AI_API_KEY": "0123456789abcdef0123456789abcdef",
        "PUBLIC_URL": "https://bot.example.com",
        "DEFAULT_LANGUAGE": "ru",
        "LOG_LEVEL": "DEBUG",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    forget_settings()
    # Without a database: reading the catalogue would wait for one and leave a pool to the next tests.
    monkeypatch.setattr(models, "_next_read", math.inf)
    for remembered in (chat._unsupported_params, structured._unsupported_params, structured._forms):
        remembered.clear()
    yield
    close_idle()
    forget_settings()


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry without a delay."""
    monkeypatch.setattr(error_handling, "RETRY_DELAY", 0.0)


@pytest.fixture
def ai(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ai]:
    """The emulator's fake server for every provider."""
    ai = Ai()
    server = HttpServer(ai.handle)
    server.start()
    for dialect in DIALECTS:
        monkeypatch.setenv(f"{dialect.name.upper()}_BASE_URL", server.url + dialect.base)
    yield ai
    ai.stop()
    server.stop()


@pytest.fixture
def raw(monkeypatch: pytest.MonkeyPatch) -> Iterator[RawServer]:
    server = RawServer()
    for key in providers.names():
        monkeypatch.setenv(f"{key.upper()}_BASE_URL", f"{server.url}/v1")
    monkeypatch.setenv("OPENROUTER_BASE_URL", f"{server.url}/api/v1")
    yield server
    server.stop()


@pytest.fixture
def ask() -> Ask:
    """Return a function that requests a completion with a deadline of `seconds`."""

    def ask(*, seconds: float = 8.0, messages: list[dict[str, str]] | None = None, **rest: Any) -> ChatAnswer:
        arguments = {"model": "gpt-5-mini", "provider": "openai", "user_reference": "f00d"} | rest
        return chat.complete(messages or MESSAGES, deadline=time.monotonic() + seconds, **arguments)

    return ask


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    """Return a function that returns the log lines since its last call, of one action or all."""

    def lines(action: str = "") -> list[dict[str, Any]]:
        found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        return [line for line in found if action in ("", line["action"])]

    return lines
