"""Parsing of values from outside: every input gives a safe value or None."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from shared.payments import api_client, parsing
from shared.payments.events import EventKind, PaymentEvent, WebhookEvent
from shared.payments.provider import InvalidPayload


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        ("1299.00", Decimal("1299.00")),
        ("0", Decimal(0)),
        *(
            (odd, None)
            for odd in ("", "-1", "+1", "1e3", "NaN", "Infinity", "1,5", " 1", "١", "1.", ".5", 5, 5.0, None)
        ),
        ("9" * 19, None),
        ("1\n", None),
    ],
)
def test_amounts(value: Any, amount: Decimal | None) -> None:
    assert parsing.decimal(value) == amount


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("42", 42),
        (42, 42),
        *((odd, None) for odd in ("", "order-42", "4 2", -1, True, 1.0, "9" * 19, "٤", None, "4\n")),
    ],
)
def test_order_numbers(value: Any, number: int | None) -> None:
    assert parsing.order_number(value) == number


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("pi_3Na1", "pi_3Na1"),
        (528890, "528890"),
        *((odd, None) for odd in ("", "a b", "a/b", "é", True, "x" * 201, [], "a\0")),
    ],
)
def test_identifiers(value: Any, found: str | None) -> None:
    assert parsing.identifier(value) == found


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (1700000000, datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        ("2026-01-15T10:00:00.000Z", datetime(2026, 1, 15, 10, tzinfo=UTC)),
        *(
            (odd, None)
            for odd in ("2026-01-15T10:00:00", "soon", "", None, True, 10**30, -(10**30), 1.5, "\ud800")
        ),
    ],
)
def test_timestamps(value: Any, found: datetime | None) -> None:
    assert parsing.timestamp(value) == found


@pytest.mark.parametrize(
    ("value", "found"), [("rub", "RUB"), ("USDT", "USDT"), ("", None), ("r\0b", None), (5, None)]
)
def test_currencies(value: Any, found: str | None) -> None:
    assert parsing.currency(value) == found


def test_objects_lists_and_texts() -> None:
    assert parsing.get_object({"a": {"b": {"c": 1}}}, "a", "b") == {"c": 1}
    assert (
        parsing.get_object({"a": []}, "a", "b")
        == parsing.get_object(None, "a")
        == parsing.get_object([])
        == {}
    )
    assert parsing.get_list([{}, 1, None]) == [{}]
    assert parsing.get_list("ab") == []
    assert parsing.text("a\0b" + "c" * 500) == "ab" + "c" * 298
    assert parsing.text(None) == parsing.text(5) == ""


def test_an_event_keeps_zero_amounts_and_leaves_out_unset_fields() -> None:
    payment_event = PaymentEvent(
        kind=EventKind.PAID, payment_id="p", amount=Decimal("0.00"), currency="RUB", order_id=0
    )
    assert payment_event.to_json() == {
        "kind": "paid", "payment_id": "p", "amount": "0.00", "currency": "RUB", "order_id": 0,
    }  # fmt: skip


def test_an_invalid_listed_object_is_logged_and_skipped(capsys: pytest.CaptureFixture[str]) -> None:
    def read(found: Mapping[str, Any]) -> WebhookEvent | None:
        if "id" not in found:
            raise InvalidPayload("no number")
        return WebhookEvent(found["id"], ()) if found["id"] != "payout" else None

    listed = [{"id": "one"}, {}, "odd", None, {"id": "payout"}, {"id": "two"}]
    assert [event.key for event in api_client.parse_each("yookassa", read, listed)] == ["one", "two"]
    assert capsys.readouterr().out.count("webhook_payload_invalid") == 1
    assert api_client.parse_each("yookassa", read, {"id": "no list"}) == ()
