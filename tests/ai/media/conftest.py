from __future__ import annotations

from collections.abc import Iterator

import pytest

from shared.ai.media import providers
from shared.ai.media.contract import MediaProvider
from tests.ai.raw_server import RawServer
from tools.emulator.ai.media import Media
from tools.emulator.web import HttpServer

PATHS = {"gemini": "/gemini/v1beta/openai", "openai": "/openai/v1", "openrouter": "/openrouter/api/v1"}


@pytest.fixture(params=providers.names())
def key(request: pytest.FixtureRequest) -> str:
    """The key of each provider in turn."""
    return str(request.param)


@pytest.fixture
def provider(key: str) -> MediaProvider:
    return providers.load(key)


@pytest.fixture
def media(monkeypatch: pytest.MonkeyPatch) -> Iterator[Media]:
    """The emulator's fake servers of all providers."""
    media = Media(base=lambda: server.url)
    server = HttpServer(media.handle)  # type: ignore[arg-type]
    server.start()
    for name in providers.names():
        monkeypatch.setenv(f"{name.upper()}_BASE_URL", server.url + PATHS.get(name, f"/{name}"))
    for name, value in media.environment().items():
        if name.endswith("_SECRET"):
            monkeypatch.setenv(name, value)
    yield media
    media.stop()
    server.stop()


@pytest.fixture
def raw_media(monkeypatch: pytest.MonkeyPatch) -> Iterator[RawServer]:
    """A server on raw sockets in the place of every provider."""
    server = RawServer()
    for name in providers.names():
        monkeypatch.setenv(f"{name.upper()}_BASE_URL", f"{server.url}{PATHS.get(name, '')}")
    yield server
    server.stop()
