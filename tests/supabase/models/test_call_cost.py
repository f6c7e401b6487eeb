"""The cost of a call from its usage and the prices of a day."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support import examples

Sql = Callable[..., list[dict[str, Any]]]
NOON = "2026-11-30 12:00+00"
SLOW = settings(
    max_examples=examples(40),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    database=None,
)


@pytest.fixture
def cost(sql: Sql) -> Callable[..., Decimal | None]:
    """Compute the cost of a call: `cost({"image": 1}, {"size": "2K"})` of the model m."""

    def compute(
        usage: object, conditions: object = None, at: str = NOON, model: tuple[str, str] = ("p", "m")
    ) -> Decimal | None:
        found: Decimal | None = sql(
            "select private.call_cost(%s, %s, %s, %s, %s) as cost",
            *model,
            json.dumps(usage),
            json.dumps(conditions or {}),
            at,
        )[0]["cost"]
        return found

    return compute


@pytest.fixture
def price(sql: Sql) -> Callable[..., None]:
    """Set a price of the model m: `price("image", "0.02", {"size": "2K"})`."""
    sql("insert into ai_models (provider, model, kind, source) values ('p', 'm', 'image', 'a test')")

    def add(
        component: str,
        usd: str,
        conditions: object = None,
        valid_from: str = "-infinity",
        valid_until: str | None = None,
    ) -> None:
        sql(
            "insert into ai_model_prices values ('p', 'm', %s, %s, %s, %s, %s, 'a test')",
            component,
            json.dumps(conditions or {}),
            usd,
            valid_from,
            valid_until,
        )

    return add


def test_each_price_of_the_catalogue_is_what_its_call_costs(
    sql: Sql, cost: Callable[..., Decimal | None]
) -> None:
    rows = sql("select provider, model, component, conditions, price_usd from ai_model_prices")
    assert len(rows) > 100
    for row in rows:
        component = row["component"]
        usage = {component: 1_000_000 if component.endswith("_tokens") else 1}
        if component == "cached_tokens":
            usage["input_tokens"] = usage[component]
        called = cost(usage, {**row["conditions"], "seed": 7}, model=(row["provider"], row["model"]))
        assert called == row["price_usd"], row


def test_each_enabled_model_has_a_price_or_a_provider_that_reports_it(sql: Sql) -> None:
    without = """
        select provider, model from ai_models as m
         where not exists (select from ai_model_prices p where (p.provider, p.model) = (m.provider, m.model))
    """
    assert {row["provider"] for row in sql(without)} <= {"openrouter"}


def test_prices_of_conditions_are_of_values_that_the_model_offers(sql: Sql) -> None:
    offered = {"size": "sizes", "quality": "qualities", "resolution": "resolutions"}
    prices = """
        select p.conditions, m.parameters from ai_model_prices p join ai_models m using (provider, model)
    """
    for row in sql(prices):
        for name, value in row["conditions"].items():
            if name == "sound":
                assert row["parameters"]["sound"] is True
            else:
                assert value in row["parameters"][offered[name]]


def test_defaults_of_modes_are_of_values_that_their_model_offers(sql: Sql) -> None:
    offered = {
        "size": "sizes", "quality": "qualities", "resolution": "resolutions", "duration": "durations",
        "aspect_ratio": "aspect_ratios",
    }  # fmt: skip
    modes = """
        select d.key, d.parameters as chosen, m.parameters
        from ai_modes d join ai_models m using (provider, model)
        where not d.parameters ? 'searches'  -- the parameters of that mode are no options of its model
    """
    rows = sql(modes)
    for row in rows:
        for name, value in row["chosen"].items():
            assert value in row["parameters"][offered[name]], row["key"]


def test_cached_tokens_are_part_of_the_input(price: Callable[..., None], cost: Callable[..., Any]) -> None:
    price("input_tokens", "2")
    price("output_tokens", "10")
    usage = {"input_tokens": 1_000_000, "cached_tokens": 750_000, "output_tokens": 100_000}
    assert cost(usage) == 3
    price("cached_tokens", "0.2")
    assert cost(usage) == Decimal("1.65")
    assert cost(usage | {"cached_tokens": 2_000_000}) == Decimal("1.2")  # never more than were sent
    assert cost(usage | {"cached_tokens": None}) is None
    assert cost({"cached_tokens": 10}) is None
    assert cost({}) is None


def test_the_price_with_most_conditions_counts(price: Callable[..., None], cost: Callable[..., Any]) -> None:
    price("second", "0.1")
    price("second", "0.2", {"resolution": "720p"}, "2026-01-01")
    price("second", "0.3", {"resolution": "720p", "sound": True}, "2025-01-01")
    assert cost({"second": 2}) == Decimal("0.2")
    assert cost({"second": 2}, {"resolution": "1080p", "sound": True}) == Decimal("0.2")
    assert cost({"second": 2}, {"resolution": "720p", "sound": False}) == Decimal("0.4")
    assert cost({"second": 2}, {"resolution": "720p", "sound": True}) == Decimal("0.6")
    assert cost({"second": 2}, {"resolution": "720p", "sound": "true"}) == Decimal("0.4")
    assert cost({"minute": 1}) == 6  # has no price of its own


def test_of_equal_conditions_the_newest_counts_and_then_the_highest(
    price: Callable[..., None], cost: Callable[..., Any]
) -> None:
    price("image", "0.5", {"size": "2K"})
    price("image", "0.4", {"quality": "high"})
    both = {"size": "2K", "quality": "high"}
    assert cost({"image": 1}, both) == Decimal("0.5")
    price("image", "0.3", {"quality": "high"}, "2026-11-01")
    assert cost({"image": 1}, both) == Decimal("0.3")


def test_a_price_holds_from_its_first_day_until_before_its_last(
    price: Callable[..., None], cost: Callable[..., Any]
) -> None:
    price("image", "0.01", valid_until="2026-11-10")
    price("image", "0.02", None, "2026-11-10", "2026-11-20")
    price("image", "0.03", None, "2026-11-25")
    days = {
        "2026-11-09 23:59:59+00": "0.01",
        "2026-11-10 00:00+00": "0.02",
        "2026-11-10 01:00+03": "0.01",
        "2026-11-19 23:59:59+00": "0.02",
        "2026-11-20 00:00+00": None,
        "2026-11-25 00:00+00": "0.03",
    }
    for day, usd in days.items():
        assert cost({"image": 1}, at=day) == (usd and Decimal(usd)), day


def test_tokens_come_before_units_unless_one_kind_has_no_price(
    price: Callable[..., None], cost: Callable[..., Any]
) -> None:
    price("image", "0.05")
    price("image_output_tokens", "30")
    usage = {"image": 2, "image_output_tokens": 1_000}
    assert cost(usage) == Decimal("0.03")
    assert cost(usage | {"input_tokens": 5}) == Decimal("0.1")
    assert cost(usage | {"input_tokens": 0}) == Decimal("0.03")
    assert cost(usage | {"input_tokens": 5, "clip": 1}) is None
    assert cost({"image_output_tokens": 1_000, "input_tokens": 5}) is None
    price("input_tokens", "1")
    assert cost(usage | {"input_tokens": 5}) == Decimal("0.030005")


@pytest.mark.parametrize("quantity", [None, -1, "5", True, [], {}, "NaN"])
def test_an_unknown_quantity_has_no_cost(
    price: Callable[..., None], cost: Callable[..., Any], quantity: object
) -> None:
    price("image", "0.05")
    assert cost({"image": quantity}) is None


def test_what_is_unknown_has_no_cost(price: Callable[..., None], cost: Callable[..., Any]) -> None:
    assert cost({"image": 1}) is None
    price("image", "0")
    assert cost({"image": 1}) == 0
    assert cost({"image": 1}, model=("p", "other")) is None
    assert cost({"image": 1}, model=("other", "m")) is None
    for usage in (None, [], 7):
        assert cost(usage) is None
    assert cost({"image": 1.5}) == 0
    price("minute", "0.006")
    assert cost({"second": 90}) == Decimal("0.009")
    price("clip", "900000")
    assert cost({"clip": 5}) == 999_999


PARTS = ("input_tokens", "cached_tokens", "output_tokens", "image", "second")
CONDITIONS = st.dictionaries(st.sampled_from("abc"), st.sampled_from([1, 2, True]), max_size=3)
PRICES = st.lists(
    st.tuples(
        st.sampled_from(PARTS),
        CONDITIONS,
        st.decimals(0, 50, places=4),
        st.integers(1, 28),
        st.none() | st.integers(2, 30),
    ),
    max_size=12,
    unique_by=lambda row: (row[0], json.dumps(row[1], sort_keys=True), row[3]),
)


def expected(rows: list[Any], usage: dict[str, int], conditions: dict[str, Any], day: int) -> Decimal | None:
    """Compute a cost from the rules of docs/ai_models.md, without SQL."""

    same = lambda a, b: (type(a), a) == (type(b), b)  # noqa: E731 - JSON's true is not 1
    held = [
        (part, (len(needed), start, usd))
        for part, needed, usd, start, end in rows
        if start <= day
        and (end is None or end > day)
        and all(name in conditions and same(conditions[name], value) for name, value in needed.items())
    ]

    def find(component: str) -> Decimal | None:
        found = [rank for part, rank in held if part == component]
        return max(found)[2] if found else None

    def total(parts: dict[str, int]) -> Decimal | None:
        amounts = []
        for part, quantity in parts.items():
            usd = find(part)
            if part == "cached_tokens" and usd is None:
                usd = find("input_tokens")
            if quantity and usd is None:
                return None
            amounts.append(quantity * (usd or Decimal(0)))
        return sum(amounts, Decimal(0)) if parts else None

    if not held:
        return None
    quantities = dict(usage)
    cached = min(quantities.get("cached_tokens", 0), quantities["input_tokens"])
    quantities |= {"input_tokens": quantities["input_tokens"] - cached}
    if "cached_tokens" in quantities:
        quantities["cached_tokens"] = cached
    tokens = total({part: n for part, n in quantities.items() if part.endswith("_tokens")})
    if tokens is not None:
        return (tokens / 1_000_000).quantize(Decimal("1e-8"))
    units = total({part: n for part, n in quantities.items() if not part.endswith("_tokens")})
    return None if units is None else min(units, Decimal(999_999))


@SLOW
@example(rows=[("image", {"a": True}, Decimal(1), 1, None)], usage={}, conditions={"a": 1}, day=1)
@given(
    rows=PRICES,
    usage=st.dictionaries(st.sampled_from(PARTS), st.integers(0, 500_000)),
    conditions=CONDITIONS,
    day=st.integers(1, 30),
)
def test_any_call_costs_what_the_rules_say(
    sql: Sql, rows: list[Any], usage: dict[str, int], conditions: dict[str, Any], day: int
) -> None:
    usage = {"input_tokens": 0, **usage}
    rows = [row for row in rows if row[4] is None or row[4] > row[3]]
    given_rows = [
        {
            "component": part,
            "conditions": needed,
            "price_usd": str(usd),
            "valid_from": f"2026-11-{start:02}",
            "valid_until": end and f"2026-11-{end:02}",
        }
        for part, needed, usd, start, end in rows
    ]
    sql("delete from ai_models where model = 'any'")
    sql("insert into ai_models (provider, model, kind, source) values ('p', 'any', 'image', 'a test')")
    sql(
        """
        insert into ai_model_prices
          (provider, model, component, conditions, price_usd, valid_from, valid_until, source)
        select 'p', 'any', r.component, r.conditions, r.price_usd, r.valid_from, r.valid_until, 'a test'
          from jsonb_populate_recordset(null::ai_model_prices, %s) as r
        """,
        json.dumps(given_rows),
    )
    (row,) = sql(
        "select private.call_cost('p', 'any', %s, %s, %s) as cost",
        json.dumps(usage),
        json.dumps(conditions),
        f"2026-11-{day:02} 12:00+00",
    )
    wanted = expected(rows, usage, conditions, day)
    assert (row["cost"] is None) == (wanted is None)
    if wanted is not None:
        assert abs(row["cost"] - wanted) <= Decimal("1e-8")
