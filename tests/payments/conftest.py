"""Fixtures for tests of single providers: their settings, and servers in place of their APIs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shared.core import http
from shared.core.config import settings
from shared.payments.events import WebhookEvent
from shared.payments.provider import InvalidPayload, InvalidSignature, Provider, WebhookRequest
from shared.payments.providers import load, names
from tests.support import eventually
from tools.emulator.payments import FakePaymentServer, Payments
from tools.emulator.trace import Trace
from tools.emulator.web import HttpServer, Request, Response, json_response

ENVIRONMENT = {
    "DATABASE_URL": "postgresql://bot_backend:password@db.example:6543/postgres",
    "BOT_TOKENS": '{"assistant": "123456:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}',
    "TELEGRAM_WEBHOOK_SECRET": "webhook-secret-of-tests",
    "USER_HASH_KEY": "a key of a test that is long enough for it",
    "ENVIRONMENT": "test",
}
SCALE = 0.002  # of the emulator's pauses between two webhooks


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Minimal settings; call it to add some: `environment(STRIPE_SECRET_KEY="…")`."""
    for key in names():
        for setting in load(key).settings():
            monkeypatch.delenv(setting.name, raising=False)

    def put(**values: str) -> None:
        for variable, value in values.items():
            monkeypatch.setenv(variable, value)
        settings.cache_clear()

    put(**ENVIRONMENT)
    yield put
    settings.cache_clear()
    http.close_idle()


@pytest.fixture
def answers(environment: Callable[..., None]) -> Iterator[dict[str, Any]]:
    """Responses of the providers' APIs by path and query: JSON, or a Response."""
    found: dict[str, Any] = {}

    def handle(request: Request) -> Response:
        answer = found.get(request.path + (f"?{request.query}" if request.query else ""))
        if isinstance(answer, Response):
            return answer
        return json_response(answer) if answer is not None else json_response({"error": {}}, 404)

    server = HttpServer(handle)
    server.start()
    environment(**{f"{key.upper()}_API_URL": server.url for key in names()})
    yield found
    server.stop()


class Shop:
    """Receives webhooks: verifies and parses them, and keeps the events."""

    def __init__(self, registry: Payments) -> None:
        self.registry = registry
        self.calls: list[WebhookRequest] = []
        self.events: list[WebhookEvent] = []
        self.refused: list[Exception] = []
        self.status: int | None = None  # of every response, if set

    def handle(self, request: Request) -> Response:
        found = self.registry.handle(request)
        if found is not None:
            return found
        key, _, kind = request.path.removeprefix("/payments/").partition("/")
        address = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
        call = WebhookRequest(
            kind, request.method, request.headers, request.body, request.query.encode(), address
        )
        self.calls.append(call)
        if self.status is not None:
            return Response(self.status, b"", "text/plain")
        reply = self._answer(load(key), call)
        return Response(reply.status, reply.body, reply.content_type)

    def _answer(self, provider: Provider, call: WebhookRequest) -> Any:
        try:
            provider.verify(call)
            self.events.append(provider.parse(call))
        except InvalidSignature as error:
            self.refused.append(error)
            return provider.rejection_response(call)
        except Exception as error:
            self.refused.append(error)
            return provider.retry_response(call)
        return provider.success_response(call)

    def wait_for_events(self, count: int) -> list[dict[str, Any]]:
        """Wait for this many webhooks and return their events in the order of arrival."""
        eventually(lambda: len(self.events) >= count, 20)
        return [payment_event.to_json() for event in self.events for payment_event in event.payment_events]

    def fake_server(self, key: str) -> FakePaymentServer:
        return self.registry[key]


@pytest.fixture
def shop(environment: Callable[..., None]) -> Iterator[Shop]:
    """A shop with the emulator's fake servers."""
    server = HttpServer(lambda request: shop.handle(request))  # noqa: PLW0108  there is no shop yet
    shop = Shop(Payments(lambda: server.url, Trace(), SCALE))
    server.start()
    environment(**shop.registry.environment())
    yield shop
    shop.registry.stop()
    server.stop()


def body_of(case: dict[str, Any]) -> bytes:
    """The body of a recorded webhook."""
    return case["raw"].encode() if "raw" in case else json.dumps(case["body"], ensure_ascii=False).encode()


__all__ = ["InvalidPayload", "InvalidSignature", "Shop", "body_of"]
