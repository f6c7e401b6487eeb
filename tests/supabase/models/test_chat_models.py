"""The chat models with their prices, as the estimate before a question reads them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from shared.ai import providers

Sql = Callable[..., list[dict[str, Any]]]


def test_a_model_is_listed_with_the_prices_of_the_day(
    sql: Sql, call: Callable[..., Any], clock: Callable[[str], None]
) -> None:
    sql(
        "insert into ai_models (provider, model, kind, enabled, source)"
        " values ('p', 'm', 'chat', false, 'a test')"
    )
    sql(
        "insert into ai_model_prices (provider, model, component, price_usd, valid_from, source) values"
        " ('p', 'm', 'input_tokens', 1, '-infinity', 'a test'),"
        " ('p', 'm', 'input_tokens', 2, '2026-12-05', 'a test')"
    )

    def found() -> dict[str, Any]:
        (row,) = [one for one in call("list_chat_models") if one["provider"] == "p"]
        return {key: row[key] for key in ("input_price", "output_price", "context_tokens")}

    clock("timestamptz '2026-12-04 12:00+00'")
    assert found() == {"input_price": "1.00000000", "output_price": None, "context_tokens": None}
    clock("timestamptz '2026-12-05 12:00+00'")
    assert found()["input_price"] == "2.00000000"


@pytest.mark.parametrize(
    "name", [one for one in providers.names() if not providers.load(one).IS_DISCONTINUED]
)
def test_the_default_model_of_each_provider_is_priced_and_lives(
    sql: Sql, call: Callable[..., Any], name: str
) -> None:
    model = providers.load(name).MODEL
    (row,) = [one for one in call("list_chat_models") if (one["provider"], one["model"]) == (name, model)]
    assert None not in row.values()
    (known,) = sql(
        "select enabled, shutdown_on from ai_models where provider = %s and model = %s", name, model
    )
    assert known["enabled"]
    assert known["shutdown_on"] is None or known["shutdown_on"] > date(2027, 6, 1)
