"""A stack whose time can be moved, with a database of its own: what is moved here concerns no other test."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
import urllib3

from shared.core import clock, http
from shared.core.config import settings
from shared.payments import providers
from shared.payments.provider import Order
from tests import known_database
from tests.conftest import FUNCTIONS, RETRY_SCALE, calm
from tests.first_server import BACKEND_PASSWORD, create_synced
from tests.fork_server import fork_server
from tools.database import schemas
from tools.database.embedded import SUPERUSER, Server
from tools.emulator.stack import Stack
from tools.emulator.telegram import Chat

DATABASE = "control"


@pytest.fixture(scope="package")
def owner_url(server: Server) -> Iterator[str]:
    url = create_synced(server, DATABASE)
    schemas.seed(url)
    superuser_url = server.url(DATABASE, SUPERUSER)
    with psycopg.connect(superuser_url) as connection:
        known_database.keep(connection)
    yield superuser_url
    server.drop_database(DATABASE)


@pytest.fixture(scope="package")
def one_control(server: Server, owner_url: str) -> Iterator[Stack]:
    stack = Stack(
        server.url(DATABASE, "bot_backend", BACKEND_PASSWORD),
        functions=FUNCTIONS,
        env={"RESPONSE_TIMEOUT": "5", "PRIVACY_URL": "https://example.com/privacy"},
        bots=("assistant", "second"),
        retry_scale=RETRY_SCALE,
        owner_url=owner_url,
        launch=fork_server().start,
    )
    stack.start()
    yield stack
    stack.stop()


class Api:
    """The control API over HTTP."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.pool = urllib3.PoolManager(retries=False)

    def get(self, path: str, /, **query: Any) -> Any:
        answer = self.pool.request("GET", f"{self.stack.url}/api/{path}", fields=query, timeout=60)
        assert answer.status == 200, answer.data
        return answer.json()

    def post(self, path: str, /, **body: Any) -> Any:
        answer = self.send(path, body)
        assert answer.status == 200, answer.data
        return answer.json()

    def refused(self, path: str, /, **body: Any) -> str:
        """The sentence with which a request is refused."""
        answer = self.send(path, body)
        assert answer.status == 400, answer.data
        return str(answer.json()["error"])

    def send(self, path: str, body: Any, **headers: str) -> urllib3.BaseHTTPResponse:
        sent = {"Content-Type": "application/json"} | headers
        url = f"{self.stack.url}/api/{path}"
        return self.pool.request("POST", url, body=json.dumps(body), headers=sent, timeout=120)


@pytest.fixture
def control(one_control: Stack, owner_url: str) -> Iterator[Stack]:
    """The running stack, which starts each test from the known rows and without records."""
    one_control.fake_servers.forget()
    one_control.telegram.stars.forget()
    with psycopg.connect(owner_url, autocommit=True) as connection:
        known_database.restore(connection)
    yield one_control
    for function in one_control.functions.values():
        function.start()
    calm(one_control)


@pytest.fixture
def api(control: Stack) -> Iterator[Api]:
    api = Api(control)
    yield api
    api.pool.clear()


@pytest.fixture
def owner(owner_url: str) -> Iterator[Callable[..., Any]]:
    """Run one statement as the owner; returns the rows as dictionaries."""
    options: Any = {"autocommit": True, "prepare_threshold": None, "row_factory": psycopg.rows.dict_row}
    with psycopg.connect(owner_url, **options) as connection:

        def run(statement: str, *values: Any) -> list[dict[str, Any]]:
            cursor = connection.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

        yield run


@pytest.fixture
def anna(control: Stack) -> Chat:
    """A user who has started the assistant."""
    chat = control.telegram.user("Anna").chat("assistant")
    chat.send("/start")
    chat.answer()
    return chat


@pytest.fixture
def order(
    control: Stack, owner: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., str]]:
    """`order(chat, "stripe")`: an order as the bot makes it; returns the number of its checkout.

    A checkout expires with its order, or `expires_in` from now.
    """
    for name, value in control.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(clock, "now", control.clock.moment)
    settings.cache_clear()

    def make(
        chat: Chat,
        provider: str,
        *,
        product: str = "",
        renews: bool = False,
        expires_in: timedelta | None = None,
    ) -> str:
        currency = "USD" if provider in ("stripe", "crypto_pay") else "RUB"
        product = product or ("premium_month" if renews else "credits_100")
        (row,) = owner(
            "select create_order((select id from users where telegram_id = %s), %s, %s, %s, 'assistant', "
            "p_renews => %s) as made",
            chat.id, product, provider, currency, renews,
        )  # fmt: skip
        made = row["made"]
        assert made["outcome"] == "created", made
        ends = clock.now() + expires_in if expires_in else datetime.fromisoformat(made["expires_at"])
        checkout = providers.load(provider).create(
            Order(
                id=made["id"],
                title="A test",
                description="A test",
                amount=Decimal(str(made["amount"])),
                currency=made["currency"],
                telegram_id=chat.id,
                idempotency_key=f"order-{made['id']}",
                return_url="https://t.me/assistant",
                period=made["period"] if made["renews"] else None,
                contact="anna@example.com",
                expires_at=ends,
            ),
            10,
        )
        owner(
            "select save_checkout(%s, p_url => %s, p_reference => %s, p_message_id => null)",
            made["id"], checkout.url, checkout.reference,
        )  # fmt: skip
        return checkout.url.rpartition("/")[2]

    yield make
    settings.cache_clear()
    http.close_idle()
