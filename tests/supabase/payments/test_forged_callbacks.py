"""Forged callbacks are rejected and leave no event and no alert."""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from shared.payments.providers import names
from tests.stories.test_buy import LABELS, checkout, credits, speaks
from tests.support import eventually
from tools.emulator.payments import Callback
from tools.emulator.stack import Stack

Sql = Callable[..., list[dict[str, Any]]]
YOOKASSA_ADDRESS = "185.71.76.5"
FORGEABLE = sorted(set(names()) - {"telegram_stars"})


def event_count(sql: Sql) -> int:
    return int(sql("select count(*) as count from payment_events")[0]["count"])


def claim(stack: Stack, body: dict[str, Any], address: str) -> int:
    """Send a notification in YooKassa's name; return the response's status."""
    headers, text = {"Content-Type": "application/json"}, json.dumps(body).encode()
    callback = Callback("a claim", lambda _attempt: (headers, text), address=address)
    return stack.payments["yookassa"].callbacks.ask(callback).status


@pytest.mark.parametrize("address", [YOOKASSA_ADDRESS, "203.0.113.66", ""])
def test_payment_unknown_to_yookassa_is_rejected(stack: Stack, sql: Sql, address: str) -> None:
    before, printed = event_count(sql), stack.function("payments").printed
    for kind in ("payment", "refund"):
        number = f"{secrets.token_hex(4)}-000f-5000-9000-{secrets.token_hex(6)}"
        result = {"id": number, "status": "succeeded", "metadata": {"order_id": "1"}}
        assert claim(stack, _notification(f"{kind}.succeeded", result), address) == 401
    assert event_count(sql) == before
    logged = "\n".join(stack.function("payments").lines_after(printed))
    assert "webhook_signature_invalid" in logged
    assert "ALERT" not in logged


@pytest.mark.parametrize("address", ["203.0.113.66", ""])
@pytest.mark.parametrize("event", ["payout.succeeded", "moon.landed", ""])
def test_unverifiable_event_is_rejected(stack: Stack, sql: Sql, address: str, event: str) -> None:
    before = event_count(sql)
    assert claim(stack, _notification(event, {"id": secrets.token_hex(8)}), address) == 401
    assert event_count(sql) == before


FOREIGN = [
    b"", b"null", b"[]", b"{", b"\xff", b'{"type": "notification"}',
    b'{"type": "notification", "event": "payment.succeeded", "object": {"id": "../../v3/me"}}',
    b'{"type": "notification", "event": "refund.succeeded", "object": 7}',
    b'{"event": "payment.succeeded", "object": {"id": "22d6d597-000f-5000-9000-145f6df21d6f"}}',
]  # fmt: skip


@pytest.mark.parametrize("address", [YOOKASSA_ADDRESS, "203.0.113.66", ""])
@pytest.mark.parametrize("body", FOREIGN)
def test_notification_without_an_object_id_is_rejected_without_an_alert(
    stack: Stack, sql: Sql, address: str, body: bytes
) -> None:
    before, printed = event_count(sql), stack.function("payments").printed
    callback = Callback("foreign", lambda _attempt: ({"Content-Type": "x"}, body), address=address)
    assert stack.payments["yookassa"].callbacks.ask(callback).status == 401
    assert event_count(sql) == before
    logged = "\n".join(stack.function("payments").lines_after(printed))
    assert '"webhook_signature_invalid"' in logged
    assert "ALERT" not in logged


BROKEN = {
    "a chunk without its size": b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
    "a chunk without its end": b"Transfer-Encoding: chunked\r\n\r\n2\r\nabXX0\r\n\r\n",
    "a negative chunk": b"Transfer-Encoding: chunked\r\n\r\n-2\r\nab\r\n0\r\n\r\n",
    "chunks without an end": b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
    "less than the content length": b"Content-Length: 1000\r\n\r\n0123456789",
}


@pytest.mark.parametrize("provider", FORGEABLE)
@pytest.mark.parametrize("broken", BROKEN)
def test_truncated_body_causes_no_alert(stack: Stack, sql: Sql, broken: str, provider: str) -> None:
    before, function = event_count(sql), stack.function("payments")
    printed, address = function.printed, urlsplit(function.url)
    path = f"/{provider}/pay" if provider == "cloudpayments" else f"/{provider}"
    with socket.create_connection((str(address.hostname), address.port or 80), 5) as connection:
        connection.sendall(b"POST %b HTTP/1.1\r\nHost: x\r\n%b" % (path.encode(), BROKEN[broken]))
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(100)
    assert not answer or answer.split()[1] in (b"400", b"401"), answer
    eventually(lambda: "webhook_rejected" in "\n".join(function.lines_after(printed)) or answer, 5)
    assert event_count(sql) == before
    assert "ALERT" not in "\n".join(function.lines_after(printed))
    assert stack.payments["fake"].probe().status == 200, "the worker still serves"


@pytest.mark.parametrize("provider", FORGEABLE)
def test_forged_callback_leaves_no_event(stack: Stack, sql: Sql, provider: str) -> None:
    anna = speaks(stack)
    link = checkout(anna, "100 requests", LABELS[provider])
    before = event_count(sql)
    for _ in range(3):
        stack.payments.press(link, "forge")
    assert stack.payments.idle(20)
    assert event_count(sql) == before
    assert credits(sql, anna) == 0


def _notification(event: str, found: dict[str, Any]) -> dict[str, Any]:
    return {"type": "notification", "event": event, "object": found}
