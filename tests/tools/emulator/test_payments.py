"""The payment fake servers' common part: callbacks, checkout pages, and who may press their buttons."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
import urllib3

from shared.payments.providers import names
from tests.support import eventually
from tools.emulator.payments import Callback, FakePaymentServer, Invoice, NotPossible, Payments
from tools.emulator.trace import Trace
from tools.emulator.web import HttpServer, Request, Response

# Payments in Stars come as Telegram's own updates.
ELSEWHERE = {"telegram_stars"}
POOL = urllib3.PoolManager(retries=False)


class Corner(FakePaymentServer):
    """A provider of the tests: it numbers its attempts, and an invoice can be paid once."""

    NAME = "Corner <Shop>"
    COLOUR = "#804000"
    PAUSES = (60, 120, 240)

    def environment(self, url: str) -> dict[str, str]:
        return {"CORNER_URL": url}

    def api(self, request: Request, path: str) -> Response:
        return Response(200, path.encode(), "text/plain")

    def pay(self, invoice: Invoice, amount: Decimal) -> list[Callback]:
        invoice.state = "paid"
        return [self._said("paid", str(amount)), self._said("closed", "")]

    def decline(self, invoice: Invoice) -> list[Callback]:
        invoice.state = "declined"
        return [self._said("declined", "")]

    def forge(self, invoice: Invoice) -> list[Callback]:
        return [self._said("paid", "1000000", is_forged=True)]

    def refund(self, invoice: Invoice) -> list[Callback]:
        invoice.state = "refunded"
        return [self._said("refunded", str(invoice.amount))]

    def rewrite(self, callback: Callback, text: str, *, is_genuine: bool) -> Callback:
        return replace(callback, write=lambda _attempt: ({}, text.encode()))

    def _said(self, what: str, amount: str, is_forged: bool = False) -> Callback:
        def write(attempt: int) -> tuple[dict[str, str], bytes]:
            said = {"what": what, "amount": amount, "attempt": attempt, "forged": is_forged}
            return {"Content-Type": "application/json"}, json.dumps(said).encode()

        return Callback(what, write, kind=what, address="203.0.113.7", is_forged=is_forged)


class Market:
    """The fake server with its page, and a shop that answers as the test says."""

    def __init__(self) -> None:
        self.trace = Trace()
        self.server = HttpServer(self.handle)
        self.registry = Payments(lambda: self.server.url, self.trace, 0.01)
        self.corner = Corner("corner", lambda: self.server.url, self.trace, 0.01)
        self.registry._fake_servers["corner"] = self.corner
        self.callbacks: list[tuple[Request, dict[str, Any]]] = []
        self.status: Callable[[dict[str, Any]], int] = lambda _body: 200
        self.invoice = self.corner.keep(
            Invoice("b1", Decimal("299.00"), "RUB", "Premium <b>", "https://t.me/x")
        )

    def handle(self, request: Request) -> Response:
        found = self.registry.handle(request)
        if found is not None:
            return found
        body = json.loads(request.body)
        self.callbacks.append((request, body))
        return Response(self.status(body), b"taken", "text/plain")

    @property
    def said(self) -> list[str]:
        return [
            f"{body['what']} {body['amount']} {body['attempt']}".replace("  ", " ")
            for _, body in self.callbacks
        ]

    def page(self, path: str = "b1") -> urllib3.BaseHTTPResponse:
        return POOL.request("GET", f"{self.server.url}/pay/corner/checkout/{path}", timeout=20)

    def press(self, action: str, **headers: str) -> urllib3.BaseHTTPResponse:
        headers = {"Content-Type": "application/x-www-form-urlencoded"} | headers
        url = f"{self.server.url}/pay/corner/checkout/b1"
        body = urlencode({"do": action})
        return POOL.request("POST", url, body=body, headers=headers, redirect=False, timeout=20)

    def act(self, action: str, count: int) -> list[str]:
        """Press a button and wait until there were `count` callbacks in all."""
        self.corner.act("b1", action)
        eventually(lambda: len(self.callbacks) >= count, 20)
        assert self.corner.callbacks.idle(20)
        return self.said


@pytest.fixture
def market() -> Iterator[Market]:
    market = Market()
    market.server.start()
    yield market
    market.registry.stop()
    market.server.stop()


def test_every_provider_has_a_fake_server(market: Market) -> None:
    assert set(names()) - ELSEWHERE <= set(market.registry), "add tools/emulator/payments/<provider>.py"
    for key in names():
        if key in market.registry:
            assert market.registry[key].environment("http://x"), f"{key} has no settings that point at it"
            assert set(market.registry[key].ACTIONS) >= {
                "pay",
                "pay_later",
                "deliver_twice",
                "forge",
                "wrong_amount",
            }


def test_callbacks_come_in_order_at_the_address_of_their_kind(market: Market) -> None:
    assert market.act("pay", 2) == ["paid 299.00 1", "closed 1"]
    request = market.callbacks[0][0]
    assert (request.path, request.headers["x-forwarded-for"]) == ("/payments/corner/paid", "203.0.113.7")
    assert market.act("refund", 3)[2] == "refunded 299.00 1"
    assert market.invoice.state == "refunded"


def test_a_refused_callback_is_sent_again_until_the_provider_gives_up(market: Market) -> None:
    given_up: list[str] = []
    market.corner.callbacks.give_up = lambda callback: given_up.append(callback.title)
    market.status = lambda body: 503 if body["what"] == "paid" and body["attempt"] < 3 else 200
    said = market.act("pay", 4)
    # It is sent after the first attempt of the callback before it, and in any order with the others.
    assert [one for one in said if one != "closed 1"] == [f"paid 299.00 {number}" for number in (1, 2, 3)]
    assert said.index("closed 1") > 0
    market.status = lambda _body: 500
    assert market.act("refund", 8)[4:] == [f"refunded 299.00 {number}" for number in (1, 2, 3, 4)]
    assert given_up == ["refunded"]


def test_a_callback_without_an_answer_is_sent_again(market: Market) -> None:
    url = market.corner.callback_url
    market.corner.callbacks._url = lambda: "http://127.0.0.1:9"
    market.corner.act("b1", "pay")
    eventually(lambda: market.corner.callbacks.attempts, 20)
    market.corner.callbacks._url = url
    eventually(lambda: len(market.callbacks) == 2, 20)
    assert market.corner.callbacks.attempts[0]["status"] == 0


def test_the_other_buttons(market: Market) -> None:
    assert market.act("forge", 1) == ["paid 1000000 1"]
    assert "paid (forged)" in market.page().data.decode()
    assert market.act("deliver_twice", 5)[1:].count("paid 299.00 1") == 2
    assert market.act("deliver_twice", 7)[5:] == ["paid 299.00 1", "closed 1"]
    other = market.corner.keep(Invoice("b2", Decimal(7), "RUB", "x"))
    market.registry.press(market.corner.checkout_url(other), "wrong_amount")
    eventually(lambda: "paid 3 1" in market.said, 20)


def test_money_that_comes_late(market: Market) -> None:
    market.corner.act("b1", "pay_later")
    assert market.invoice.state == "paid"
    eventually(lambda: len(market.callbacks) == 2, 20)


def test_an_impossible_action_is_refused(market: Market) -> None:
    for action in ("refund", "renew", "nonsense", "__init__", "act"):
        with pytest.raises(NotPossible):
            market.corner.act("b1", action)
    market.act("decline", 1)
    with pytest.raises(NotPossible, match="declined already"):
        market.corner.act("b1", "pay")
    with pytest.raises(KeyError):
        market.registry.press(f"{market.server.url}/pay/corner/checkout/none", "pay")


def test_callbacks_can_be_lost_and_dropped(market: Market) -> None:
    market.corner.callbacks.lose_next()
    assert market.act("pay", 1) == ["closed 1"]
    assert [event["title"] for event in market.trace.events() if event["kind"] == "fault"] == [
        "corner: paid lost"
    ]
    market.status = lambda _body: 500
    market.corner.callbacks._scale = 1000
    market.corner.act("b1", "refund")
    eventually(lambda: len(market.callbacks) == 2, 20)
    assert not market.corner.callbacks.idle(0.05)
    market.registry.clear()
    assert market.corner.callbacks.idle(20)


def test_every_attempt_and_every_call_is_in_the_trace(market: Market) -> None:
    market.status = lambda body: 503 if body["attempt"] == 1 else 200
    market.act("decline", 2)
    events = [event for event in market.trace.events() if event["kind"] == "payment"]
    assert [event["status"] for event in events] == [503, 200]
    assert len({event["trace_id"] for event in events}) == 1
    assert events[0]["trace_id"] == market.callbacks[0][0].headers["x-cloud-trace-context"].partition("/")[0]
    assert events[1]["detail"]["answer"] == "taken"
    assert POOL.request("GET", f"{market.server.url}/pay/corner/v1/x?y=1").data == b"/v1/x"
    market.trace.join("payment_call", "known", detail={}, trace_id="t")
    call = market.trace.events()[-1]
    assert (call["kind"], call["detail"]["query"], call["trace_id"]) == ("payment_call", "y=1", "t")


def test_the_page_shows_the_amount_and_the_outcome(market: Market) -> None:
    page = market.page().data.decode()
    assert "Premium &lt;b&gt;" in page
    assert "Corner &lt;Shop&gt;" in page
    assert "Pay 299.00\N{NO-BREAK SPACE}₽" in page
    assert "Nothing yet" in page
    assert market.press("pay").status == 303
    assert market.corner.callbacks.idle(20)
    page = market.page().data.decode()
    assert "Paid" in page
    assert "<span>closed</span>" in page
    assert 'value="pay" disabled' in page
    refused = market.press("pay")
    assert (refused.status, "It is paid already." in refused.data.decode()) == (409, True)
    gone = market.page("nothing")
    assert (gone.status, "no longer exists" in gone.data.decode()) == (404, True)


def test_another_page_cannot_press_a_button(market: Market) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert market.press("pay", **headers).status == 403
    assert market.press("pay", Origin=market.server.url).status == 303


def test_a_page_runs_nothing_of_others(market: Market) -> None:
    policy = market.page().headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    first, second = (market.page().headers["Content-Security-Policy"] for _ in range(2))
    assert first != second  # the nonce is new each time


def test_a_missing_fake_server(market: Market) -> None:
    assert POOL.request("GET", f"{market.server.url}/pay/unknown/v1").status == 404
