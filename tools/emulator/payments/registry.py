"""All payment fake servers under one address: /pay/<provider>/…"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from urllib.parse import urlsplit

from tools.emulator.clock import TRACE_HEADER, Clock
from tools.emulator.payments import checkout
from tools.emulator.payments.fake_server import FakePaymentServer
from tools.emulator.payments.invoices import Invoice
from tools.emulator.trace import Trace
from tools.emulator.web import Request, Response, json_response

PREFIX = "/pay/"


class Payments:
    """The product's payment providers, as far as they have a fake server; `payments[key]` is one."""

    def __init__(
        self,
        base: Callable[[], str],
        trace: Trace | None = None,
        retry_scale: float = 1.0,
        clock: Clock | None = None,
    ) -> None:
        trace, clock = trace or Trace(), clock or Clock()
        self._fake_servers: dict[str, FakePaymentServer] = {
            key: import_module(f"{__package__}.{key}").FakeServer(key, base, trace, retry_scale, clock)
            for key in provider_names()
            if find_spec(f"{__package__}.{key}") is not None
        }

    def __getitem__(self, key: str) -> FakePaymentServer:
        return self._fake_servers[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fake_servers)

    def environment(self) -> dict[str, str]:
        """Return the settings that point the functions at the fake servers."""
        found: dict[str, str] = {}
        for one in self._fake_servers.values():
            found |= one.environment(one.url)
        return found

    def addresses(self) -> dict[str, str]:
        """Return the providers, each with its path below the emulator's address."""
        return {one.NAME: f"{PREFIX}{key}" for key, one in self._fake_servers.items()}

    def press(self, url: str, action: str) -> Invoice:
        """Press a button of the checkout page at `url`; KeyError when there is no such page."""
        parts = urlsplit(url).path.removeprefix(PREFIX).split("/")
        fake_server = self._fake_servers[parts[0]]
        invoice = fake_server.invoices[parts[-1]]
        fake_server.act(invoice.id, action)
        return invoice

    def handle(self, request: Request) -> Response | None:
        """Answer a request; None when its path belongs to another server."""
        if not request.path.startswith(PREFIX):
            return None
        key, _, rest = request.path.removeprefix(PREFIX).partition("/")
        fake_server = self._fake_servers.get(key)
        if fake_server is None:
            return json_response({"error": f"There is no fake server for {key}."}, 404)
        if rest.startswith("checkout/"):
            return checkout.handle(fake_server, request, rest.removeprefix("checkout/"))
        return _called(fake_server, request, "/" + rest)

    def faults(self) -> dict[str, int]:
        """Return how many faults of each provider's API are still to come, of those that have any."""
        counts = {key: len(one.faults.all()) for key, one in self._fake_servers.items()}
        return {key: count for key, count in counts.items() if count}

    def next_due(self) -> list[tuple[float, str, FakePaymentServer, Invoice]]:
        """Return what happens by itself, and when: (Unix time, words, provider, invoice)."""
        found = []
        for one in self._fake_servers.values():
            for invoice in list(one.invoices.values()):
                due = one.due_at(invoice)
                if due is not None:
                    words = f"{one.NAME}: {invoice.product}, {_what_falls_due(one, invoice)}"
                    found.append((due, words, one, invoice))
        return found

    def pass_time(self, seconds: float) -> list[tuple[str, str]]:
        """Let what is due by now happen, after the clock was moved by so many seconds."""
        happened = []
        for one in self._fake_servers.values():
            one.callbacks.pass_time(seconds)
            happened += one.pass_time()
        return happened

    def settled(self, timeout: float) -> bool:
        """Wait until no callback is being sent; what waits for another attempt is not waited for."""
        return all(one.callbacks.settled(timeout) for one in self._fake_servers.values())

    def idle(self, timeout: float) -> bool:
        """Wait until every callback is delivered or given up; False when time runs out first."""
        return all(one.callbacks.idle(timeout) for one in self._fake_servers.values())

    def clear(self) -> None:
        """Drop the callbacks that wait for another attempt, and every fault."""
        for one in self._fake_servers.values():
            one.callbacks.clear()
            one.faults.clear()

    def forget(self) -> None:
        """Begin again without invoices, at every provider."""
        self.clear()
        for one in self._fake_servers.values():
            one.forget()

    def stop(self) -> None:
        """Send no further callback."""
        for one in self._fake_servers.values():
            one.callbacks.stop()
            one.faults.stop()


def _what_falls_due(fake_server: FakePaymentServer, invoice: Invoice) -> str:
    if fake_server.is_open(invoice):
        return "expires"
    return "ends" if fake_server.is_ending(invoice) else "next charge"


def _called(fake_server: FakePaymentServer, request: Request, path: str) -> Response:
    """Answer a call of the shop's and put it into the trace."""
    response = fake_server.faults.answer(
        path, lambda: fake_server.api(request, path), lambda: _seen(fake_server, request, path, None)
    )
    _seen(fake_server, request, path, response)
    return response


def _seen(fake_server: FakePaymentServer, request: Request, path: str, response: Response | None) -> None:
    """Record a call; without a response the caller got none."""
    body = response.body if response is not None else b""
    answer = body[:4000].decode("utf-8", "replace") if isinstance(body, bytes) else ""
    asked = request.body[:4000].decode("utf-8", "replace")
    fake_server.trace.seen_outside(
        "payment_call",
        f"{fake_server.key} {request.method} {path}",
        trace_id=request.headers.get(TRACE_HEADER.lower()),
        detail={"asked": asked, "query": request.query, "answer": answer},
        status=response.status if response is not None else 0,
    )


def provider_names() -> tuple[str, ...]:
    """Return the product's payment providers."""
    from shared.payments.providers import names

    return names()
