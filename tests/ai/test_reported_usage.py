"""Reported usage: impossible figures are left out, and the answer stays."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ai import reported_usage
from shared.ai.chat import Usage
from tests.ai.asking import Ask, Lines
from tests.ai.raw_server import RawServer, plain

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.decimals(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (9, 9), (0, 0), (9.0, 9), (2.25, 2), (37.75, 38), ("12", 12), ("12.6", 13), (2**31 - 1, 2**31 - 1),
        (2**31, None), (4294967295, None), (1e300, None), (10**40, None), (-1, None), (-0.5, None),
        (math.nan, None), (math.inf, None), ("many", None), ("", None), (True, None), (None, None),
        ([9], None), ({"total": 9}, None),
    ],
)  # fmt: skip
def test_tokens(value: Any, count: int | None) -> None:
    assert reported_usage.count(value) == count


@pytest.mark.parametrize(
    ("value", "cost"),
    [
        (0.1, Decimal("0.1")), (7e-07, Decimal("0.0000007")), ("0.25", Decimal("0.25")), (0, Decimal(0)),
        (1e-12, Decimal(0)), (-0.1, None), (1e9, None), (math.nan, None), ("free", None), (False, None),
        ({"usd": 1}, None),
    ],
)  # fmt: skip
def test_prices(value: Any, cost: Decimal | None) -> None:
    assert reported_usage.cost(value) == cost


@given(JSON)
def test_no_value_raises(value: Any) -> None:
    count, cost = reported_usage.count(value), reported_usage.cost(value)
    assert count is None or 0 <= count <= reported_usage.MAX_COUNT
    assert cost is None or (cost >= 0 and len(f"{cost:f}") < 40)


def test_an_impossible_figure_is_logged_and_left_out(raw: RawServer, ask: Ask, lines: Lines) -> None:
    usage = {"prompt_tokens": -1, "completion_tokens": 3.0, "cost": "nan", "prompt_tokens_details": None}
    raw.next(plain({"choices": [{"message": {"content": "Hello"}}], "usage": usage}))
    answer = ask(provider="openrouter")
    assert (answer.text, answer.usage) == ("Hello", Usage(None, 3, None))
    (line,) = lines("odd_usage")
    assert line["reported"] == "(-1, 3.0)"


@pytest.mark.parametrize("usage", [[], [1], "none", 7, True, {"prompt_tokens": None}, {"prompt_tokens": {}}])
def test_usage_of_any_format_never_raises(raw: RawServer, ask: Ask, usage: Any) -> None:
    raw.next(plain({"choices": [{"message": {"content": "Hello"}}], "usage": usage}))
    assert ask().text == "Hello"
