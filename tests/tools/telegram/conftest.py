from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shared import bots
from shared.core import http, log, texts
from shared.core.config import settings
from tools import variables
from tools.emulator.telegram import Telegram
from tools.emulator.web import HttpServer
from tools.telegram import __main__ as command
from tools.telegram import retrying

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def telegram() -> Iterator[Telegram]:
    telegram = Telegram()
    yield telegram
    telegram.stop()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Record the waits of the tool in seconds instead of sleeping."""
    pauses: list[float] = []
    monkeypatch.setattr(retrying, "sleep", pauses.append)
    return pauses


@pytest.fixture(autouse=True)
def environment(telegram: Telegram, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Set only the variables that the tool needs, without DATABASE_URL, for a deployment with one bot."""
    monkeypatch.setattr(bots, "names", lambda: ("assistant",))
    server = HttpServer(telegram.handle)
    server.start()
    for variable in variables.known():
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("TELEGRAM_API_URL", server.url)
    monkeypatch.setenv("BOT_TOKENS", json.dumps({"assistant": telegram.bot("assistant").token}))
    monkeypatch.setenv("TELEGRAM_WEBHOOK_SECRET", "the-new-webhook-secret,the-old-webhook-secret")
    monkeypatch.setenv("PUBLIC_URL", "https://bots.example")
    # What the tool adds to the environment by itself is taken away again.
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("USER_HASH_KEY", "")
    monkeypatch.setattr(command, "DOTENV", tmp_path / ".env")
    _forget()
    yield
    http.close_idle()
    server.stop()
    _forget()


def _forget() -> None:
    """Clear the caches of settings, languages and log secrets."""
    for cached in (settings, texts.languages, log._own_secrets, log._level):
        cached.cache_clear()


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command: `run("info", "--bot", "assistant")` returns (exit status, output, errors)."""

    def run(*arguments: str) -> tuple[int, str, str]:
        status = command.main(arguments)
        output = capsys.readouterr()
        return status, output.out, output.err

    return run
