"""What comes from outside is read without surprises."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from shared.payments import calls, reading
from shared.payments.notice import Event, Kind, Notice
from shared.payments.provider import Unusable


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
    assert reading.decimal(value) == amount


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("42", 42),
        (42, 42),
        *((odd, None) for odd in ("", "order-42", "4 2", -1, True, 1.0, "9" * 19, "٤", None, "4\n")),
    ],
)
def test_numbers_of_orders(value: Any, number: int | None) -> None:
    assert reading.order_number(value) == number


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("pi_3Na1", "pi_3Na1"),
        (528890, "528890"),
        *((odd, None) for odd in ("", "a b", "a/b", "é", True, "x" * 201, [], "a\0")),
    ],
)
def test_identifiers(value: Any, found: str | None) -> None:
    assert reading.identifier(value) == found


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
def test_moments(value: Any, found: datetime | None) -> None:
    assert reading.moment(value) == found


@pytest.mark.parametrize(
    ("value", "found"), [("rub", "RUB"), ("USDT", "USDT"), ("", None), ("r\0b", None), (5, None)]
)
def test_currencies(value: Any, found: str | None) -> None:
    assert reading.currency(value) == found


def test_objects_and_texts() -> None:
    assert reading.inner({"a": {"b": {"c": 1}}}, "a", "b") == {"c": 1}
    assert reading.inner({"a": []}, "a", "b") == reading.inner(None, "a") == reading.inner([]) == {}
    assert reading.items([{}, 1, None]) == [{}]
    assert reading.items("ab") == []
    assert reading.text("a\0b" + "c" * 500) == "ab" + "c" * 298
    assert reading.text(None) == reading.text(5) == ""


def test_a_notice_says_all_it_knows_and_zero_is_an_amount() -> None:
    notice = Notice(kind=Kind.PAID, payment_id="p", amount=Decimal("0.00"), currency="RUB", order_id=0)
    assert notice.plain() == {
        "kind": "paid", "payment_id": "p", "amount": "0.00", "currency": "RUB", "order_id": 0,
    }  # fmt: skip


def test_a_listed_object_that_makes_no_sense_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    def read(found: Mapping[str, Any]) -> Event | None:
        if "id" not in found:
            raise Unusable("no number")
        return Event(found["id"], ()) if found["id"] != "payout" else None

    listed = [{"id": "one"}, {}, "odd", None, {"id": "payout"}, {"id": "two"}]
    assert [event.key for event in calls.each("yookassa", read, listed)] == ["one", "two"]
    assert capsys.readouterr().out.count("payment_unusable") == 1
    assert calls.each("yookassa", read, {"id": "no list"}) == ()
