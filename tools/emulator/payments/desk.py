"""All payment stand-ins under one address: /pay/<provider>/…"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from urllib.parse import urlsplit

from tools.emulator.clock import TRACE_HEADER, Clock
from tools.emulator.payments import checkout
from tools.emulator.payments.stand_in import Bill, PaymentStandIn
from tools.emulator.trace import Trace
from tools.emulator.web import Request, Response, json_response

PREFIX = "/pay/"


class Payments:
    """The product's payment providers, as far as they have a stand-in; `payments["stripe"]` is one."""

    def __init__(
        self,
        base: Callable[[], str],
        trace: Trace | None = None,
        retry_scale: float = 1.0,
        clock: Clock | None = None,
    ) -> None:
        trace, clock = trace or Trace(), clock or Clock()
        self._stand_ins: dict[str, PaymentStandIn] = {
            key: import_module(f"{__package__}.{key}").StandIn(key, base, trace, retry_scale, clock)
            for key in provider_names()
            if find_spec(f"{__package__}.{key}") is not None
        }

    def __getitem__(self, key: str) -> PaymentStandIn:
        return self._stand_ins[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._stand_ins)

    def environment(self) -> dict[str, str]:
        """Return the settings that point the functions at the stand-ins."""
        found: dict[str, str] = {}
        for one in self._stand_ins.values():
            found |= one.environment(one.url)
        return found

    def press(self, url: str, action: str) -> Bill:
        """Press a button of the checkout page at `url`; KeyError when there is no such page."""
        parts = urlsplit(url).path.removeprefix(PREFIX).split("/")
        stand_in = self._stand_ins[parts[0]]
        bill = stand_in.bills[parts[-1]]
        stand_in.act(bill.id, action)
        return bill

    def handle(self, request: Request) -> Response | None:
        """One request, or None when its path belongs to somebody else."""
        if not request.path.startswith(PREFIX):
            return None
        key, _, rest = request.path.removeprefix(PREFIX).partition("/")
        stand_in = self._stand_ins.get(key)
        if stand_in is None:
            return json_response({"error": f"There is no stand-in for {key}."}, 404)
        if rest.startswith("checkout/"):
            return checkout.handle(stand_in, request, rest.removeprefix("checkout/"))
        return _called(stand_in, request, "/" + rest)

    def faults(self) -> dict[str, int]:
        """Return how many faults of each provider's API are still to come, of those that have any."""
        counts = {key: len(one.troubles.all()) for key, one in self._stand_ins.items()}
        return {key: count for key, count in counts.items() if count}

    def next_due(self) -> list[tuple[float, str, PaymentStandIn, Bill]]:
        """Return what happens by itself, and when: (Unix time, words, provider, bill)."""
        found = []
        for one in self._stand_ins.values():
            for bill in list(one.bills.values()):
                due = one.due_at(bill)
                if due is not None:
                    words = f"{one.NAME}: {bill.product}, {_what_falls_due(one, bill)}"
                    found.append((due, words, one, bill))
        return found

    def pass_time(self, seconds: float) -> list[tuple[str, str]]:
        """Let what is due by now happen, after the clock was moved by so many seconds."""
        happened = []
        for one in self._stand_ins.values():
            one.callbacks.pass_time(seconds)
            happened += one.pass_time()
        return happened

    def settled(self, timeout: float) -> bool:
        """Wait until no callback is being sent; what waits for another attempt is not waited for."""
        return all(one.callbacks.settled(timeout) for one in self._stand_ins.values())

    def idle(self, timeout: float) -> bool:
        """Wait until every callback is delivered or given up; False when time runs out first."""
        return all(one.callbacks.idle(timeout) for one in self._stand_ins.values())

    def clear(self) -> None:
        """Drop what waits to be told again, and every trouble."""
        for one in self._stand_ins.values():
            one.callbacks.clear()
            one.troubles.clear()

    def stop(self) -> None:
        """Tell nobody anything any more."""
        for one in self._stand_ins.values():
            one.callbacks.stop()
            one.troubles.stop()


def _what_falls_due(stand_in: PaymentStandIn, bill: Bill) -> str:
    if stand_in.is_open(bill):
        return "expires"
    return "ends" if stand_in.is_ending(bill) else "next charge"


def _called(stand_in: PaymentStandIn, request: Request, path: str) -> Response:
    """Answer a call of the shop's and put it into the trace."""
    response = stand_in.troubles.answer(
        path, lambda: stand_in.api(request, path), lambda: _seen(stand_in, request, path, None)
    )
    _seen(stand_in, request, path, response)
    return response


def _seen(stand_in: PaymentStandIn, request: Request, path: str, response: Response | None) -> None:
    """Record a call; without a response the caller got none."""
    body = response.body if response is not None else b""
    answer = body[:4000].decode("utf-8", "replace") if isinstance(body, bytes) else ""
    asked = request.body[:4000].decode("utf-8", "replace")
    stand_in.trace.seen_outside(
        "payment_call",
        f"{stand_in.key} {request.method} {path}",
        trace_id=request.headers.get(TRACE_HEADER.lower()),
        detail={"asked": asked, "query": request.query, "answer": answer},
        status=response.status if response is not None else 0,
    )


def provider_names() -> tuple[str, ...]:
    """Return the product's payment providers."""
    from shared.payments.providers import names

    return names()
